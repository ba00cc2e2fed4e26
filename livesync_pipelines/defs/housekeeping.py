"""What has to be looked after now and then, apart from deliveries, which it must not delay."""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.storage.dagster_run import NOT_FINISHED_STATUSES, RunRecord

from livesync_pipelines.defs.cancelled import withdraw_cancelled
from livesync_pipelines.defs.launcher import WarmLauncher, is_alive
from livesync_pipelines.defs.orphans import close_orphans
from livesync_pipelines.defs.partitions import SYNCS_TAG, keep_equal
from livesync_pipelines.defs.pools import size_pools
from livesync_pipelines.defs.requests import keys_of
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.triggers import ask_for
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import conflict_counts, queue

_ARRIVES_WITHIN = timedelta(seconds=15)
"""A run that was sent to a worker with a place has begun after this time."""

_IS_PROMPT = timedelta(seconds=30)
"""A run of several syncs that has begun comes to all of them by then, unless one takes long."""


@dg.sensor(
    name="keep_house",
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps the partitions equal to the configured syncs, cancels the runs of those "
    "that were removed, sizes pools, and mends what was killed: runs without a process, requests "
    "without a run, launches that were lost. Has the default of questions carried out whose time "
    "is over.",
)
def keep_house(context: dg.SensorEvaluationContext, livesync: LiveSync) -> dg.SkipReason:
    engine = livesync.engine()
    if not engine.enabled:
        return dg.SkipReason(DISABLED_REASON)
    size_pools(context.instance)
    closed = close_killed(context.instance, engine)
    asked = ask_again(context.instance, engine)
    sent = send_again(context.instance, engine)
    overdue = ask_for_overdue(engine)
    keep_equal(context.instance, engine)
    return dg.SkipReason(
        f"Closed {closed} runs, sent {sent} again; asked for {asked} again, and for {overdue} with "
        "questions whose time is over."
    )


def close_killed(instance: dg.DagsterInstance, engine: Engine) -> int:
    """Fail the runs of terminals that are no more; returns how many."""
    with engine.database.pooled() as connection:
        return close_orphans(instance, connection)


def ask_again(instance: dg.DagsterInstance, engine: Engine) -> int:
    """Hand out anew what was requested and has no run that could answer soon: a daemon died between
    the two, or the run did before its operation began, or it does others first that take long.
    Nothing that somebody has cancelled. Returns how many."""
    with engine.database.pooled() as connection:
        withdraw_cancelled(instance, engine, connection)
        unanswered = queue.unanswered(connection, now=engine.now())
        waiting = _keys_of_runs(instance, engine.now()) if unanswered else set()
        lost = [sync_id for sync_id, key in unanswered.items() if key not in waiting]
        for sync_id in lost:
            queue.ask_again(connection, sync_id)
    return len(lost)


def _keys_of_runs(instance: dg.DagsterInstance, now: datetime) -> set[str]:
    """Of all requests that a run which has not ended is to answer, and will do so soon."""
    runs = instance.get_run_records(dg.RunsFilter(statuses=NOT_FINISHED_STATUSES))
    return set().union(*(keys_of(run.dagster_run) for run in runs if not _is_held_up(run, now)))


def _is_held_up(run: RunRecord, now: datetime) -> bool:
    if SYNCS_TAG not in run.dagster_run.tags or run.start_time is None:
        return False
    return now - datetime.fromtimestamp(run.start_time, UTC) > _IS_PROMPT


def ask_for_overdue(engine: Engine) -> int:
    """Have the default of questions carried out that nobody has answered in time, whatever the
    schedule; returns of how many syncs."""
    with engine.database.pooled() as connection:
        overdue = conflict_counts.overdue(connection, now=engine.now())
        for sync_id in overdue:
            ask_for(engine, connection, sync_id, trigger=Trigger.POLL)
    return len(overdue)


def send_again(instance: dg.DagsterInstance, engine: Engine) -> int:
    """Send the runs to the workers anew that none of them has begun: the broker lost them, or a
    worker that had taken them was killed. Returns how many."""
    launcher = instance.run_launcher
    if not isinstance(launcher, WarmLauncher):
        return 0
    before = engine.now() - _ARRIVES_WITHIN
    starting = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING], updated_before=before)
    lost = [run for run in instance.get_runs(starting) if not is_alive(run)]
    for run in lost:
        launcher.send_again(run)
    return len(lost)
