"""Once a day, what is older than it is to be kept goes: of ours, and of Dagster's own."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.cleaning import clean
from livesync_pipelines.settings import DISABLED_REASON, Settings

MOST_RUNS = 10_000
"""So many runs are forgotten at once at most: what is left is for the next day."""

_PAGE = 500
_ENDED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)


def forget_runs(instance: dg.DagsterInstance, *, before: datetime, dry_run: bool = False) -> int:
    """Delete the runs that ended before this, with their event logs; returns how many.

    Never one that holds the last materialisation of an asset's partition: freshness, asset checks
    and the state of partitions follow from it.
    """
    needed, forgotten = _last_runs(instance), 0
    for run_id in _ended_runs(instance, before):
        if forgotten == MOST_RUNS:
            break
        if run_id not in needed:
            forgotten += 1
            if not dry_run:
                instance.delete_run(run_id)
    return forgotten


def _ended_runs(instance: dg.DagsterInstance, before: datetime) -> Iterator[str]:
    """Oldest first. Each page is whole before any run of it is deleted; the next one begins behind
    the last run that is still there, for a run that is not there is no place to begin behind."""
    ended, behind = dg.RunsFilter(statuses=_ENDED, updated_before=before), None
    while page := instance.get_run_records(ended, limit=_PAGE, cursor=behind, ascending=True):
        ids = [record.dagster_run.run_id for record in page]
        yield from ids
        left = {run.run_id for run in instance.get_runs(dg.RunsFilter(run_ids=ids))}
        behind = next((run_id for run_id in reversed(ids) if run_id in left), behind)


def _last_runs(instance: dg.DagsterInstance) -> set[str]:
    """The runs that hold the last materialisation of any asset, or of a partition of it."""
    runs = set()
    for key in instance.all_asset_keys():
        last = instance.get_latest_materialization_event(key)
        if last is not None:
            runs.add(last.run_id)
        ids = instance.event_log_storage.get_latest_storage_id_by_partition(
            key, dg.DagsterEventType.ASSET_MATERIALIZATION
        )
        runs |= set(_runs_of(instance, key, sorted(ids.values())))
    return runs


def _runs_of(instance: dg.DagsterInstance, key: dg.AssetKey, ids: list[int]) -> Iterator[str]:
    for start in range(0, len(ids), _PAGE):
        piece = ids[start : start + _PAGE]
        wanted = dg.AssetRecordsFilter(asset_key=key, storage_ids=piece)
        found = instance.fetch_materializations(wanted, limit=len(piece))
        yield from (record.run_id for record in found.records)


@dg.op(description="Deletes what is older than the settings LIVESYNC_KEEP_... say.")
def take_away(context: dg.OpExecutionContext, livesync: LiveSync) -> None:
    engine, keep = livesync.engine(), Settings.load().keep
    for done in clean(engine, keep):
        busy = "; it runs just now, the rest goes next time" if done.busy else ""
        context.log.info(
            f"{done.sync_id}: {done.operations} operations, {done.events} events, "
            f"{done.ledger_entries} ledger entries, {done.row_versions} versions of rows, "
            f"{done.contents} texts{busy}"
        )
        if done.refused:
            context.log.error(done.refused)
    if keep.dagster is not None:
        before = engine.now() - timedelta(days=keep.dagster)
        context.log.info(f"Dagster: {forget_runs(context.instance, before=before)} runs")


@dg.job(name="clean_up", description="Takes away what is older than it is to be kept.")
def clean_up() -> None:
    take_away()


@dg.schedule(
    name="clean_up",
    cron_schedule="40 3 * * *",
    job=clean_up,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night (UTC): deletes old operations, ledger bodies, texts and Dagster runs.",
)
def nightly(livesync: LiveSync) -> dg.RunRequest | dg.SkipReason:
    if not livesync.engine().enabled:
        return dg.SkipReason(DISABLED_REASON)
    return dg.RunRequest()
