"""Which run has a place at once, and which waits in the queue: with a real worker of two places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import BACKFILL_ID_TAG, PARTITION_NAME_TAG, PRIORITY_TAG
from dagster._daemon.run_coordinator import QueuedRunCoordinatorDaemon

from livesync_pipelines.defs.coordinator import (
    GIVES_WAY_TAG,
    LAST,
    LONG,
    TAKES_LONG_TAG,
    TRIGGER_TAG,
    TURN,
)
from livesync_pipelines.engine.house import utc_now
from livesync_pipelines.model.sync import Capsule, Connection, Desired, Trigger
from livesync_pipelines.store import catalog, tenure

from .conftest import SYNC, a_sync
from .test_warm_runs import UNFINISHED, Warm, until, warm

__all__ = ["warm"]

QUEUED = dg.DagsterRunStatus.QUEUED


@pytest.fixture(autouse=True)
def _nothing_is_left_over(warm: Warm) -> Iterator[None]:
    yield
    for run in warm.instance.get_runs(dg.RunsFilter(statuses=[QUEUED])):
        warm.instance.run_coordinator.cancel_run(run.run_id)
    for run in warm.instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED])):
        warm.launcher().terminate(run.run_id)
        warm.ended(run.run_id)


def dequeued(warm: Warm) -> list[str]:
    """The runs that Dagster's daemon would launch now."""
    config = warm.instance.get_concurrency_config()
    daemon = QueuedRunCoordinatorDaemon(interval_seconds=1)
    return [run.run_id for run in daemon._get_runs_to_dequeue(warm.instance, config, None)]


def test_what_takes_long_leaves_a_place_free_and_keeps_nobody_waiting(warm: Warm) -> None:
    first, _ = warm.hanging(**{GIVES_WAY_TAG: LONG})
    second = warm.submitted(**{GIVES_WAY_TAG: LONG})
    assert second.status is QUEUED
    assert dequeued(warm) == []
    for priority in ("0", LAST):
        quick = warm.submitted(**{PRIORITY_TAG: priority})
        assert quick.status is not QUEUED
        assert warm.ended(quick.run_id) is dg.DagsterRunStatus.SUCCESS
    warm.launcher().terminate(first)
    warm.ended(first)
    assert dequeued(warm) == [second.run_id]


def test_while_a_critical_sync_takes_long_the_others_leave_one_more_place_free(
    warm: Warm,
) -> None:
    critical, _ = warm.hanging(**{TAKES_LONG_TAG: "true"})
    long = warm.submitted(**{GIVES_WAY_TAG: LONG})
    assert long.status is QUEUED
    assert dequeued(warm) == []
    assert warm.ended(warm.submitted().run_id) is dg.DagsterRunStatus.SUCCESS
    warm.launcher().terminate(critical)
    warm.ended(critical)
    assert dequeued(warm) == [long.run_id]


def test_a_run_of_a_sync_that_is_at_work_waits_in_the_queue_until_it_is_free(
    warm: Warm, tmp_path: Path
) -> None:
    docs = Connection(
        name="docs", project_id="demo", platform="folder", options={"path": f"{tmp_path}"}
    )
    capsule = Capsule(name="handbook", project_id="demo")
    with warm.database.connect() as connection:
        catalog.apply(
            connection, Desired(connections=(docs,), capsules=(capsule,), syncs=(a_sync(),))
        )
    with warm.database.connect() as other:
        sync = catalog.sync(other, SYNC)
        tenure.begin(other, sync, trigger=Trigger.WATCH, full=False, run_id=None, now=utc_now())
        waiting = [warm.submitted(**{PARTITION_NAME_TAG: SYNC}) for _ in range(2)]
        for run in waiting:
            assert (run.status, run.tags[GIVES_WAY_TAG]) == (QUEUED, TURN)
            assert run.tags[PRIORITY_TAG] == LAST
        assert dequeued(warm) == []
        elsewhere = warm.submitted(**{PARTITION_NAME_TAG: "another"})
        assert warm.ended(elsewhere.run_id) is dg.DagsterRunStatus.SUCCESS
    until(lambda: dequeued(warm) == [waiting[0].run_id])


def test_of_two_runs_for_one_sync_the_second_waits_but_our_own_queue_knows_better(
    warm: Warm,
) -> None:
    """A run of which the operation has ended may still be telling of it."""
    warm.hanging(**{PARTITION_NAME_TAG: "one"})
    asked_for = warm.submitted(**{PARTITION_NAME_TAG: "one", TRIGGER_TAG: "webhook"})
    assert warm.ended(asked_for.run_id) is dg.DagsterRunStatus.SUCCESS
    by_hand = warm.submitted(**{PARTITION_NAME_TAG: "one"})
    assert (by_hand.status, by_hand.tags[GIVES_WAY_TAG]) == (QUEUED, TURN)
    assert dequeued(warm) == []


def test_of_many_backfills_of_one_sync_only_the_first_waits_for_a_place(warm: Warm) -> None:
    for _ in range(2):
        warm.hanging()
    tags = {PARTITION_NAME_TAG: "one", BACKFILL_ID_TAG: "again"}
    ways = [warm.submitted(**tags).tags[GIVES_WAY_TAG] for _ in range(4)]
    assert ways == [LONG, TURN, TURN, TURN]


@pytest.mark.parametrize(
    ("tags", "priority", "way"),
    [
        ({BACKFILL_ID_TAG: "again"}, LAST, LONG),
        ({BACKFILL_ID_TAG: "again", PRIORITY_TAG: "3"}, "3", None),
        ({TRIGGER_TAG: "person"}, None, None),
    ],
)
def test_a_backfill_gives_way_unless_it_is_said_to_be_urgent(
    warm: Warm, tags: Mapping[str, str], priority: str | None, way: str | None
) -> None:
    run = warm.submitted(**tags)
    assert (run.tags.get(PRIORITY_TAG), run.tags.get(GIVES_WAY_TAG)) == (priority, way)
    assert warm.ended(run.run_id) is dg.DagsterRunStatus.SUCCESS
