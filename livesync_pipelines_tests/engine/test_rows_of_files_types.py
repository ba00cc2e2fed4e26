"""A CSV whose types are inferred does not change them by what is written to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.sync import (
    Connection,
    Desired,
    Mode,
    RowTarget,
    SyncConfig,
    Trigger,
)
from livesync_pipelines.store import catalog, ledger

HEAD = "id,created,visits\n"
ADA, BOB, CYD = "1,2001-02-03,4\n", "2,2002-03-04,5\n", "3,not-a-date,1.5\n"
DATED = CYD.replace("not-a-date", "2001-01-01")


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Callable[[], SyncResult]:
    """A run of a sync both ways between `contacts.csv` and the table `people` in `crm.db`, where
    the text `created` is the date `born`."""
    sqlite3.connect(tmp_path / "crm.db").execute("vacuum")
    (tmp_path / "contacts.csv").write_text(HEAD + ADA + BOB + CYD)
    places = {
        "folder": {"path": str(tmp_path)},
        "sql_table": {"url": f"sqlite:///{tmp_path}/crm.db"},
    }
    fields = (
        FieldMap(target="id", sources=("id",)),
        FieldMap(target="born", sources=("created",), cast="date", lossy=True),
        FieldMap(target="visits", sources=("visits",)),
    )
    wanted = Desired(
        connections=tuple(
            Connection(name=platform, project_id="demo", platform=platform, options=options)
            for platform, options in places.items()
        ),
        syncs=(
            SyncConfig(
                sync_id="people",
                project_id="demo",
                connection="folder",
                schedule="manual",
                mode=Mode.BIDIRECTIONAL,
                fields=fields,
                select={"rows": "contacts.csv", "key": ["id"]},
                target=RowTarget(connection="sql_table", select={"table": "people", "key": ["id"]}),
            ),
        ),
    )
    with engine.database.pooled() as connection:
        catalog.apply(connection, wanted)
    return lambda: run_sync(engine, "people", trigger=Trigger.PERSON)


def at_target(folder: Path, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(folder / "crm.db") as connection:
        return connection.execute(statement).fetchall()


def test_a_bad_date_that_is_mended_at_the_target_leaves_the_column_of_the_file_text(
    run: Callable[[], SyncResult], engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "contacts.csv"
    run()
    at_target(tmp_path, "update people set born = '2001-01-01' where id = 3")
    result = run()
    assert (result.status, result.error) == (Status.SUCCESS, None)
    assert file.read_text() == HEAD + ADA + BOB + DATED
    result = run()
    assert (result.status, result.counts.synced_items) == (Status.SUCCESS, 0)
    assert run().counts.synced_items == 0

    file.write_text(HEAD + ADA.replace("2001", "1999") + BOB + DATED)
    at_target(tmp_path, "update people set born = '2010-10-10' where id = 2")
    assert run().counts.updated == 2
    assert file.read_text() == HEAD + "1,1999-02-03,4\n2,2010-10-10,5\n" + DATED
    assert at_target(tmp_path, "select born from people order by id") == [
        ("1999-02-03",),
        ("2010-10-10",),
        ("2001-01-01",),
    ]
    assert run().counts.synced_items == 0
    with engine.database.pooled() as connection:
        assert ledger.first_broken(connection, "people") is None


def test_a_bad_date_that_is_mended_in_the_file_reaches_the_target(
    run: Callable[[], SyncResult], tmp_path: Path
) -> None:
    run()
    (tmp_path / "contacts.csv").write_text(HEAD + ADA + BOB + DATED)
    result = run()
    assert (result.status, result.counts.updated) == (Status.SUCCESS, 1)
    assert at_target(tmp_path, "select born from people where id = 3") == [("2001-01-01",)]
    assert run().counts.synced_items == 0


@pytest.mark.parametrize(
    ("written", "cells"),
    [
        ("update people set visits = 2 where id = 3", ["4", "5", "2"]),
        ("update people set visits = null", ["", "", ""]),
    ],
)
def test_a_column_of_numbers_stays_one_whichever_of_them_are_left(
    run: Callable[[], SyncResult], tmp_path: Path, written: str, cells: list[str]
) -> None:
    run()
    at_target(tmp_path, written)
    result = run()
    assert (result.error, result.counts.failed) == (None, 0)
    lines = (tmp_path / "contacts.csv").read_text().splitlines()[1:]
    assert [line.split(",")[2].removesuffix(".0") for line in lines] == cells
    result = run()
    assert (result.error, result.counts.synced_items) == (None, 0)


def test_a_cell_that_does_not_fit_the_type_of_before_pauses_and_names_the_way_on(
    run: Callable[[], SyncResult], tmp_path: Path
) -> None:
    run()
    text = HEAD + ADA + BOB.replace(",5", ",many") + CYD
    (tmp_path / "contacts.csv").write_text(text)
    result = run()
    assert result.error is not None
    assert result.error["code"] == "drifted", result.error
    assert "'visits' is text, and was float" in result.error["message"]
    assert "'many', of row 2" in result.error["message"]
    assert "livesync sync accept people" in result.error["hint"]
    assert at_target(tmp_path, "select visits from people where id = 2") == [(5.0,)]
    assert (tmp_path / "contacts.csv").read_text() == text
