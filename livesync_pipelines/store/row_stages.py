"""What is stored of each stage of a sync of rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import differs
from livesync_pipelines.store import row_base, row_blocks
from livesync_pipelines.store.database import Connection

_PIECE = 10_000
_ITEM, _RESOLUTION = OURS = ("item_id", "resolution")
"""What a stage shows beside the columns of the target."""


def shown(column: str) -> str:
    """What a column of the target is called in a stage: one that is named like one of ours has a
    `_` before it."""
    return f"_{column}" if column.lstrip("_") in OURS else column


def meant(name: str) -> str:
    """The column of the target that is shown so."""
    return name[1:] if name.startswith("_") and name.lstrip("_") in OURS else name


def is_of_rows(connection: Connection, sync_id: str) -> bool:
    found = connection.execute(
        "select target is not null from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    return found == (True,)


def table(
    connection: Connection, sync_id: str, stage: str, schema: pa.Schema, *, limit: int | None
) -> pa.Table:
    """One stage's stored output; `schema` is that of stages that rows have in common with
    documents."""
    if stage == "capsule_chunks":
        return schema.empty_table()
    if stage == "deltas":
        return _deltas(connection, sync_id, schema).slice(0, limit)
    pieces, after, left = [], None, limit
    while left is None or left > 0:
        size = _PIECE if left is None else min(_PIECE, left)
        held = row_base.after(connection, sync_id, after, limit=size)
        pieces.append(_piece(connection, sync_id, stage, schema, held))
        if len(held) < size:
            break
        after = held["key"][-1].as_py()
        left = None if left is None else left - len(held)
    return pa.concat_tables(pieces, promote_options="default")


def _piece(
    connection: Connection, sync_id: str, stage: str, schema: pa.Schema, held: pa.Table
) -> pa.Table:
    if stage == "source":
        versions = [mark.hex() if mark else "" for mark in held["source_mark"].to_pylist()]
        columns = {
            "item_id": held["key"],
            "key": held["key"],
            "version": pa.array(versions, pa.string()),
        }
        empty = {f.name: pa.nulls(len(held), f.type) for f in schema if f.name not in columns}
        return pa.table({**columns, **empty}).select(schema.names)
    values = _values(connection, sync_id, held)
    values = values.rename_columns([shown(name) for name in values.column_names])
    values = values.add_column(0, _ITEM, held["key"])
    if stage == "resolved_rows":
        apart = pc.not_equal(held["source_mark"], held["target_mark"]).fill_null(True)
        said = pc.if_else(apart, "apart", "agreed")
        values = values.append_column(_RESOLUTION, said)
    return values


def _values(connection: Connection, sync_id: str, held: pa.Table) -> pa.Table:
    """The agreed values of these rows, in the columns that the newest of their blocks has."""
    if not len(held):
        return pa.table({})
    newest = pc.max(held["block"]).as_py()
    ((_, data),) = row_blocks.of(connection, sync_id, [newest])
    schema = row_blocks.schema_of(row_blocks.unpacked(data))
    return row_blocks.values(row_blocks.agreed(connection, sync_id, held, schema), schema)


def _deltas(connection: Connection, sync_id: str, schema: pa.Schema) -> pa.Table:
    """What the last operation that moved rows did."""
    found = connection.execute(
        "select block from livesync.row_blocks where sync_id = %s and block > 0"
        " and operation_id = (select"
        " operation_id from livesync.operations where sync_id = %s and status in"
        " ('success', 'partial', 'waiting_for_approval') order by started_at desc limit 1)",
        (sync_id, sync_id),
    ).fetchall()
    pieces = [schema.empty_table()]
    for _, data in row_blocks.of(connection, sync_id, [block for (block,) in found]):
        lines = row_blocks.unpacked(data)
        changed = _changed_fields(connection, sync_id, lines)
        pieces.append(
            pa.table(
                {
                    "item_id": lines["key"],
                    "key": lines["key"],
                    "op": lines["op"],
                    "changed_fields": pa.array(changed, pa.list_(pa.string())),
                    "before": pa.nulls(len(lines), pa.binary(16)),
                    "after": lines["source_mark"],
                }
            ).cast(schema)
        )
    return pa.concat_tables(pieces)


def _changed_fields(connection: Connection, sync_id: str, lines: pa.Table) -> list[list[str]]:
    """By line, the fields of which another value is agreed than was before; none where what was
    before is kept no longer."""
    schema = row_blocks.schema_of(lines)
    there = np.flatnonzero(np.asarray(pc.is_valid(lines["before"])))
    known = lines.take(pa.array(there))
    held = pa.table({"key": known["key"], "block": known["before"]})
    agreed, are_kept = row_blocks.kept(connection, sync_id, held, schema)
    there = there[np.asarray(are_kept)]
    was = row_blocks.values(agreed.filter(are_kept), schema)
    now = row_blocks.values(known.filter(are_kept), schema)
    changed: list[list[str]] = [[] for _ in range(len(lines))]
    for name in schema.names:
        for place in there[np.asarray(differs(now[name], was[name]))]:
            changed[place].append(name)
    return changed
