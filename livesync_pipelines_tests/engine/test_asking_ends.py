"""Ends of rows and files that say cheaply that nothing has changed: no run comes of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import (
    Mode,
    Trigger,
)
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.copies import Copies, copies_between, places
from livesync_pipelines_tests.engine.file_and_table import wanted
from livesync_pipelines_tests.engine.house import Clock

HEAD, ADA, BOB = "id,name\n", "1,Ada\n", "2,Bob\n"
QUARTER = timedelta(minutes=15)


@dataclass(slots=True)
class Rows:
    """A sync between `people.csv` and the table `people` of `crm.db`; `results` of its runs."""

    engine: Engine
    folder: Path

    def configure(self, mode: Mode) -> None:
        with self.engine.database.pooled() as connection:
            said = wanted(self.folder, "people.csv", mode=mode, schedule="every_15_minutes")
            catalog.apply(connection, said)

    def write(self, *lines: str) -> None:
        (self.folder / "people.csv").write_text(HEAD + "".join(lines))

    def ask(self, query: str) -> list[str]:
        with closing(sqlite3.connect(self.folder / "crm.db")) as connection, connection:
            return [name for (name,) in connection.execute(query).fetchall()]

    def names(self) -> list[str]:
        return self.ask("select name from people order by id")


def cycle(engine: Engine, by: timedelta = QUARTER) -> list[Status]:
    """Some time later: what is due is looked at, and what was queued is run."""
    assert isinstance(engine.now, Clock)
    engine.now.now += by
    return [run_sync(engine, sync_id, trigger=Trigger.POLL).status for sync_id in sweep(engine)]


@pytest.fixture
def rows(engine: Engine, tmp_path: Path) -> Rows:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        crm.execute("vacuum")
    made = Rows(replace(engine, now=Clock()), tmp_path)
    made.write(ADA, BOB)
    return made


def test_a_file_of_rows_that_has_not_changed_costs_no_run(rows: Rows) -> None:
    rows.configure(Mode.PULL)
    assert cycle(rows.engine) == [Status.SUCCESS]
    assert [cycle(rows.engine), cycle(rows.engine)] == [[], []]
    rows.write(ADA, "2,Bert\n")
    assert cycle(rows.engine) == [Status.SUCCESS]
    assert rows.names() == ["Ada", "Bert"]
    rows.ask("update people set name = 'x' where id = 2 returning name")
    assert cycle(rows.engine) == [], "the end that is only written to is not asked"


def test_a_sqlite_file_that_has_not_changed_costs_no_run(rows: Rows) -> None:
    rows.configure(Mode.PULL)
    cycle(rows.engine)
    rows.configure(Mode.PUSH)
    cycle(rows.engine)
    assert cycle(rows.engine) == []
    assert rows.ask("pragma journal_mode = wal") == ["wal"]
    cycle(rows.engine)
    assert cycle(rows.engine) == []
    with closing(sqlite3.connect(rows.folder / "crm.db", isolation_level=None)) as writer:
        writer.execute("update people set name = 'Bert' where id = 2")
        assert cycle(rows.engine) == [Status.SUCCESS], "though it stands in the log alone"
    assert (rows.folder / "people.csv").read_text() == HEAD + ADA + "2,Bert\n"


def test_both_ends_of_a_sync_both_ways_are_asked(rows: Rows) -> None:
    rows.configure(Mode.BIDIRECTIONAL)
    cycle(rows.engine)
    cycle(rows.engine)  # the first one wrote to the table
    assert cycle(rows.engine) == []
    rows.ask("update people set name = 'Bert' where id = 2 returning name")
    assert cycle(rows.engine) == [Status.SUCCESS]
    rows.write("1,Ada L.\n", "2,Bert\n")
    assert cycle(rows.engine) == [Status.SUCCESS]
    assert rows.names() == ["Ada L.", "Bert"]


def test_all_rows_are_scanned_once_a_day_all_the_same(rows: Rows) -> None:
    rows.configure(Mode.PULL)
    cycle(rows.engine)
    told = [cycle(rows.engine) for _ in range(4 * 24)]
    assert told.count([Status.SUCCESS]) == 1
    assert told.count([]) == 4 * 24 - 1


def test_rows_that_were_left_out_are_met_again_though_nothing_has_changed(rows: Rows) -> None:
    rows.configure(Mode.PULL)
    rows.write(ADA, ",Total\n")
    assert [cycle(rows.engine), cycle(rows.engine)] == [[Status.PARTIAL]] * 2


def test_an_end_that_is_away_is_run_so_that_its_run_tells(rows: Rows) -> None:
    rows.configure(Mode.PULL)
    cycle(rows.engine)
    (rows.folder / "people.csv").unlink()
    assert cycle(rows.engine) == [Status.FAILED]


@pytest.fixture(params=["folder to s3", "s3 to folder"])
def copies(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with copies_between(engine, *places(request.param, tmp_path)) as made:
        made.put(a__txt="one", b__txt="two")
        made.configure(schedule="every_15_minutes")
        assert cycle(made.engine) == [Status.SUCCESS]
        cycle(made.engine)  # the first one wrote to the goal
        yield made


def test_files_that_have_not_changed_at_either_end_cost_no_run(copies: Copies) -> None:
    assert [cycle(copies.engine), cycle(copies.engine)] == [[], []]
    copies.put(a__txt="other")
    assert cycle(copies.engine) == [Status.SUCCESS]
    assert copies.equal()


def test_a_file_that_was_changed_at_its_goal_is_asked_about(copies: Copies) -> None:
    copies.goal.put("a.txt", b"mine")
    cycle(copies.engine)
    assert [row["key"] for row in copies.conflicts()] == ["a.txt"]


def test_an_answer_is_carried_out_though_nothing_has_changed(copies: Copies) -> None:
    copies.goal.put("a.txt", b"mine")
    cycle(copies.engine)
    assert cycle(copies.engine) == []
    copies.resolve(Side.SOURCE)
    copies.ask("delete from livesync.queue returning sync_id")
    assert cycle(copies.engine) == [Status.SUCCESS]
    assert copies.equal()


def test_a_question_whose_time_is_over_is_settled_though_nothing_has_changed(
    copies: Copies,
) -> None:
    copies.configure(policy={"default": "ask_person", "ask": {"within": "2h"}})
    copies.goal.put("a.txt", b"mine")
    cycle(copies.engine)
    assert len(copies.conflicts()) == 1
    cycle(copies.engine, timedelta(hours=3))
    assert copies.conflicts() == []
