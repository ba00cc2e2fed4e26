"""When a run begins: at once where there is a place for it, in the order of the queue otherwise."""

from __future__ import annotations

from threading import Lock

import dagster as dg
from dagster._core.op_concurrency_limits_counter import GlobalOpConcurrencyLimitsCounter
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import RunQueueConfig
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES
from dagster._core.storage.tags import BACKFILL_ID_TAG, PRIORITY_TAG

from livesync_pipelines.defs.launcher import WarmLauncher, database
from livesync_pipelines.store import holders

LAST = "-1"
"""The priority of a run that gives way to others: a backfill, a full resync, a sync of low
priority."""

COLD_RUNS = 10
"""So many runs at once where each is a process of its own, if `dagster.yaml` gives no number."""


class PromptCoordinator(QueuedRunCoordinator):
    """Dagster's queue, which a run passes by when nobody waits and its pool has room.

    A run is either launched or queued, never both. At most as many are launched as living workers
    have places for (`max_concurrent_runs`, where it is not negative, can make it fewer); what
    comes while no worker lives waits in the queue. There backfills give way to everything else,
    where nobody has given them a priority.
    """

    _launching = Lock()

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        run = context.dagster_run
        if BACKFILL_ID_TAG in run.tags and PRIORITY_TAG not in run.tags:
            self._instance.add_run_tags(run.run_id, {PRIORITY_TAG: LAST})
        with self._launching:
            if run.status is dg.DagsterRunStatus.NOT_STARTED and self._has_room(run):
                return self._instance.launch_run(run.run_id, context.workspace)
        return super().submit_run(context)

    def get_run_queue_config(self) -> RunQueueConfig:
        config = super().get_run_queue_config()
        most = config.max_concurrent_runs
        if isinstance(self._instance.run_launcher, WarmLauncher):
            with database().pooled() as connection:
                places = holders.places(connection)
            return config._replace(max_concurrent_runs=places if most < 0 else min(most, places))
        return config._replace(max_concurrent_runs=COLD_RUNS if most < 0 else most)

    def _has_room(self, run: dg.DagsterRun) -> bool:
        instance = self._instance
        config = instance.get_concurrency_config()
        queue = config.run_queue_config
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
        if queue is None or queue.tag_concurrency_limits or instance.get_runs_count(queued):
            return False
        active = instance.get_run_records(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES))
        if len(active) >= queue.max_concurrent_runs:
            return False
        storage = instance.event_log_storage
        pools = GlobalOpConcurrencyLimitsCounter(
            instance,
            [run],
            active,
            concurrency_keys=storage.get_concurrency_keys(),
            pool_limits=storage.get_pool_limits(),
            slot_count_offset=queue.op_concurrency_slot_buffer,
            pool_granularity=config.pool_config.pool_granularity,
        )
        return not pools.is_blocked(run)
