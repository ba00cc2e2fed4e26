"""reStructuredText: docutils' HTML as Markdown.

What Sphinx, CMake or a house adds to the language is an error to docutils: unknown directives and
roles are registered before it reads, and what it cannot make sense of stays as it stands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import ClassVar

from docutils import core, nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en as english
from docutils.readers import standalone
from docutils.transforms import Transform

from .charset import decode
from .html import fragment
from .limits import Job, Reading
from .markdown import one_line
from .text import markdown_title
from .words import words

_SETTINGS: dict[str, object] = {
    "report_level": 5,
    "halt_level": 5,
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "_disable_config": True,
    "doctitle_xform": False,
    "docinfo_xform": False,
    "initial_header_level": 1,
    "syntax_highlight": "none",
    "math_output": "LaTeX",
    "input_encoding": "unicode",
    "output_encoding": "unicode",
    "embed_stylesheet": False,
}
_CODE = words("code code-block sourcecode prompt doctest testcode ipython literalinclude")
_SILENT = words(
    "contents toctree index meta raw include highlight currentmodule module py:module sectnum "
    "py:currentmodule target-notes ifconfig testsetup cmake-module image"
)
_NAMED = words("versionadded versionchanged deprecated seealso todo")
_CODE_ROLES = words(
    "class func meth mod attr data const exc obj envvar option program file command keyword samp "
    "kbd manpage c cpp py js variable prop_tgt module prop_sf prop_dir prop_test"
)
_DIRECTIVE = re.compile(r"^\s*\.\.\s+(?:\|[^|\n]+\|\s+)?([\w:.+-]+?)::(?:\s|$)", re.MULTILINE)
_ROLE = re.compile(r":([\w:.+-]+):`|`:([\w:.+-]+):")
_SHORTENED = re.compile(r"^(.+?)\s*<[^<>]*>$", re.DOTALL)
_FIELD_NAMES = {"author": "author", "authors": "author", "date": "created", "created": "created"}
_OURS = _CODE | _SILENT | _NAMED


def read(job: Job) -> Reading:
    source = decode(job.content, job.charset)
    _register(source)
    document = core.publish_doctree(source, reader=_Reader(), settings_overrides=_SETTINGS)
    for literal in document.findall(nodes.literal):
        literal["classes"] = ["code"]
    for block in document.findall(nodes.literal_block):
        block["classes"] = ["code", *(f"language-{name}" for name in block["classes"][1:])]
    html = core.publish_from_doctree(document, writer="html5", settings_overrides=_SETTINGS)
    text = fragment(html, job)
    return Reading(text=text, title=markdown_title(text), attributes=_attributes(document))


class _Anything(Directive):
    """A directive that docutils does not know: its argument, then its words."""

    has_content = True
    optional_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar[dict[str, Callable[[str], str]]] = defaultdict(
        lambda: directives.unchanged, {"class": directives.unchanged}
    )

    def run(self) -> list[nodes.Node]:
        name = self.name.lower()
        argument = self.arguments[0] if self.arguments else ""
        if name in _SILENT:
            return []
        if name in _CODE:
            return self._code(argument.split()[:1])
        box = nodes.container()
        label = [] if name not in _NAMED else [nodes.strong("", f"{name.capitalize()}:")]
        if argument:
            inner, _ = self.state.inline_text(argument, self.lineno)
            label += [nodes.Text(" ")] * len(label)
            label += inner if name in _NAMED else [nodes.strong("", "", *inner)]
        box += [nodes.paragraph("", "", *label)] if label else []
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]

    def _code(self, language: list[str]) -> list[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, classes=["code", *language])] if text else []


class _KeepWords(Transform):
    """What docutils calls an error and would leave out stands where it was, letter for letter."""

    default_priority = 860

    def apply(self) -> None:
        for message in list(self.document.findall(nodes.system_message)):
            source = [n for n in message.children if isinstance(n, nodes.literal_block)]
            if source and message.parent is not None:
                message.parent.replace(message, source)


class _Reader(standalone.Reader):
    def get_transforms(self) -> list[type[Transform]]:
        return [*super().get_transforms(), _KeepWords]


def _register(source: str) -> None:
    for found in _DIRECTIVE.finditer(source):
        name = found[1].lower()
        if name in _OURS or not _is_known(name):
            directives.register_directive(name, _Anything)
    for found in _ROLE.finditer(source):
        name = (found[1] or found[2]).lower()
        if name not in english.roles:
            roles.register_local_role(name, _any_role)


def _is_known(name: str) -> bool:
    return name in english.directives


def _any_role(
    name: str, rawtext: str, text: str, *_context: object, **_options: object
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """`words <target>` loses its target, `~pkg.Thing` its sign."""
    found = _SHORTENED.match(text)
    said = nodes.unescape(found[1] if found else text).lstrip("~!")
    is_code = name.lower().rpartition(":")[2] in _CODE_ROLES
    return [nodes.literal(rawtext, said) if is_code else nodes.inline(rawtext, said)], []


def _attributes(document: nodes.document) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for field in document.findall(nodes.field):
        key = _FIELD_NAMES.get(field[0].astext().lower())
        value = one_line(field[1].astext())
        if key and value:
            attributes.setdefault(key, value)
    return attributes
