"""A sync of rows, as Dagster runs and shows it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from livesync_pipelines.definitions import defs
from livesync_pipelines.defs.housekeeping import ask_for_overdue
from livesync_pipelines.model.merge import MergePolicy, Policy
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.model.sync import Connection, Desired, Mode, RowTarget
from livesync_pipelines.store import catalog, stages

from .conftest import SYNC, House, a_sync


@pytest.fixture
def rows(house: House) -> House:
    """`people.csv` of the folder and the table `people` of an SQLite file, both ways; a person is
    asked about phones."""
    (house.folder / "people.csv").write_text("id,full_name,phone\n1,Ada,11\n2,Bob,22\n")
    crm = Connection(
        name="crm",
        project_id="demo",
        platform="sql_table",
        options={"url": f"sqlite:///{house.folder.parent}/crm.db"},
    )
    asked = MergePolicy(fields={"phone": Policy.ASK_PERSON}, answer_within_s=3_600.0)
    with closing(sqlite3.connect(house.folder.parent / "crm.db")) as connection:
        connection.execute("vacuum")
    with house.engine.database.connect() as connection:
        catalog.apply(connection, Desired(connections=(crm,)))
        catalog.remove_sync(connection, SYNC)
    house.configure(
        replace(
            a_sync(),
            capsule=None,
            target=RowTarget(connection="crm", select={"table": "people", "key": ["id"]}),
            select={"rows": "people.csv", "key": ["id"]},
            mode=Mode.BIDIRECTIONAL,
            policy=asked,
            fields=tuple(
                FieldMap(target=target, sources=(source,))
                for source, target in (("id", "id"), ("full_name", "name"), ("phone", "phone"))
            ),
        )
    )
    return house


def run(house: House) -> tuple[Mapping[str, Mapping[str, Any]], set[str]]:
    """The metadata of each stage, and the checks that do not pass."""
    result = defs.resolve_job_def("sync_folder").execute_in_process(
        instance=house.instance,
        partition_key=SYNC,
        asset_selection=[dg.AssetKey(["folder", stage]) for stage in STAGES],
        raise_on_error=False,
    )
    assert result.success
    found = [event.materialization for event in result.get_asset_materialization_events()]
    checks = result.get_asset_check_evaluations()
    made = {one.asset_key.path[-1]: one.metadata for one in found}
    return made, {check.check_name for check in checks if not check.passed}


def edit(house: House) -> None:
    """The same phone at both ends."""
    (house.folder / "people.csv").write_text("id,full_name,phone\n1,Ada,12\n2,Bob,22\n")
    with closing(sqlite3.connect(house.folder.parent / "crm.db")) as connection, connection:
        connection.execute("update people set phone = 13 where id = 1")


def test_mapped_and_resolved_rows_show_columns_samples_and_where_each_column_is_from(
    rows: House,
) -> None:
    made, failing = run(rows)
    assert list(made) == list(STAGES)
    assert failing == set()
    for stage in ("mapped_rows", "resolved_rows"):
        columns = made[stage]["dagster/column_schema"].value
        assert {"id", "name", "phone"} <= {column.name for column in columns.columns}
        assert "| Ada |" in str(made[stage]["preview"].value)
    lineage = made["mapped_rows"]["dagster/column_lineage"].value.deps_by_column
    assert [dep.column_name for dep in lineage["name"]] == ["full_name"]
    resolved = made["resolved_rows"]["dagster/column_lineage"].value.deps_by_column
    assert resolved["name"] == [dg.TableColumnDep(dg.AssetKey(["folder", "mapped_rows"]), "name")]
    assert "resolution" not in resolved


def test_columns_that_are_named_like_those_of_a_stage_are_shown_beside_them(rows: House) -> None:
    (rows.folder / "people.csv").write_text("id,item_id,resolution\n1,a,b\n")
    rows.configure(
        replace(
            a_sync(),
            capsule=None,
            target=RowTarget(connection="crm", select={"table": "odd", "key": ["id"]}),
            select={"rows": "people.csv", "key": ["id"]},
        )
    )
    made, failing = run(rows)
    assert failing == set()
    lineage = made["mapped_rows"]["dagster/column_lineage"].value.deps_by_column
    assert [dep.column_name for dep in lineage["_item_id"]] == ["item_id"]
    with rows.engine.database.pooled() as connection:
        (shown,) = stages.table(connection, SYNC, "resolved_rows").to_pylist()
    assert (shown["_item_id"], shown["_resolution"]) == ("a", "b")
    assert shown["resolution"] == "agreed"


def test_a_delta_names_the_fields_that_have_changed(rows: House) -> None:
    run(rows)
    (rows.folder / "people.csv").write_text("id,full_name,phone\n1,Ada,12\n2,Bob,22\n")
    made, _ = run(rows)
    assert "updated" in str(made["deltas"]["preview"].value)
    assert "['phone']" in str(made["deltas"]["preview"].value)


def test_an_open_conflict_is_shown_until_it_is_settled(rows: House) -> None:
    run(rows)
    edit(rows)
    made, failing = run(rows)
    assert made["resolved_rows"]["conflicts_detected"].value == 1
    assert "apart" in str(made["resolved_rows"]["preview"].value)
    assert failing == set()
    with rows.engine.database.connect() as connection:
        connection.execute(
            "update livesync.conflicts set deadline = now() - %s", (timedelta(hours=1),)
        )
    made, failing = run(rows)
    assert made["resolved_rows"]["updated"].value == 1
    assert "apart" not in str(made["resolved_rows"]["preview"].value)
    assert failing == set()


def test_rows_that_differ_because_an_end_normalises_are_named_by_a_warning(rows: House) -> None:
    run(rows)
    with closing(sqlite3.connect(rows.folder.parent / "crm.db")) as connection, connection:
        connection.execute(
            "create trigger shouts after update on people begin"
            " update people set name = upper(new.name) where id = new.id; end"
        )
    (rows.folder / "people.csv").write_text("id,full_name,phone\n1,Ada L,11\n2,Bob,22\n")
    run(rows)
    run(rows)
    result = defs.resolve_job_def("sync_folder").execute_in_process(
        instance=rows.instance, partition_key=SYNC, raise_on_error=False
    )
    (check,) = [
        c for c in result.get_asset_check_evaluations() if c.check_name == "both_ends_equal"
    ]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "1.name: 'Ada L' at the source, 'ADA L' at the target" in str(check.description)
    assert check.metadata["rows_normalised"].value == 1


@pytest.mark.parametrize("mode", [Mode.PULL, Mode.BIDIRECTIONAL])
def test_a_check_claims_nothing_of_a_target_that_is_not_looked_at(rows: House, mode: Mode) -> None:
    with rows.engine.database.pooled() as connection:
        rows.configure(replace(catalog.sync(connection, SYNC), mode=mode))
    result = defs.resolve_job_def("sync_folder").execute_in_process(
        instance=rows.instance, partition_key=SYNC, raise_on_error=False
    )
    (check,) = [
        c for c in result.get_asset_check_evaluations() if c.check_name == "both_ends_equal"
    ]
    assert check.passed
    one_way = "What others do in its target, a pull does not look at."
    assert str(check.description).endswith(one_way) is (mode is Mode.PULL)


def test_a_question_whose_time_is_over_is_settled_whatever_the_schedule(rows: House) -> None:
    run(rows)
    edit(rows)
    run(rows)

    def deadline(moved: timedelta) -> None:
        with rows.engine.database.connect() as connection:
            connection.execute("update livesync.conflicts set deadline = now() + %s", (moved,))

    deadline(timedelta(hours=1))
    assert ask_for_overdue(rows.engine) == 0
    deadline(timedelta(0))
    assert ask_for_overdue(rows.engine) == 1
    assert ask_for_overdue(rows.engine) == 0, "it is asked for"
    made, _ = run(rows)
    assert made["resolved_rows"]["updated"].value == 1
    deadline(timedelta(hours=-1))
    assert ask_for_overdue(rows.engine) == 0


def test_what_is_left_out_is_named_by_a_warning(rows: House) -> None:
    phone = FieldMap(target="phone", sources=("phone",), cast="integer")
    with rows.engine.database.pooled() as connection:
        sync = catalog.sync(connection, SYNC)
    rest = tuple(one for one in sync.fields if one.target != "phone")
    rows.configure(replace(sync, fields=(*rest, phone), mode=Mode.PULL))
    (rows.folder / "people.csv").write_text("id,full_name,phone\n1,Ada,many\n2,Bob,22\n,Cid,33\n")
    result = defs.resolve_job_def("sync_folder").execute_in_process(
        instance=rows.instance, partition_key=SYNC, raise_on_error=False
    )
    (check,) = [
        c for c in result.get_asset_check_evaluations() if c.check_name == "both_ends_equal"
    ]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert f"waits: 1 (`livesync status {SYNC}`)" in str(check.description)
    assert f"do not fit: 1 (`livesync mapping cells {SYNC}`)" in str(check.description)
