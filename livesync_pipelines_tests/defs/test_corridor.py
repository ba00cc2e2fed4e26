"""Six assets, one step: what a run of a partition does and shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.storage.tags import RETRY_NUMBER_TAG

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs.assets import BACKFILL_TAG
from livesync_pipelines.defs.partitions import keep_equal
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.store import capsules, catalog, operations, queue

from .conftest import SYNC, House, a_sync


def run(house: House, stages: Sequence[str] = STAGES, **tags: str) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("sync_folder").execute_in_process(
        instance=house.instance,
        partition_key=SYNC,
        asset_selection=[dg.AssetKey(["folder", stage]) for stage in stages],
        tags=tags,
        raise_on_error=False,
    )


def materialised(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    found = [event.materialization for event in result.get_asset_materialization_events()]
    return {made.asset_key.path[-1]: made for made in found}


def newest(house: House) -> SyncResult:
    with house.engine.database.connect() as connection:
        return operations.result(operations.history(connection, SYNC)[0])


def test_one_run_materialises_all_six_stages_of_its_sync(house: House) -> None:
    result = run(house)
    assert result.success
    made = materialised(result)
    assert list(made) == list(STAGES)
    assert {one.partition for one in made.values()} == {SYNC}
    with house.engine.database.connect() as connection:
        assert [hit["title"] for hit in capsules.search(connection, "handbook", "otter")] == ["Two"]


def test_a_materialisation_tells_counts_cursor_duration_columns_preview_and_operation(
    house: House,
) -> None:
    metadata = materialised(run(house))["deltas"].metadata
    assert metadata["added"].value == 2
    assert {"cursor_from", "cursor_to", "duration_s", "commit_s"} <= metadata.keys()
    assert "one.md" in str(metadata["preview"].value)
    assert str(metadata["operation"].value).endswith(newest(house).operation_id)
    columns = metadata["dagster/column_schema"].value
    assert isinstance(columns, dg.TableSchema)
    assert [column.name for column in columns.columns][:3] == ["item_id", "key", "op"]


def test_the_source_stage_tells_bytes(house: House) -> None:
    expected = sum(file.stat().st_size for file in house.folder.iterdir())
    assert materialised(run(house))["source"].metadata["bytes"].value == expected


def test_every_check_passes_after_a_good_run(house: House) -> None:
    checks = run(house).get_asset_check_evaluations()
    assert {check.check_name for check in checks} == {
        "counts_agree",
        "no_orphan_chunks",
        "listing_equals_shadow",
        "no_removal_waits",
        "no_conflict_overdue",
        "both_ends_equal",
    }
    assert {(check.passed, check.partition) for check in checks} == {(True, SYNC)}


def test_a_check_sees_a_chunk_that_is_lost(house: House) -> None:
    run(house)
    with house.engine.database.connect() as connection:
        connection.execute("delete from livesync.chunks where item_id = 'one.md'")
    checks = {check.check_name: check.passed for check in run(house).get_asset_check_evaluations()}
    assert not checks["no_orphan_chunks"]
    assert checks["counts_agree"]


def test_removals_that_wait_fail_their_check_and_not_the_run(house: House) -> None:
    for number in range(40):
        (house.folder / f"{number}.md").write_text(f"# {number}\n\nNote {number}.\n")
    run(house)
    for number in range(40):
        (house.folder / f"{number}.md").unlink()
    result = run(house)
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["no_removal_waits"].passed
    assert "40 of 42" in str(checks["no_removal_waits"].metadata["reason"].value)


def test_a_late_stage_alone_replays_what_is_stored_without_a_fetch(house: House) -> None:
    run(house)
    (house.folder / "two.md").write_text("# Two\n\nA changed page, not to be seen yet.\n")
    result = run(house, ["capsule_chunks"])
    assert result.success
    assert list(materialised(result)) == ["capsule_chunks"]
    assert newest(house).counts.unchanged == 2
    with house.engine.database.connect() as connection:
        assert capsules.search(connection, "handbook", "changed") == []


def test_a_backfill_is_a_full_resync(house: House) -> None:
    run(house)
    run(house, **{BACKFILL_TAG: "abc"})
    with house.engine.database.connect() as connection:
        operation = operations.history(connection, SYNC)[0]
    assert (operation["trigger"], operation["mode"]) == ("backfill", "full")
    assert operation["counts"]["bytes"] > 0


def test_a_source_that_is_gone_fails_the_run_and_says_why(house: House) -> None:
    run(house)
    house.folder.rename(house.folder.with_name("elsewhere"))
    result = run(house)
    assert not result.success
    failure = result.get_step_failure_events()[0].step_failure_data
    assert failure.user_failure_data is not None
    assert "is not there any more" in str(failure.user_failure_data.description)
    assert newest(house).status == "failed"


def test_nothing_runs_where_external_sync_is_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    result = run(house)
    assert not result.success
    error = result.get_step_failure_events()[0].step_failure_data.error
    assert error is not None
    assert "EXTERNAL_SYNC_ENABLED" in str(error.cause or error)


def test_what_was_interrupted_is_not_forgotten_where_external_sync_is_off_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    told = {"livesync/trigger": "webhook", "livesync/full": "true"}
    assert not run(house, **told).success
    with house.engine.database.connect() as connection:
        assert queue.depth(connection)[0] == 0
        assert not run(house, **told, **{RETRY_NUMBER_TAG: "1"}).success
        (request,) = queue.take(connection, now=datetime.now(UTC))
    assert (request.sync_id, request.trigger, request.full) == (SYNC, "webhook", True)


def test_partitions_are_kept_equal_to_the_configured_syncs(house: House) -> None:
    house.configure(a_sync("another"))
    assert house.partitions() == {SYNC, "another"}
    with house.engine.database.connect() as connection:
        catalog.remove_sync(connection, "another")
    keep_equal(house.instance, house.engine)
    assert house.partitions() == {SYNC}
