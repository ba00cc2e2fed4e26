"""What is about to be written to an end, noted before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from psycopg.types.json import Jsonb

from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.store import conflicts, row_blocks, tenure
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
    with connection.transaction():
        tenure.fence(connection, operation)
        row = connection.execute(
            "insert into livesync.intents (sync_id, operation_id, at, data, conflicts)"
            " values (%s, %s, %s, %b, %s) returning intent_id",
            (
                operation.sync.sync_id,
                operation.operation_id,
                now,
                row_blocks.packed(lines),
                Jsonb(conflicts.to_json(lost)),
            ),
        ).fetchone()
    assert row is not None
    return int(row[0])


def left(connection: Connection, sync_id: str) -> list[Intent]:
    """What an operation that died had noted and not told of, oldest first."""
    found = connection.execute(
        "select intent_id, data, conflicts from livesync.intents where sync_id = %s"
        " order by intent_id",
        (sync_id,),
        binary=True,
    ).fetchall()
    return [
        Intent(intent_id, row_blocks.unpacked(data), conflicts.from_json(lost))
        for intent_id, data, lost in found
    ]
