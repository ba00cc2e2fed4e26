"""What starts runs: schedules that look at what is due, sensors that drain the queue."""

from collections.abc import Sequence
from time import monotonic

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from livesync_pipelines.connectors import PLATFORMS
from livesync_pipelines.core.cadence import REALTIME_CHECK_S
from livesync_pipelines.defs.batches import together
from livesync_pipelines.defs.cancelled import withdraw_cancelled
from livesync_pipelines.defs.coordinator import waiting
from livesync_pipelines.defs.partitions import add
from livesync_pipelines.defs.requests import job_name, run_requests
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import refresh, sweep
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import queue
from livesync_pipelines.store.queue import Request

HOLD_S = 34.0
"""How long an evaluation of a sensor waits for something to do; Dagster allows it 60 s."""

_SENSORS, _APART_S = 4, 4.0
"""A sensor that has returned is evaluated again at the daemon's next round, 5 s after its last; so
several wait, and return at different times where nothing comes."""

_ENOUGH = 3
"""So many runs may wait for a place in Dagster's own queue."""

JOBS = {
    platform: dg.define_asset_job(
        job_name(platform),
        selection=dg.AssetSelection.groups(platform),
        description=f"One operation of one {connector.spec.title} sync, through all six stages.",
    )
    for platform, connector in PLATFORMS.items()
}
JOBS_OF_SEVERAL = {name: together(connector.spec) for name, connector in PLATFORMS.items()}


ALL_JOBS: Sequence[dg.JobDefinition | UnresolvedAssetJobDefinition] = [
    *JOBS.values(),
    *JOBS_OF_SEVERAL.values(),
]


def _poll(platform: str) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"poll_{platform}",
        cron_schedule="* * * * *",
        job=JOBS[platform],
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Every minute: queues the {platform} syncs whose time has come, unless their "
        "source answers that nothing has changed.",
    )
    def _due(livesync: LiveSync) -> dg.SkipReason:
        engine = livesync.engine()
        if not engine.enabled:
            return dg.SkipReason(DISABLED_REASON)
        due = sweep(engine, platform=platform, realtime=False)
        refreshed = refresh(engine, platform)
        if not (due or refreshed):
            return dg.SkipReason("Nothing is due, or what is due has not changed.")
        return dg.SkipReason(f"Queued {len(due) + bool(refreshed)} syncs, for `drain_queue`.")

    return _due


POLLS = [_poll(platform) for platform in PLATFORMS]


def _drain(number: int) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"drain_queue_{number}",
        jobs=ALL_JOBS,
        minimum_interval_seconds=1,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Hands each queued sync to one run, waiting for the queue instead of sleeping. "
        f"{_SENSORS} of them take turns, and one of them asks realtime sources.",
    )
    def _queued(
        context: dg.SensorEvaluationContext, livesync: LiveSync
    ) -> dg.SensorResult | dg.SkipReason:
        engine = livesync.engine()
        if not engine.enabled:
            return dg.SkipReason(DISABLED_REASON)
        hold_s = HOLD_S + number * _APART_S
        requests = await_requests(engine, context.instance, hold_s=hold_s)
        if not requests:
            return dg.SkipReason(f"The queue stayed empty for {hold_s:.0f} s.")
        for request in requests:
            add(context.instance, request.platform, request.sync_id)
        return dg.SensorResult(run_requests=list(run_requests(requests)))

    return _queued


DRAINS = [_drain(number) for number in range(1, _SENSORS + 1)]


def await_requests(
    engine: Engine, instance: dg.DagsterInstance, *, hold_s: float
) -> Sequence[Request]:
    """What waits in the queue; or what comes within the time, realtime sources included. What was
    requested and is cancelled is seen meanwhile.

    While runs wait for places, only syncs that are more urgent are handed out: the rest gathers
    here, where many hints are one and many syncs will be one run. Nothing is, once another daemon
    has taken the place of the one that asked: nobody hears the answer.
    """
    until, asker = monotonic() + hold_s, _daemon(instance)
    with engine.database.connect() as connection:
        queue.listen(connection)
        mine = False
        while _daemon(instance) == asker:
            mine = mine or queue.watch(connection)
            if mine:
                sweep(engine, realtime=True)
                withdraw_cancelled(instance, engine, connection)
            requests = queue.take(connection, now=engine.now(), down_to=_with_room(instance))
            if requests or monotonic() >= until:
                return requests
            queue.wait(connection, timeout_s=REALTIME_CHECK_S)
    return []


def _daemon(instance: dg.DagsterInstance) -> str | None:
    """Which process has sensors evaluated."""
    heartbeat = instance.get_daemon_heartbeats().get("SENSOR")
    return heartbeat.daemon_id if heartbeat else None


def _with_room(instance: dg.DagsterInstance) -> int:
    """The rank of the least urgent syncs of which not enough runs wait for a place already. What
    waits for its sync to be free takes no place from others."""
    found = waiting(instance)
    enough = [runs >= _ENOUGH for runs in (found.others, found.low, found.long)]
    return enough.index(True) if True in enough else queue.LONG
