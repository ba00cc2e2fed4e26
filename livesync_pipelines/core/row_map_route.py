"""One field of a mapping, compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map_cast import Bad, Cells
from livesync_pipelines.core.row_map_steps import Step, through
from livesync_pipelines.model.row_map import FieldMap, OnError
from livesync_pipelines.model.rows import Column

Start = Callable[[Sequence[pa.Array], int], Cells]
"""The first column of a field, made of those it reads, for so many rows."""


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled field.

    - `sources`: the columns that it reads; `target`: the one it makes.
    - `back`: the steps back to the one source column; None where there is no way.
    - `loses`, `refuses`: why values would not survive there and back (see `Fate`).
    """

    field: FieldMap
    sources: tuple[Column, ...]
    target: Column
    start: Start
    steps: tuple[Step, ...]
    default: pa.Scalar | None
    needed: bool
    back: tuple[Step, ...] | None
    loses: tuple[str, ...]
    refuses: tuple[str, ...]

    def forward(self, columns: Sequence[pa.Array], rows: int) -> Cells:
        """The target's column; `columns` are `sources`."""
        cells = through(self.steps, self.start(columns, rows))
        if self.default is not None:
            cells = _filled(cells, self.default)
        return _needed(cells) if self.needed else cells

    def backward(self, column: pa.Array) -> Cells:
        """The source's column of the target's; only where there is a way."""
        return through(self.back or (), Cells(column))


def _nulls(cells: Cells) -> pa.Array:
    """The rows of what is empty without being bad."""
    rows = pc.indices_nonzero(cells.values.is_null())
    if not cells.bad:
        return rows
    bad = pa.array([one.row for one in cells.bad], rows.type)
    return rows.filter(pc.invert(pc.is_in(rows, bad)))


def _filled(cells: Cells, default: pa.Scalar) -> Cells:
    if not cells.values.null_count:
        return cells
    empty = pc.is_in(pa.array(range(len(cells.values)), pa.uint64()), _nulls(cells))
    return Cells(pc.if_else(empty, default, cells.values), cells.bad)


def _needed(cells: Cells) -> Cells:
    if not cells.values.null_count:
        return cells
    empty = (Bad(row, "is empty, and must not be", "") for row in _nulls(cells).to_pylist())
    return Cells(cells.values, (*cells.bad, *empty))


def on_error(route: Route, keys: Iterable[str]) -> OnError:
    """What becomes of its bad cells. A key, or what must not be empty, takes its row along."""
    if route.target.name in keys or (route.needed and route.field.on_error is OnError.NULL):
        return OnError.DEAD_LETTER
    return route.field.on_error
