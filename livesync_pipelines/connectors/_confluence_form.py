"""Storage format in one spelling, and a page as bytes: its title, where it has one of its own, and
its text.

What Confluence adds when it keeps a text (the ids of macros and blocks) is no part of it.
https://confluence.atlassian.com/doc/confluence-storage-format-790796544.html, as others tell it
(2026-11-22).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape, unescape
from typing import Self

from lxml import etree

from livesync_pipelines.connectors._confluence_storage import parsed
from livesync_pipelines.core.copying import digest_of

_TITLE = re.compile(r"<title>(.*?)</title>\n", re.DOTALL)
_PREFIXES = {"{urn:ac}": "ac:", "{urn:ri}": "ri:"}
_ADDED = frozenset({"ac:macro-id", "ac:schema-version", "ac:local-id", "local-id"})
_PLAIN = frozenset({"ac:plain-text-body", "ac:plain-text-link-body"})
_HOLDERS = frozenset(
    {
        *("div", "table", "thead", "tbody", "tfoot", "tr", "ul", "ol", "blockquote"),
        *("ac:structured-macro", "ac:rich-text-body", "ac:task-list", "ac:task"),
        *("ac:layout", "ac:layout-section", "ac:layout-cell"),
    }
)
"""Between whose children white space means nothing."""


@dataclass(frozen=True, slots=True)
class PageForm:
    """`title` is None where the page is called after its file; `storage` is spelled as by
    `normal`."""

    title: str | None
    storage: str

    @classmethod
    def read(cls, content: bytes) -> Self:
        text = content.decode()
        found = _TITLE.match(text)
        return cls(unescape(found[1]), text[found.end() :]) if found else cls(None, text)

    def written(self) -> bytes:
        head = "" if self.title is None else f"<title>{escape(self.title)}</title>\n"
        return f"{head}{self.storage}".encode()

    @property
    def digest(self) -> str:
        return digest_of(self.written())


def forms_of(title: str, storage: str) -> tuple[PageForm, PageForm]:
    """What a page may have been made of: with a title of its own, and called after its file."""
    spelled = normal(storage)
    return PageForm(title, spelled), PageForm(None, spelled)


def normal(storage: str) -> str:
    """The same text in the one spelling that equal texts have. Raises RecursionError for what is
    nested beyond all reason."""
    root = parsed(storage)
    return "" if root is None else _inner(root, "div")


def _inner(node: etree._Element, name: str) -> str:
    parts = [_text(node.text, name)]
    for child in node:
        parts += (_element(child), _text(child.tail, name))
    return "".join(parts)


def _text(text: str | None, within: str) -> str:
    if not text or (within in _HOLDERS and text.isspace()):
        return ""
    return escape(text, quote=False)


def _element(node: etree._Element) -> str:
    if not isinstance(node.tag, str):  # a comment
        return ""
    name = _named(node.tag)
    said = sorted((_named(key), value) for key, value in node.attrib.items())
    words = "".join(f' {key}="{escape(value)}"' for key, value in said if key not in _ADDED)
    inner = _verbatim(node) if name in _PLAIN else _inner(node, name)
    return f"<{name}{words}>{inner}</{name}>" if inner else f"<{name}{words} />"


def _verbatim(node: etree._Element) -> str:
    text = "".join(node.itertext()).replace("]]>", "]]]]><![CDATA[>")
    return f"<![CDATA[{text}]]>"


def _named(tag: str) -> str:
    for space, prefix in _PREFIXES.items():
        if tag.startswith(space):
            return tag.replace(space, prefix, 1)
    return tag
