"""The asset factory: one platform, six keys, one step."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import dagster as dg
from dagster._core.storage.tags import RETRY_NUMBER_TAG
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from livesync_pipelines.connectors.base import Platform
from livesync_pipelines.core.patience import TRIES
from livesync_pipelines.core.sentences import sentences
from livesync_pipelines.defs import checks, metadata
from livesync_pipelines.defs.coordinator import TRIGGER_TAG
from livesync_pipelines.defs.orphans import HERE_TAG
from livesync_pipelines.defs.partitions import SYNCS
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine import report
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.operating import Cancelled, Errand
from livesync_pipelines.engine.plan import run_planned
from livesync_pipelines.engine.sync import replay_sync, run_errand
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.spec import STAGES, PlatformSpec
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog, queue, stages
from livesync_pipelines.store.database import Database, Gone
from livesync_pipelines.store.operations import Busy, Operation

FULL_TAG = "livesync/full"
PLAN_TAG = "livesync/plan"
BACKFILL_TAG = "dagster/backfill"
OWNER = "team:livesync"

TURN_S = 60.0
"""So long a run that has a place waits while another one works on its sync; the queue hands a place
to none whose sync is at work already."""

AWAITED_S = 600.0
"""So long a run waits for a database that went away; then it fails."""

_LOOK_S = 0.3

_CANCELLED = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)

_DESCRIPTIONS = {
    "source": "What is known of the source: every item with its key, version and times.",
    "records": "Items read into normalised Markdown, with their properties and fingerprints.",
    "deltas": "What the last operation found added, updated (which fields), moved or removed.",
    "mapped_rows": "Records in the target's field names.",
    "resolved_rows": "Rows as the target shows them, and how each was decided.",
    "capsule_chunks": "Searchable chunks; an edit writes only those whose words changed.",
}
_KINDS = {
    "source": set[str](),
    "records": {"markdown"},
    "deltas": {"postgres"},
    "mapped_rows": {"postgres"},
    "resolved_rows": {"postgres"},
    "capsule_chunks": {"postgres"},
}
Windows = tuple[timedelta, timedelta]
Context = dg.AssetExecutionContext | dg.OpExecutionContext


def corridor(connector: type[Platform], *, windows: Windows) -> dg.AssetsDefinition:
    """The six assets of a platform. `windows` are the ages at which its freshness warns, fails."""
    spec = connector.spec

    @dg.multi_asset(
        name=f"{spec.name}_corridor",
        specs=list(_specs(spec, windows)),
        check_specs=checks.specs(spec.name),
        partitions_def=SYNCS[spec.name],
        can_subset=True,
        pool=spec.name,
    )
    def _corridor(
        context: dg.AssetExecutionContext, livesync: LiveSync
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        engine = livesync.engine()
        chosen = context.selected_asset_keys
        for sync_id in context.partition_keys:
            result = carry_out(context, livesync, sync_id, chosen=chosen)
            yield from shown(engine, spec.name, result, chosen=chosen)

    return _corridor


def _specs(spec: PlatformSpec, windows: Windows) -> Iterator[dg.AssetSpec]:
    warn, fail = windows
    before: list[dg.AssetKey] = []
    for stage in STAGES:
        key = dg.AssetKey([spec.name, stage])
        yield dg.AssetSpec(
            key,
            deps=before,
            description=f"{spec.title}: {_DESCRIPTIONS[stage]}",
            group_name=spec.name,
            owners=[OWNER],
            kinds={_kind(spec.name), *_KINDS[stage]},
            tags={"livesync/stage": stage},
            metadata={"dagster/column_schema": metadata.column_schema(stage)},
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn),
        ).with_io_manager_key("stages")
        before = [key]


def _kind(platform: str) -> str:
    return {"folder": "file", "website": "web", "sql_table": "sql"}.get(platform, platform)


def carry_out(
    context: Context, livesync: LiveSync, sync_id: str, *, chosen: Collection[dg.AssetKey]
) -> SyncResult:
    """Run the sync; or, where only late stages are asked for, replay them from what is stored.
    Raises `dagster.Failure` where it fails."""
    engine, progress = livesync.engine(), _Reporter(context, livesync.progress_items)
    run_id = context.run.run_id
    cancelled = cancelled_in(context.instance, run_id)
    outlive, in_turn = _outliving(context, engine.database), _in_turn(context, sync_id)
    try:
        if any(key.path[-1] == "source" for key in chosen):
            errand = replace(_errand(context.run, sync_id), progress=progress, cancelled=cancelled)
            result: SyncResult = outlive(in_turn, _run, engine, context.run, errand)
        else:
            replay = partial(replay_sync, run_id=run_id, cancelled=cancelled)
            result = outlive(in_turn, replay, engine, sync_id)
    except Disabled:
        if RETRY_NUMBER_TAG in context.run.tags:
            _leave_to_queue(engine, _errand(context.run, sync_id))
        raise
    except Busy as error:
        said = sentences(error.message, error.hint)
        raise dg.Failure(description=said, allow_retries=False) from error
    if result.status in {Status.FAILED, Status.RATE_LIMITED}:
        raise _failure(result)
    return result


def _leave_to_queue(engine: Engine, errand: Errand) -> None:
    """What was interrupted is still to be done, and Dagster has no other run for it."""
    with engine.database.pooled() as connection:
        priority = catalog.sync(connection, errand.sync_id).priority
        queue.put(
            connection, errand.sync_id, trigger=errand.trigger, priority=priority, full=errand.full
        )


def _outliving(context: Context, database: Database) -> Retrying:
    """Calls what it is given anew where the database went away in the middle of it, once it is
    back: the next operation goes on where that one stopped."""

    def once_it_is_back(_: RetryCallState) -> None:
        _await(database.connect).close()
        context.log.warning("The database had gone away, and is back: the sync goes on.")

    return Retrying(
        retry=retry_if_exception_type(Gone),
        stop=stop_after_attempt(TRIES),
        before_sleep=once_it_is_back,
        reraise=True,
    )


_await = Retrying(
    retry=retry_if_exception_type(Gone),
    stop=stop_after_delay(AWAITED_S),
    wait=wait_fixed(_LOOK_S),
    reraise=True,
)


def _in_turn(context: Context, sync_id: str) -> Retrying:
    """Calls what it is given once no other operation of the sync is in flight."""

    def told(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            context.log.info(
                f"{sync_id}: another operation is in flight; waiting up to {TURN_S:.0f} s for it."
            )

    return Retrying(
        retry=retry_if_exception_type(Busy),
        stop=stop_after_delay(TURN_S),
        wait=wait_fixed(_LOOK_S),
        before_sleep=told,
        reraise=True,
    )


def cancelled_in(instance: dg.DagsterInstance, run_id: str) -> Cancelled:
    """Tells an interrupt that somebody asked for, in Dagster or at the terminal where he waits for
    the run, from one that ends the process."""

    def cancelled(stop: BaseException) -> bool:
        if not isinstance(stop, (dg.DagsterExecutionInterruptedError, KeyboardInterrupt)):
            return False
        run = instance.get_run_by_id(run_id)
        if run is None:
            return False
        waits = HERE_TAG in run.tags and run.tags.get(TRIGGER_TAG) == Trigger.PERSON
        return waits or run.status in _CANCELLED

    return cancelled


def _errand(run: dg.DagsterRun, sync_id: str) -> Errand:
    tags = run.tags
    backfill = BACKFILL_TAG in tags
    return Errand(
        sync_id=sync_id,
        trigger=Trigger.BACKFILL if backfill else Trigger(tags.get(TRIGGER_TAG, Trigger.PERSON)),
        full=backfill or tags.get(FULL_TAG) == "true",
        run_id=run.run_id,
    )


def _run(engine: Engine, run: dg.DagsterRun, errand: Errand) -> SyncResult:
    if plan_hash := run.tags.get(PLAN_TAG):
        return run_planned(engine, errand, plan_hash)
    return run_errand(engine, errand)


class _Reporter:
    """Tells the run's log how far an operation is: after 100 items, 1,000, and so on, but at
    least once in `step` items."""

    def __init__(self, context: Context, step: int) -> None:
        self._context = context
        self._step = step
        self._next = 100

    def __call__(self, operation: Operation) -> None:
        counts = operation.counts
        if counts.listed >= self._next:
            self._next = min(counts.listed * 10, counts.listed + self._step)
            self._context.log.info(
                f"{operation.sync.sync_id}: {counts.progress}, {counts.synced_items} synced, "
                f"{counts.unchanged} unchanged, {counts.failed} failed"
            )


def _failure(result: SyncResult) -> dg.Failure:
    error = result.error or {}
    said = sentences(error.get("message", ""), error.get("hint", ""))
    return dg.Failure(
        description=f"{result.sync_id}: {said}",
        metadata={"operation_id": result.operation_id, "status": str(result.status), **error},
        allow_retries=False,  # the queue has it, with a later time
    )


def shown(
    engine: Engine, platform: str, result: SyncResult, *, chosen: Collection[dg.AssetKey]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """What Dagster shows of an operation: the chosen stages' materialisations, and their checks."""
    url = f"http://localhost:{Settings.load().port}/sync/operations/{result.operation_id}"
    with engine.database.pooled() as connection:
        sync = catalog.sync(connection, result.sync_id)
        counts = stages.stage_counts(connection, result.sync_id)
        rows: Mapping[str, int] = metadata.row_counts(counts, result)
        drift = report.drift(engine, connection, result.sync_id)
        for stage in STAGES:
            key = dg.AssetKey([platform, stage])
            if key in chosen:
                preview = stages.table(
                    connection, result.sync_id, stage, limit=metadata.PREVIEW_ROWS
                )
                told = metadata.of_stage(
                    stage, result, preview, rows=rows[stage], operation_url=url
                )
                if stage == "source":
                    told = {**told, **metadata.of_drift(drift)}
                told = {**told, **metadata.of_lineage(platform, stage, sync, preview)}
                yield dg.MaterializeResult(asset_key=key, metadata=told)
        for outcome in checks.results(connection, platform, result, counts):
            if outcome.asset_key in chosen:
                yield outcome
