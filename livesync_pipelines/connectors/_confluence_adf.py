"""The Atlassian Document Format as Markdown, by way of HTML.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/,
as others tell it (2026-11-22).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from livesync_pipelines.formats.html import fragment
from livesync_pipelines.formats.limits import ExtractLimits, Job, Unreadable

_JOB = Job(content=b"", family="html", media_type="text/html", limits=ExtractLimits())
_DEEPEST = 100
_AROUND = {
    "paragraph": "p",
    "bulletList": "ul",
    "orderedList": "ol",
    "listItem": "li",
    "taskList": "ul",
    "decisionList": "ul",
    "decisionItem": "li",
    "blockquote": "blockquote",
    "panel": "blockquote",
    "table": "table",
    "tableRow": "tr",
    "tableHeader": "th",
    "tableCell": "td",
}
_MARKS = {"strong": "strong", "em": "em", "code": "code", "strike": "s"}
_NAMES = ("text", "alt", "title", "shortName", "url")
"""Of a mention, an image, a status, an emoji, a card: what a reader sees of it."""

Node = Mapping[str, Any]


def adf_markdown(text: str, base: str) -> str:
    """`text`: the JSON of a document; `base`: the URL that its links are relative to. Raises
    `Unreadable`."""
    try:
        document = json.loads(text)
        return fragment(_one(document, 0), _JOB, base)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise Unreadable("unreadable", "It is no document of the Atlassian format.") from error


def _one(node: Node, depth: int) -> str:
    kind = node["type"]
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if kind == "text":
        return _text(node)
    inner = "".join(_one(child, depth + 1) for child in node.get("content", ()))
    if kind in _AROUND:
        return f"<{_AROUND[kind]}>{inner}</{_AROUND[kind]}>"
    render = _OTHERS.get(kind)
    return render(_attributes(node), inner) if render else inner or escape(_name(node))


def _text(node: Node) -> str:
    shown = escape(str(node["text"]))
    for mark in node.get("marks", ()):
        tag = _MARKS.get(mark["type"])
        if mark["type"] == "link":
            shown = f'<a href="{escape(str(_attributes(mark).get("href", "")))}">{shown}</a>'
        elif tag:
            shown = f"<{tag}>{shown}</{tag}>"
    return shown


def _name(node: Node) -> str:
    attributes = _attributes(node)
    return next((str(attributes[name]) for name in _NAMES if attributes.get(name)), "")


def _attributes(node: Node) -> Node:
    found: Node = node.get("attrs") or {}
    return found


def _heading(attributes: Node, inner: str) -> str:
    level = int(attributes.get("level", 1))
    return f"<h{level}>{inner}</h{level}>"


def _code(attributes: Node, inner: str) -> str:
    language = re.sub(r"\W", "", str(attributes.get("language") or ""))
    said = f' class="language-{language}"' if language else ""
    return f"<pre><code{said}>{inner}</code></pre>"


def _task(attributes: Node, inner: str) -> str:
    checked = " checked" if attributes.get("state") == "DONE" else ""
    return f'<li><input type="checkbox"{checked}> {inner}</li>'


def _expand(attributes: Node, inner: str) -> str:
    title = escape(str(attributes.get("title") or ""))
    return (f"<p><strong>{title}</strong></p>" if title else "") + inner


def _date(attributes: Node, inner: str) -> str:
    """Milliseconds since 1970."""
    at = datetime.fromtimestamp(int(attributes["timestamp"]) / 1_000, UTC)
    return at.date().isoformat()


_OTHERS: Mapping[str, Callable[[Node, str], str]] = {
    "heading": _heading,
    "codeBlock": _code,
    "taskItem": _task,
    "expand": _expand,
    "nestedExpand": _expand,
    "date": _date,
    "hardBreak": lambda attributes, inner: "<br>",
    "rule": lambda attributes, inner: "<hr>",
    "status": lambda attributes, inner: f"<strong>{escape(str(attributes['text']))}</strong>",
}
