"""Rows that were changed where no run looks are found by a sample, and mended by a full resync."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from livesync_pipelines.engine import report
from livesync_pipelines.engine.drift import sample
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines_tests.engine.two_ends import SYNC, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text"}


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """Twelve rows that were pulled."""
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        for n in range(12):
            ends.source.insert({"id": n, "name": f"name {n}"})
        ends.configure({"mode": "pull"}, {})
        ends.run()
        yield ends


def looked(ends: TwoEnds) -> dict[str, tuple[str, str | None]]:
    return {s.key: (s.outcome, s.finding) for s in sample(ends.engine, SYNC, items=50)}


def queued(ends: TwoEnds) -> list[tuple[str, bool]]:
    found = ends.ask("delete from livesync.queue returning trigger, full_resync")
    return [(row["trigger"], row["full_resync"]) for row in found]


def test_rows_that_both_ends_show_as_they_did_are_the_same(ends: TwoEnds) -> None:
    before = ends.ask("select xmin from livesync.row_base"), ends.entries()
    assert set(looked(ends).values()) == {("same", None)}
    assert (ends.ask("select xmin from livesync.row_base"), ends.entries()) == before
    assert queued(ends) == []
    assert len(ends.ask("select from livesync.operations")) == 1


def test_what_was_edited_or_deleted_behind_our_back_is_drift_and_a_full_resync_mends_it(
    ends: TwoEnds,
) -> None:
    ends.target.update({"id": 3, "name": "edited"})
    ends.target.delete(4)
    assert ends.run().counts.synced_items == 0
    found = looked(ends)
    assert found.pop(ends.key(3)) == ("drift", "content")
    assert found.pop(ends.key(4)) == ("drift", "gone")
    assert set(found.values()) == {("same", None)}
    assert queued(ends) == [("drift", True)]
    with ends.engine.database.pooled() as connection:
        told = report.drift(ends.engine, connection, SYNC)
    assert (told["divergent"], told["samples"]) == (2, 12)
    assert all(one["held"].startswith("target: ") for one in told["findings"])
    ends.run(full=True)
    assert ends.target.rows() == ends.source.rows()


def test_an_edit_where_runs_look_lags_until_a_run(ends: TwoEnds) -> None:
    ends.source.update({"id": 3, "name": "edited"})
    assert looked(ends)[ends.key(3)] == ("lag", "content")
    assert queued(ends) == []
    ends.run()
    ends.clock.now += timedelta(days=1)
    assert set(looked(ends).values()) == {("same", None)}
    (lagged,) = ends.ask(
        "select outcome, settled_at from livesync.drift_samples where finding is not null"
    )
    assert (lagged["outcome"], lagged["settled_at"] is not None) == ("lag", True)


def test_an_edit_that_a_run_has_not_brought_in_is_drift(ends: TwoEnds) -> None:
    ends.source.update({"id": 3, "name": "edited"})
    looked(ends)
    state = "create table public.was as select * from livesync.row_base"
    with ends.engine.database.pooled() as connection:
        connection.execute(state.encode())
        ends.run()
        connection.execute(b"delete from livesync.row_base")
        connection.execute(b"insert into livesync.row_base select * from public.was")
        connection.execute(b"drop table public.was")
    looked(ends)
    assert queued(ends) == [("drift", True)]


def test_rows_that_wait_for_a_new_mapping_are_not_looked_at(ends: TwoEnds) -> None:
    ends.configure({"mode": "pull", "mapping": [{"from": n, "to": n} for n in COLUMNS]}, {})
    assert looked(ends) == {}


def test_an_end_that_is_away_is_told_and_nothing_is_kept(ends: TwoEnds) -> None:
    ends.target.drop()
    with pytest.raises(LiveSyncError, match="table is not there"):
        sample(ends.engine, SYNC, items=50)
    assert ends.ask("select from livesync.drift_samples") == []
    assert len(ends.ask("select from livesync.operations")) == 1
