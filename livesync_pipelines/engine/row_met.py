"""Rows of both ends, side by side: what is merged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_prints import with_misfits
from livesync_pipelines.core.row_values import plain, whole
from livesync_pipelines.engine.row_pass import RowPass, at
from livesync_pipelines.engine.row_streams import KEY, MARK, Keyed
from livesync_pipelines.engine.row_unfit import by_row, without_unread
from livesync_pipelines.engine.row_upstream import hops
from livesync_pipelines.model import row_map
from livesync_pipelines.model.conflict import BadCell, Conflict
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_base


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """Rows with one key each, in the order of `keys`: as the source has them, in its own columns
    (`raw`) and in the target's (`source`), as the target has them, and as they were agreed.

    `held` is their state (see `row_base.SCHEMA`), null where none is known; the marks are those of
    the rows as both ends have them. `hops`: see `row_upstream`.
    """

    keys: pa.Array
    raw: pa.Table
    source: pa.Table
    target: pa.Table
    held: pa.Table
    in_source: pa.Array
    in_target: pa.Array
    had: pa.Array
    source_mark: pa.Array
    target_mark: pa.Array
    hops: pa.Array
    cells: Mapping[int, list[BadCell]]

    def take(self, place: pa.Array) -> Met:
        """Some of these rows."""
        numbers = {n: i for i, n in enumerate(place.to_pylist())}
        names = (field.name for field in fields(self) if field.name != "cells")
        picked: dict[str, Any] = {name: getattr(self, name).take(place) for name in names}
        cells = {numbers[n]: found for n, found in self.cells.items() if n in numbers}
        return replace(self, cells=cells, **picked)


def gathered(
    this: RowPass, keys: pa.Array, source: pa.Table, target: pa.Table, held: pa.Table
) -> Met:
    """The rows with these keys, out of tables of any order that hold some of them; `source` and
    `target` are as their ends give them."""
    raw, in_source = at(source, _keys(this.source_keys, source), keys)
    shown, in_target = at(target, _keys(this.target_keys, target), keys)
    state, had = at(held, whole(held["key"]), keys)
    mapped = without_unread(this.map, raw, this.map.forward(raw))
    there = _only_where(in_source, mapped.rows.select(this.schema.names))
    unfit = [cell for cell in mapped.bad_cells if in_source[cell.row].as_py()]
    return Met(
        keys=keys,
        raw=raw,
        source=there,
        target=shown,
        held=state,
        in_source=in_source,
        in_target=in_target,
        had=had,
        source_mark=_marks(this, raw, there, in_source, unfit),
        target_mark=_marks(this, shown, this.compared(shown), in_target, ()),
        hops=hops(this.connection, this.sync_id, this.upstream, keys),
        cells=_cells(unfit, keys),
    )


def _keys(keyed: Keyed, rows: pa.Table) -> pa.Array:
    return whole(rows[KEY]) if KEY in rows.column_names else keyed(rows)


def _marks(
    this: RowPass,
    rows: pa.Table,
    values: pa.Table,
    there: pa.Array,
    unfit: Sequence[row_map.BadCell],
) -> pa.Array:
    if MARK in rows.column_names:
        return whole(rows[MARK])
    if not pc.any(there).as_py():
        return pa.nulls(len(rows), row_base.MARK)
    return pc.if_else(there, with_misfits(this.marks(values), by_row(unfit)), None)


def _cells(found: Sequence[row_map.BadCell], keys: pa.Array) -> dict[int, list[BadCell]]:
    """Cells that do not fit, by row."""
    cells: dict[int, list[BadCell]] = {}
    for bad in found:
        told = None if bad.value is None else str(bad.value)
        cell = BadCell(key=keys[bad.row].as_py(), field=bad.field, value=told, reason=bad.reason)
        cells.setdefault(bad.row, []).append(cell)
    return cells


def _only_where(there: pa.Array, rows: pa.Table) -> pa.Table:
    """With nulls in rows that are not there: a mapping makes constants of nothing, too."""
    if pc.all(there).as_py():
        return rows
    columns = [pc.if_else(there, column.combine_chunks(), None) for column in rows.columns]
    return pa.table(columns, schema=rows.schema)


def has_lost(met: Met, conflict: Conflict) -> bool:
    """Whether an end that was to lose does not show any more what it said in this conflict; a row
    that cannot be read now may have."""
    row = met.keys.index(conflict.key).as_py()
    if row < 0:
        return True
    losers = [side for side in Side if side != conflict.winner]
    return any(said(met, row, side, conflict.field) != _told(conflict, side) for side in losers)


def cell_of(met: Met, row: int, field: str | None) -> BadCell | None:
    """The cell of the source that does not fit this field of the target, where there is one."""
    return next((cell for cell in met.cells.get(row, ()) if cell.field == field), None)


def _told(conflict: Conflict, side: Side) -> Any:
    value = (conflict.source if side is Side.SOURCE else conflict.target).value
    return value if conflict.field is not None else value is not None


def said(met: Met, row: int, side: Side, field: str | None) -> Any:
    """What an end says now: of a field its value (also one that the target cannot hold), of a row
    whether it is there."""
    source = side is Side.SOURCE
    if field is None:
        return (met.in_source if source else met.in_target)[row].as_py()
    if source and (cell := cell_of(met, row, field)):
        return cell.value
    table = met.source if source else met.target
    return plain(table[field].slice(row, 1))[0]
