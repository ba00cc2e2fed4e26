"""One run of one sync, from its lock to its result."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from livesync_pipelines.core import cadence
from livesync_pipelines.engine.desired import connector_for
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.intake import Pass, Progress
from livesync_pipelines.engine.listing import walk
from livesync_pipelines.engine.replay import replay
from livesync_pipelines.engine.settling import settle
from livesync_pipelines.engine.writer import Writer
from livesync_pipelines.formats.extract import ExtractLimits, Extractor
from livesync_pipelines.model.errors import LiveSyncError, NeedsPerson, RateLimited
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.spec import Absence
from livesync_pipelines.model.sync import SyncConfig, SyncState, Trigger
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import catalog, shadow, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome

MIN_WAIT_S, MAX_WAIT_S = 60.0, 86_400.0
"""A source that failed is left alone for so long; for longer if it says so, up to a day."""


def _quiet(_: Operation) -> None:
    return


def run_sync(
    engine: Engine,
    sync_id: str,
    *,
    trigger: Trigger,
    full: bool = False,
    run_id: str | None = None,
    progress: Progress = _quiet,
) -> SyncResult:
    """Bring one sync's target in step with its source.

    A source that fails is a result with status `failed`; what is raised is a request that
    cannot be (`NotFound`, `NeedsPerson` for a paused sync, `Busy`) or a fault of our own, and
    that one is in the history too. What another mapping or chunker has made is made again first,
    in an operation of its own.
    """
    if engine.enabled and _is_outdated(engine, sync_id):
        replay_sync(engine, sync_id, run_id=run_id)
    return _operate(
        engine,
        sync_id,
        trigger=trigger,
        full=full,
        run_id=run_id,
        work=lambda connection, operation: _synchronise(engine, connection, operation, progress),
    )


def _is_outdated(engine: Engine, sync_id: str) -> bool:
    with engine.database.pooled() as connection:
        return tenure.is_outdated(connection, catalog.sync(connection, sync_id))


def replay_sync(engine: Engine, sync_id: str, *, run_id: str | None = None) -> SyncResult:
    """Map and chunk again what is stored, without asking the source."""
    return _operate(
        engine,
        sync_id,
        trigger=Trigger.REPLAY,
        full=False,
        run_id=run_id,
        work=lambda connection, operation: _replayed(engine, connection, operation),
    )


def _operate(
    engine: Engine,
    sync_id: str,
    *,
    trigger: Trigger,
    full: bool,
    run_id: str | None,
    work: Callable[[Connection, Operation], Outcome],
) -> SyncResult:
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    with engine.database.connect() as connection:
        sync = catalog.sync(connection, sync_id)
        _refuse_paused(connection, sync, trigger)
        operation = tenure.begin(
            connection, sync, trigger=trigger, full=full, run_id=run_id, now=engine.now()
        )
        cursor_from = operation.note
        try:
            outcome = work(connection, operation)
        except LiveSyncError as error:
            outcome = _failed(error)
        except Exception as error:
            fault = {"code": "fault", "message": f"{type(error).__name__}: {error}"}
            _close(engine, connection, operation, Outcome(Status.FAILED, fault, wait_s=MIN_WAIT_S))
            raise
        finished_at = _close(engine, connection, operation, outcome)
    return SyncResult(
        sync_id=sync_id,
        operation_id=str(operation.operation_id),
        status=outcome.status,
        counts=operation.counts,
        last_sync=finished_at if outcome.status in {Status.SUCCESS, Status.PARTIAL} else None,
        duration_s=(finished_at - operation.started_at).total_seconds(),
        run_id=run_id,
        error=dict(outcome.error) if outcome.error else None,
        stage_s=dict(operation.stage_s),
        cursor_from=cursor_from,
        cursor_to=operation.note,
    )


def _failed(error: LiveSyncError) -> Outcome:
    if isinstance(error, RateLimited):
        wait_s = max(MIN_WAIT_S, min(error.after_s, MAX_WAIT_S))
        return Outcome(Status.RATE_LIMITED, error.as_dict(), wait_s=wait_s)
    return Outcome(Status.FAILED, error.as_dict(), wait_s=MIN_WAIT_S)


def _close(
    engine: Engine, connection: Connection, operation: Operation, outcome: Outcome
) -> datetime:
    now = engine.now()
    schedule = cadence.parse(operation.sync.schedule)
    due_at = cadence.next_due(schedule, after=now, spread_key=operation.sync.sync_id)
    if due_at is not None:
        due_at = max(due_at, now + timedelta(seconds=outcome.wait_s))
    tenure.finish(
        connection,
        operation,
        outcome,
        now=now,
        next_due_at=due_at,
    )
    return now


def _refuse_paused(connection: Connection, sync: SyncConfig, trigger: Trigger) -> None:
    state, reason = catalog.state(connection, sync.sync_id)
    if state is SyncState.PAUSED:
        because = f" ({reason})" if reason else ""
        raise NeedsPerson(
            f"Sync '{sync.sync_id}' is paused{because}; this {trigger} run does not start.",
            hint=f"Resume it with `livesync sync resume {sync.sync_id}`.",
        )


def _synchronise(
    engine: Engine, connection: Connection, operation: Operation, progress: Progress
) -> Outcome:
    sync = operation.sync
    source = catalog.connection_of(connection, sync.connection)
    connector = connector_for(source, sync, engine.registry, engine.environ)
    limits = ExtractLimits(max_bytes=sync.limits.item_bytes)
    resumed = operation.resume is not None
    try:
        with (
            Extractor(limits) as extractor,
            engine.database.connect() as reading,
            Writer() as writer,
        ):
            this = Pass(
                connection=reading,
                own=connection,
                writer=writer,
                operation=operation,
                connector=connector,
                extractor=extractor,
                now=engine.now,
                progress=progress,
                failed_before=shadow.failed_versions(connection, sync.sync_id),
            )
            complete = walk(this)
            refusal = settle(this, complete=complete)
    finally:
        connector.close()
    if refusal is not None:
        return Outcome(Status.WAITING, _waiting(sync.sync_id, refusal), settled=True)
    partial = operation.counts.failed > 0 or not complete
    comparable = connector.spec.absence is Absence.DELETED and complete and not resumed
    return Outcome(
        Status.PARTIAL if partial else Status.SUCCESS,
        listing_digest=f"{this.digest:016x}" if comparable else None,
        settled=complete,
    )


def _waiting(sync_id: str, refusal: str) -> dict[str, str]:
    return NeedsPerson(
        f"Nothing was removed: {refusal}",
        hint=f"If that is right, run `livesync sync approve {sync_id}` and then "
        f"`livesync sync run {sync_id}`; if not, mend the source.",
    ).as_dict()


def _replayed(engine: Engine, connection: Connection, operation: Operation) -> Outcome:
    replay(connection, operation, now=engine.now)
    return Outcome(Status.SUCCESS)
