"""An answer that its field cannot hold is refused, and where it came in all the same, it stops
nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import conflicts
from livesync_pipelines.store.conflict_restores import restore
from livesync_pipelines_tests.engine.two_ends import TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text", "size": "integer"}


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """A name and a size that both ends have changed, and a row that one has deleted."""
    with two_ends(engine, "sqlite", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        policy = {"default": "ask_person", "on_delete": "ask_person"}
        ends.configure({"mode": "bidirectional", "policy": policy}, {})
        for number in (1, 2):
            ends.source.insert({"id": number, "name": "Ada", "size": 1})
        ends.run()
        ends.source.update({"id": 1, "name": "Ida", "size": 2})
        ends.target.update({"id": 1, "name": "Eda", "size": 3})
        ends.source.update({"id": 2, "name": "Bob"})
        ends.target.delete(2)
        ends.run()
        yield ends


def number(ends: TwoEnds, field: str | None) -> int:
    return int(next(c["conflict_id"] for c in ends.conflicts() if c["field"] == field))


def answer(ends: TwoEnds, field: str | None, value: Any) -> None:
    with ends.engine.database.pooled() as connection:
        conflicts.answer(connection, number(ends, field), Answer(value=value), by="ann")


def force(ends: TwoEnds, field: str | None, value: Any) -> None:
    """As an older version took it, or the column has become another one since."""
    ends.ask(
        "update livesync.conflicts set state = 'answered', answer = %s, winner = 'value'"
        " where conflict_id = %s returning 1",
        Jsonb({"value": value}),
        number(ends, field),
    )


def states(ends: TwoEnds) -> dict[str | None, str]:
    return {c["field"]: c["state"] for c in ends.conflicts()}


@pytest.mark.parametrize(
    ("field", "value", "said", "hint"),
    [
        ("name", 5, "'name' .* holds a text .*\"Eda\".* and 5 is a number", "--value '\"5\"'"),
        ("name", True, "true is true or false", "--value '\"true\"'"),
        ("name", ["a"], "is a list", "--value '\"a text\"'"),
        ("size", "5", "'size' .* holds a number .* and \"5\" is a text", "--value '5'"),
        ("size", "tall", "is a text", "--value '5'"),
        ("size", True, "is true or false", "--value '5'"),
        (
            "size",
            7.5,
            "'size' .* is integer .such as 3., and 7.5 is none",
            "--take source",
        ),
        (None, {"name": "Ada"}, "a whole row, which takes no value", "--take source"),
        ("size", math.inf, "is a number without end", "--take source"),
        ("name", "a\0b", "holds a NUL character", "--take source"),
        ("name", ["\ud800"], "holds half a character", "--take source"),
    ],
)
def test_an_answer_of_another_kind_is_refused_with_how_to_write_it(
    ends: TwoEnds, field: str | None, value: Any, said: str, hint: str
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        answer(ends, field, value)
    assert hint in caught.value.hint
    assert states(ends)[field] == "open"


def test_nothing_is_an_answer_and_so_is_a_whole_number_written_as_another(ends: TwoEnds) -> None:
    answer(ends, "name", None)
    answer(ends, "size", 7.0)
    assert ends.run().status is Status.SUCCESS
    row = ends.source.rows()[ends.source.key_of({"id": 1})]
    assert (row["name"], int(row["size"])) == (None, 7)


def test_an_answer_that_no_column_holds_is_asked_again_and_the_rest_goes_on(ends: TwoEnds) -> None:
    force(ends, "name", 5)
    force(ends, None, {"name": 5})
    answer(ends, "size", 7)
    assert plan_sync(ends.engine, "contacts")
    assert ends.run().status is Status.SUCCESS
    assert states(ends) == {"name": "open", "size": "settled", None: "open"}
    reasons = {c["field"]: c["reason"] for c in ends.conflicts()}
    assert "the answer 5 was not carried out: it is no string, which 'name'" in reasons["name"]
    assert "of a whole row, an end is chosen" in reasons[None]


def test_what_cannot_be_brought_back_any_more_is_said_and_open_no_longer(ends: TwoEnds) -> None:
    with ends.engine.database.pooled() as connection:
        chosen = Answer(Side.SOURCE)
        conflicts.answer(connection, number(ends, "name"), chosen, by="ann")
        ends.run()
        found = restore(connection, number(ends, "name"), by="ann", now=ends.clock())["conflict_id"]
        connection.execute(
            "update livesync.conflicts set answer = %s where conflict_id = %s",
            (Jsonb({"value": 5}), found),
        )
        assert ends.run().status is Status.SUCCESS
        again = conflicts.one(connection, found)
    assert (again["state"], again["winner"]) == ("settled", "neither")
    assert "5 was not carried out" in again["reason"]


def restored(ends: TwoEnds, conflict: int, take: Side | None) -> int:
    with ends.engine.database.pooled() as connection:
        found = restore(connection, conflict, take, by="ann", now=ends.clock())
    return int(found["conflict_id"])


def names(ends: TwoEnds) -> tuple[object, object]:
    """What both ends call the row."""
    key = {"id": 1}
    source, target = ends.source, ends.target
    return source.rows()[source.key_of(key)]["name"], target.rows()[target.key_of(key)]["name"]


def test_of_two_losers_the_one_that_is_named_comes_back_and_then_the_other(ends: TwoEnds) -> None:
    conflict = number(ends, "name")
    (before,) = [c for c in ends.conflicts() if c["field"] == "name"]
    answer(ends, "name", "Neither")
    ends.run()
    assert names(ends) == ("Neither", "Neither")
    with pytest.raises(BadInput, match="neither end's value stands, so both have lost"):
        restored(ends, conflict, None)
    first = restored(ends, conflict, Side.SOURCE)
    assert restored(ends, conflict, Side.TARGET) == first, (
        "another choice, before it is carried out"
    )
    ends.run()
    assert names(ends) == (before["target"], before["target"])
    with pytest.raises(BadInput, match=f"brought back already, by conflict {first}"):
        restored(ends, conflict, Side.TARGET)
    restored(ends, first, Side.SOURCE)
    ends.run()
    assert names(ends) == (before["source"], before["source"])


def test_what_was_taken_has_not_lost(ends: TwoEnds) -> None:
    with ends.engine.database.pooled() as connection:
        conflicts.answer(connection, number(ends, "name"), Answer(Side.SOURCE), by="ann")
    ends.run()
    with pytest.raises(BadInput, match="is what was taken: it has not lost"):
        restored(ends, number(ends, "name"), Side.SOURCE)
