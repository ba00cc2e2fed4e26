"""A cell of a file that is none of the type that was declared for its column is kept apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_looking import check
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Mode, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows

from .file_and_table import in_table, wanted

Configured = Callable[[Mode], Callable[[], SyncResult]]
ADA, BOB = '1,"Ada","2001-02-03",4\n', "2,Bob,2002-03-04,5\n"


@pytest.fixture
def configured(engine: Engine, tmp_path: Path) -> Configured:
    """A sync in a mode between a table and a file, in which a date and a number are spoilt, and
    where a date is a quoted nothing."""
    spoilt = '3,Cyd,31.02.2001,many\n4,Dee,"",6\n'
    (tmp_path / "people.csv").write_text(f"id,name,born,visits\n{ADA}{BOB}{spoilt}")
    in_table(
        tmp_path,
        "create table people (id integer primary key, name text, born date, visits integer)",
    )

    def made(mode: Mode) -> Callable[[], SyncResult]:
        plain = wanted(tmp_path, "people.csv", mode=mode)
        types = {"born": "date", "visits": "integer"}
        (sync,) = plain.syncs
        typed = replace(sync, select={**sync.select, "types": types})
        with engine.database.pooled() as connection:
            catalog.apply(connection, replace(plain, syncs=(typed,)))
        return lambda: run_sync(engine, "people", trigger=Trigger.PERSON)

    return made


def test_its_row_goes_over_without_it(
    configured: Configured, engine: Engine, tmp_path: Path
) -> None:
    run = configured(Mode.PULL)
    result = run()
    assert (result.status, result.counts.failed, result.counts.added) == (Status.SUCCESS, 0, 4)
    assert in_table(tmp_path, "select name, born, visits from people order by id") == [
        ("Ada", "2001-02-03", 4),
        ("Bob", "2002-03-04", 5),
        ("Cyd", None, None),
        ("Dee", None, 6),
    ]
    with engine.database.pooled() as connection:
        kept = rows(connection, "select field, value from livesync.bad_cells order by field")
    assert kept == [
        {"field": "born", "value": "31.02.2001"},
        {"field": "visits", "value": "many"},
    ]
    assert run().counts.unchanged == 4
    file = tmp_path / "people.csv"
    file.write_text(file.read_text().replace("31.02.2001", "2001-02-28"))
    assert run().counts.updated == 1
    assert in_table(tmp_path, "select born, visits from people where id = 3") == [
        ("2001-02-28", None)
    ]


def test_a_check_of_the_mapping_shows_it(configured: Configured, engine: Engine) -> None:
    configured(Mode.PULL)
    with engine.database.pooled() as connection:
        said = check(engine, connection, "people", rows=10)
    assert (said["rows"], said["failed"]) == (4, [])
    assert sorted((cell["field"], cell["value"]) for cell in said["bad_cells"]) == [
        ("born", "31.02.2001"),
        ("visits", "many"),
    ]


def test_where_the_file_is_written_to_its_row_waits(configured: Configured, tmp_path: Path) -> None:
    run = configured(Mode.BIDIRECTIONAL)
    result = run()
    assert (result.status, result.counts.failed, result.counts.added) == (Status.PARTIAL, 1, 3)
    in_table(tmp_path, "update people set visits = 7 where id = 4")
    run()
    text = (tmp_path / "people.csv").read_text()
    assert text.endswith('3,Cyd,31.02.2001,many\n4,Dee,"",7\n')
