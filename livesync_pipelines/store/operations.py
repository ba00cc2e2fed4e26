"""Operations: one at a time per sync, each with a number that a zombie cannot forge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from livesync_pipelines.core import mapping
from livesync_pipelines.model.errors import Broken, NotFound, Unavailable
from livesync_pipelines.model.operation import Counts, Status, SyncResult
from livesync_pipelines.model.sync import Mode, SyncConfig, Trigger
from livesync_pipelines.store.database import Connection, rows

_LOCK_CLASS = 7_340_002
_MANY_CHUNKS = 1_000
"""From so many new chunks on, an operation tidies the search index that they wait in."""


class Busy(Unavailable):
    code = "busy"


@dataclass(slots=True, kw_only=True)
class Operation:
    """An operation in flight, with the head of its sync's ledger and the state it began from."""

    operation_id: UUID
    sync: SyncConfig
    run_id: str | None
    trigger: Trigger
    full: bool
    started_at: datetime
    fence: int
    language: str
    note: str | None
    resume: str | None
    approved: int
    ledger_seq: int
    ledger_hash: bytes
    items_before: int
    has_failures: bool
    mapping_version: str
    page: int = 0
    counts: Counts = field(default_factory=Counts)
    stage_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended. `listing_digest` is None where no complete listing was made."""

    status: Status
    error: Mapping[str, str] | None = None
    listing_digest: str | None = None


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
    lock = connection.execute(
        "select lock_id from livesync.syncs where sync_id = %s", (sync.sync_id,)
    ).fetchone()
    if lock is None:
        raise NotFound(f"There is no sync '{sync.sync_id}'.", hint="See `livesync sync list`.")
    got = connection.execute(
        "select pg_try_advisory_lock(%s, %s)", (_LOCK_CLASS, lock[0])
    ).fetchone()
    if not got or not got[0]:
        raise _busy(sync.sync_id)
    with connection.transaction():
        return _open(connection, sync, trigger=trigger, full=full, run_id=run_id, now=now)


def _open(
    connection: Connection,
    sync: SyncConfig,
    *,
    trigger: Trigger,
    full: bool,
    run_id: str | None,
    now: datetime,
) -> Operation:
    state = rows(
        connection,
        "update livesync.syncs s set fence = fence + 1 from livesync.capsules c"
        " where s.sync_id = %s and c.name = s.capsule"
        " returning s.fence, s.note, s.resume, s.approved, s.ledger_seq, s.ledger_hash, c.language,"
        " (select count(*) from livesync.shadow x where x.sync_id = s.sync_id) as items,"
        " exists(select from livesync.item_failures f where f.sync_id = s.sync_id) as failures",
        (sync.sync_id,),
    )[0]
    connection.execute(
        "update livesync.operations set status = %s, finished_at = %s"
        " where sync_id = %s and status = %s",
        (Status.INTERRUPTED, now, sync.sync_id, Status.RUNNING),
    )
    connection.execute("delete from livesync.queue where sync_id = %s", (sync.sync_id,))
    operation = Operation(
        operation_id=uuid4(),
        sync=sync,
        run_id=run_id,
        trigger=trigger,
        full=full,
        started_at=now,
        fence=state["fence"],
        language=str(state["language"]),
        note=state["note"],
        resume=None if full else state["resume"],
        approved=state["approved"],
        ledger_seq=state["ledger_seq"],
        ledger_hash=state["ledger_hash"],
        items_before=state["items"],
        has_failures=bool(state["failures"]),
        mapping_version=mapping.version(sync.mapping),
    )
    connection.execute(
        "insert into livesync.operations"
        " (operation_id, sync_id, run_id, trigger, mode, status, started_at, cursor_from)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            operation.operation_id,
            sync.sync_id,
            run_id,
            trigger,
            "full" if full else Mode(sync.mode),
            Status.RUNNING,
            now,
            operation.note or operation.resume,
        ),
    )
    return operation


def fence(connection: Connection, operation: Operation, *, resume: str | None) -> None:
    """Move the sync's own state along, inside the caller's transaction.

    Raises `Broken` when another operation has taken over: then nothing of this one may land.
    """
    updated = connection.execute(
        "update livesync.syncs set resume = %s, note = %s, ledger_seq = %s, ledger_hash = %s"
        " where sync_id = %s and fence = %s",
        (
            resume,
            operation.note,
            operation.ledger_seq,
            operation.ledger_hash,
            operation.sync.sync_id,
            operation.fence,
        ),
    ).rowcount
    if updated != 1:
        raise Broken(
            f"Operation {operation.operation_id} has been overtaken by a newer one of sync "
            f"'{operation.sync.sync_id}'; nothing of its last page was written.",
            hint="Nothing to do: the newer operation carries on.",
        )
    connection.execute(
        "update livesync.operations set counts = %s where operation_id = %s",
        (Jsonb(operation.counts.as_dict()), operation.operation_id),
    )


def finish(
    connection: Connection,
    operation: Operation,
    outcome: Outcome,
    *,
    now: datetime,
    next_due_at: datetime | None,
) -> None:
    """Close an operation and free its sync."""
    with connection.transaction():
        connection.execute(
            "update livesync.operations set status = %s, finished_at = %s, counts = %s,"
            " stage_s = %s, cursor_to = %s, error = %s, listing_digest = %s"
            " where operation_id = %s",
            (
                outcome.status,
                now,
                Jsonb(operation.counts.as_dict()),
                Jsonb({name: round(s, 4) for name, s in operation.stage_s.items()}),
                operation.note,
                Jsonb(outcome.error) if outcome.error else None,
                outcome.listing_digest,
                operation.operation_id,
            ),
        )
        connection.execute(
            "update livesync.syncs set next_due_at = %s,"
            " approved = case when %s then approved else 0 end,"
            " mark = case when %s then mark end where sync_id = %s and fence = %s",
            (
                next_due_at,
                outcome.status == Status.FAILED,
                outcome.status == Status.SUCCESS,
                operation.sync.sync_id,
                operation.fence,
            ),
        )
    if operation.counts.chunks_written >= _MANY_CHUNKS:
        connection.execute("select gin_clean_pending_list('livesync.chunks_words')")
    connection.execute(
        "select pg_advisory_unlock(%s, lock_id) from livesync.syncs where sync_id = %s",
        (_LOCK_CLASS, operation.sync.sync_id),
    )


def refuse_busy(connection: Connection, sync_id: str) -> None:
    """Raises `Busy` when an operation of this sync is in flight."""
    if sync_id in in_flight(connection):
        raise _busy(sync_id)


def _busy(sync_id: str) -> Busy:
    return Busy(
        f"Another operation of sync '{sync_id}' is in flight.",
        hint="It will see every change made before it lists; run again afterwards.",
    )


def counts_in_flight(connection: Connection, sync_id: str) -> dict[str, int]:
    """The running totals of a sync's operation; empty when none is in flight."""
    row = connection.execute(
        "select counts from livesync.operations where sync_id = %s and status = %s"
        " order by started_at desc limit 1",
        (sync_id, Status.RUNNING),
    ).fetchone()
    return row[0] if row else {}


