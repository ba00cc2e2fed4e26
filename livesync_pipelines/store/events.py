"""What happens, written in the transaction of what it tells, and announced when that is committed.

https://www.postgresql.org/docs/18/sql-notify.html, read 2026-11-21: a notice goes out at commit,
and notices of one transaction after another arrive in the order of their commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from psycopg.types.json import Jsonb

from livesync_pipelines.core import telling
from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.model.errors import Reauthorise
from livesync_pipelines.model.live import LiveEvent, LiveKind
from livesync_pipelines.model.operation import Counts, Status
from livesync_pipelines.model.records import Failed
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import Left, Operation, Outcome
from livesync_pipelines.store.row_names import RowNames

CHANNEL = "livesync_events"
KEPT = timedelta(days=2)
"""For so long a reader who was away can go on where he was."""
FIRST = 10
"""So many items are named in an event."""


def note(
    connection: Connection,
    operation: Operation,
    kind: LiveKind,
    document: Mapping[str, Any],
    *,
    now: datetime,
    owner: str | None = None,
) -> None:
    """Write an event of this operation, inside the caller's transaction and near its end; of a
    rehearsal there is nothing to tell."""
    if not operation.rehearsed:
        told = LiveEvent(
            seq=None,
            at=now,
            project_id=operation.sync.project_id,
            sync_id=operation.sync.sync_id,
            operation_id=str(operation.operation_id),
            kind=kind,
            owner=owner,
            document=document,
        )
        _write(connection, told)


def _write(connection: Connection, event: LiveEvent) -> None:
    """The events of a project are written one after another, so that who has seen a number has seen
    all that are smaller."""
    project = event.project_id
    connection.execute(
        "select pg_advisory_xact_lock(%s, hashtext(%s))", (AdvisoryLock.EVENTS, project)
    )
    connection.execute(
        "with e as (insert into livesync.events"
        " (at, project_id, sync_id, operation_id, kind, owner, document)"
        " values (%s, %s, %s, %s, %s, %s, %s) returning seq)"
        " select pg_notify(%s, json_build_object('project_id', %s::text, 'seq', seq)::text) from e",
        (
            event.at,
            project,
            event.sync_id,
            event.operation_id,
            event.kind,
            event.owner,
            Jsonb(dict(event.document)),
            CHANNEL,
            project,
        ),
    )


def note_start(connection: Connection, operation: Operation) -> None:
    """That it has begun; and before that, of which others the end has been found out by it."""
    for left in operation.left if not operation.rehearsed else ():
        _write(connection, _interrupted(operation, left))
    document = {"trigger": operation.trigger, "run_id": operation.run_id, "full": operation.full}
    note(connection, operation, LiveKind.STARTED, document, now=operation.started_at)


def _interrupted(operation: Operation, left: Left) -> LiveEvent:
    error = {
        "code": "interrupted",
        "message": "Its process has ended; what it had written until then stays.",
        "hint": "Nothing to do: the next run goes on where it was.",
    }
    return LiveEvent(
        seq=None,
        at=operation.started_at,
        project_id=operation.sync.project_id,
        sync_id=operation.sync.sync_id,
        operation_id=str(left.operation_id),
        kind=LiveKind.FAILED,
        owner=None,
        document={
            "status": Status.INTERRUPTED,
            "trigger": left.trigger,
            "run_id": left.run_id,
            "counts": left.counts.as_dict(),
            "error": error,
        },
    )


def note_end(
    connection: Connection, operation: Operation, outcome: Outcome, *, now: datetime
) -> None:
    """How an operation ended; and, where the account has been revoked, that a person is needed."""
    error = telling.showable(outcome.error, operation.sync.sync_id) if outcome.error else None
    document = {
        "status": outcome.status,
        "trigger": operation.trigger,
        "run_id": operation.run_id,
        "counts": operation.counts.as_dict(),
        "error": error,
    }
    failed = outcome.status in {Status.FAILED, Status.CANCELLED}
    kind = LiveKind.FAILED if failed else LiveKind.COMPLETED
    note(connection, operation, kind, document, now=now)
    if error and error["code"] == Reauthorise.code:
        note(connection, operation, LiveKind.REAUTHORISE, {"error": error}, now=now)


def note_unbegun(
    connection: Connection, project_id: str, line: Mapping[str, Any], *, now: datetime
) -> None:
    """That an operation has failed before it began; `line`: of the history."""
    told = LiveEvent(
        seq=None,
        at=now,
        project_id=project_id,
        sync_id=line["sync_id"],
        operation_id=line["operation_id"],
        kind=LiveKind.FAILED,
        owner=None,
        document={
            **{name: line[name] for name in ("status", "trigger", "run_id")},
            "counts": Counts(**line["counts"]).as_dict(),
            "error": telling.showable(line["error"], line["sync_id"]),
        },
    )
    _write(connection, told)


def note_conflicts(
    connection: Connection, operation: Operation, opened: Sequence[Conflict], *, now: datetime
) -> None:
    sync_id, names = operation.sync.sync_id, RowNames(connection)
    shown = [
        {"key": telling.shown(names.shown(sync_id, each.key)), "field": each.field}
        for each in opened[:FIRST]
    ]
    document = {"count": len(opened), "conflicts": shown}
    owner = operation.sync.policy.owner
    note(connection, operation, LiveKind.CONFLICT, document, now=now, owner=owner)


def note_letters(
    connection: Connection, operation: Operation, dead: Sequence[Failed], *, now: datetime
) -> None:
    if dead:
        shown = [
            {"key": telling.shown(each.failure.key), "code": each.failure.code}
            for each in dead[:FIRST]
        ]
        document = {"count": len(dead), "items": shown}
        note(connection, operation, LiveKind.DEAD_LETTER, document, now=now)


def progress(connection: Connection, operation: Operation, *, now: datetime) -> None:
    """Announce how far an operation has come once the caller's transaction is committed; it is
    not kept, for the next one tells more."""
    told = LiveEvent(
        seq=None,
        at=now,
        project_id=operation.sync.project_id,
        sync_id=operation.sync.sync_id,
        operation_id=str(operation.operation_id),
        kind=LiveKind.PROGRESS,
        owner=None,
        document=operation.counts.as_dict(),
    )
    connection.execute("select pg_notify(%s, %s)", (CHANNEL, orjson.dumps(told.as_dict()).decode()))


def after(connection: Connection, project_id: str, seq: int, *, limit: int) -> list[LiveEvent]:
    """The next events of a project, in their order."""
    found = rows(
        connection,
        "select seq, at, project_id, sync_id, operation_id::text, kind, owner, document"
        " from livesync.events where project_id = %s and seq > %s order by seq limit %s",
        (project_id, seq, limit),
    )
    return [LiveEvent(**{**row, "kind": LiveKind(row["kind"])}) for row in found]


def kept(connection: Connection) -> tuple[int, int]:
    """The number before the oldest event that is kept, and the newest number, of all projects."""
    found = connection.execute(
        "select coalesce((select min(seq) - 1 from livesync.events), last), last"
        " from (select case when is_called then last_value else 0 end as last"
        " from livesync.events_seq_seq) s"
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def drop(connection: Connection, *, before: datetime, limit: int) -> int:
    """Take out events that are older; how many."""
    return connection.execute(
        "delete from livesync.events where seq in"
        " (select seq from livesync.events where at < %s limit %s)",
        (before, limit),
    ).rowcount
