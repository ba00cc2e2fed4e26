"""How an operation ends: what is kept of it, and what its sync is to do next."""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import SyncState, Trigger
from livesync_pipelines.store import approvals, events, outbox, queue, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import Operation, Outcome

_MANY_CHUNKS = 1_000
"""From so many new chunks on, an operation tidies the search index that they wait in."""


def finish(
    connection: Connection,
    operation: Operation,
    outcome: Outcome,
    *,
    now: datetime,
    next_due_at: datetime | None,
) -> None:
    """Close an operation and free its sync. A replay, which asks nobody, changes no due time."""
    with connection.transaction():
        connection.execute(
            "update livesync.operations set status = %s, finished_at = %s, counts = %s,"
            " stage_s = %s, cursor_to = %s, error = %s, listing_digest = %s, proof = %s"
            " where operation_id = %s",
            (
                outcome.status,
                now,
                Jsonb(operation.counts.as_dict()),
                Jsonb({name: round(s, 4) for name, s in operation.stage_s.items()}),
                operation.place.told,
                Jsonb(outcome.error) if outcome.error else None,
                outcome.listing_digest,
                Jsonb(outcome.proof) if outcome.proof else None,
                operation.operation_id,
            ),
        )
        replayed = operation.trigger is Trigger.REPLAY and operation.sync.target is None
        if replayed and outcome.status is Status.SUCCESS:
            tenure.note_makers(connection, operation)
        paused = operation.trigger.asks_the_source and _leave(
            connection, operation, outcome, now, next_due_at
        )
        outbox.note_end(connection, operation, outcome, now=now, paused=paused)
        events.note_end(connection, operation, outcome, now=now)
    if operation.counts.chunks_written >= _MANY_CHUNKS:
        connection.execute("select gin_clean_pending_list('livesync.chunks_words')")
    connection.execute(
        "select pg_advisory_unlock(%s, lock_id) from livesync.syncs where sync_id = %s",
        (AdvisoryLock.SYNC, operation.sync.sync_id),
    )
    queue.wake(connection, operation.sync.sync_id)


def _leave(
    connection: Connection,
    operation: Operation,
    outcome: Outcome,
    now: datetime,
    next_due_at: datetime | None,
) -> bool:
    """What the sync is to do next; nothing, if it is not this operation's any more. Rows and files
    that were left out are met again, though their ends say what they said before.

    Returns whether it rests from now on.
    """
    sync, then = operation.sync, outcome.then
    failures = operation.failures_before + (outcome.status is Status.FAILED)
    if outcome.status in {Status.SUCCESS, Status.PARTIAL, Status.WAITING}:
        failures = 0
    ours = connection.execute(
        "update livesync.syncs set next_due_at = %s, failures_in_row = %s,"
        " mark = case when %s and (cursor is not null or not %s) then coalesce(%s, mark) end"
        " where sync_id = %s and fence = %s",
        (
            next_due_at,
            failures,
            outcome.settled,
            sync.target is not None and outcome.status is Status.PARTIAL,
            outcome.mark,
            sync.sync_id,
            operation.fence,
        ),
    ).rowcount
    if ours and outcome.settled:
        approvals.use_up(connection, sync.sync_id)
    if ours and then.again:
        queue.put_back(connection, operation, not_before=now + timedelta(seconds=then.wait_s))
    if not (ours and then.pause):
        return False
    message = outcome.error["message"] if outcome.error else ""
    paused = connection.execute(
        "update livesync.syncs set state = %s, state_reason = %s, paused_by = %s"
        " where sync_id = %s and state = %s",
        (SyncState.PAUSED, message, then.pause, sync.sync_id, SyncState.ACTIVE),
    )
    return paused.rowcount > 0
