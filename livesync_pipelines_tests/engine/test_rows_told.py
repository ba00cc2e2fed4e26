"""People are told of what waits for their answer, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.plan import plan_sync
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import conflicts, row_history
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends
from livesync_pipelines_tests.web.conftest import Caller

COLUMNS = {"region": "text", "id": "integer", "phone": "text"}
ASKS = {
    "mode": "bidirectional",
    "policy": {"default": "ask_person", "ask": {"owner": "ada", "within": "2d"}},
    "notify": {"on": ["conflict"], "to": ["mailto:ops@example.com"]},
}


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, "sqlite", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["region", "id"], {})
        ends.configure(ASKS, {})
        for number in (5, 6, 7):
            ends.source.insert({"region": "eu", "id": number, "phone": "1"})
        ends.run()
        for table, phone in ((ends.source, "2"), (ends.target, "3")):
            table.update({"region": "eu", "id": 5, "phone": phone})
        yield ends


def told(ends: TwoEnds) -> list[dict[str, Any]]:
    return ends.ask(
        "select o.document, d.address from livesync.outbox o join livesync.deliveries d using (seq)"
        " where o.kind = 'conflict'"
    )


def watched(ends: TwoEnds) -> list[dict[str, Any]]:
    return ends.ask("select owner, document from livesync.events where kind = 'conflict'")


def test_a_conflict_that_waits_is_told_to_whom_the_sync_names(ends: TwoEnds) -> None:
    ends.run()
    ((message,), (event,)) = told(ends), watched(ends)
    assert message["address"] == "mailto:ops@example.com"
    assert message["document"]["message"] == "ada: both ends have edited region=eu, id=5 phone"
    assert SYNC in message["document"]["hint"]
    assert event["owner"] == "ada"
    assert event["document"]["conflicts"] == [{"key": "region=eu, id=5", "field": "phone"}]


def test_it_is_told_once_however_often_the_rows_meet(ends: TwoEnds) -> None:
    ends.run()
    ends.source.update({"region": "eu", "id": 5, "phone": "4"})
    ends.run()
    ends.run()
    assert (len(told(ends)), len(watched(ends))) == (1, 1)


def test_an_answered_row_is_counted_once(ends: TwoEnds) -> None:
    ends.run()
    (conflict,) = ends.conflicts()
    with ends.engine.database.connect() as connection:
        number, answer = conflict["conflict_id"], Answer(side=Side.TARGET)
        conflicts.answer(connection, number, answer, by="ada")
    counts = ends.run().counts
    assert (counts.updated, counts.unchanged) == (1, 2)


def test_the_status_page_shows_where_rows_go_and_what_waits(ends: TwoEnds) -> None:
    ends.run()
    page = Caller(ends.engine).get("/", headers={"accept": "text/html"}).text
    assert "region=eu, id=5" in page
    assert "&#34;2&#34;" in page
    assert "None" not in page


def test_a_row_of_which_somebody_is_asked_says_what_both_ends_say(ends: TwoEnds) -> None:
    ends.run()
    with ends.engine.database.pooled() as connection:
        found = row_history.explained(connection, f"{SYNC}:region=eu, id=5", limit=5)
    assert found is not None
    (asked,) = found["asked"]
    assert (asked["field"], asked["source"], asked["target"]) == ("phone", "2", "3")


def test_a_rehearsal_tells_nobody(ends: TwoEnds) -> None:
    before = len(ends.ask("select from livesync.events"))
    plan_sync(ends.engine, SYNC)
    assert not told(ends)
    assert len(ends.ask("select from livesync.events")) == before
