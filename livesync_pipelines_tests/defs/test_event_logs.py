"""What checks have found is told of each sync, as Dagster's own event log would tell it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import dagster as dg
import pytest
import sqlalchemy
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.events import DagsterEvent
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionResolvedStatus
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.utils import make_new_run_id
from dagster_postgres.event_log import PostgresEventLogStorage

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs import standings
from livesync_pipelines.defs.event_logs import EventLogs
from livesync_pipelines.defs.partitions import SYNCS as PARTITIONS
from livesync_pipelines.defs.promises import PROMISES
from livesync_pipelines.model.sync import Limits

from .conftest import House, a_sync

SYNCS = ("good", "waits", "new")
LEFT = {
    "failed": dg.DagsterRunStatus.FAILURE,
    "cancelled": dg.DagsterRunStatus.CANCELED,
    "at work": dg.DagsterRunStatus.STARTED,
}
OTHERS = (*LEFT, "made anew")
KEYS = [dg.AssetCheckKey(dg.AssetKey(["folder", p.stage]), n) for n, p in PROMISES.items()]
ASKED = [(key, PARTITIONS["folder"]) for key in KEYS]
ALIKE = dg.AssetCheckKey(dg.AssetKey(["gardens", "deltas"]), "no_removal_waits")
"""A check of somebody else's, which is called as one of ours is."""


def syncs_by_outcome(state: AssetCheckState) -> dict[str, set[str]]:
    """Of those that this test has made."""
    found = {
        outcome.value: set(subset.subset_value.get_partition_keys()) & {*SYNCS, *OTHERS}
        for outcome, subset in state.subsets.items()
    }
    return {outcome: syncs for outcome, syncs in found.items() if syncs}


def standings_of(connection: sqlalchemy.Connection) -> list[tuple[object, ...]]:
    query = "select * from livesync_check_standings order by asset_key, check_name, partition"
    return [tuple(row) for row in connection.exec_driver_sql(query)]


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


def leave_planned(house: House, sync_id: str, ended: dg.DagsterRunStatus) -> None:
    """A run that was to look at a sync, and has not come to it."""
    run_id = make_new_run_id()
    house.instance.add_run(dg.DagsterRun(job_name="sync_folder", run_id=run_id, status=ended))
    for key in KEYS:
        planned = AssetCheckEvaluationPlanned(
            asset_key=key.asset_key,
            check_name=key.name,
            partitions_subset=PARTITIONS["folder"].subset_with_partition_keys([sync_id]),
        )
        event = DagsterEvent(
            event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
            job_name="sync_folder",
            event_specific_data=planned,
        )
        house.instance.report_dagster_event(event, run_id)


@pytest.fixture
def diverse(checked: House) -> House:
    """Beside them, syncs that are made anew, looked at, or were to be looked at."""
    checked.configure(*(a_sync(name) for name in (*SYNCS, *OTHERS)))
    for name in OTHERS:
        run(checked, name)
    for key in KEYS:
        made = dg.AssetMaterialization(key.asset_key, partition="made anew")
        checked.instance.report_runless_asset_event(made)
    for name, ended in LEFT.items():
        leave_planned(checked, name, ended)
    return checked


def test_a_check_that_fails_for_one_sync_holds_for_another(checked: House) -> None:
    states = checked.instance.event_log_storage.get_asset_check_state(ASKED)
    (removals,) = (key for key in KEYS if key.name == "no_removal_waits")
    assert syncs_by_outcome(states[removals]) == {"FAILED": {"waits"}, "SUCCEEDED": {"good"}}


def test_how_each_sync_stands_is_what_dagster_makes_of_it(diverse: House) -> None:
    logs = diverse.instance.event_log_storage
    with partition_loading_context(dynamic_partitions_store=diverse.instance):
        theirs = PostgresEventLogStorage.get_asset_check_state(logs, ASKED)
        ours = logs.get_asset_check_state(ASKED)
    assert ours == theirs
    (counts,) = (key for key in KEYS if key.name == "counts_agree")
    assert syncs_by_outcome(ours[counts]) == {
        "SUCCEEDED": {"good", "waits"},
        "EXECUTION_FAILED": {"failed"},
        "SKIPPED": {"cancelled"},
        "IN_PROGRESS": {"at work"},
    }


