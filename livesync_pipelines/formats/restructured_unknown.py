"""Directives and roles that docutils does not know, or that Sphinx gave more options to."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en as english

from .words import words

_CODE = words("code code-block sourcecode prompt doctest testcode ipython literalinclude")
_SILENT = words(
    "contents toctree index meta raw include highlight currentmodule module py:module sectnum "
    "py:currentmodule target-notes ifconfig testsetup cmake-module"
)
_NAMED = words("versionadded versionchanged deprecated seealso todo")
_CODE_ROLES = words(
    "class func meth mod attr data const exc obj envvar option program file command keyword samp "
    "kbd manpage c cpp py js variable prop_tgt module prop_sf prop_dir prop_test"
)
_DIRECTIVE = re.compile(r"^\s*\.\.\s+(?:\|[^|\n]+\|\s+)?([\w:.+-]+?)::(?:\s|$)", re.MULTILINE)
_ROLE = re.compile(r":([\w:.+-]+):`|`:([\w:.+-]+):")
_SHORTENED = re.compile(r"^(.+?)\s*<[^<>]*>$", re.DOTALL)
_OURS = _CODE | _SILENT | _NAMED


def register_unknown(source: str) -> None:
    """For the whole process: what one page registers does no harm to the next."""
    for found in _DIRECTIVE.finditer(source):
        name = found[1].lower()
        if name in _OURS or name not in english.directives:
            directives.register_directive(name, _Anything)
    for found in _ROLE.finditer(source):
        name = (found[1] or found[2]).lower()
        if name not in english.roles:
            roles.register_local_role(name, _any_role)


def _any_role(
    name: str, rawtext: str, text: str, *_context: object, **_options: object
) -> tuple[list[Any], list[Any]]:
    """`words <target>` loses its target, `~pkg.Thing` its sign."""
    found = _SHORTENED.match(text)
    said = nodes.unescape(found[1] if found else text).lstrip("~!")
    is_code = name.lower().rpartition(":")[2] in _CODE_ROLES
    return [nodes.literal(rawtext, said) if is_code else nodes.inline(rawtext, said)], []


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
        said, _ = self.state.inline_text(argument, self.lineno)
        if name in _NAMED:
            label = nodes.strong("", f"{name.capitalize()}:")
            box += nodes.paragraph("", "", label, nodes.Text(" "), *said)
        elif argument:
            box += nodes.paragraph("", "", nodes.strong("", "", *said))
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]

    def _code(self, language: list[str]) -> list[nodes.Node]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text, classes=["code", *language])] if text else []
