"""A sync that copies files, as Dagster runs and shows it."""

from __future__ import annotations

from dataclasses import replace

import dagster as dg
import pytest

from livesync_pipelines.definitions import defs
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.model.sync import Connection, Desired, RowTarget
from livesync_pipelines.store import catalog

from .conftest import SYNC, House, a_sync


@pytest.fixture
def copied(house: House) -> House:
    """The folder `docs` is copied into another, `backup`."""
    backup = house.folder.parent / "backup"
    backup.mkdir()
    there = Connection(
        name="backup", project_id="demo", platform="folder", options={"path": str(backup)}
    )
    with house.engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(there,)))
        catalog.remove_sync(connection, SYNC)
    house.configure(
        replace(a_sync(), capsule=None, target=RowTarget(connection="backup"), copies=True)
    )
    return house


def run(house: House) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("sync_folder").execute_in_process(
        instance=house.instance,
        partition_key=SYNC,
        asset_selection=[dg.AssetKey(["folder", stage]) for stage in STAGES],
        raise_on_error=False,
    )


def test_a_copy_materialises_its_stages_and_its_checks_pass(copied: House) -> None:
    (copied.folder.parent / "backup" / "one.md").write_text("theirs")
    result = run(copied)
    assert result.success
    assert (copied.folder.parent / "backup" / "two.md").exists()
    found = [event.materialization for event in result.get_asset_materialization_events()]
    made = {one.asset_key.path[-1]: one.metadata for one in found}
    assert list(made) == list(STAGES)
    assert made["resolved_rows"]["conflicts_detected"].value == 1
    assert "| two.md | two.md |" in str(made["resolved_rows"]["preview"].value)
    assert "agreed" in str(made["resolved_rows"]["preview"].value)
    assert "| two.md | two.md | added |" in str(made["deltas"]["preview"].value)
    rows = {stage: told["dagster/partition_row_count"].value for stage, told in made.items()}
    assert rows == {**dict.fromkeys(STAGES, 1), "capsule_chunks": 0}
    checks = result.get_asset_check_evaluations()
    assert [check.check_name for check in checks if not check.passed] == []
    assert run(copied).success
