"""An operation's hold on its sync: one at a time, each with a number that a zombie cannot forge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from psycopg.types.json import Jsonb

from livesync_pipelines.core import mapping, row_map
from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.core.patience import TRIES
from livesync_pipelines.model.errors import Broken, NotFound
from livesync_pipelines.model.operation import Counts, Place, Status
from livesync_pipelines.model.sync import Mode, SyncConfig, Trigger
from livesync_pipelines.store import events, outbox
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import Left, Operation, busy

FULL = "full"
"""The mode of a full resync, in the history."""

CARRIED_ON = timedelta(days=1)
"""A full resync that broke off goes on where it was, if it is no older than this. One that had
not come anywhere begins anew, as often in this time as anything is tried."""


def begin(
    connection: Connection,
    sync: SyncConfig,
    *,
    trigger: Trigger,
    full: bool,
    run_id: str | None,
    now: datetime,
) -> Operation:
    """Open an operation, on a connection that it keeps for itself until `finish`.

    The sync is locked for as long as the connection lives, so a worker that dies frees it at
    once. What such a worker left open is closed as interrupted. Raises `Busy` when another
    operation of the sync is in flight.
    """
    _lock(connection, sync.sync_id)
    with connection.transaction():
        state = _take_over(connection, sync.sync_id, now)
        full_since = state["full_since"] if state["resume"] else None
        carried_on = full_since is not None and now - full_since < CARRIED_ON
        full = full or carried_on or (state["owes_full"] and trigger.asks_the_source)
        operation = Operation(
            operation_id=uuid4(),
            sync=sync,
            run_id=run_id,
            trigger=trigger,
            full=full,
            started_at=now,
            fence=state["fence"],
            language=str(state["language"] or "none"),
            place=_place(state, anew=full and not carried_on),
            ledger_seq=state["ledger_seq"],
            ledger_hash=state["ledger_hash"],
            is_first=not state["known"],
            has_failures=bool(state["failures"]),
            failures_before=state["failures_in_row"],
            has_kept=state["kept"],
            full_since=(full_since if carried_on else now) if full else None,
            mapping_version=mapping_version(sync),
            told=tuple(state["told"]),
            untold=state["untold"],
            left=state["left"],
        )
        operation.owes_look = _answer_request(connection, operation) and operation.place.goes_on
        _enter(connection, operation)
        if operation.is_first:
            note_makers(connection, operation)
        else:
            _doubt_makers(connection, operation)
    return operation


def _place(state: Mapping[str, Any], *, anew: bool) -> Place:
    if anew:
        return Place(note=state["note"])
    return Place(**{name: state[name] for name in ("resume", "note", "cursor", "ahead")})


def mapping_version(sync: SyncConfig) -> str:
    """The name of the mapping that a sync has now."""
    return row_map.version(sync.fields) if sync.target else mapping.version(sync.mapping)


def is_outdated(connection: Connection, sync: SyncConfig) -> bool:
    """Whether anything that the target shows was made by another mapping or chunker."""
    makers = connection.execute(
        "select mapping_version, chunker_version from livesync.syncs where sync_id = %s"
        " and exists (select from livesync.shadow x where x.sync_id = %s)",
        (sync.sync_id, sync.sync_id),
    ).fetchone()
    return makers is not None and makers != (mapping_version(sync), CHUNKER_VERSION)


def note_makers(connection: Connection, operation: Operation) -> None:
    connection.execute(
        "update livesync.syncs set mapping_version = %s, chunker_version = %s"
        " where sync_id = %s and fence = %s",
        (
            operation.mapping_version,
            _chunker(operation.sync),
            operation.sync.sync_id,
            operation.fence,
        ),
    )


def _chunker(sync: SyncConfig) -> str:
    """What is between two ends is cut by none."""
    return "" if sync.target else CHUNKER_VERSION


def doubt_makers(connection: Connection, operation: Operation) -> None:
    """Nobody knows any more which mapping everything was made by."""
    connection.execute(
        "update livesync.syncs set mapping_version = '' where sync_id = %s and fence = %s",
        (operation.sync.sync_id, operation.fence),
    )


def _doubt_makers(connection: Connection, operation: Operation) -> None:
    """An operation with another mapping or chunker than what is shown was made by may break off
    halfway: until a replay has been completed, not all of it has one maker."""
    connection.execute(
        "update livesync.syncs set mapping_version = '' where sync_id = %s and fence = %s"
        " and (mapping_version, chunker_version) <> (%s, %s)",
        (
            operation.sync.sync_id,
            operation.fence,
            operation.mapping_version,
            _chunker(operation.sync),
        ),
    )


def _lock(connection: Connection, sync_id: str) -> None:
    lock = connection.execute(
        "select lock_id from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    if lock is None:
        raise NotFound(f"There is no sync '{sync_id}'.", hint="See `livesync sync list`.")
    got = connection.execute("select pg_try_advisory_lock(%s, %s)", (AdvisoryLock.SYNC, lock[0]))
    if got.fetchone() != (True,):
        raise busy(sync_id)


def _close_left(connection: Connection, sync_id: str, now: datetime) -> tuple[Left, ...]:
    found = rows(
        connection,
        "update livesync.operations set status = %s, finished_at = %s"
        " where sync_id = %s and status = %s returning operation_id, trigger, mode, run_id, counts",
        (Status.INTERRUPTED, now, sync_id, Status.RUNNING),
    )
    left = tuple(Left(**{**row, "counts": Counts(**row["counts"])}) for row in found)
    outbox.add_untold(connection, sync_id, sum(each.counts.synced_items for each in left))
    return left


def _take_over(connection: Connection, sync_id: str, now: datetime) -> dict[str, Any]:
    """Make the sync ours: from here on, what an older operation of it wants to write is refused."""
    left = _close_left(connection, sync_id, now)
    (state,) = rows(
        connection,
        "update livesync.syncs s set fence = fence + 1 where s.sync_id = %s"
        " returning s.fence, s.resume, s.note, s.cursor, s.ahead, s.ledger_seq,"
        " s.ledger_hash, s.failures_in_row, s.full_since, s.told, s.untold,"
        " (select c.language from livesync.capsules c where c.name = s.capsule) as language,"
        " exists(select from livesync.kept k where k.sync_id = s.sync_id) as kept,"
        " exists(select from livesync.shadow x where x.sync_id = s.sync_id)"
        " or exists(select from livesync.row_base x where x.sync_id = s.sync_id)"
        " or exists(select from livesync.copied_files x where x.sync_id = s.sync_id) as known,"
        " exists(select from livesync.item_failures f where f.sync_id = s.sync_id) as failures",
        (sync_id,),
    )
    return {**state, "left": left, "owes_full": _owes_full(connection, sync_id, left, now)}


def _owes_full(connection: Connection, sync_id: str, left: Sequence[Left], now: datetime) -> bool:
    """Whether a full resync was broken off just now, that does not break off every time."""
    query = (
        "select count(*) < %s from livesync.operations where sync_id = %s and mode = %s"
        " and status = %s and error is null and started_at > %s"
    )
    values = (TRIES, sync_id, FULL, Status.INTERRUPTED, now - CARRIED_ON)
    was_full = any(one.mode == FULL for one in left)
    return was_full and connection.execute(query, values).fetchone() == (True,)


def count_items(connection: Connection, sync_id: str) -> int:
    """How many items, rows or files of a sync are in step."""
    counted = connection.execute(
        "select (select count(*) from livesync.shadow where sync_id = %(sync)s)"
        " + (select count(*) from livesync.row_base where sync_id = %(sync)s)"
        " + (select count(*) from livesync.copied_files where sync_id = %(sync)s)",
        {"sync": sync_id},
    ).fetchone()
    assert counted is not None
    return int(counted[0])


def _answer_request(connection: Connection, operation: Operation) -> bool:
    """Take away what waits in the queue, if this operation does what it asks for.

    Returns whether there is anything to look for that the operation before may not have been
    asked for: not, where this one was handed out merely to finish it.
    """
    if not operation.trigger.asks_the_source:
        return False
    found = connection.execute(
        "delete from livesync.queue where sync_id = %s and (%s or not full_resync)"
        " returning hints > 0 or requested_at is null",
        (operation.sync.sync_id, operation.full),
    ).fetchone()
    return found is None or bool(found[0])


def look_anew(connection: Connection, operation: Operation) -> None:
    """The listing that was interrupted is at its end: what is told from here on, and what the
    operation was asked for, is seen by one from the start. It fetches what has changed only."""
    operation.owes_look = operation.full = operation.is_first = False
    operation.full_since, operation.looks_again = None, True
    operation.counts = operation.counts.of_what_was_done()
    with connection.transaction():
        fence(connection, operation)
        _answer_request(connection, operation)


def _enter(connection: Connection, operation: Operation) -> None:
    sync = operation.sync
    connection.execute(
        "insert into livesync.operations"
        " (operation_id, sync_id, run_id, trigger, mode, status, started_at, cursor_from,"
        " conflict_resolution) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            operation.operation_id,
            sync.sync_id,
            operation.run_id,
            operation.trigger,
            FULL if operation.full else Mode(sync.mode),
            Status.RUNNING,
            operation.started_at,
            operation.place.told,
            sync.conflict_resolution,
        ),
    )


def fence(connection: Connection, operation: Operation, *, alongside: bool = False) -> None:
    """Keep the sync for this operation to the end of the caller's transaction; `alongside`: while
    another transaction of this operation may do so too.

    Raises `Broken` when another operation has taken over, or the sync is another than it was
    when the operation began: then nothing of this one may land.
    """
    held = connection.execute(
        "select from livesync.syncs where sync_id = %s and fence = %s"
        + (" for key share" if alongside else " for no key update"),
        (operation.sync.sync_id, operation.fence),
    ).rowcount
    if held != 1:
        raise Broken(
            f"Operation {operation.operation_id} has been overtaken: a newer one of sync "
            f"'{operation.sync.sync_id}' has begun, or the sync was changed or removed. Nothing of "
            "its last page was written.",
            hint="Nothing to do: the next operation carries on, if the sync is still there.",
        )


def advance(connection: Connection, operation: Operation, place: Place, *, now: datetime) -> None:
    """Move the sync's own state along, inside the caller's transaction and behind its `fence`."""
    connection.execute(
        "update livesync.syncs set resume = %s, note = %s, cursor = %s, ahead = %s,"
        " full_since = %s, ledger_seq = %s, ledger_hash = %s where sync_id = %s",
        (
            place.resume,
            place.note,
            place.cursor,
            place.ahead,
            operation.full_since if place.resume else None,
            operation.ledger_seq,
            operation.ledger_hash,
            operation.sync.sync_id,
        ),
    )
    connection.execute(
        "update livesync.operations set counts = %s where operation_id = %s",
        (Jsonb(operation.counts.as_dict()), operation.operation_id),
    )
    events.progress(connection, operation, now=now)
