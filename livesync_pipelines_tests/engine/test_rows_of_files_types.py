"""A CSV whose types are inferred does not change them by what is written to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.sync import Mode
from livesync_pipelines.store import conflicts, ledger

from .file_and_table import Run, in_step, in_table

HEAD = "id,created,visits\n"
ADA, BOB, CYD = "1,2001-02-03,4\n", "2,2002-03-04,5\n", "3,not-a-date,1.5\n"
DATED = CYD.replace("not-a-date", "2001-01-01")


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Run:
    """Where the text `created` of the file is the date `born` of the table."""
    (tmp_path / "contacts.csv").write_text(HEAD + ADA + BOB + CYD)
    fields = (
        FieldMap(target="id", sources=("id",)),
        FieldMap(target="born", sources=("created",), cast="date", lossy=True),
        FieldMap(target="visits", sources=("visits",)),
    )
    return in_step(engine, tmp_path, "contacts.csv", fields=fields)


def test_a_bad_date_that_is_mended_at_the_target_leaves_the_column_of_the_file_text(
    run: Run, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "contacts.csv"
    run()
    in_table(tmp_path, "update people set born = '2001-01-01' where id = 3")
    result = run()
    assert (result.status, result.error) == (Status.SUCCESS, None)
    assert file.read_text() == HEAD + ADA + BOB + DATED
    result = run()
    assert (result.status, result.counts.synced_items) == (Status.SUCCESS, 0)
    assert run().counts.synced_items == 0

    file.write_text(HEAD + ADA.replace("2001", "1999") + BOB + DATED)
    in_table(tmp_path, "update people set born = '2010-10-10' where id = 2")
    assert run().counts.updated == 2
    assert file.read_text() == HEAD + "1,1999-02-03,4\n2,2010-10-10,5\n" + DATED
    assert in_table(tmp_path, "select born from people order by id") == [
        ("1999-02-03",),
        ("2010-10-10",),
        ("2001-01-01",),
    ]
    assert run().counts.synced_items == 0
    with engine.database.pooled() as connection:
        assert ledger.first_broken(connection, "people") is None


def test_a_bad_date_that_is_mended_in_the_file_reaches_the_target(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "contacts.csv").write_text(HEAD + ADA + BOB + DATED)
    result = run()
    assert (result.status, result.counts.updated) == (Status.SUCCESS, 1)
    assert in_table(tmp_path, "select born from people where id = 3") == [("2001-01-01",)]
    assert run().counts.synced_items == 0


@pytest.mark.parametrize(
    ("written", "cells"),
    [
        ("update people set visits = 2 where id = 3", ["4", "5", "2"]),
        ("update people set visits = null", ["", "", ""]),
    ],
)
def test_a_column_of_numbers_stays_one_whichever_of_them_are_left(
    run: Run, tmp_path: Path, written: str, cells: list[str]
) -> None:
    run()
    in_table(tmp_path, written)
    result = run()
    assert (result.error, result.counts.failed) == (None, 0)
    lines = (tmp_path / "contacts.csv").read_text().splitlines()[1:]
    assert [line.split(",")[2].removesuffix(".0") for line in lines] == cells
    result = run()
    assert (result.error, result.counts.synced_items) == (None, 0)


def test_a_cell_that_does_not_fit_the_type_of_before_pauses_and_names_the_way_on(
    run: Run, tmp_path: Path
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
    assert in_table(tmp_path, "select visits from people where id = 2") == [(5.0,)]
    assert (tmp_path / "contacts.csv").read_text() == text


CODES = "id,code,price\n"


@pytest.fixture
def to_file(engine: Engine, tmp_path: Path) -> Run:
    """From a table, whose codes look like numbers and are none, to a file that is made."""
    run = in_step(engine, tmp_path, "codes.csv", to_file=True)
    in_table(tmp_path, "create table people (id integer primary key, code text, price real)")
    in_table(tmp_path, "insert into people values (1, '10', 1.5), (2, '20', 2.5)")
    assert run().counts.added == 2
    return run


def test_text_that_looks_like_numbers_stays_text_in_a_file_that_was_made(
    to_file: Run, tmp_path: Path
) -> None:
    in_table(tmp_path, "update people set code = 'x7' where id = 1")
    assert to_file().counts.updated == 1
    (tmp_path / "codes.csv").write_text(CODES + "1,x7,1.5\n2,020,2.5\n")
    assert to_file().counts.updated == 1
    assert in_table(tmp_path, "select code from people order by id") == [("x7",), ("020",)]
    assert to_file().counts.synced_items == 0


def test_a_word_in_a_column_of_numbers_of_the_target_fails_its_row_and_settles_nothing(
    to_file: Run, engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(CODES + "1,10,many\n2,20,3.5\n")
    result = to_file()
    assert (result.status, result.counts.failed, result.counts.updated) == (Status.PARTIAL, 1, 1)
    assert file.read_text() == CODES + "1,10,many\n2,20,3.5\n"
    assert in_table(tmp_path, "select price from people order by id") == [(1.5,), (3.5,)]
    with engine.database.pooled() as connection:
        assert conflicts.of_key(connection, "people", "1", limit=9) == []
    file.write_text(CODES + "1,10,9.5\n2,20,3.5\n")
    assert to_file().counts.updated == 1
    assert in_table(tmp_path, "select price from people where id = 1") == [(9.5,)]


TYPED = """create table people (id integer primary key, code text, price real, born date,
    seen timestamp, owed decimal(9, 2))"""
ADA_TYPED = "(1, '010', 1.5, '2001-02-03', '2026-11-22 08:00:00', 2.5)"


@pytest.mark.parametrize(
    ("file", "there", "made"),
    [
        (
            "codes.jsonl",
            "",
            '{"id": 1, "code": "010", "price": 1.5, "born": "2001-02-03", '
            '"seen": "2026-11-22T08:00:00", "owed": "2.50"}\n',
        ),
        (
            "codes.csv",
            "price,id,code,owed\n",
            "price,id,code,owed,born,seen\n1.5,1,010,2.50,2001-02-03,2026-11-22T08:00:00\n",
        ),
    ],
)
@pytest.mark.parametrize("mode", [Mode.PULL, Mode.BIDIRECTIONAL])
def test_a_file_without_rows_takes_the_types_of_what_is_written_to_it(
    engine: Engine, tmp_path: Path, mode: Mode, file: str, there: str, made: str
) -> None:
    (tmp_path / file).write_text(there)
    run = in_step(engine, tmp_path, file, to_file=True, mode=mode)
    in_table(tmp_path, TYPED)
    in_table(tmp_path, f"insert into people values {ADA_TYPED}")
    plan = plan_sync(engine, "people", full=False).result
    assert (plan.error, plan.counts.added) == (None, 1)
    assert (tmp_path / file).read_text() == there
    result = run()
    assert (result.error, result.counts.added) == (None, 1)
    assert (tmp_path / file).read_text() == made
    assert run().counts.synced_items == 0

    (tmp_path / file).write_text(made.replace("2001-02-03", "2001-02-04"))
    assert run().counts.updated == (1 if mode is Mode.BIDIRECTIONAL else 0)


def test_a_column_without_values_takes_the_type_of_what_is_written_to_it(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "codes.jsonl"
    file.write_text('{"id": 1, "code": "010", "price": null}\n')
    run = in_step(engine, tmp_path, "codes.jsonl", to_file=True)
    in_table(tmp_path, "create table people (id integer primary key, code text, price real)")
    in_table(tmp_path, "insert into people values (1, '010', 1.5), (2, '020', 2.5)")
    result = run()
    assert result.error is None
    assert '"id": 2, "code": "020", "price": 2.5' in file.read_text()
    assert run().counts.synced_items == 0


def test_a_file_without_rows_that_a_sync_only_reads_takes_the_types_of_the_other_end(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "codes.csv"
    file.write_text(CODES)
    run = in_step(engine, tmp_path, "codes.csv", to_file=True, mode=Mode.PUSH)
    in_table(tmp_path, "create table people (id integer primary key, code text, price real)")
    result = run()
    assert (result.error, result.counts.synced_items) == (None, 0)
    file.write_text(CODES + "7,010,1\n")
    assert run().counts.added == 1
    assert in_table(tmp_path, "select * from people") == [(7, "010", 1.0)]
    assert run().counts.synced_items == 0
