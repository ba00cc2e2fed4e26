"""Rows of a Postgres as tables of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors._sql_cells import Batch, places
from livesync_pipelines.connectors._sql_pg_catalogue import Table, ident, text
from livesync_pipelines.connectors._sql_pg_native import Native
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors._sql_pg_types import canonical
from livesync_pipelines.connectors.rows import SHOWN
from livesync_pipelines.model.rows import Unfit

_FAULT = "livesync_fault"


def selected(natives: Sequence[Native], table: str = "") -> str:
    """What to select so that `read_batch` can read it: each column in our types, null where it is
    unreadable; and which columns those are, with value and reason, if any."""
    cells, faults, bad_cells = [], [], []
    for column in natives:
        name = table + ident(column.name)
        conditions = [(when.replace("{}", name), why) for when, why in column.faults]
        value = column.read.replace("{}", name)
        if conditions:
            bad = " or ".join(when for when, _ in conditions)
            value = f"case when ({bad}) is not true then {value} end"
        cells.append(f"{value} as {ident(column.name)}")
        for when, why in conditions:
            said = f"{text(column.name)}, left({name}::text, {SHOWN}), {text(why)}"
            bad_cells.append(f"({when})")
            faults.append(f"case when {when} then jsonb_build_array({said}) end")
    told = "null::text"
    if faults:
        told = f"case when {' or '.join(bad_cells)} then"
        told += f" jsonb_build_array({', '.join(faults)})::text end"
    return ", ".join([*cells, f"{told} as {_FAULT}"])


def read_batch(natives: Sequence[Native], found: pa.Table | pa.RecordBatch) -> Batch:
    """The rows, and which cells of them cannot be used."""
    unfit: dict[int, tuple[Unfit, ...]] = {}
    faults = found.column(found.num_columns - 1)
    if faults.null_count < len(faults):
        for place in places(pc.is_valid(faults)):
            told = orjson.loads(faults[place].as_py())
            unfit[place] = tuple({one[0]: Unfit(*one) for one in reversed(told) if one}.values())
    columns = []
    for i, column in enumerate(natives):
        values = found.column(i)
        flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
        cells, unreadable = canonical(column, flat)
        columns.append(cells)
        for place in places(unreadable) if unreadable is not None else ():
            why = "holds JSON that cannot be kept as it is"
            cell = Unfit(column.name, flat[place].as_py()[:SHOWN], why)
            unfit[place] = (*unfit.get(place, ()), cell)
    schema = pa.schema([(column.name, column.column.type) for column in natives])
    return Batch(pa.table(columns, schema=schema), unfit=unfit)


def batches(
    session: Session,
    table: Table,
    natives: Sequence[Native],
    key: Sequence[Native],
    after: Sequence[object] | None,
) -> Iterator[Batch]:
    """The rows of a whole table, or those after a key, as one statement sees them."""
    ordered = ", ".join(column.ordered.replace("{}", ident(column.name)) for column in key)
    query = f"select {selected(natives)} from {table.sql}"
    if after is not None:
        place = ", ".join(_literal(c, value) for c, value in zip(key, after, strict=True))
        query += f" where ({ordered}) > ({place})"
    for batch in session.stream(f"{query} order by {ordered}"):
        yield read_batch(natives, batch)


def _literal(column: Native, value: object) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        kind = column.matched or "{}"
        return kind.replace("{}", text(value)) if column.ordered == "{}" else text(value)
    return f"{text(str(value))}::{column.staged}"
