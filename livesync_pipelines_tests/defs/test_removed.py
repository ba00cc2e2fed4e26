"""What becomes of the runs of a sync that is removed: with a real worker of two places."""

from __future__ import annotations

import json

import dagster as dg
import pytest
from dagster._core.storage.tags import PARTITION_NAME_TAG

from livesync_pipelines.defs.orphans import HERE_TAG
from livesync_pipelines.defs.partitions import SYNCS_TAG, add, keep_equal
from livesync_pipelines.defs.promises import partition_set
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Capsule, Connection, Desired
from livesync_pipelines.store import catalog

from .conftest import SYNC, a_sync
from .test_warm_runs import Warm, warm

__all__ = ["warm"]

CANCELED, QUEUED = dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.QUEUED


@pytest.fixture(autouse=True)
def _one_of_two_syncs_is_removed(warm: Warm) -> None:
    docs = Connection(
        name="docs", project_id="demo", platform="folder", options={"path": f"{warm.home}"}
    )
    capsule = Capsule(name="handbook", project_id="demo")
    wanted = Desired(connections=(docs,), capsules=(capsule,), syncs=(a_sync(),))
    with warm.database.connect() as connection:
        catalog.apply(connection, wanted)
    add(warm.instance, "folder", "gone")


def looked_after(warm: Warm) -> None:
    keep_equal(warm.instance, Engine(database=warm.database))


def of_several(*syncs: str) -> str:
    return json.dumps(dict.fromkeys(syncs, ""))


def test_its_run_is_cancelled_and_frees_its_place(warm: Warm) -> None:
    run_id, _ = warm.hanging(**{PARTITION_NAME_TAG: "gone"})
    looked_after(warm)
    assert warm.ended(run_id) is CANCELED
    assert not warm.instance.has_dynamic_partition(partition_set("folder"), "gone")


def test_what_waits_for_a_place_is_cancelled_unless_it_is_for_others_too(warm: Warm) -> None:
    at_work = [warm.hanging(**{PARTITION_NAME_TAG: SYNC})[0], warm.hanging()[0]]
    gone = warm.submitted(**{PARTITION_NAME_TAG: "gone"})
    gone_too = warm.submitted(**{SYNCS_TAG: of_several("gone")})
    both = warm.submitted(**{SYNCS_TAG: of_several("gone", SYNC)})
    looked_after(warm)
    assert [warm.run(run.run_id).status for run in (gone, gone_too, both)] == [
        CANCELED,
        CANCELED,
        QUEUED,
    ]
    assert not any(warm.run(run_id).is_finished for run_id in at_work)
    warm.instance.run_coordinator.cancel_run(both.run_id)
    for run_id in at_work:
        warm.launcher().terminate(run_id)
        warm.ended(run_id)


def test_the_run_of_one_that_has_its_name_on_another_platform_goes_on(warm: Warm) -> None:
    add(warm.instance, "website", SYNC)
    run_id, _ = warm.hanging(**{PARTITION_NAME_TAG: SYNC})
    looked_after(warm)
    assert not warm.instance.has_dynamic_partition(partition_set("website"), SYNC)
    assert warm.run(run_id).status is dg.DagsterRunStatus.STARTED
    warm.launcher().terminate(run_id)
    warm.ended(run_id)


def test_who_waits_for_it_at_a_terminal_is_told_by_the_run_itself(warm: Warm) -> None:
    here = dg.DagsterRun(
        job_name="sync_folder",
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION_NAME_TAG: "gone", HERE_TAG: "true"},
    )
    warm.instance.add_run(here)
    looked_after(warm)
    assert warm.run(here.run_id).status is dg.DagsterRunStatus.STARTED
    warm.instance.report_run_failed(here)
