"""Once a day a few random items of every sync are read anew, to see what no listing shows."""

import dagster as dg

from livesync_pipelines.core.sentences import sentences
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.engine import report
from livesync_pipelines.engine.drift import sample
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.settings import DISABLED_REASON, Settings
from livesync_pipelines.store import catalog


@dg.op(description="Reads LIVESYNC_DRIFT_SAMPLE random items of every active sync and compares.")
def look_for_drift(context: dg.OpExecutionContext, livesync: LiveSync) -> None:
    engine, items = livesync.engine(), Settings.load().drift_sample
    for sync_id in _active(engine):
        try:
            sample(engine, sync_id, items=items)
        except LiveSyncError as error:  # its own runs tell the same; the other syncs go on
            why = sentences(error.message, error.hint)
            context.log.warning(f"{sync_id} could not be looked at: {why}")
            continue
        with engine.database.pooled() as connection:
            told = report.drift(engine, connection, sync_id)
        bound = "nothing" if told["upper_bound"] is None else f"at most {told['upper_bound']:.1%}"
        say = context.log.warning if told["divergent"] else context.log.info
        say(
            f"{sync_id}: {bound} is divergent; {told['divergent']} of {told['samples']} samples "
            f"drifted, {told['lagging']} lag"
        )


def _active(engine: Engine) -> list[str]:
    """Of copies of files nothing is sampled: every run lists both of their ends."""
    with engine.database.pooled() as connection:
        names = [s.sync_id for s in catalog.syncs(connection) if not s.copies]
        return [n for n in names if catalog.state(connection, n)[0] is SyncState.ACTIVE]


@dg.job(name="measure_drift", description="How much of each sync drifted without being noticed.")
def measure_drift() -> None:
    look_for_drift()


@dg.schedule(
    name="measure_drift",
    cron_schedule="20 4 * * *",
    job=measure_drift,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day (UTC): reads a few random items of every sync anew and compares.",
)
def daily(livesync: LiveSync) -> dg.RunRequest | dg.SkipReason:
    if not livesync.engine().enabled:
        return dg.SkipReason(DISABLED_REASON)
    if Settings.load().drift_sample == 0:
        return dg.SkipReason("LIVESYNC_DRIFT_SAMPLE is 0.")
    return dg.RunRequest()
