"""What a query of a data source asks for: filters and sorts.

https://developers.notion.com/reference/filter-data-source-entries and
/sort-data-source-entries, as others tell it (2026-11-22): times, and the plain conditions of texts,
numbers, checkboxes and options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.notion.shown import minute
from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.values import empty
from livesync_pipelines.sandbox.notion.workspace import Thing
from livesync_pipelines.sandbox.world import Json

_OF_TIME: dict[str, Callable[[datetime, datetime], bool]] = {
    "on_or_after": lambda at, said: at >= said,
    "on_or_before": lambda at, said: at <= said,
    "after": lambda at, said: at > said,
    "before": lambda at, said: at < said,
    "equals": lambda at, said: at == said,
}
_OF_VALUE: dict[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, said: value == said,
    "does_not_equal": lambda value, said: value != said,
    "contains": lambda value, said: said in (value or ""),
    "greater_than": lambda value, said: value is not None and value > said,
    "less_than": lambda value, said: value is not None and value < said,
    "is_empty": lambda value, said: value in (None, "", []),
    "is_not_empty": lambda value, said: value not in (None, "", []),
}


def fits(source: Thing, filtered: Json | None, page: Thing) -> bool:
    """Raises `NotionError` for a filter that is none."""
    if not filtered:
        return True
    if "and" in filtered:
        return all(fits(source, one, page) for one in filtered["and"])
    if "or" in filtered:
        return any(fits(source, one, page) for one in filtered["or"])
    if "timestamp" in filtered:
        name = filtered["timestamp"]
        ((condition, said),) = filtered[name].items()
        at = page.made_at if name == "created_time" else page.edited_at
        return _known(_OF_TIME, condition)(_moment(minute(at)), _moment(said))
    by_name = {one.name: one for one in source.schema.values()}
    found = source.schema.get(filtered.get("property", "")) or by_name.get(
        filtered.get("property", "")
    )
    if found is None or found.type not in filtered:
        raise invalid("body.filter should name a property, and a condition of its type.")
    ((condition, said),) = filtered[found.type].items()
    value = page.values.get(found.id, empty(found.type))
    return _known(_OF_VALUE, condition)(_bare(found.type, value), said)


def place_of(sorts: Sequence[Json]) -> tuple[Callable[[Thing], tuple[Any, ...]], bool]:
    """By what the pages are put in order, and whether backward. Without a sort the order means
    nothing; of several sorts the first alone is looked at, and it must be a time."""
    if not sorts:
        return (lambda page: (page.id,)), False
    name = sorts[0].get("timestamp")
    if name not in ("created_time", "last_edited_time"):
        raise invalid("body.sorts: only timestamps are known here.")
    backward = sorts[0].get("direction") == "descending"

    def place(page: Thing) -> tuple[Any, ...]:
        at = page.made_at if name == "created_time" else page.edited_at
        return (minute(at), page.id)

    return place, backward


def _known(of: dict[str, Callable[[Any, Any], bool]], condition: str) -> Callable[..., bool]:
    if condition not in of:
        raise invalid(f"body.filter: {condition} is no condition that is known here.")
    return of[condition]


def _moment(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError as error:
        raise invalid(f"{said!r} should be a valid ISO 8601 date string.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _bare(kind: str, value: Any) -> Any:
    match kind:
        case "title" | "rich_text":
            return plain(value)
        case "select" | "status":
            return value and value["name"]
        case "multi_select":
            return [one["name"] for one in value]
    return value
