"""When a run begins: at once where there is a place for it, in the order of the queue otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import dagster as dg
from dagster._core.op_concurrency_limits_counter import GlobalOpConcurrencyLimitsCounter
from dagster._core.run_coordinator import QueuedRunCoordinator, SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import RunQueueConfig
from dagster._core.storage.dagster_run import ACTIVE_RUN_STATUSES, RunRecord
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARTITION_NAME_TAG, PRIORITY_TAG
from dagster._utils.tags import TagConcurrencyLimitsCounter

from livesync_pipelines.defs.launcher import WarmLauncher, database
from livesync_pipelines.store import holders
from livesync_pipelines.store.operations import in_flight

LAST = "-1"
"""The priority of a run that lets others pass: a backfill, a full resync, a sync of low
priority."""

GIVES_WAY_TAG = "livesync/gives_way"
"""Why a run leaves a place free for others: all that have this tag never take every place."""

TAKES_LONG_TAG = "livesync/takes_long"
"""A run of a critical sync that may take long: it gives way to nobody, and may take the place that
is kept free; the others then leave one more."""

LONG, TURN = "takes long", "its sync is at work"

TRIGGER_TAG = "livesync/trigger"
"""What a run that our queue asks for was triggered by; Dagster's own runs have none."""

_UNENDED = [dg.DagsterRunStatus.QUEUED, *ACTIVE_RUN_STATUSES]
_EACH = {"applyLimitPerUniqueValue": True}

COLD_RUNS = 10
"""So many runs at once where each is a process of its own, if `dagster.yaml` gives no number."""


class PromptCoordinator(QueuedRunCoordinator):
    """Dagster's queue, which a run passes by when nobody waits and its pool has room.

    A run is either launched or queued, never both. At most as many are launched as living workers
    have places for (`max_concurrent_runs`, where it is not negative, can make it fewer); what
    comes while no worker lives waits in the queue. So does a run of a sync that another process
    works on, which would keep a place to wait in. In the queue such runs and backfills let
    everything else pass, where nobody has given them a priority.
    """

    _launching = Lock()

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        with self._launching:
            active = self._instance.get_run_records(dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES))
            run = self._marked(context.dagster_run)
            if run.status is dg.DagsterRunStatus.NOT_STARTED and self._has_room(run, active):
                return self._instance.launch_run(run.run_id, context.workspace)
        return super().submit_run(context)

    def get_run_queue_config(self) -> RunQueueConfig:
        config = super().get_run_queue_config()
        most = config.max_concurrent_runs
        with database().pooled() as connection:
            at_work = in_flight(connection)
            if isinstance(self._instance.run_launcher, WarmLauncher):
                places = holders.places(connection)
                most = places if most < 0 else min(most, places)
        most = COLD_RUNS if most < 0 else most
        critical = dg.RunsFilter(statuses=ACTIVE_RUN_STATUSES, tags={TAKES_LONG_TAG: "true"})
        limit = max(0, max(1, most - 1) - self._instance.get_runs_count(critical))
        limits = [
            *config.tag_concurrency_limits,
            {"key": GIVES_WAY_TAG, "limit": limit},
            {"key": PARTITION_NAME_TAG, "value": _EACH, "limit": 1},
            *({"key": PARTITION_NAME_TAG, "value": sync, "limit": 0} for sync in at_work),
        ]
        return config._replace(max_concurrent_runs=most, tag_concurrency_limits=limits)

    def _marked(self, run: dg.DagsterRun) -> dg.DagsterRun:
        """The run, with why it gives way if it does."""
        sync_id = run.tags.get(PARTITION_NAME_TAG)
        if sync_id and self._is_at_work(run, sync_id):
            tags = {PRIORITY_TAG: LAST, **run.tags, GIVES_WAY_TAG: TURN}
        elif BACKFILL_ID_TAG in run.tags and PRIORITY_TAG not in run.tags:
            tags = {**run.tags, PRIORITY_TAG: LAST, GIVES_WAY_TAG: LONG}
        else:
            return run
        self._instance.add_run_tags(run.run_id, tags)
        return run.with_tags(tags)

    def _is_at_work(self, run: dg.DagsterRun, sync_id: str) -> bool:
        """Whether another run has this sync, or is to have it. Our own queue hands out no sync that
        is at work, and the run of one whose operation has just ended may still be telling of it."""
        with database().pooled() as connection:
            if sync_id in in_flight(connection):
                return True
        mine = dg.RunsFilter(statuses=_UNENDED, tags={PARTITION_NAME_TAG: sync_id})
        return TRIGGER_TAG not in run.tags and any(
            run_id != run.run_id for run_id in self._instance.get_run_ids(mine, limit=2)
        )

    def _has_room(self, run: dg.DagsterRun, active: Sequence[RunRecord]) -> bool:
        way, found = run.tags.get(GIVES_WAY_TAG), waiting(self._instance)
        others = found.others if way is None else found.in_all
        config = self._instance.get_concurrency_config()
        queue = config.run_queue_config
        if queue is None or others or way == TURN or len(active) >= queue.max_concurrent_runs:
            return False
        at_work = [record.dagster_run for record in active]
        limits = [one for one in queue.tag_concurrency_limits if one["key"] != PARTITION_NAME_TAG]
        if TagConcurrencyLimitsCounter(limits, at_work).is_blocked(run):
            return False
        storage = self._instance.event_log_storage
        pools = GlobalOpConcurrencyLimitsCounter(
            self._instance,
            [run],
            active,
            concurrency_keys=storage.get_concurrency_keys(),
            pool_limits=storage.get_pool_limits(),
            slot_count_offset=queue.op_concurrency_slot_buffer,
            pool_granularity=config.pool_config.pool_granularity,
        )
        return not pools.is_blocked(run)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many runs wait for a place: in all; those that take `long`; those for which it is not
    their turn; those of `low` priority that are neither; and `others`, who let nobody pass."""

    in_all: int = 0
    long: int = 0
    in_turn: int = 0
    low: int = 0

    @property
    def others(self) -> int:
        return self.in_all - self.long - self.in_turn - self.low


def waiting(instance: dg.DagsterInstance) -> Waiting:
    def count(**tags: str) -> int:
        queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED], tags=tags)
        return instance.get_runs_count(queued)

    last = {PRIORITY_TAG: LAST}
    in_all = count()
    if not in_all:
        return Waiting()
    long, in_turn = count(**{GIVES_WAY_TAG: LONG}), count(**{GIVES_WAY_TAG: TURN})
    low = count(**last) - sum(count(**last, **{GIVES_WAY_TAG: way}) for way in (LONG, TURN))
    return Waiting(in_all, long, in_turn, low)
