"""Runs that a terminal's process carried out itself, and that nobody ends when it is killed.

Dagster cannot ask such a process for its health, and counts its run among those in progress: ten
of them, and no other would begin.
"""

from __future__ import annotations

import dagster as dg

from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import catalog, holders, operations, queue
from livesync_pipelines.store.database import Connection

HERE_TAG, HOLDER_TAG = "livesync/in_terminal", "livesync/holder"


def held_tags(connection: Connection) -> dict[str, str]:
    """The tags of a run that is carried out for as long as this connection lives."""
    return {HERE_TAG: "true", HOLDER_TAG: f"{holders.hold(connection)}"}


def close_orphans(instance: dg.DagsterInstance, connection: Connection) -> int:
    """Fail the runs whose process has gone, free their places, and queue what they have left;
    returns how many."""
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
            _queue_left(connection, run.run_id)
            closed += 1
    return closed


def _queue_left(connection: Connection, run_id: str) -> None:
    """A run may have been asked for what it has not looked at. What a person runs by hand, a person
    runs again."""
    for left in operations.of_run(connection, run_id):
        sync, trigger = catalog.sync(connection, left["sync_id"]), Trigger(left["trigger"])
        by_hand = sync.schedule == "manual" or not trigger.asks_the_source
        if left["status"] == Status.RUNNING and not by_hand:
            queue.put(connection, sync.sync_id, trigger=trigger, priority=sync.priority)
