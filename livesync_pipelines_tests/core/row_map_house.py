"""What the tests of mappings share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from livesync_pipelines.core.row_map import RowMap, compile_map
from livesync_pipelines.core.row_map_types import column_of
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.rows import Column, Shape


def column(name: str, kind: str, **more: Any) -> Column:
    return replace(column_of(kind, name), **more)


def shape(*, key: Sequence[str] = ("id",), **kinds: str | Column) -> Shape:
    """A table with an integer `id` and these columns, each with the name of its type."""
    columns = (
        column(name, kind) if isinstance(kind, str) else replace(kind, name=name)
        for name, kind in ({"id": "integer"} | kinds).items()
    )
    return Shape(columns=tuple(columns), key=tuple(key))


def field(to: str, *sources: str, **more: Any) -> FieldMap:
    return FieldMap(target=to, sources=sources, **more)


ID = field("id", "id")


def table(of: Shape, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Rows of the shape, numbered from 0."""
    count = len(next(iter(columns.values())))
    given = {"id": list(range(count)), **columns}
    arrays = [pa.array(given[c.name], c.type) for c in of.columns]
    return pa.table(arrays, names=[c.name for c in of.columns])


def one_field(one: FieldMap, target: str | Column | None = None, **kinds: str | Column) -> RowMap:
    """A mapping of the id and one more field; `target` is what the other end has for it."""
    there = None if target is None else _two(one.target, target)
    here = shape()
    columns = (_two(name, kind).columns[1] for name, kind in kinds.items())
    here = replace(here, columns=(*here.columns, *columns))
    return compile_map([ID, one], here, there)


def _two(name: str, kind: str | Column) -> Shape:
    made = column(name, kind) if isinstance(kind, str) else replace(kind, name=name)
    return Shape(columns=(column("id", "integer"), made), key=("id",))


def forward(
    one: FieldMap, values: Sequence[Any], kind: str | Column, target: str | Column | None = None
) -> tuple[list[Any], list[tuple[int, str, str]]]:
    """What becomes of the values of column `a`; and which cells are bad: row, reason, value."""
    mapping = one_field(one, target, a=kind)
    done = mapping.forward(table(mapping.source, {"a": values}))
    assert {bad.field for bad in done.bad_cells} <= {one.target}
    told = [(bad.row, bad.reason, bad.value) for bad in done.bad_cells]
    return done.rows[one.target].to_pylist(), told


def back(mapping: RowMap, **columns: Sequence[Any]) -> dict[str, list[Any]]:
    """Of the target's rows, without a word about bad cells: there must be none."""
    done = mapping.back(table(mapping.target_shape, columns))
    assert not done.bad_cells
    found: dict[str, list[Any]] = done.rows.to_pydict()
    return {name: values for name, values in found.items() if name != "id"}
