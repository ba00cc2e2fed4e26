"""Several syncs in one run: each on its own, and the run shows which."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs import assets, batches
from livesync_pipelines.defs.partitions import SYNCS_TAG
from livesync_pipelines.defs.requests import RUN_KEY_TAG, job_of_several, keys_of
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.model.sync import Connection, Desired, Limits, Priority, SyncConfig, Trigger
from livesync_pipelines.store import catalog, operations, queue

from .conftest import House, a_sync


def tags_of(*syncs: str) -> dict[str, str]:
    return {SYNCS_TAG: json.dumps(dict.fromkeys(syncs, "")), "livesync/trigger": "webhook"}


def run(house: House, *syncs: str, **tags: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job_of_several("folder")).execute_in_process(
        instance=house.instance,
        tags={**tags_of(*syncs), **tags},
        raise_on_error=False,
    )


def of_a_folder_that_is_gone(house: House, sync_id: str) -> SyncConfig:
    gone = Connection(
        name="gone",
        project_id="demo",
        platform="folder",
        options={"path": str(house.folder / "gone")},
    )
    with house.engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(gone,)))
    return replace(a_sync(sync_id), connection="gone")


def test_each_sync_of_a_run_has_its_operation_its_materialisations_and_its_checks(
    house: House,
) -> None:
    house.configure(a_sync("one"), a_sync("two"))
    result = run(house, "one", "two")
    assert result.success
    made = [event.materialization for event in result.get_asset_materialization_events()]
    assert [(m.partition, m.asset_key.path[-1]) for m in made] == [
        (sync_id, stage) for sync_id in ("one", "two") for stage in STAGES
    ]
    assert made[2].metadata["added"].value == 2
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 12
    assert all(check.passed for check in checks)
    with house.engine.database.connect() as connection:
        found = operations.of_run(connection, result.run_id)
    assert [(row["sync_id"], row["trigger"]) for row in found] == [
        ("one", "webhook"),
        ("two", "webhook"),
    ]


def test_dagster_counts_their_partitions_as_materialised(house: House) -> None:
    house.configure(a_sync("one"), a_sync("two"))
    run(house, "one", "two")
    key = dg.AssetKey(["folder", "capsule_chunks"])
    assert house.instance.get_materialized_partitions(key) == {"one", "two"}


def test_a_run_that_was_taken_for_dead_leaves_the_rest_to_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def monitored(context: dg.OpExecutionContext, *words: Any, **more: Any) -> SyncResult:
        result = assets.carry_out(context, *words, **more)
        context.instance.report_run_failed(context.run)
        return result

    house.configure(a_sync("one"), a_sync("two"))
    monkeypatch.setattr(batches, "carry_out", monitored)
    result = run(house, "one", "two")
    with house.engine.database.connect() as connection:
        found = operations.of_run(connection, result.run_id)
    assert [row["sync_id"] for row in found] == ["one"]


def test_what_another_run_has_looked_at_meanwhile_is_not_looked_at_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(context: dg.OpExecutionContext, *words: Any, **more: Any) -> SyncResult:
        run_sync(house.engine, "two", trigger=Trigger.WEBHOOK)
        return assets.carry_out(context, *words, **more)

    names = ("one", "two", "three")
    house.configure(*map(a_sync, names))
    with house.engine.database.connect() as connection:
        for name in names:
            queue.put(connection, name, trigger=Trigger.WEBHOOK, priority=Priority.NORMAL)
        requests = queue.take(connection, now=datetime.now(UTC))
    monkeypatch.setattr(batches, "carry_out", slow)
    asked = {SYNCS_TAG: json.dumps({name: key_of(requests, name) for name in names})}
    result = run(house, *names, **asked)
    assert result.success
    with house.engine.database.connect() as connection:
        found = operations.of_run(connection, result.run_id)
    assert [row["sync_id"] for row in found] == ["one", "three"]


def key_of(requests: Sequence[queue.Request], sync_id: str) -> str:
    return next(request.key for request in requests if request.sync_id == sync_id)


def test_what_a_check_found_of_one_sync_says_nothing_of_another(house: House) -> None:
    strict = replace(a_sync("two"), limits=Limits(delete_items=0))
    house.configure(a_sync("one"), strict)
    run(house, "one", "two")
    (house.folder / "one.md").unlink()
    run(house, "one", "two")
    found = house.instance.event_log_storage.get_asset_check_partition_info(
        [dg.AssetCheckKey(dg.AssetKey(["folder", "deltas"]), "no_removal_waits")]
    )
    outcomes = {each.partition_key: each.latest_execution_status.value for each in found}
    assert outcomes == {"one": "SUCCEEDED", "two": "FAILED"}
    assert all(each.is_current for each in found)


def test_one_that_fails_leaves_the_others_alone_and_the_run_names_it(house: House) -> None:
    house.configure(a_sync("one"), a_sync("two"))
    house.configure(a_sync("one"), of_a_folder_that_is_gone(house, "broken"), a_sync("two"))
    result = run(house, "one", "broken", "two")
    assert not result.success
    made = {e.materialization.partition for e in result.get_asset_materialization_events()}
    assert made == {"one", "two"}
    (failed,) = result.get_step_failure_events()
    assert "broken" in (failed.step_key or "")


def test_a_run_that_is_retried_does_what_was_not_done_and_nothing_else(house: House) -> None:
    house.configure(a_sync("one"), of_a_folder_that_is_gone(house, "broken"), a_sync("two"))
    first = run(house, "one", "broken", "two")
    (house.folder / "gone").mkdir()
    code = ReconstructableRepository.for_module("livesync_pipelines.definitions", "defs")
    with dg.execute_job(
        code.get_reconstructable_job(job_of_several("folder")),
        instance=house.instance,
        tags=tags_of("one", "broken", "two"),  # Dagster's own retries have those of their parent
        reexecution_options=dg.ReexecutionOptions.from_failure(first.run_id, house.instance),
    ) as second:
        assert second.success
    with house.engine.database.connect() as connection:
        done = operations.of_run(connection, second.run_id)
    assert [(row["sync_id"], row["status"]) for row in done] == [("broken", "success")]


def test_the_retry_of_a_run_of_several_answers_only_for_what_it_does() -> None:
    tags = {SYNCS_TAG: json.dumps({"one": "key 1", "two-2": "key 2", "three": "key 3"})}
    whole = dg.DagsterRun(job_name="sync_folder_together", tags={**tags, RUN_KEY_TAG: "all"})
    assert keys_of(whole) == {"all", "key 1", "key 2", "key 3"}
    retry = dg.DagsterRun(
        job_name="sync_folder_together",
        tags=tags,
        step_keys_to_execute=["sync_one_of_folder[two_2_2]"],
    )
    assert keys_of(retry) == {"key 2"}
    one = dg.DagsterRun(
        job_name="sync_folder",
        tags={RUN_KEY_TAG: "key 1"},
        step_keys_to_execute=["folder_corridor"],
    )
    assert keys_of(one) == {"key 1"}
