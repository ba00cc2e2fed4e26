"""One operation, from its lock to its result, whatever its work is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from livesync_pipelines.core import cadence, patience
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.model.errors import LiveSyncError, NeedsPerson, RateLimited, Reauthorise
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import SyncConfig, SyncState, Trigger
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import accounts, catalog, ending, events, tenure
from livesync_pipelines.store.database import Connection, let_go
from livesync_pipelines.store.operations import Operation, Outcome, advice

Work = Callable[[Operation], Outcome]
Progress = Callable[[Operation], None]


Cancelled = Callable[[BaseException], bool]
"""Whether what stops a run is somebody's wish to cancel it; else its process is about to end."""


def quiet(_: Operation) -> None:
    """The progress of what nobody watches."""


def never(_: BaseException) -> bool:
    """Of what nobody can cancel."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One run that is asked for: of which sync, why, in which Dagster run, who watches, and how
    it is `cancelled`. `rehearsed`: a transaction around it will be given up."""

    sync_id: str
    trigger: Trigger
    full: bool = False
    run_id: str | None = None
    progress: Progress = quiet
    cancelled: Cancelled = never
    rehearsed: bool = False


def operate(engine: Engine, connection: Connection, errand: Errand, work: Work) -> SyncResult:
    """Do this work as an operation of the sync, on a connection that is its own meanwhile.

    A source that fails is a result with status `failed`; what is raised is a request that
    cannot be (`NotFound`, `NeedsPerson` for a paused sync, `Busy`), or a fault of our own or a
    wish to cancel it, which are in the history too. Else the next operation closes this one.
    """
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    sync = catalog.sync(connection, errand.sync_id)
    refuse_paused(connection, sync)
    operation = tenure.begin(
        connection,
        sync,
        trigger=errand.trigger,
        full=errand.full,
        run_id=errand.run_id,
        now=engine.now(),
    )
    operation.rehearsed = errand.rehearsed
    with connection.transaction():
        events.note_start(connection, operation)
    cursor_from = operation.place.told
    try:
        outcome = work(operation)
    except LiveSyncError as error:
        outcome = _failed(operation, error, _told(connection, sync, error))
    except Exception as error:
        _close(engine, connection, operation, _failed(operation, error, _fault(error)))
        raise
    except BaseException as stop:
        if errand.cancelled(stop) and not operation.rehearsed:
            _cancel(engine, connection, operation)
        raise
    finished_at = _close(engine, connection, operation, outcome)
    return SyncResult(
        sync_id=errand.sync_id,
        operation_id=str(operation.operation_id),
        status=outcome.status,
        counts=operation.counts,
        last_sync=finished_at if outcome.status in {Status.SUCCESS, Status.PARTIAL} else None,
        duration_s=(finished_at - operation.started_at).total_seconds(),
        run_id=errand.run_id,
        conflict_resolution=sync.conflict_resolution,
        error=dict(outcome.error) if outcome.error else None,
        stage_s=dict(operation.stage_s),
        cursor_from=cursor_from,
        cursor_to=operation.place.told,
    )


def _told(connection: Connection, sync: SyncConfig, error: LiveSyncError) -> dict[str, str]:
    """Who connects an account lets its syncs go on; who mends anything else does that himself."""
    told = error.as_dict()
    if isinstance(error, Reauthorise) and not accounts.of_sync(connection, sync.sync_id):
        return {**told, "hint": patience.resuming(sync.sync_id, told["hint"])}
    return told


def _fault(error: Exception) -> dict[str, str]:
    return {
        "code": "fault",
        "message": f"{type(error).__name__}: {error}",
        "hint": "A fault of LiveSync, not yours: please report it. Its run's log has more.",
    }


def _failed(operation: Operation, error: Exception, told: Mapping[str, str]) -> Outcome:
    limited = isinstance(error, RateLimited)
    then = patience.after(error, failures=operation.failures_before + 1, key=operation.sync.sync_id)
    by_hand = operation.trigger is Trigger.PERSON and operation.sync.schedule == "manual"
    if by_hand and not limited:
        then = replace(then, again=False)
    return Outcome(Status.RATE_LIMITED if limited else Status.FAILED, told, then=then)


def _cancel(engine: Engine, connection: Connection, operation: Operation) -> None:
    """Close it, on another connection: its own was stopped in the middle of whatever it did."""
    sync = operation.sync
    error = patience.cancelled(sync.sync_id, sync.schedule, begun=True)
    let_go(connection)
    with engine.database.connect() as other:
        _close(engine, other, operation, Outcome(Status.CANCELLED, error))


def _close(
    engine: Engine, connection: Connection, operation: Operation, outcome: Outcome
) -> datetime:
    now = engine.now()
    schedule = cadence.parse(operation.sync.schedule)
    sync_id = operation.sync.sync_id
    due_at = cadence.next_due(schedule, after=now, spread_key=sync_id)
    if outcome.status is Status.CANCELLED:
        due_at = cadence.due_when_cancelled(schedule, at=now, spread_key=sync_id)
    if due_at is not None:
        due_at = max(due_at, now + timedelta(seconds=outcome.then.wait_s))
    ending.finish(
        connection,
        operation,
        outcome,
        now=now,
        next_due_at=due_at,
    )
    return now


def refuse_paused(connection: Connection, sync: SyncConfig) -> None:
    """Raises `NeedsPerson` for a sync that rests, with what is to be done about it."""
    state, reason = catalog.state(connection, sync.sync_id)
    if state is SyncState.PAUSED:
        raise NeedsPerson(
            f"Sync '{sync.sync_id}' is paused{f' ({reason})' if reason else ''}.",
            hint=patience.resuming(sync.sync_id, advice(connection, sync.sync_id)),
        )
