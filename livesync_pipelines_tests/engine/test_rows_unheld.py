"""What the other end does not take stays where it is, and the rest of its row goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors.sql_table import SqlTable
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.engine.row_tables import PostgresTable, SqliteTable
from livesync_pipelines_tests.engine.two_ends import TwoEnds, two_ends

NO_NUL = "holds a NUL character, and the end it goes to takes none"
COLUMNS = {"id": "integer", "name": "text", "note": "text"}


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """From a table of SQLite into one of Postgres, which is not there yet."""
    source = SqliteTable(f"sqlite:///{tmp_path / 'source.db'}", "people")
    target = PostgresTable(engine.database.url, "contacts")
    there = {"HERE_URL": source.url, "THERE_URL": target.url}
    house = replace(engine, registry={}, row_ends={"sql_table": SqlTable}, environ=there)
    source.create(COLUMNS, ["id"], {})
    source.insert({"id": 1, "name": "An\0n", "note": "a"})
    source.insert({"id": 2, "name": "Bob", "note": "b"})
    yield TwoEnds(replace(house, now=Clock()), source, target)
    source.close()
    target.close()


def notes(ends: TwoEnds) -> dict[Any, Any]:
    return {key: (row["name"], row["note"]) for key, row in ends.target.rows().items()}


def test_a_float_that_is_no_number_is_empty_in_sqlite_and_told(
    engine: Engine, tmp_path: Path
) -> None:
    with two_ends(engine, "sqlite", tmp_path) as ends:
        ends.source.create({"id": "integer", "size": "float", "note": "text"}, ["id"], {})
        for key, size in enumerate(("NaN", "-Infinity", "1.5")):
            ends.source.sql(f"insert into {ends.source.place} values ({key}, '{size}', 'a')")
        ends.configure({}, {"target": {"key": ["id"]}})
        assert ends.run().status is Status.SUCCESS
        assert [row["size"] for row in ends.target.rows().values()] == [None, -math.inf, 1.5]
        assert [one["field"] for one in ends.ask("select * from livesync.bad_cells")] == ["size"]


@pytest.mark.parametrize("said", [{"key": ["id"]}, {}])
def test_a_text_with_a_nul_is_empty_in_postgres_and_told(
    ends: TwoEnds, said: dict[str, Any]
) -> None:
    ends.configure({}, {"target": said})
    result = ends.run()
    assert result.status is Status.SUCCESS
    assert notes(ends) == {1: (None, "a"), 2: ("Bob", "b")}
    told = ends.ask("select field, value, reason from livesync.bad_cells")
    assert [tuple(one.values()) for one in told] == [("name", "An\\0n", NO_NUL)]
    ends.source.update({"id": 2, "name": "B\0b", "note": "c"})
    assert ends.run().status is Status.SUCCESS
    assert notes(ends) == {1: (None, "a"), 2: (None, "c")}


def test_both_ways_it_stays_at_the_end_that_can_hold_it(ends: TwoEnds) -> None:
    ends.configure({"mode": "bidirectional"}, {"target": {"key": ["id"]}})
    for _ in range(2):
        assert ends.run().status is Status.SUCCESS
        assert ends.source.rows()[1]["name"] == "An\0n"
        assert notes(ends)[1] == (None, "a")
    ends.target.update({"id": 1, "note": "from there"})
    ends.run()
    assert ends.source.rows()[1] == {"id": 1, "name": "An\0n", "note": "from there"}
