"""Runs that a terminal's process carried out itself, and that nobody ends when it is killed.

Dagster cannot ask such a process for its health, and counts its run among those in progress: ten
of them, and no other would begin.
"""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.store import holders
from livesync_pipelines.store.database import Connection

HERE_TAG, HOLDER_TAG = "livesync/in_terminal", "livesync/holder"


def held_tags(connection: Connection) -> dict[str, str]:
    """The tags of a run that is carried out for as long as this connection lives."""
    return {HERE_TAG: "true", HOLDER_TAG: f"{holders.hold(connection)}"}


def close_orphans(instance: dg.DagsterInstance, connection: Connection) -> int:
    """Fail the runs whose process has gone, and free their places; returns how many. What they have
    left is queued by a sweep."""
    begun = [
        dg.DagsterRunStatus.NOT_STARTED,
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    ]
    closed = 0
    for run in instance.get_runs(dg.RunsFilter(statuses=begun, tags={HERE_TAG: "true"})):
        if not holders.is_held(connection, int(run.tags[HOLDER_TAG])):
            instance.report_run_failed(run, "The process that carried out this run has ended.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            closed += 1
    return closed
