"""From the rows of one end to those of the other, and back.

Every row goes over. A cell that does not fit is null and told with its reason; what to do about it
is the engine's part (`RowMap.on_error`).

A field survives there and back when each value of its source comes back equal (NaN and 0.0 equal
themselves, with either sign), or does not fit and is told and its `on_error` leaves the target as
it is. A field that would not must say `lossy`, or the sync cannot go both ways. A lossy field comes
back as well as it can, and not at all where there is no way; what was not edited is never written
back by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc
from propcache.api import cached_property

from livesync_pipelines.core.canon import canonical, content_hash
from livesync_pipelines.core.row_map_cast import Cells
from livesync_pipelines.core.row_map_compile import key_route, routes_of
from livesync_pipelines.core.row_map_route import Route, on_error
from livesync_pipelines.core.row_map_spelling import shown
from livesync_pipelines.model.row_map import (
    BadCell,
    FieldMap,
    MappedRows,
    OnError,
    Unlike,
)
from livesync_pipelines.model.rows import Column, Shape

ROWS_AT_ONCE = 131_072
"""How many rows go through the steps together."""


def version(fields: Sequence[FieldMap]) -> str:
    """A short name of this very mapping; it changes when any part of it does."""
    if not fields:
        return "identity"
    spelled = canonical([one.to_json() for one in fields]).decode()
    return content_hash(spelled).hex()[:12]


def identity(source: Shape) -> tuple[FieldMap, ...]:
    """What an empty mapping means: every column goes over under its own name."""
    return tuple(FieldMap(target=c.name, sources=(c.name,)) for c in source.columns)


def compile_map(
    fields: Sequence[FieldMap],
    source: Shape,
    target: Shape | None = None,
    *,
    may_add: bool = False,
) -> RowMap:
    """The mapping for these two ends; `may_add`: the target gets the columns that it lacks.

    Raises BadInput with everything that is wrong, field by field.
    """
    fields = tuple(fields) or identity(source)
    return RowMap(routes_of(fields, source, target, may_add=may_add), source)


@dataclass(frozen=True)
class RowMap:
    """A compiled mapping; see the module."""

    routes: tuple[Route, ...]
    source: Shape

    @cached_property
    def source_columns(self) -> tuple[str, ...]:
        """What has to be read, in the order of the source."""
        needed = {column.name for route in self.routes for column in route.sources}
        return tuple(c.name for c in self.source.columns if c.name in needed)

    @cached_property
    def _key(self) -> dict[str, str]:
        routes = ((name, key_route(self.routes, name)) for name in self.source.key)
        return {name: route.target.name for name, route in routes if route is not None}

    @cached_property
    def target_shape(self) -> Shape:
        """What the target's table must at least look like."""
        keys = tuple(self._key.values())
        columns = (
            replace(r.target, nullable=False) if r.target.name in keys else r.target
            for r in self.routes
        )
        return Shape(
            columns=tuple(columns),
            key=keys,
            modified=self._copy_of(self.source.modified),
            actor=self._copy_of(self.source.actor),
        )

    def _copy_of(self, column: str | None) -> str | None:
        copies = (r.target.name for r in self.routes if [c.name for c in r.sources] == [column])
        return next(copies, None)

    @cached_property
    def _returns(self) -> dict[str, Route]:
        """The field from which each source column comes back: the first that can, and one that
        loses nothing before one that does."""
        able = [
            route
            for route in self.routes
            if route.back is not None and self._may_return(route.sources[0])
        ]
        able.sort(key=lambda route: bool(route.loses or route.field.lossy))
        found: dict[str, Route] = {}
        for route in able:
            found.setdefault(route.sources[0].name, route)
        return found

    def _may_return(self, column: Column) -> bool:
        """A key comes back to find its row, even where the source gives it by itself."""
        return column.writable or column.name in self.source.key

    def fields_of(self, column: str) -> list[str]:
        """The fields of the target that are made of this column of the source, among others."""
        return [r.target.name for r in self.routes if column in {c.name for c in r.sources}]

    @cached_property
    def comes_back(self) -> Mapping[str, str]:
        """By source column, the field of the target that it comes back from."""
        return {name: route.target.name for name, route in self._returns.items()}

    @cached_property
    def two_way(self) -> tuple[str, ...]:
        """The fields that come back, by their names at the target."""
        back = {route.target.name for route in self._returns.values()}
        return tuple(r.target.name for r in self.routes if r.target.name in back)

    def on_error(self, name: str) -> OnError:
        """What becomes of the bad cells of a field. Where the cell is part of the key, or must not
        be empty, its row becomes a dead letter."""
        return next(on_error(r, self._key.values()) for r in self.routes if r.target.name == name)

    def check_two_way(self) -> list[str]:
        """Why this mapping cannot be used both ways, a sentence for each field; empty: it can."""
        said = []
        for route in self.routes:
            if route.field.lossy or not route.sources:
                continue
            name = route.target.name
            if reasons := "; ".join(route.loses):
                said.append(f"'{name}' does not come back as it went: {reasons}. Say lossy: true.")
            elif route.refuses and self.on_error(name) is OnError.NULL:
                said.append(
                    f"'{name}' may come back empty: {'; '.join(route.refuses)}. "
                    "Say on_error: keep or dead_letter, or lossy: true, as in "
                    f"{{from: {route.sources[0].name}, to: {name}, on_error: keep}}."
                )
            elif not self._may_return(route.sources[0]):
                computed = route.sources[0].name
                said.append(
                    f"'{name}' cannot come back: the source computes '{computed}' itself, or has "
                    "it in a form that can only be read. "
                    "Say lossy: true."
                )
            elif (other := self._returns[route.sources[0].name]) is not route:
                said.append(
                    f"'{name}' and '{other.target.name}' both come back to "
                    f"'{route.sources[0].name}'. Say lossy: true for one of them."
                )
        return said

    def forward(self, rows: pa.Table) -> MappedRows:
        """The target's rows. `rows` has at least `source_columns`."""

        def mapped(batch: pa.RecordBatch) -> list[tuple[Route, Cells]]:
            given = {name: _column(batch, name, self.source) for name in self.source_columns}
            return [
                (route, route.forward([given[c.name] for c in route.sources], batch.num_rows))
                for route in self.routes
            ]

        schema = pa.schema([pa.field(r.target.name, r.target.type) for r in self.routes])
        return _in_pieces(rows.select(self.source_columns), schema, mapped)

    def back(self, rows: pa.Table) -> MappedRows:
        """The source's columns of the target's rows: those of `two_way` that `rows` has."""
        there = [
            (name, r) for name, r in self._returns.items() if r.target.name in rows.column_names
        ]

        def mapped(batch: pa.RecordBatch) -> list[tuple[Route, Cells]]:
            return [
                (r, r.backward(_column(batch, r.target.name, self.target_shape))) for _, r in there
            ]

        schema = pa.schema([pa.field(name, r.sources[0].type) for name, r in there])
        return _in_pieces(rows.select([r.target.name for _, r in there]), schema, mapped)

    def round_trip(self, rows: pa.Table) -> tuple[MappedRows, tuple[Unlike, ...]]:
        """What goes over of real rows, and which cells would come back as something else (those
        that are told already left out)."""
        there = self.forward(rows)
        again = self.back(there.rows)
        told = {(bad.row, bad.field) for bad in there.bad_cells}
        unlike = [
            Unlike(row, route.target.name, shown(went), shown(came))
            for name, route in self._returns.items()
            for row, went, came in _differences(rows[name], again.rows[name])
            if (row, route.target.name) not in told
        ]
        return there, tuple(sorted(unlike, key=lambda one: one.row))


