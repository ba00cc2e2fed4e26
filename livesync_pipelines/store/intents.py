"""What is about to be written to an end, noted before it is sent.

What it says of rows is a block (see `row_blocks`) under the negative number of the intent: once all
of it has landed, that very block becomes part of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from psycopg.types.json import Jsonb

from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.store import conflict_json, row_blocks, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation


@dataclass(frozen=True, slots=True)
class Intent:
    """`lines` of a block that are true once all of it has landed, and what loses by it."""

    intent_id: int
    lines: pa.Table
    conflicts: list[Conflict]


def record(
    connection: Connection,
    operation: Operation,
    lines: pa.Table,
    lost: Sequence[Conflict],
    *,
    now: datetime,
) -> int:
    """Note what will be true of these rows, and what is lost, once everything has landed.

    Raises `Broken` when a newer operation has taken the sync over; then nothing may be sent.
    """
    sync_id, operation_id = operation.sync.sync_id, operation.operation_id
    with connection.transaction():
        tenure.fence(connection, operation, alongside=True)
        row = connection.execute(
            "insert into livesync.intents (sync_id, operation_id, at, conflicts)"
            " values (%s, %s, %s, %s) returning intent_id",
            (sync_id, operation_id, now, Jsonb(conflict_json.to_json(lost))),
        ).fetchone()
        assert row is not None
        intent_id = int(row[0])
        row_blocks.put(connection, sync_id, -intent_id, lines, operation_id=operation_id, now=now)
    return intent_id


def left(connection: Connection, sync_id: str) -> list[Intent]:
    """What an operation that died had noted and not told of, oldest first."""
    found = connection.execute(
        "select i.intent_id, b.data, i.conflicts from livesync.intents i"
        " join livesync.row_blocks b on b.sync_id = i.sync_id and b.block = -i.intent_id"
        " where i.sync_id = %s order by i.intent_id",
        (sync_id,),
        binary=True,
    ).fetchall()
    return [
        Intent(intent_id, row_blocks.unpacked(data), conflict_json.from_json(lost))
        for intent_id, data, lost in found
    ]


def keep(connection: Connection, sync_id: str, intent_id: int, *, block: int) -> bytes:
    """All of it has landed: what it says becomes this block, whose digest is returned. To be
    followed by `forget`."""
    return row_blocks.renumber(connection, sync_id, -intent_id, block)


def forget(connection: Connection, sync_id: str, intent_id: int) -> None:
    """It is told of, as far as it has landed."""
    connection.execute(
        "delete from livesync.row_blocks where sync_id = %s and block = %s", (sync_id, -intent_id)
    )
    connection.execute("delete from livesync.intents where intent_id = %s", (intent_id,))
