"""Rows written into a data source of Notion: property by property, read just before and after.

https://developers.notion.com/reference/patch-page, /post-page and /update-data-source-properties,
as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

import pyarrow as pa
from propcache.api import cached_property

from livesync_pipelines.connectors._notion_api import Json, NotionApi
from livesync_pipelines.connectors._notion_pages import Item, item_of
from livesync_pipelines.connectors._notion_table import PAGE_ID, Field, Loaded
from livesync_pipelines.connectors._notion_values import is_day
from livesync_pipelines.connectors._row_judging import Judged
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_map_types import zone_of
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.rows import Column
from livesync_pipelines.net.verdict import BadAnswer, Gone

_TEXT_CHARS = 2_000
_PROPERTIES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "checkbox"),
    (pa.types.is_integer, "number"),
    (pa.types.is_floating, "number"),
    (pa.types.is_date, "date"),
    (pa.types.is_timestamp, "date"),
    (pa.types.is_list, "multi_select"),
    (pa.types.is_string, "rich_text"),
)


class Misfit(ValueError):
    """A value that Notion has no place for; the message is a sentence for a person."""


@dataclass(slots=True)
class Written:
    """What became of rows: the pages as Notion shows them now, the places (in what was to be
    changed) of those that were edited meanwhile, and those that it refuses."""

    pages: list[Json] = field(default_factory=list)
    moved: list[int] = field(default_factory=list)
    failures: list[ItemFailure] = field(default_factory=list)


class RowWriter:
    """Writes to one data source."""

    def __init__(self, api: NotionApi, source: Json, fields: Sequence[Field]) -> None:
        self._api = api
        self._source = source
        self._fields = {one.name: one for one in fields}

    def add_columns(self, columns: Sequence[Column]) -> None:
        """Raises `BadInput` for a type that no property has."""
        wanted: Json = {column.name: {_property(column): {}} for column in columns}
        self._api.update_data_source(self._source["id"], {"properties": wanted})

    def carry_out(self, judged: Judged, now: Loaded, key: Sequence[str]) -> Written:
        """Raises `Unavailable` where a row may or may not have been made."""
        done = Written()
        names = [name for name in judged.changed.column_names if name not in key]
        edits = [judged.edited(name).to_pylist() for name in names]
        keys = row_keys.encode(judged.changed, key).to_pylist()
        rows = judged.changed.to_pylist()
        for place, line in enumerate(judged.lines.to_pylist()):
            edited = [name for name, marks in zip(names, edits, strict=True) if marks[place]]
            values = {name: rows[place][name] for name in edited}
            self._change(done, place, keys[place], now.at(line), values)
        keys = row_keys.encode(judged.added, key).to_pylist()
        for place, row in enumerate(judged.added.to_pylist()):
            self._make(done, keys[place], row)
        for line in judged.removed.to_pylist():
            self._api.update_page(now.at(line).id, {"in_trash": True})
        return done

    def _change(self, done: Written, place: int, key: str, item: Item, values: Json) -> None:
        """Where the page stands. That something is not there is then said of what a relation names:
        the page itself was there a moment ago."""
        try:
            now = self._standing(item)
            if now is None:
                done.moved.append(place)
            else:
                body = {"properties": self._spelled(values, now["properties"])}
                done.pages.append(self._api.update_page(item.id, body))
        except (BadAnswer, Misfit) as error:
            done.failures.append(ItemFailure(key, "refused", str(error)))

    def _standing(self, item: Item) -> Json | None:
        """The page, where it is as it was when all was decided: Notion itself compares nothing."""
        try:
            now = self._api.page(item.id)
        except Gone:
            return None
        return now if not now["in_trash"] and item_of(now) == item else None

    def _make(self, done: Written, key: str, row: Json) -> None:
        values = {name: value for name, value in row.items() if value is not None}
        try:
            if PAGE_ID in row:
                raise Misfit(
                    "Notion gives a page its id itself: rows from elsewhere need another `key`"
                )
            done.pages.append(self._api.create_row(self._source["id"], self._spelled(values, {})))
        except (BadAnswer, Misfit) as error:
            done.failures.append(ItemFailure(key, "refused", str(error)))

    def _spelled(self, values: Json, before: Json) -> dict[str, Any]:
        """As properties of a page are written that has those of `before`."""
        told = {}
        for name, value in values.items():
            column = self._fields.get(name)
            if column is None or not column.is_written:
                raise Misfit(f"{name} cannot be written")
            _check(column, value)
            told[column.said] = {column.type: self._value(column, value, before)}
        return told

    def _value(self, column: Field, value: Any, before: Json) -> Any:
        if column.type == "people":
            return [{"id": self._person(one)} for one in value or ()]
        if column.type == "date":
            was = before.get(column.said, {}).get("date") or {}
            return _date(column.name, value, was.get("time_zone"))
        spell = _VALUES.get(column.type)
        return value if spell is None else spell(value)

    def _person(self, said: str) -> str:
        """By e-mail, else the id that it is."""
        if "@" not in said:
            return said
        if said not in self._people:
            raise Misfit(f"nobody in the workspace has the address {said}")
        return self._people[said]

    @cached_property
    def _people(self) -> Mapping[str, str]:
        """Ids by e-mail."""
        found = ((user, (user.get("person") or {}).get("email")) for user in self._api.users())
        return {email: str(user["id"]) for user, email in found if email}


def _check(column: Field, value: Any) -> None:
    """Raises `Misfit`."""
    if isinstance(value, float) and not isfinite(value):
        raise Misfit(f"{column.name}: {value} is no number that Notion can hold")
    if isinstance(value, list) and not all(value):
        raise Misfit(f"{column.name}: something in the list is empty, and Notion has no such thing")


def _texts(value: str | None) -> list[Json]:
    words = value or ""
    pieces = (words[at : at + _TEXT_CHARS] for at in range(0, len(words), _TEXT_CHARS))
    return [{"type": "text", "text": {"content": piece}} for piece in pieces]


def _option(value: str | None) -> Json | None:
    return {"name": value} if value else None


def _options(value: Sequence[str] | None) -> list[Json]:
    return [{"name": one} for one in value or ()]


def _date(name: str, value: date | str | None, zone: str | None) -> Json | None:
    """A text may hold an end too, behind a slash. Times keep the `zone` in which the page has them;
    days have none."""
    if value is None or value == "":
        return None
    start, _, end = (value if isinstance(value, str) else value.isoformat()).partition("/")
    sides = {"start": start, **({"end": end} if end else {})}
    if zone is None or all(map(is_day, sides.values())):
        return sides
    told = {side: _clock(name, said, zone) for side, said in sides.items()}
    return {**told, "time_zone": zone}


def _clock(name: str, said: str, zone: str) -> str:
    """What clocks in the zone show at this instant. Raises `Misfit` where they show none, or show
    the same at an earlier one too, as they do when they are put back."""
    try:
        at, there = datetime.fromisoformat(said), zone_of(zone)
    except (ValueError, BadInput) as error:
        raise Misfit(f"{name}: {said} is no time in the page's time zone {zone}") from error
    if at.tzinfo is None:
        raise Misfit(f"{name}: {said} says no offset, and the page has the time zone {zone}")
    shown = at.astimezone(there).replace(tzinfo=None, fold=0)
    if shown.replace(tzinfo=there).astimezone(UTC) != at:
        raise Misfit(f"{name}: clocks in the page's time zone {zone} show the time of {said} twice")
    return shown.isoformat()


_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "title": _texts,
    "rich_text": _texts,
    "select": _option,
    "status": _option,
    "multi_select": _options,
    "relation": lambda value: [{"id": one} for one in value or ()],
    "checkbox": bool,
    "url": lambda value: value or None,
    "email": lambda value: value or None,
    "phone_number": lambda value: value or None,
}


def _property(column: Column) -> str:
    found = next((name for fits, name in _PROPERTIES if fits(column.type)), None)
    if found is None:
        raise BadInput(
            f"no property of Notion holds the column {column.name} ({column.type})",
            hint="Cast it in the mapping: to text, say.",
        )
    return found


def otherwise(stored: pa.Table, sent: pa.Table, key: Sequence[str]) -> pa.Table:
    """Those rows that are now shown otherwise than they were sent, as they are shown."""
    by_key = dict(zip(row_keys.encode(sent, key).to_pylist(), sent.to_pylist(), strict=True))
    keys = row_keys.encode(stored, key).to_pylist()
    places = list(_differing(keys, stored.to_pylist(), by_key))
    return stored.take(pa.array(places, pa.int64()))


def _differing(
    keys: Sequence[str], rows: Sequence[Json], by_key: Mapping[str, Json]
) -> Iterator[int]:
    for place, (key, row) in enumerate(zip(keys, rows, strict=True)):
        sent = by_key.get(key, row)
        if any(row[name] != sent[name] for name in row):
            yield place
