"""What is about to be sent for single files of a copy, noted before it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from livesync_pipelines.core.copying import Intended
from livesync_pipelines.store import tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation


def record(
    connection: Connection, operation: Operation, intended: Intended, *, now: datetime
) -> None:
    """Raises `Broken` when a newer operation has taken the sync over; then nothing may be sent."""
    with connection.transaction():
        tenure.fence(connection, operation)
        connection.execute(
            "insert into livesync.file_intents"
            " (sync_id, name, step, expected, reserved, digest, operation_id, at)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (sync_id, name) do update"
            " set step = excluded.step, expected = excluded.expected,"
            " reserved = excluded.reserved, digest = excluded.digest,"
            " operation_id = excluded.operation_id, at = excluded.at",
            (
                operation.sync.sync_id,
                intended.name,
                intended.step,
                intended.expected,
                intended.reserved,
                intended.digest,
                operation.operation_id,
                now,
            ),
        )


def left(connection: Connection, sync_id: str) -> dict[str, str | None]:
    """What an operation that died may have sent: the digest of the bytes, by name; None where a
    file was to be taken out."""
    found = connection.execute(
        "select name, digest from livesync.file_intents where sync_id = %s", (sync_id,)
    )
    return dict(found.fetchall())


def reserved(connection: Connection, sync_id: str) -> dict[str, str]:
    """Under which identities an operation that died was about to make files, by name."""
    found = connection.execute(
        "select name, reserved from livesync.file_intents"
        " where sync_id = %s and reserved is not null",
        (sync_id,),
    )
    return dict(found.fetchall())


def forget(connection: Connection, sync_id: str, names: Sequence[str]) -> None:
    """What became of these is told."""
    if names:
        connection.execute(
            "delete from livesync.file_intents where sync_id = %s and name = any(%s)",
            (sync_id, list(names)),
        )


def forget_all(connection: Connection, sync_id: str) -> None:
    """A run has told of everything that it found."""
    connection.execute("delete from livesync.file_intents where sync_id = %s", (sync_id,))
