"""Notion's blocks as Markdown, by way of HTML.

https://developers.notion.com/reference/block and /rich-text, as others tell it (2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Any

from livesync_pipelines.connectors._notion_api import Json
from livesync_pipelines.connectors._notion_values import plain
from livesync_pipelines.formats.html import fragment
from livesync_pipelines.formats.limits import ExtractLimits, Job, Unreadable

BASE = "https://www.notion.so/"
_JOB = Job(content=b"", family="html", media_type="text/html", limits=ExtractLimits())
_LISTS = {"bulleted_list_item": "ul", "numbered_list_item": "ol", "to_do": "ul"}
_MARKS = {"code": "code", "bold": "strong", "italic": "em", "strikethrough": "s"}


@dataclass(slots=True)
class Node:
    """A block and what is in it."""

    block: Json
    below: list[Node] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return str(self.block["type"])

    @property
    def content(self) -> Json:
        found: Json = self.block.get(self.kind) or {}
        return found


def markdown(nodes: Sequence[Node], said: Iterable[tuple[str, str]] = ()) -> str:
    """`said`: what stands before the blocks, names and words. Raises `Unreadable`."""
    named = "".join(f"<li><strong>{escape(n)}</strong>: {_broken(w)}</li>" for n, w in said)
    try:
        return fragment((f"<ul>{named}</ul>" if named else "") + _all(nodes), _JOB, BASE)
    except (TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Unreadable("unreadable", "Its blocks are not as Notion describes them.") from error


def _all(nodes: Sequence[Node]) -> str:
    """Items of a list that follow each other are one list."""
    shown = []
    for kind, run in groupby(nodes, key=lambda node: node.kind):
        inner = "".join(map(_one, run))
        tag = _LISTS.get(kind)
        shown.append(f"<{tag}>{inner}</{tag}>" if tag else inner)
    return "".join(shown)


def _one(node: Node) -> str:
    render = _KINDS.get(node.kind, _words_and_below)
    return render(node)


def _inline(texts: Any) -> str:
    return "".join(_text(item) for item in texts or ())


def _text(item: Json) -> str:
    words = str(item["plain_text"])
    shown = _broken(f"${words}$" if item.get("type") == "equation" else words)
    annotations = item.get("annotations") or {}
    for name, tag in _MARKS.items():
        if annotations.get(name) and words.strip():
            shown = f"<{tag}>{shown}</{tag}>"
    return _link(item["href"], shown) if item.get("href") else shown


def _broken(words: str) -> str:
    return escape(words).replace("\n", "<br>")


def _link(url: object, shown: str) -> str:
    return f'<a href="{escape(str(url))}">{shown}</a>'


def _rich(node: Node) -> str:
    return _inline(node.content.get("rich_text"))


def _words_and_below(node: Node) -> str:
    """Of a type that is not known: its words, if it has any."""
    words = _rich(node)
    return (f"<p>{words}</p>" if words else "") + _all(node.below)


def _heading(node: Node) -> str:
    level = node.kind[-1]
    return f"<h{level}>{_rich(node)}</h{level}>{_all(node.below)}"


def _item(node: Node) -> str:
    box = ""
    if node.kind == "to_do":
        box = f'<input type="checkbox"{" checked" if node.content.get("checked") else ""}> '
    return f"<li>{box}{_rich(node)}{_all(node.below)}</li>"


def _quote(node: Node) -> str:
    icon = (node.content.get("icon") or {}).get("emoji") or ""
    lead = f"{escape(str(icon))} " if icon else ""
    return f"<blockquote><p>{lead}{_rich(node)}</p>{_all(node.below)}</blockquote>"


def _code(node: Node) -> str:
    language = str(node.content.get("language") or "")
    language = "" if language == "plain text" else re.sub(r"\W", "", language)
    said = f' class="language-{language}"' if language else ""
    shown = f"<pre><code{said}>{escape(plain(node.content.get('rich_text', ())))}</code></pre>"
    return shown + _caption(node)


def _equation(node: Node) -> str:
    return f"<p>$${escape(str(node.content.get('expression', '')))}$$</p>"


def _table(node: Node) -> str:
    heads = bool(node.content.get("has_column_header"))
    rows = [
        "".join(
            f"<{tag}>{_inline(cell)}</{tag}>"
            for tag in ("th" if heads and not place else "td",)
            for cell in row.content.get("cells", ())
        )
        for place, row in enumerate(node.below)
    ]
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _reference(node: Node) -> str:
    """A bookmark, an embedded page: its address."""
    url = node.content.get("url", "")
    return f"<p>{_link(url, _inline(node.content.get('caption')) or escape(str(url)))}</p>"


def _media(node: Node) -> str:
    """The address of a file that Notion keeps ends within the hour: only what it is called."""
    content = node.content
    name = _inline(content.get("caption")) or escape(str(content.get("name") or ""))
    if content.get("type") != "external":
        return f"<p>{name}</p>" if name else ""
    url = content["external"]["url"]
    return f"<p>{_link(url, name or escape(str(url)))}</p>"


def _page_link(node: Node) -> str:
    """Of a page whose title is not told: its address."""
    found = next(
        (str(node.content[k]) for k in ("page_id", "database_id") if k in node.content), ""
    )
    url = BASE + found.replace("-", "")
    return f"<p>{_link(url, escape(url))}</p>" if found else ""


def _meeting(node: Node) -> str:
    title = _inline(node.content.get("title"))
    return (f"<p><strong>{title}</strong></p>" if title else "") + _all(node.below)


def _caption(node: Node) -> str:
    caption = _inline(node.content.get("caption"))
    return f"<p>{caption}</p>" if caption else ""


def _nothing(node: Node) -> str:
    return ""


_Render = Callable[[Node], str]
_KINDS: Mapping[str, _Render] = {
    **dict.fromkeys(("heading_1", "heading_2", "heading_3", "heading_4"), _heading),
    **dict.fromkeys(_LISTS, _item),
    **dict.fromkeys(("quote", "callout"), _quote),
    **dict.fromkeys(("bookmark", "embed", "link_preview"), _reference),
    **dict.fromkeys(("image", "video", "pdf", "audio", "file"), _media),
    **dict.fromkeys(("meeting_notes", "transcription"), _meeting),
    **dict.fromkeys(("child_page", "child_database", "unsupported"), _nothing),
    "code": _code,
    "equation": _equation,
    "divider": lambda node: "<hr>",
    "table": _table,
    "link_to_page": _page_link,
}
"""The title of a page below is not told: who renames it does not change the page above."""
