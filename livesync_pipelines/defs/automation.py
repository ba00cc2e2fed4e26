"""What starts runs: schedules that look at what is due, a sensor that drains the queue."""

from collections.abc import Sequence
from time import monotonic

import dagster as dg

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.core.cadence import REALTIME_CHECK_S
from livesync_pipelines.defs.assets import FULL_TAG, TRIGGER_TAG
from livesync_pipelines.defs.orphans import close_orphans
from livesync_pipelines.defs.partitions import keep_equal
from livesync_pipelines.defs.pools import size_pools
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import refresh, sweep
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import queue
from livesync_pipelines.store.queue import Request

RUN_KEY_TAG = "dagster/run_key"
PRIORITY_TAG = "dagster/priority"
HOLD_S = 20.0
"""How long an evaluation of the sensor waits for something to do; Dagster allows it 60 s."""

JOBS = {
    platform: dg.define_asset_job(
        f"sync_{platform}",
        selection=dg.AssetSelection.groups(platform),
        description=f"One operation of one {connector.spec.title} sync, through all six stages.",
    )
    for platform, connector in PLATFORMS.items()
}


def _poll(platform: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"poll_{platform}",
        cron_schedule="* * * * *",
        job=JOBS[platform],
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every minute: the {platform} syncs whose time has come, unless their "
        "source answers that nothing has changed.",
    )
    def _due(livesync: LiveSync) -> Sequence[dg.RunRequest] | dg.SkipReason:
        engine = livesync.engine()
        if not engine.enabled:
            return dg.SkipReason(DISABLED_REASON)
        sweep(engine, platform=platform, realtime=False)
        refresh(engine, platform)
        with engine.database.pooled() as connection:
            requests = queue.take(connection, now=engine.now(), platform=platform)
        if not requests:
            return dg.SkipReason("Nothing is due, or what is due has not changed.")
        return [_run_request(request) for request in requests]

    return _due


POLLS = [_poll(platform) for platform in PLATFORMS]


@dg.sensor(
    name="drain_queue",
    jobs=list(JOBS.values()),
    minimum_interval_seconds=1,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Hands each queued sync to one run, waiting for the queue instead of sleeping; "
    "asks realtime sources; keeps the partitions equal to the configured syncs.",
)
def drain_queue(
    context: dg.SensorEvaluationContext, livesync: LiveSync
) -> dg.SensorResult | dg.SkipReason:
    engine = livesync.engine()
    if not engine.enabled:
        return dg.SkipReason(DISABLED_REASON)
    size_pools(context.instance)
    keep_equal(context.instance, engine)
    _mend_what_was_killed(context.instance, engine)
    requests = _await_requests(engine)
    if not requests:
        return dg.SkipReason(f"The queue stayed empty for {HOLD_S:.0f} s.")
    return dg.SensorResult(run_requests=[_run_request(request) for request in requests])


def _mend_what_was_killed(instance: dg.DagsterInstance, engine: Engine) -> None:
    """Runs of processes that are no more; and requests that a daemon lost, because it died between
    taking one and making its run."""
    with engine.database.pooled() as connection:
        close_orphans(instance, connection)
        for sync_id, key in queue.unanswered(connection, now=engine.now()).items():
            made = dg.RunsFilter(tags={RUN_KEY_TAG: key})
            if instance.get_runs_count(made) == 0:
                queue.ask_again(connection, sync_id)


def _await_requests(engine: Engine) -> Sequence[Request]:
    """What waits in the queue; or what comes within the time, realtime sources included."""
    until = monotonic() + HOLD_S
    with engine.database.connect() as connection:
        while True:
            sweep(engine, realtime=True)
            requests = queue.take(connection, now=engine.now())
            if requests or monotonic() >= until:
                return requests
            queue.wait(connection, timeout_s=REALTIME_CHECK_S)


def _run_request(request: Request) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=request.key,
        job_name=JOBS[request.platform].name,
        partition_key=request.sync_id,
        tags={
            TRIGGER_TAG: str(request.trigger),
            FULL_TAG: "true" if request.full else "false",
            PRIORITY_TAG: f"{1 - request.rank}",
        },
    )
