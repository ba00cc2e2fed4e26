"""A data source of Notion as a table: its properties as columns, its pages as rows.

https://developers.notion.com/reference/property-object and /page-property-values, as others tell it
(2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from livesync_pipelines.connectors._notion_api import Json
from livesync_pipelines.connectors._notion_pages import Item, item_of
from livesync_pipelines.connectors._notion_values import cell_of
from livesync_pipelines.connectors._row_sorted import SortedRows, Source
from livesync_pipelines.connectors._row_stage import Batch, Cells, Stage
from livesync_pipelines.connectors._row_types import JSON, TEXT, Kind
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.canon import canonical
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import CLOCK, Column, Holds, Shape

PAGE_ID, PAGE_URL, EDITED_AT = "page_id", "page_url", "edited_at"
_BATCH = 2_000
_NUMBER, _LIST, _STAMP = Kind(pa.float64()), Kind(pa.list_(pa.string())), Kind(CLOCK)
OWN = {PAGE_ID: TEXT, PAGE_URL: TEXT, EDITED_AT: _STAMP}
"""Columns that every table has beside its properties."""
_KINDS: Mapping[str, Kind | None] = {
    **dict.fromkeys(("title", "rich_text", "select", "status", "url", "email"), TEXT),
    **dict.fromkeys(("phone_number", "unique_id", "verification"), TEXT),
    **dict.fromkeys(("created_by", "last_edited_by"), TEXT),
    **dict.fromkeys(("created_time", "last_edited_time"), _STAMP),
    **dict.fromkeys(("multi_select", "people", "relation", "files"), _LIST),
    **dict.fromkeys(("date", "formula", "rollup"), None),
    "number": _NUMBER,
    "checkbox": Kind(pa.bool_()),
    "place": JSON,
}
"""What the cells of a property are; None: what all of them together look like."""
_WRITTEN = frozenset(
    (
        "title",
        "rich_text",
        "number",
        "select",
        "multi_select",
        "status",
        "date",
        "people",
        "checkbox",
        "url",
        "email",
        "phone_number",
        "relation",
    )
)


@dataclass(frozen=True, slots=True)
class Field:
    """One property, called `said` in Notion, as a column. `type` is Notion's word, `kind` ours."""

    name: str
    said: str
    type: str
    kind: Kind | None

    @property
    def is_written(self) -> bool:
        return self.type in _WRITTEN

    @property
    def is_open(self) -> bool:
        """Whether its values may have another type than the property says."""
        return self.kind is None or self.type == "number"

    def stays(self, before: Kind) -> bool:
        """Whether it still is what it was, whatever a cell of it says now: a range, or a time among
        days, is one page's, and no other kind of property."""
        return self.type == "date" and pa.types.is_temporal(before.type)


@dataclass(frozen=True, slots=True)
class _Pages(Source):
    """Pages by their addresses, which are `names`."""

    def place(self, file: int, lines: Sequence[int], count: int = 1) -> str:
        """Of the lines (from 1 on): those pages."""
        more = f" and {count - len(lines)} more" if count > len(lines) else ""
        shown = ", ".join(self.names[line - 1] for line in lines)
        return f"{self.unit}{'s' if count > 1 else ''} {shown}{more}"


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rows by key, and the pages that they are, in the order of their lines (from 1 on)."""

    rows: SortedRows
    items: Sequence[Item]

    def at(self, line: int) -> Item:
        return self.items[line - 1]


def fields_of(source: Json) -> list[Field]:
    """A property that is called as one of our own columns has a longer name here. Buttons, and
    properties of a type that is not known, are no columns."""
    return [
        Field(f"{name} (property)" if name in OWN else name, name, one["type"], _KINDS[one["type"]])
        for name, one in source["properties"].items()
        if one["type"] in _KINDS
    ]


def loaded(
    pages: Iterable[Json],
    fields: Sequence[Field],
    key: Sequence[str],
    *,
    declared: Mapping[str, Kind],
    before: Mapping[str, Kind],
) -> Loaded:
    """`declared`: kinds that columns have whatever they look like, beside those that their
    properties say; `before`: those that they had. Raises `BadInput` for a key that cannot be."""
    said = {**OWN, **{field.name: field.kind for field in fields if field.kind is not None}}
    known = ((field, before.get(field.name)) for field in fields)
    said |= {field.name: kind for field, kind in known if kind is not None and field.stays(kind)}
    stage, kept, urls = Stage(before), list[Item](), list[str]()
    stage.widen([*OWN, *(field.name for field in fields)])
    rest = iter(pages)
    while some := list(islice(rest, _BATCH)):
        lines = range(len(kept) + 1, len(kept) + len(some) + 1)
        stage.add(0, Batch(_cells(some, fields), pa.array(lines, pa.int64())))
        kept += map(item_of, some)
        urls += (page["url"] for page in some)
    names = stage.names
    _check_key(key, names)
    found = stage.settle({**said, **declared}, key, Cells.JSON)
    shape = _shape(dict(zip(names, found, strict=True)), fields, key)
    return Loaded(
        SortedRows(stage.db, shape, _Pages(urls, "page"), size_bytes=stage.size_bytes), kept
    )


def _cells(pages: Sequence[Json], fields: Sequence[Field]) -> pa.Table:
    columns = {
        PAGE_ID: [page["id"] for page in pages],
        PAGE_URL: [page["url"] for page in pages],
        EDITED_AT: [page["last_edited_time"] for page in pages],
        **{field.name: [_cell(page, field) for page in pages] for field in fields},
    }
    return pa.table(
        {
            name: pa.array(
                [None if cell is None else canonical(cell).decode() for cell in cells], pa.string()
            )
            for name, cells in columns.items()
        }
    )


def _cell(page: Json, field: Field) -> Any:
    """Of a text without words: nothing."""
    value = page["properties"].get(field.said)
    cell = None if value is None else cell_of(value)
    return None if cell == "" else cell


def _check_key(key: Sequence[str], names: Sequence[str]) -> None:
    lacking = [name for name in key if name not in names]
    if lacking:
        raise BadInput(
            f"the database has no property {', '.join(lacking)}; it has {', '.join(names)}",
            hint=f"Mend `key`, or leave it out: then it is {PAGE_ID}.",
        )


def _shape(kinds: Mapping[str, Kind], fields: Sequence[Field], key: Sequence[str]) -> Shape:
    for name in key:
        if kinds[name].json or not row_keys.usable(kinds[name].type):
            raise BadInput(
                f"the property {name} is {kinds[name]}, and no such value can tell rows apart",
                hint=f"Choose another `key`, or leave it out: then it is {PAGE_ID}.",
            )
    written = {field.name for field in fields if field.is_written}
    columns = tuple(
        Column(
            name=name,
            type=kind.type,
            json=kind.json,
            nullable=name not in key,
            writable=kind.writable and name in written,
        )
        for name, kind in kinds.items()
    )
    holds = Holds(nan=False, infinity=False)
    return Shape(columns=columns, key=tuple(key), modified=EDITED_AT, holds=holds)
