"""Cells that cannot be read at their own end: the row goes on without them, where that is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map import RowMap
from livesync_pipelines.core.row_values import whole
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.row_map import BadCell, MappedRows
from livesync_pipelines.model.rows import RowPage

UNFIT = "\x01unfit"
"""The column that tells which cells of a row cannot be read, as JSON; null where all can."""


def usable(
    page: RowPage, keyed: Callable[[pa.Table], pa.Array], *, partly: bool
) -> tuple[pa.Table, Sequence[ItemFailure]]:
    """The rows of a page, with `UNFIT`, and what of it fails. `partly`: also those of which cells
    cannot be read, after the others. (They fail at an end that is written to: what stands in such
    a cell can be neither compared nor put back.)"""
    rows = _with(page.rows, pa.nulls(len(page.rows), pa.string()))
    if page.partial is None or not partly:
        return rows, page.failures
    told = [[(c.column, c.value, c.reason) for c in cells] for cells in page.partial.unfit]
    texts = pa.array([orjson.dumps(cells).decode() for cells in told], pa.string())
    spared = set(keyed(page.partial.rows).to_pylist())
    rows = pa.concat_tables([rows, _with(page.partial.rows, texts)])
    return rows, [failure for failure in page.failures if failure.key not in spared]


def _with(rows: pa.Table, unfit: pa.Array) -> pa.Table:
    return pa.table([*rows.columns, unfit], names=[*rows.column_names, UNFIT])


def without_unread(made: RowMap, rows: pa.Table, mapped: MappedRows) -> MappedRows:
    """What these rows were mapped to, but for the fields that are made of cells that could not be
    read: these do not fit, whatever the mapping has made of the gap."""
    unread = [
        BadCell(place, field, reason, value)
        for place, column, value, reason in _unread(rows)
        for field in made.fields_of(column)
    ]
    if not unread:
        return mapped
    told = {(cell.row, cell.field) for cell in unread}
    others = [cell for cell in mapped.bad_cells if (cell.row, cell.field) not in told]
    left = mapped.rows
    for field in {cell.field for cell in unread}:
        places = pa.array([cell.row for cell in unread if cell.field == field], pa.int64())
        gap = pc.is_in(pa.array(range(len(left)), pa.int64()), value_set=places)
        at = left.schema.get_field_index(field)
        left = left.set_column(at, left.schema.field(at), pc.if_else(gap, None, whole(left[field])))
    return MappedRows(left, (*unread, *others))


def by_row(cells: Iterable[BadCell]) -> dict[int, list[tuple[str, str | None]]]:
    """Field and text of each, as fingerprints tell them."""
    found: dict[int, list[tuple[str, str | None]]] = {}
    for cell in cells:
        text = None if cell.value is None else str(cell.value)
        found.setdefault(cell.row, []).append((cell.field, text))
    return found


def _unread(rows: pa.Table) -> list[tuple[int, str, str, str]]:
    if UNFIT not in rows.column_names:
        return []
    texts = whole(rows[UNFIT])
    if texts.null_count == len(texts):
        return []
    return [
        (place, *cell)
        for place in pc.indices_nonzero(pc.is_valid(texts)).to_pylist()
        for cell in orjson.loads(texts[place].as_py())
    ]
