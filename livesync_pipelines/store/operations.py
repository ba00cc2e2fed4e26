"""Operations, in flight and after: what a run carries with it, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from livesync_pipelines.core.patience import Next
from livesync_pipelines.model.errors import NotFound, Unavailable
from livesync_pipelines.model.operation import Counts, Place, Status, SyncResult
from livesync_pipelines.model.sync import OVERRIDES, Priority, SyncConfig, Trigger
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.locks import AdvisoryLock


class Busy(Unavailable):
    code = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An operation that its process did not live to end."""

    operation_id: UUID
    trigger: str
    mode: str
    run_id: str | None
    counts: Counts


@dataclass(slots=True, kw_only=True)
class Operation:
    """An operation in flight, with the head of its sync's ledger and the state it began from.

    - `is_first`: nothing was in step yet.
    - `owes_look`: it goes on in the middle of a listing that began before it was asked for, so
      what it was asked for may lie where nobody will look any more: it must look from the start.
    - `looks_again`: it has done that, and looks from the start.
    - `rehearsed`: its transaction is given up, so it draws no number of a sequence, which would
      stay drawn.
    - `left`: operations of its sync that it has closed as interrupted.
    """

    operation_id: UUID
    sync: SyncConfig
    run_id: str | None
    trigger: Trigger
    full: bool
    started_at: datetime
    fence: int
    language: str
    place: Place
    ledger_seq: int
    ledger_hash: bytes
    is_first: bool
    has_failures: bool
    failures_before: int
    has_kept: bool
    full_since: datetime | None
    mapping_version: str
    told: tuple[str, ...] = ()
    untold: int = 0
    page: int = 0
    owes_look: bool = False
    looks_again: bool = False
    rehearsed: bool = False
    left: tuple[Left, ...] = ()
    counts: Counts = field(default_factory=Counts)
    stage_s: dict[str, float] = field(default_factory=dict)

    @property
    def gives_way(self) -> bool:
        """Whether a critical sync may take its place; not where a person waits for the result."""
        return self.sync.priority is not Priority.CRITICAL and self.trigger is not Trigger.PERSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended.

    - `listing_digest`: None where no complete listing was made.
    - `proof`: what was seen before anything was taken for absent.
    - `settled`: a complete listing was settled. What a person approved is used up, and only
      another answer of the source to its probe is a reason to look again.
    - `mark`: that answer as it was for what this operation saw; None where that is not known.
    - `then`: what follows a failure.
    """

    status: Status
    error: Mapping[str, str] | None = None
    listing_digest: str | None = None
    settled: bool = False
    mark: str | None = None
    proof: Mapping[str, Any] | None = None
    then: Next = field(default_factory=Next)


def refuse_busy(connection: Connection, sync_id: str) -> None:
    """Raises `Busy` when an operation of this sync is in flight."""
    if sync_id in in_flight(connection):
        raise busy(sync_id)


def busy(sync_id: str) -> Busy:
    return Busy(
        f"Another operation of sync '{sync_id}' is in flight.",
        hint="It sees what has changed before it lists. For what comes later, or for a full"
        " resync, run again once it has ended: `livesync status` tells.",
    )


def counts_in_flight(connection: Connection, sync_id: str) -> Counts | None:
    """The running totals of a sync's operation; None when none is in flight."""
    row = connection.execute(
        "select counts from livesync.operations where sync_id = %s and status = %s"
        " order by started_at desc limit 1",
        (sync_id, Status.RUNNING),
    ).fetchone()
    return Counts(**row[0]) if row else None


def seen(connection: Connection) -> set[str]:
    """The syncs of which an operation has ended."""
    found = connection.execute("select sync_id from livesync.syncs where last_status is not null")
    return {sync_id for (sync_id,) in found}


_IN_FLIGHT = f"""
    select s.sync_id from pg_locks l join livesync.syncs s on s.lock_id = l.objid::int
    where l.locktype = 'advisory' and l.classid = {AdvisoryLock.SYNC:d} and l.objsubid = 2
      and l.database = (select oid from pg_database where datname = current_database())
"""


def in_flight(connection: Connection) -> set[str]:
    """The syncs that some process is working on at this moment."""
    return {sync_id for (sync_id,) in connection.execute(_IN_FLIGHT.encode())}


STATUS = f"""case when status = '{Status.RUNNING}' and not exists (
    select from ({_IN_FLIGHT}) at_work where at_work.sync_id = operations.sync_id)
    then '{Status.INTERRUPTED}' else status end as status"""
"""How an operation is: the next one of its sync notes of one whose process died that it did."""

_LISTED = (
    f"operation_id::text, sync_id, run_id, trigger, mode, started_at, finished_at, {STATUS},"
    " counts, stage_s, cursor_from, cursor_to, error, conflict_resolution"
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
        conflict_resolution=row["conflict_resolution"] or OVERRIDES,
        error=row["error"],
        stage_s=row["stage_s"],
        cursor_from=row["cursor_from"],
        cursor_to=row["cursor_to"],
    )


def note_refused(
    connection: Connection,
    sync_id: str,
    *,
    run_id: str | None,
    trigger: Trigger,
    error: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    """Enter an operation that was refused before it began; returns its line of the history."""
    line = (sync_id, run_id, trigger, "plan", Status.REFUSED, now, now, Jsonb(dict(error)))
    return _note_unbegun(connection, line)


def note_cancelled(
    connection: Connection,
    sync: SyncConfig,
    *,
    run_id: str,
    trigger: Trigger,
    error: Mapping[str, str],
    now: datetime,
) -> dict[str, Any]:
    """Enter an operation that was cancelled before it began; returns its line of the history."""
    mode, cancelled = str(sync.mode), Status.CANCELLED
    line = (sync.sync_id, run_id, trigger, mode, cancelled, now, now, Jsonb(dict(error)))
    return _note_unbegun(connection, line)


def _note_unbegun(connection: Connection, line: tuple[Any, ...]) -> dict[str, Any]:
    return rows(
        connection,
        "insert into livesync.operations (operation_id, sync_id, run_id, trigger, mode, status,"
        " started_at, finished_at, error) values (gen_random_uuid(), %s, %s, %s, %s, %s,"
        f" %s, %s, %s) returning {_LISTED}",
        line,
    )[0]


def since(connection: Connection, moment: datetime) -> list[dict[str, Any]]:
    """The operations that ended after this moment, oldest first."""
    return rows(
        connection,
        f"select {_LISTED} from livesync.operations where finished_at > %s order by finished_at",
        (moment,),
    )


def unknown(operation_id: UUID) -> NotFound:
    return NotFound(f"There is no operation {operation_id}.")


def one(connection: Connection, operation_id: UUID) -> dict[str, Any]:
    """One operation with its item failures. Raises `NotFound`."""
    found = rows(
        connection,
        f"select {_LISTED}, proof from livesync.operations where operation_id = %s",
        (operation_id,),
    )
    if not found:
        raise unknown(operation_id)
    failures = rows(
        connection,
        "select key, code, reason, failed_at from livesync.item_failures"
        " where operation_id = %s order by key",
        (operation_id,),
    )
    return {**found[0], "failed_items": failures}


def advice(connection: Connection, sync_id: str) -> str:
    """What its last run said that is to be mended, if that is why a sync rests; else nothing."""
    found = connection.execute(
        "select o.error ->> 'hint' from livesync.operations o"
        " join livesync.syncs s using (sync_id)"
        " where o.sync_id = %s and s.paused_by = 'reauthorise' order by o.started_at desc limit 1",
        (sync_id,),
    ).fetchone()
    return (found[0] if found else None) or ""
