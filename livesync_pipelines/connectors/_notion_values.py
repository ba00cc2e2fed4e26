"""Values of Notion's properties: as words of a document, as cells of a row.

https://developers.notion.com/reference/page-property-values, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from livesync_pipelines.connectors._notion_api import Json
from livesync_pipelines.core.row_map_types import zone_of
from livesync_pipelines.model.errors import BadInput

_CUT_AT = 25
"""A page shows so many items of a list at most."""
_DAY_CHARS = len("2026-05-01")
_LISTS = ("title", "rich_text", "people", "relation")
_SILENT = frozenset(
    (
        "title",
        "relation",
        "button",
        "created_time",
        "created_by",
        "last_edited_time",
        "last_edited_by",
        "verification",
    )
)
"""What says nothing to a reader of the page, or what everybody's edit changes."""


def plain(texts: Any) -> str:
    return "".join(str(item["plain_text"]) for item in texts)


def title_of(page: Json) -> str:
    values = page["properties"].values()
    return plain(next((one["title"] for one in values if one["type"] == "title"), ()))


def lines(page: Json) -> Iterator[tuple[str, str]]:
    """What a reader is told of a page's properties beside its title: names and words."""
    for name, value in page["properties"].items():
        words = "" if value["type"] in _SILENT else words_of(value)
        if words:
            yield name, words


def words_of(value: Json) -> str:
    return _words(cell_of(value))


def is_cut(value: Json) -> bool:
    """Whether the page may show less of a list than there is."""
    kind = value["type"]
    return kind in _LISTS and (
        bool(value.get("has_more")) or (kind != "relation" and len(value[kind]) >= _CUT_AT)
    )


def cell_of(value: Json) -> Any:
    """One value as JSON: null, text, a number, a boolean or a list of texts.

    A date is its start, or `start/end`, times of a zone with their offset; a person the e-mail,
    else the id; a file its address where it is not Notion's own, which is good for an hour only,
    else its name.
    """
    kind = value["type"]
    found = value.get(kind)
    return found if found is None else _CELLS.get(kind, _same)(found)


def _same(found: Any) -> Any:
    return found


def is_day(said: str) -> bool:
    """Whether a side of a date has no time, and so none of a zone either."""
    return len(said) <= _DAY_CHARS


def _date(found: Json) -> str:
    sides = (found["start"], found.get("end"))
    return "/".join(_moment(str(side), found.get("time_zone")) for side in sides if side)


def _moment(said: str, zone: str | None) -> str:
    """A time of a zone is an instant: it gets the offset. Of a zone that nobody knows it is none,
    and no time of another zone either: it keeps that name."""
    if zone is None or is_day(said):
        return said
    try:
        at, there = datetime.fromisoformat(said), zone_of(zone)
    except (ValueError, BadInput):
        return f"{said}[{zone}]"
    return said if at.tzinfo else at.replace(tzinfo=there).isoformat()


def _person(found: Json) -> str:
    return str((found.get("person") or {}).get("email") or found["id"])


def _file(found: Json) -> str:
    if found["type"] == "external":
        return str(found["external"]["url"])
    return str(found.get("name", ""))


def _rollup(found: Json) -> Any:
    if found["type"] != "array":
        return cell_of(found)
    return [_words(cell_of(item)) for item in found["array"]]


def _unique(found: Json) -> str | None:
    number, prefix = found["number"], found.get("prefix")
    if number is None:
        return None
    return f"{prefix}-{number}" if prefix else str(number)


def _words(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, list):
        return ", ".join(map(_words, cell))
    if isinstance(cell, Mapping):
        return str(cell.get("address") or cell.get("name") or "")
    return str(cell)


_CELLS: Mapping[str, Callable[[Any], Any]] = {
    "title": plain,
    "rich_text": plain,
    "select": lambda found: found["name"],
    "status": lambda found: found["name"],
    "multi_select": lambda found: [one["name"] for one in found],
    "date": _date,
    "people": lambda found: [_person(one) for one in found],
    "created_by": _person,
    "last_edited_by": _person,
    "relation": lambda found: [one["id"] for one in found],
    "files": lambda found: [_file(one) for one in found],
    "formula": cell_of,
    "rollup": _rollup,
    "unique_id": _unique,
    "verification": lambda found: found["state"],
    "button": lambda found: None,
    "unsupported": lambda found: None,
}
