"""A CSV file and an SQLite table are kept in step, all the way from the one to the other."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest

from livesync_pipelines.connectors.folder_rows import FolderRows
from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import (
    SyncState,
)
from livesync_pipelines.store import catalog, ledger

from .file_and_table import Run, in_step

HEAD = "id,name,phone\n"
ADA, BOB, CYD = "1,Ada,11\n", "2,Bob,22\n", "3,Cyd,33\n"


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Run:
    (tmp_path / "people.csv").write_text(HEAD + ADA + BOB + CYD)
    return in_step(engine, tmp_path, "people.csv")


def names(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "crm.db")) as crm, crm:
        found = crm.execute("select name from people order by id").fetchall()
    return [name for (name,) in found]


def test_edits_of_a_file_and_of_a_table_meet(run: Run, engine: Engine, tmp_path: Path) -> None:
    assert run().counts.added == 3
    (tmp_path / "people.csv").write_text(HEAD + ADA.replace("Ada", "Ada L.") + BOB + CYD)
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("update people set phone = '222' where id = 2")
    assert run().counts.updated == 2
    assert names(tmp_path) == ["Ada L.", "Bob", "Cyd"]
    assert (tmp_path / "people.csv").read_text() == HEAD + "1,Ada L.,11\n2,Bob,222\n" + CYD
    assert run().counts.synced_items == 0
    with engine.database.pooled() as connection:
        assert ledger.first_broken(connection, "people") is None


def test_a_text_with_a_nul_does_not_come_into_a_csv_and_the_rest_of_its_row_does(
    run: Run, tmp_path: Path
) -> None:
    run()
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("update people set name = 'A' || char(0) || 'd', phone = '9' where id = 1")
    assert run().status is Status.SUCCESS
    assert (tmp_path / "people.csv").read_text() == HEAD + "1,Ada,9\n" + BOB + CYD
    assert names(tmp_path)[0] == "A\0d"


def test_while_a_line_has_no_key_no_row_is_taken_for_deleted(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "people.csv").write_text(HEAD + ADA + CYD + ",Total,\n")
    result = run()
    assert (result.status, result.counts.removed, result.counts.failed) == (Status.PARTIAL, 0, 1)
    assert names(tmp_path) == ["Ada", "Bob", "Cyd"]
    (tmp_path / "people.csv").write_text(HEAD + ADA + CYD)
    assert run().counts.removed == 1
    assert names(tmp_path) == ["Ada", "Cyd"]


def test_a_table_that_is_gone_removes_nothing_from_the_file(run: Run, tmp_path: Path) -> None:
    run()
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("drop table people")
    result = run()
    assert result.status is Status.FAILED
    assert "not there" in (result.error or {})["message"]
    assert (tmp_path / "people.csv").read_text() == HEAD + ADA + BOB + CYD


def test_a_file_that_many_rows_go_to_is_not_written_anew_for_each_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = 2 * PAGE_ROWS + 5
    run()
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        said = ((n, f"name {n}", str(n)) for n in range(4, many + 4))
        crm.executemany("insert into people (id, name, phone) values (?, ?, ?)", said)
    written, put = [], FolderRows._put

    def counted(self: FolderRows, content: IO[bytes], *, expected_version: str | None) -> None:
        put(self, content, expected_version=expected_version)
        written.append(expected_version)

    monkeypatch.setattr(FolderRows, "_put", counted)
    assert run().counts.added == many
    assert len(written) == 1
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("delete from people where id > 3")
    assert run().status is Status.WAITING
    assert len((tmp_path / "people.csv").read_text().splitlines()) == many + 4


@pytest.mark.parametrize(
    ("text", "says", "which"),
    [
        (
            HEAD + ADA + "2,Bob,notnum\n" + CYD,
            "'phone' is text, and was integer",
            "'notnum', of row 2",
        ),
        (HEAD, "'id' is text, and was integer", ""),
    ],
)
def test_a_column_that_is_something_else_now_pauses_and_names_it_with_its_first_misfit(
    run: Run, engine: Engine, tmp_path: Path, text: str, says: str, which: str
) -> None:
    run()
    (tmp_path / "people.csv").write_text(text)
    result = run()
    assert result.error is not None
    assert result.error["code"] == "drifted", result.error
    assert says in result.error["message"]
    assert which in result.error["message"]
    assert ": integer" in result.error["hint"]
    assert names(tmp_path) == ["Ada", "Bob", "Cyd"]
    assert (tmp_path / "people.csv").read_text() == text
    with engine.database.pooled() as connection:
        assert catalog.state(connection, "people")[0] is SyncState.PAUSED
        catalog.set_state(connection, "people", SyncState.ACTIVE, None)
    (tmp_path / "people.csv").write_text(HEAD + ADA + BOB.replace("22", "23") + CYD)
    assert run().counts.updated == 1
