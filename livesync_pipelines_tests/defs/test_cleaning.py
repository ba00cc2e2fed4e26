"""Dagster's own runs go when they are old, and nothing that its state follows from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs import cleaning
from livesync_pipelines.defs.cleaning import forget_runs, nightly
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.model.spec import STAGES

from .conftest import SYNC, House, a_sync
from .test_corridor import run


def later() -> datetime:
    return datetime.now(UTC) + timedelta(days=1)


def runs(house: House) -> set[str]:
    return {found.run_id for found in house.instance.get_runs()}


def materialised_partitions(house: House) -> dict[str, set[str]]:
    found = house.instance.get_materialized_partitions
    return {stage: found(dg.AssetKey(["folder", stage])) for stage in STAGES}


def test_old_runs_go_with_their_logs_and_the_last_materialisations_stay(postgres: House) -> None:
    old, newer = run(postgres).run_id, run(postgres).run_id
    replayed, last = (run(postgres, ["capsule_chunks"]).run_id for _ in range(2))
    before = materialised_partitions(postgres)
    assert set.union(*before.values()) == {SYNC}
    assert forget_runs(postgres.instance, before=later(), dry_run=True) == 2
    assert runs(postgres) == {old, newer, replayed, last}
    assert forget_runs(postgres.instance, before=later()) == 2
    assert runs(postgres) == {newer, last}
    assert list(postgres.instance.all_logs(old)) == []
    assert list(postgres.instance.all_logs(newer)) != []
    assert materialised_partitions(postgres) == before
    for stage in STAGES:
        event = postgres.instance.get_latest_materialization_event(dg.AssetKey(["folder", stage]))
        assert event is not None
        assert event.run_id in {newer, last}
    assert forget_runs(postgres.instance, before=later()) == 0


def test_a_check_still_says_what_it_last_found(postgres: House) -> None:
    run(postgres)
    last = run(postgres).run_id
    forget_runs(postgres.instance, before=later())
    key = dg.AssetCheckKey(dg.AssetKey(["folder", "resolved_rows"]), "counts_agree")
    found = postgres.instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
    assert found[key].run_id == last
    assert found[key].status.value == "SUCCEEDED"


def test_what_checks_have_found_goes_with_their_runs_but_for_the_last_of_each(
    postgres: House,
) -> None:
    gone, last = run(postgres).run_id, run(postgres).run_id
    forget_runs(postgres.instance, before=later())
    with postgres.engine.database.pooled() as connection:
        held = connection.execute(
            "select distinct run_id from asset_check_executions where run_id = any(%s)",
            ([gone, last],),
        ).fetchall()
    assert held == [(last,)]
    postgres.instance.delete_run(last)
    key = dg.AssetCheckKey(dg.AssetKey(["folder", "resolved_rows"]), "counts_agree")
    other = dg.AssetCheckKey(dg.AssetKey(["folder", "resolved_rows"]), "no_such_check")
    logs = postgres.instance.event_log_storage
    found = logs.get_latest_asset_check_execution_by_key([key, other])
    assert {one: record.run_id for one, record in found.items()} == {key: last}
    assert gone not in runs(postgres)


def test_a_run_that_has_not_ended_and_one_that_is_young_stay(house: House) -> None:
    began = house.instance.create_run_for_job(defs.resolve_job_def("clean_up")).run_id
    young = {run(house).run_id for _ in range(3)}
    assert forget_runs(house.instance, before=datetime.now(UTC) - timedelta(hours=1)) == 0
    assert runs(house) == {began, *young}
    assert forget_runs(house.instance, before=later()) == 2
    assert began in runs(house)


def test_each_partition_keeps_its_own_last_run(house: House) -> None:
    house.configure(a_sync(), a_sync("second"))
    job = defs.resolve_job_def("sync_folder")
    ids = [
        job.execute_in_process(instance=house.instance, partition_key=partition).run_id
        for partition in ("second", SYNC, SYNC)
    ]
    assert forget_runs(house.instance, before=later()) == 1
    assert runs(house) == {ids[0], ids[2]}


def test_many_runs_go_page_by_page_and_not_too_many_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleaning, "_PAGE", 2)
    monkeypatch.setattr(cleaning, "MOST_RUNS", 4)
    kept = run(house, ["source"]).run_id
    ids = [run(house, ["capsule_chunks"]).run_id for _ in range(8)]
    told = [forget_runs(house.instance, before=later(), dry_run=True)]
    told += [forget_runs(house.instance, before=later()) for _ in range(3)]
    assert told == [4, 4, 3, 0]
    assert runs(house) == {kept, ids[-1]}


def test_the_nightly_job_cleans_and_tells(house: House) -> None:
    with house.engine.database.pooled() as connection:
        run(house)
        (house.folder / "one.md").write_text("# One\n\nThe second heron.\n")
        run(house)
        connection.execute("update livesync.ledger set at = at - interval '3 years'")
    context = dg.build_schedule_context(house.instance, resources={"livesync": LiveSync()})
    assert isinstance(nightly(context), dg.RunRequest)
    result = defs.resolve_job_def("clean_up").execute_in_process(instance=house.instance)
    assert result.success
    said = " ".join(entry.message for entry in house.instance.all_logs(result.run_id))
    told = "0 operations, 0 events, 1 ledger entries, 0 versions of rows, 0 texts"
    assert f"{SYNC}: {told}" in said
    assert "Dagster: 0 runs" in said


def test_nothing_is_cleaned_by_night_where_external_sync_is_off(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "false")
    context = dg.build_schedule_context(house.instance, resources={"livesync": LiveSync()})
    assert isinstance(nightly(context), dg.SkipReason)