def in_flight(connection: Connection) -> set[str]:
    """The syncs that some process is working on at this moment."""
    found = connection.execute(
        "select s.sync_id from pg_locks l join livesync.syncs s on s.lock_id = l.objid::int"
        " where l.locktype = 'advisory' and l.classid = %s and l.objsubid = 2"
        " and l.database = (select oid from pg_database where datname = current_database())",
        (_LOCK_CLASS,),
    ).fetchall()
    return {sync_id for (sync_id,) in found}


_LISTED = (
    "operation_id::text, sync_id, run_id, trigger, mode, started_at, finished_at, status,"
    " counts, stage_s, cursor_from, cursor_to, error"
)


def history(connection: Connection, sync_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
    """The operations of a sync, newest first."""
    return rows(
        connection,
        f"select {_LISTED} from livesync.operations where sync_id = %s"
        " order by started_at desc limit %s",
        (sync_id, limit),
    )


def of_run(connection: Connection, run_id: str) -> list[dict[str, Any]]:
    """The operations that one Dagster run has carried out, in order."""
    return rows(
        connection,
        f"select {_LISTED} from livesync.operations where run_id = %s order by started_at",
        (run_id,),
    )


def result(row: Mapping[str, Any]) -> SyncResult:
    """The result of an operation, from its row as `history` or `of_run` gives it."""
    finished, status = row["finished_at"], Status(row["status"])
    return SyncResult(
        sync_id=row["sync_id"],
        operation_id=row["operation_id"],
        status=status,
        counts=Counts(**row["counts"]),
        last_sync=finished if status in {Status.SUCCESS, Status.PARTIAL} else None,
        duration_s=(finished - row["started_at"]).total_seconds() if finished else 0.0,
        run_id=row["run_id"],
        error=row["error"],
        stage_s=row["stage_s"],
        cursor_from=row["cursor_from"],
        cursor_to=row["cursor_to"],
    )


def since(connection: Connection, moment: datetime) -> list[dict[str, Any]]:
    """The operations that ended after this moment, oldest first."""
    return rows(
        connection,
        f"select {_LISTED} from livesync.operations where finished_at > %s order by finished_at",
        (moment,),
    )


def one(connection: Connection, operation_id: UUID) -> dict[str, Any]:
    """One operation with its item failures. Raises `NotFound`."""
    found = rows(
        connection,
        f"select {_LISTED} from livesync.operations where operation_id = %s",
        (operation_id,),
    )
    if not found:
        raise NotFound(f"There is no operation {operation_id}.")
    failures = rows(
        connection,
        "select key, code, reason from livesync.item_failures where operation_id = %s order by key",
        (operation_id,),
    )
    return {**found[0], "failed_items": failures}
