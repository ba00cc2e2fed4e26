"""reStructuredText: docutils' HTML as Markdown.

What Sphinx, CMake or a house adds to the language is an error to docutils: unknown directives and
roles are registered before it reads, and what it cannot make sense of stays as it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from docutils import core, nodes
from docutils.readers import standalone
from docutils.transforms import Transform

from .charset import decode
from .html import fragment
from .limits import Job, Reading
from .markdown import one_line
from .restructured_unknown import register_unknown
from .text import markdown_title

_SETTINGS: dict[str, object] = {
    "report_level": 5,
    "halt_level": 5,
    "traceback": True,
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
_FIELD_NAMES = {"author": "author", "authors": "author", "date": "created", "created": "created"}


def read(job: Job) -> Reading:
    source = decode(job.content, job.charset)
    register_unknown(source)
    document = core.publish_doctree(source, reader=_Reader(), settings_overrides=_SETTINGS)
    for literal in document.findall(nodes.literal):
        literal["classes"] = ["code"]
    for block in document.findall(nodes.literal_block):
        block["classes"] = ["code", *(f"lang-{name}" for name in block["classes"][1:])]
    for image in document.findall(nodes.image):
        image.setdefault("alt", "")
    html = core.publish_from_doctree(document, writer="html5", settings_overrides=_SETTINGS)
    text = fragment(html, job)
    return Reading(text=text, title=markdown_title(text), attributes=_attributes(document))


class _KeepWords(Transform):
    """What docutils calls an error and would leave out stands where it was, letter for letter."""

    default_priority = 860

    def apply(self) -> None:
        for message in list(self.document.findall(nodes.system_message)):
            source = [n for n in message.children if isinstance(n, nodes.literal_block)]
            if source and message.parent is not None:
                message.parent.replace(message, source)


if TYPE_CHECKING:
    _Standalone = standalone.Reader[str]  # generic in its stubs alone
else:
    _Standalone = standalone.Reader


class _Reader(_Standalone):
    def get_transforms(self) -> list[type[Transform]]:
        return [*super().get_transforms(), _KeepWords]


def _attributes(document: nodes.document) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for field in document.findall(nodes.field):
        key = _FIELD_NAMES.get(field[0].astext().lower())
        value = one_line(field[1].astext())
        if key and value:
            attributes.setdefault(key, value)
    return attributes
