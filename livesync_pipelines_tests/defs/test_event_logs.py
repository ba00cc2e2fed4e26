"""What checks have found is told of each sync, as Dagster's own event log would tell it."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionResolvedStatus,
    AssetCheckPartitionInfo,
)
from dagster_postgres.event_log import PostgresEventLogStorage

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs.event_logs import EventLogs
from livesync_pipelines.defs.partitions import SYNCS as PARTITIONS
from livesync_pipelines.defs.promises import PROMISES
from livesync_pipelines.model.sync import Limits

from .conftest import House, a_sync

SYNCS = ("good", "waits", "new")
KEYS = [dg.AssetCheckKey(dg.AssetKey(["folder", p.stage]), n) for n, p in PROMISES.items()]
ALIKE = dg.AssetCheckKey(dg.AssetKey(["gardens", "deltas"]), "no_removal_waits")
"""A check of somebody else's, which is called as one of ours is."""


def run(house: House, sync_id: str) -> None:
    job = defs.resolve_job_def("sync_folder")
    job.execute_in_process(instance=house.instance, partition_key=sync_id)


@pytest.fixture
def checked(postgres: House) -> House:
    """One sync of which all holds, one whose removals wait, one that was never carried out."""
    good, waits, new = map(a_sync, SYNCS)
    postgres.configure(good, replace(waits, limits=Limits(delete_items=0)), new)
    run(postgres, "waits")
    run(postgres, "good")
    (postgres.folder / "one.md").unlink()
    run(postgres, "waits")
    run(postgres, "good")
    return postgres


def told(
    house: House, by: type[PostgresEventLogStorage], *, after: int | None, only: list[str] | None
) -> dict[tuple[dg.AssetCheckKey, str | None], AssetCheckPartitionInfo]:
    logs = house.instance.event_log_storage
    assert isinstance(logs, EventLogs)
    found = by.get_asset_check_partition_info(logs, [*KEYS, ALIKE], after, only)
    return {(e.check_key, e.partition_key): e for e in found if e.partition_key in SYNCS}


def test_a_check_that_fails_for_one_sync_holds_for_another(checked: House) -> None:
    found = told(checked, EventLogs, after=None, only=None)
    outcomes = {
        sync: each.latest_execution_status.value
        for (key, sync), each in found.items()
        if key.name == "no_removal_waits"
    }
    assert outcomes == {"good": "SUCCEEDED", "waits": "FAILED"}
    assert all(each.is_current for each in found.values())


@pytest.mark.parametrize("only", [None, ["waits"], ["new"], []])
def test_what_is_told_is_what_dagster_tells(checked: House, only: list[str] | None) -> None:
    newest = max(
        e.latest_check_event_storage_id
        for e in told(checked, EventLogs, after=None, only=None).values()
    )
    for after in (None, 0, newest - 40, newest - 1, newest):
        own = told(checked, EventLogs, after=after, only=only)
        assert own == told(checked, PostgresEventLogStorage, after=after, only=only)


def test_how_each_sync_stands_is_what_dagster_makes_of_it(checked: House) -> None:
    logs = checked.instance.event_log_storage
    asked = [(key, PARTITIONS["folder"]) for key in KEYS]
    with partition_loading_context(dynamic_partitions_store=checked.instance):
        theirs = PostgresEventLogStorage.get_asset_check_state(logs, asked)
        assert logs.get_asset_check_state(asked) == theirs
    (waits,) = (key for key in KEYS if key.name == "no_removal_waits")
    failed = theirs[waits].subsets[AssetCheckExecutionResolvedStatus.FAILED]
    assert set(failed.subset_value.get_partition_keys()) == {"waits"}
