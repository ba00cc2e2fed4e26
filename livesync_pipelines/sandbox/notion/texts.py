"""Rich text: as it is written, and as it is shown.

https://developers.notion.com/reference/rich-text, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.world import Json

_LONGEST = 2_000
_PLAIN: Json = {
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "code": False,
    "color": "default",
}
_KINDS = ("text", "mention", "equation")


def rich(words: str) -> list[Json]:
    """Plain words as rich text; none for no words."""
    return texts([{"text": {"content": words}}]) if words else []


def texts(written: Any) -> list[Json]:
    """Rich text as it is shown, of what was written. Raises `NotionError`."""
    if not isinstance(written, list):
        raise invalid("rich_text should be an array.")
    return [_text(item) for item in written]


def plain(shown: Sequence[Json]) -> str:
    return "".join(str(item["plain_text"]) for item in shown)


def _text(item: Any) -> Json:
    if not isinstance(item, dict):
        raise invalid("rich_text should be an array of objects.")
    kind = item.get("type") or next((kind for kind in _KINDS if kind in item), "")
    if kind not in _KINDS or not isinstance(item.get(kind), dict):
        raise invalid("rich_text should be text, a mention or an equation.")
    body, href = item[kind], item.get("href")
    if kind == "text":
        content = str(body.get("content", ""))
        if len(content) > _LONGEST:
            raise invalid(f"text.content.length should be <= `{_LONGEST}`.")
        link = body.get("link")
        body, words, href = {"content": content, "link": link}, content, link and link["url"]
    elif kind == "equation":
        words = str(body["expression"])
    else:
        body, words = _mention(body, str(item.get("plain_text", "")))
    return {
        "type": kind,
        kind: body,
        "plain_text": words,
        "href": href,
        "annotations": _PLAIN | item.get("annotations", {}),
    }


def _mention(body: Json, said: str) -> tuple[Json, str]:
    """What is mentioned, and the words for it; what those are is not looked up."""
    kind = body.get("type") or next(iter(body))
    what = body[kind]
    match kind:
        case "user":
            what = {"object": "user", "id": what["id"]}
            words = said or "@Somebody"
        case "date":
            what = {"start": what["start"], "end": what.get("end"), "time_zone": None}
            words = what["start"] + (f" → {what['end']}" if what["end"] else "")
        case _:
            words = said or "Untitled"
    return {"type": kind, kind: what}, words