def test_of_checks_that_are_not_ours_dagster_tells(checked: House) -> None:
    logs = checked.instance.event_log_storage
    for passed in (True, False):
        found = dg.AssetCheckEvaluation(
            asset_key=ALIKE.asset_key, check_name=ALIKE.name, passed=passed
        )
        checked.instance.report_runless_asset_event(found)
    asked = [(ALIKE, None), *ASKED]
    with partition_loading_context(dynamic_partitions_store=checked.instance):
        theirs = PostgresEventLogStorage.get_asset_check_state(logs, asked)
        assert logs.get_asset_check_state(asked) == theirs
    assert not theirs[ALIKE].subsets[AssetCheckExecutionResolvedStatus.FAILED].is_empty


def test_an_asset_that_was_wiped_stands_nowhere(diverse: House) -> None:
    (removals,) = (key for key in KEYS if key.name == "no_removal_waits")
    diverse.instance.wipe_assets([removals.asset_key])
    logs = diverse.instance.event_log_storage
    with partition_loading_context(dynamic_partitions_store=diverse.instance):
        ours = logs.get_asset_check_state(ASKED)
        assert ours == PostgresEventLogStorage.get_asset_check_state(logs, ASKED)
    assert syncs_by_outcome(ours[removals]) == {}


def test_what_checks_have_found_before_is_known_from_the_first_start_on(diverse: House) -> None:
    logs = diverse.instance.event_log_storage
    assert isinstance(logs, EventLogs)
    with logs.index_connection() as connection:
        kept = standings_of(connection)
        connection.exec_driver_sql("drop table livesync_check_standings")
        connection.exec_driver_sql("drop function livesync_check_stands cascade")
        standings.prepare(connection)
        assert standings_of(connection) == kept != []


def test_what_is_told_late_does_not_cover_what_is_newer(checked: House) -> None:
    logs = checked.instance.event_log_storage
    assert isinstance(logs, EventLogs)
    with logs.index_connection() as connection:
        kept = standings_of(connection)
        connection.exec_driver_sql(
            "update asset_check_executions e set execution_status = 'PLANNED' where exists"
            " (select from asset_check_executions n where n.id > e.id and n.partition = e.partition"
            " and n.asset_key = e.asset_key and n.check_name = e.check_name)"
        )
        assert standings_of(connection) == kept


def places_by_default(house: House, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    kind = type(house.instance)
    monkeypatch.setattr(kind, "global_op_concurrency_default_limit", property(lambda _: count))


def test_two_runs_may_be_the_first_of_their_platform_at_once(
    postgres: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = postgres.instance.event_log_storage
    places_by_default(postgres, monkeypatch, 4)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(logs.initialize_concurrency_limit_to_default, ["folder"] * 12))
    assert all(made)
    assert [one.limit for one in logs.get_pool_limits() if one.name == "folder"] == [4]
    assert logs.get_concurrency_info("folder").slot_count == 4


@pytest.mark.parametrize("wanted", [1, 6])
def test_another_default_holds_for_platforms_that_have_run_before(
    postgres: House, monkeypatch: pytest.MonkeyPatch, wanted: int
) -> None:
    logs = postgres.instance.event_log_storage
    places_by_default(postgres, monkeypatch, 4)
    logs.initialize_concurrency_limit_to_default("folder")
    logs.set_concurrency_slots("rss", 3)
    places_by_default(postgres, monkeypatch, wanted)
    for name in ("folder", "rss"):
        assert logs.initialize_concurrency_limit_to_default(name)
    limits = {one.name: one.limit for one in logs.get_pool_limits()}
    assert (limits["folder"], limits["rss"]) == (wanted, 3)
    assert logs.get_concurrency_info("folder").slot_count == wanted
