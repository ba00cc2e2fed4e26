"""A value that does not fit where it came from stays where it is, and spoils nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.engine.two_ends import TwoEnds, two_ends

COLUMNS = {"id": "integer", "size": "integer", "note": "text"}
MAPPING = [
    {"from": "id", "to": "id"},
    {"from": "size", "to": "size", "on_error": "keep"},
    {"from": "note", "to": "note"},
]


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """The source holds 16 bits in `size`, the target more."""
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        ends.source.sql(f"alter table {ends.source.place} alter column size type smallint")
        ends.configure({"mode": "bidirectional", "mapping": MAPPING}, {})
        ends.source.insert({"id": 1, "size": 5, "note": "a"})
        ends.run()
        yield ends


def shown(ends: TwoEnds, key: int = 1) -> tuple[Any, Any]:
    here, there = ends.source.rows(), ends.target.rows()
    return here[key]["size"], there[key]["size"]


def apart(ends: TwoEnds) -> list[tuple[Any, Any]]:
    return [(c["field"], c["value"]) for c in ends.ask("select * from livesync.bad_cells")]


def test_both_ends_keep_their_own_and_it_is_told(ends: TwoEnds) -> None:
    ends.target.update({"id": 1, "size": 80_000})
    for _ in range(3):
        ends.run()
        assert shown(ends) == (5, 80_000)
    assert apart(ends) == [("size", "80000")]


def test_the_rest_of_its_row_goes_over(ends: TwoEnds) -> None:
    ends.target.update({"id": 1, "size": 80_000, "note": "b"})
    ends.run()
    assert ends.source.rows()[1]["note"] == "b"
    ends.source.update({"id": 1, "note": "c"})
    ends.run()
    assert ends.target.rows()[1]["note"] == "c"
    assert shown(ends) == (5, 80_000)


def test_the_next_value_that_fits_is_written(ends: TwoEnds) -> None:
    ends.target.update({"id": 1, "size": 80_000})
    ends.run()
    ends.target.update({"id": 1, "size": 6})
    ends.run()
    assert shown(ends) == (6, 6)
    assert not apart(ends)


def test_a_new_row_goes_over_without_it(ends: TwoEnds) -> None:
    ends.target.insert({"id": 2, "size": 90_000, "note": "new"})
    for _ in range(2):
        ends.run()
        assert shown(ends, 2) == (None, 90_000)
