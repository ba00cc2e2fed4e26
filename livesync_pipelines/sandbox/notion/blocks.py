"""What is in a block, by its type: as it is written, and as it is kept.

https://developers.notion.com/reference/block, as others tell it (2026-11-22), and the types of
notion-sdk-js.
"""

from __future__ import annotations

from collections.abc import Sequence

from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.notion.texts import texts
from livesync_pipelines.sandbox.world import Json

_COLOUR: Json = {"color": "default"}
_HEADING: Json = {**_COLOUR, "is_toggleable": False}
USUAL: dict[str, Json] = {
    "paragraph": {"rich_text": [], **_COLOUR, "icon": None},
    "heading_1": {"rich_text": [], **_HEADING},
    "heading_2": {"rich_text": [], **_HEADING},
    "heading_3": {"rich_text": [], **_HEADING},
    "heading_4": {"rich_text": [], **_HEADING},
    "bulleted_list_item": {"rich_text": [], **_COLOUR},
    "numbered_list_item": {"rich_text": [], **_COLOUR},
    "quote": {"rich_text": [], **_COLOUR},
    "toggle": {"rich_text": [], **_COLOUR},
    "to_do": {"rich_text": [], **_COLOUR, "checked": False},
    "callout": {"rich_text": [], **_COLOUR, "icon": None},
    "template": {"rich_text": []},
    "code": {"rich_text": [], "caption": [], "language": "plain text"},
    "equation": {"expression": ""},
    "divider": {},
    "breadcrumb": {},
    "tab": {},
    "table_of_contents": {**_COLOUR},
    "column_list": {},
    "column": {},
    "synced_block": {"synced_from": None},
    "link_to_page": {},
    "table": {"table_width": 1, "has_column_header": False, "has_row_header": False},
    "table_row": {"cells": []},
    "embed": {"url": "", "caption": []},
    "bookmark": {"url": "", "caption": []},
    "link_preview": {"url": ""},
    "image": {"caption": []},
    "video": {"caption": []},
    "pdf": {"caption": []},
    "audio": {"caption": []},
    "file": {"caption": [], "name": "file"},
    "meeting_notes": {},
    "unsupported": {"block_type": "form"},
}
"""What a block of a type holds where nothing else is said."""

CHILDLESS = frozenset(("divider", "breadcrumb", "equation", "code", "table_row", "unsupported"))

_MOST_AT_ONCE = 100


def check(blocks: Sequence[Json]) -> None:
    """Raises `NotionError` where these blocks, or those in them, cannot be written at once."""
    if len(blocks) > _MOST_AT_ONCE:
        raise invalid(f"body.children.length should be <= `{_MOST_AT_ONCE}`.")
    for written in blocks:
        kind = kind_of(written)
        content_of(kind, written.get(kind) or {})
        check((written.get(kind) or {}).get("children") or written.get("children") or ())


def kind_of(written: Json) -> str:
    """Raises `NotionError` for a block of no type that there is."""
    found = written.get("type") or next((kind for kind in USUAL if kind in written), "")
    if found not in USUAL:
        raise invalid("body.children should name a type of block that can be written.")
    return str(found)


def content_of(kind: str, written: Json, before: Json | None = None) -> Json:
    """What the block is to hold: what is written, over what was there before."""
    content = {**(before or USUAL[kind]), **written}
    content.pop("children", None)
    for name in ("rich_text", "caption", "title"):
        if name in content:
            content[name] = texts(content[name])
    if "cells" in content:
        content["cells"] = [texts(cell) for cell in content["cells"]]
    link = content.get("type") or next((k for k in ("external", "file") if k in content), None)
    if kind in ("image", "video", "pdf", "audio", "file") and link:
        content["type"] = link
    if kind == "link_to_page" and "type" not in content:
        content["type"] = next(iter(content))
    return content