def _differences(before: pa.ChunkedArray, after: pa.ChunkedArray) -> list[tuple[int, str, str]]:
    if pa.types.is_floating(before.type):
        same = pc.or_(pc.equal(before, after), pc.and_(pc.is_nan(before), pc.is_nan(after)))
    elif pa.types.is_list(before.type):
        pairs = zip(before.to_pylist(), after.to_pylist(), strict=True)
        same = pa.array([None if a is None or b is None else a == b for a, b in pairs], pa.bool_())
    else:
        same = pc.equal(before, after)
    both_null = pc.and_(before.is_null(), after.is_null())
    rows = pc.indices_nonzero(pc.invert(pc.or_(pc.fill_null(same, False), both_null)))
    texts = [[str(one) for one in column.take(rows)] for column in (before, after)]
    return list(zip(rows.to_pylist(), *texts, strict=True))


def _column(batch: pa.RecordBatch, name: str, shape: Shape) -> pa.Array:
    """As the type that its end said it has."""
    column = shape.column(name)
    array = batch.column(name)
    return array if column is None or array.type == column.type else array.cast(column.type)


def _in_pieces(
    rows: pa.Table,
    schema: pa.Schema,
    mapped: Callable[[pa.RecordBatch], list[tuple[Route, Cells]]],
) -> MappedRows:
    """In pieces of bounded size; rows are counted through."""
    batches: list[pa.RecordBatch] = []
    bad: list[BadCell] = []
    seen = 0
    for batch in rows.to_batches(max_chunksize=ROWS_AT_ONCE):
        done = mapped(batch)
        bad += [
            BadCell(seen + one.row, route.target.name, one.reason, one.value)
            for route, cells in done
            for one in cells.bad
        ]
        batches.append(
            pa.RecordBatch.from_arrays([cells.values for _, cells in done], schema=schema)
        )
        seen += batch.num_rows
    bad.sort(key=lambda one: one.row)
    return MappedRows(pa.Table.from_batches(batches, schema), tuple(bad))
