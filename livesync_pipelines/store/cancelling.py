"""Requests whose run somebody has cancelled before it began."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from livesync_pipelines.core import cadence, patience
from livesync_pipelines.model.sync import SyncConfig, Trigger
from livesync_pipelines.store import catalog, events, operations, queue
from livesync_pipelines.store.database import Connection


def asked_since(connection: Connection) -> datetime | None:
    """When the first of the requests was handed out that no operation has begun for."""
    found = connection.execute(
        "select min(requested_at) from livesync.queue where requested_at is not null"
    ).fetchone()
    return found[0] if found else None


def withdraw(
    connection: Connection,
    keys: Collection[str],
    *,
    run_id: str,
    cancelled_at: datetime,
    now: datetime,
) -> int:
    """Take back the requests that a cancelled run was to answer, if no operation has begun for
    them: each waits for its next trigger, with a line in the history. What was told after the
    cancel is such a trigger. Returns how many requests there were."""
    with connection.transaction():
        gone = _taken(connection, "delete from livesync.queue", "<=", keys, cancelled_at)
        told = _taken(
            connection, "update livesync.queue set requested_at = null", ">", keys, cancelled_at
        )
        for sync_id, trigger in gone + told:
            sync = catalog.sync(connection, sync_id)
            if (sync_id, trigger) in gone:
                _leave_alone(connection, sync, now)
            _note(connection, sync, run_id=run_id, trigger=trigger, now=now)
        if told:
            connection.execute("select pg_notify(%s, '')", (queue.CHANNEL,))
    return len(gone) + len(told)


def _taken(
    connection: Connection, statement: str, hinted: str, keys: Collection[str], moment: datetime
) -> list[tuple[str, Trigger]]:
    found = connection.execute(
        f"{statement} where requested_at is not null and hinted_at {hinted} %s and concat_ws("
        "':', sync_id, extract(epoch from queued_at)::text, request) = any(%s)"
        " returning sync_id, trigger".encode(),
        (moment, list(keys)),
    )
    return [(sync_id, Trigger(trigger)) for sync_id, trigger in found]


def _leave_alone(connection: Connection, sync: SyncConfig, now: datetime) -> None:
    due_at = cadence.due_when_cancelled(
        cadence.parse(sync.schedule), at=now, spread_key=sync.sync_id
    )
    connection.execute(
        "update livesync.syncs set mark = null, next_due_at = %s where sync_id = %s",
        (due_at, sync.sync_id),
    )


def _note(
    connection: Connection, sync: SyncConfig, *, run_id: str, trigger: Trigger, now: datetime
) -> None:
    error = patience.cancelled(sync.sync_id, sync.schedule, begun=False)
    line = operations.note_cancelled(
        connection, sync, run_id=run_id, trigger=trigger, error=error, now=now
    )
    events.note_unbegun(connection, sync.project_id, line, now=now)
