"""A cell that cannot be read as its column's type is kept apart, and its row goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_looking import check
from livesync_pipelines_tests.engine.row_tables import SqliteTable
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

KEY_AND_NOTE = [{"from": "id", "to": "id"}, {"from": "note", "to": "note"}]


def mapping(**policy: str) -> list[dict[str, str]]:
    return [*KEY_AND_NOTE, {"from": "size", "to": "size", **policy}]


@pytest.fixture(params=["sqlite", "postgres"])
def ends(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """A source of which `spoilt` makes a size unreadable."""
    with two_ends(engine, "postgres", tmp_path) as both:
        if request.param == "postgres":
            _create(both, "numeric")
            yield both
            return
        table = SqliteTable(f"sqlite:///{tmp_path / 'here.db'}", "people")
        environ = {**both.engine.environ, "HERE_URL": table.url}
        lite = replace(both, source=table, engine=replace(both.engine, environ=environ))
        _create(lite, "integer")
        with closing(table):
            yield lite


def _create(ends: TwoEnds, size: str) -> None:
    place = ends.source.place
    ends.source.sql(f"create table {place} (id integer primary key, note text, size {size})")


def spoil(ends: TwoEnds, key: int) -> str:
    """Returns what stands there then."""
    value = "many" if isinstance(ends.source, SqliteTable) else "NaN"
    ends.source.sql(f"update {ends.source.place} set size = '{value}' where id = {key}")
    return value


def fill(ends: TwoEnds, *keys: int) -> None:
    for key in keys:
        ends.source.sql(f"insert into {ends.source.place} values ({key}, 'n{key}', {key})")


def shown(ends: TwoEnds) -> dict[int, tuple[Any, Any]]:
    return {row["id"]: (row["note"], row["size"]) for row in ends.target.rows().values()}


def apart(ends: TwoEnds) -> list[tuple[Any, ...]]:
    return [
        (c["key"], c["field"], c["value"])
        for c in ends.ask("select * from livesync.bad_cells order by key")
    ]


def test_its_row_goes_over_without_it_and_comes_in_order(ends: TwoEnds) -> None:
    fill(ends, 1, 2, 3)
    value = spoil(ends, 2)
    ends.configure({"mapping": mapping()}, {})
    result = ends.run()
    assert (result.status, result.counts.failed, result.counts.added) == ("success", 0, 3)
    assert shown(ends) == {1: ("n1", 1), 2: ("n2", None), 3: ("n3", 3)}
    assert apart(ends) == [(ends.key(2), "size", value)]
    assert ends.run().counts.unchanged == 3


@pytest.mark.parametrize(
    "made",
    [
        {"expression": "size * 2 if size > 0 else 0", "cast": "integer"},
        {"template": "of size {size}"},
        {"from": "size", "default": 0},
    ],
    ids=lambda made: next(iter(made)),
)
def test_what_is_made_of_it_is_nothing_and_not_something_else(
    ends: TwoEnds, made: dict[str, Any]
) -> None:
    fill(ends, 1, 2)
    value = spoil(ends, 1)
    ends.configure({"mapping": [*KEY_AND_NOTE, {**made, "to": "size"}]}, {})
    ends.run()
    sizes = {key: size for key, (_, size) in shown(ends).items()}
    assert sizes[1] is None
    assert sizes[2] is not None
    assert apart(ends) == [(ends.key(1), "size", value)]
    assert ends.run().counts.unchanged == 2


def test_it_heals_with_the_cell(ends: TwoEnds) -> None:
    fill(ends, 1)
    spoil(ends, 1)
    ends.configure({"mapping": mapping()}, {})
    ends.run()
    ends.source.sql(f"update {ends.source.place} set size = 7, note = 'whole'")
    ends.run()
    assert shown(ends) == {1: ("whole", 7)}
    assert not apart(ends)


def test_its_field_may_keep_what_it_was_while_the_others_change(ends: TwoEnds) -> None:
    fill(ends, 1)
    ends.configure({"mapping": mapping(on_error="keep")}, {})
    ends.run()
    spoil(ends, 1)
    ends.source.sql(f"update {ends.source.place} set note = 'new'")
    ends.run()
    assert shown(ends) == {1: ("new", 1)}


def test_its_row_may_be_set_aside_instead(ends: TwoEnds) -> None:
    fill(ends, 1, 2)
    spoil(ends, 1)
    ends.configure({"mapping": mapping(on_error="dead_letter")}, {})
    result = ends.run()
    assert (result.status, result.counts.failed) == ("partial", 1)
    assert shown(ends) == {2: ("n2", 2)}


def test_a_cell_of_a_field_that_is_not_mapped_is_nobodys_concern(ends: TwoEnds) -> None:
    fill(ends, 1)
    spoil(ends, 1)
    ends.configure({"mapping": KEY_AND_NOTE}, {})
    assert ends.run().status == "success"
    assert [row["note"] for row in ends.target.rows().values()] == ["n1"]
    assert not apart(ends)


def test_where_the_source_is_written_to_its_row_waits_instead(ends: TwoEnds) -> None:
    fill(ends, 1, 2)
    value = spoil(ends, 1)
    ends.configure({"mode": "bidirectional", "mapping": mapping(on_error="keep")}, {})
    result = ends.run()
    assert (result.status, result.counts.failed) == ("partial", 1)
    assert shown(ends) == {2: ("n2", 2)}
    stands = ends.source.sql(f"select cast(size as text) from {ends.source.place} where id = 1")
    assert stands == [(value,)]


def test_the_check_of_a_mapping_shows_it(ends: TwoEnds) -> None:
    fill(ends, 1, 2)
    value = spoil(ends, 2)
    ends.configure({"mapping": mapping()}, {})
    with ends.engine.database.pooled() as connection:
        said = check(ends.engine, connection, SYNC, rows=10)
    assert (said["rows"], said["failed"]) == (2, [])
    assert [(cell["field"], cell["value"]) for cell in said["bad_cells"]] == [("size", value)]


def test_a_change_feed_tells_of_it_too(engine: Engine, tmp_path: Path) -> None:
    with two_ends(engine, "postgres", tmp_path) as ends:
        _create(ends, "numeric")
        fill(ends, 1, 2)
        ends.configure({"mapping": mapping()}, {"source": {"feed": "trigger"}})
        ends.run()
        spoil(ends, 2)
        assert ends.run().counts.updated == 1
        assert shown(ends) == {1: ("n1", 1), 2: ("n2", None)}
        assert apart(ends) == [(ends.key(2), "size", "NaN")]
