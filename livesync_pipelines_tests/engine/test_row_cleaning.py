"""Of rows, too, what is older than it is to be kept goes, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.cleaning import Cleaned, clean
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import (
    compaction,
    conflict_restores,
    ledger,
    row_history,
    stages,
)
from livesync_pipelines_tests.engine.row_tables import PostgresTable
from livesync_pipelines_tests.engine.two_ends import SYNC, Killed, TwoEnds, two_ends

COLUMNS = {"id": "integer", "name": "text"}
MONTH = Keep(operations=None, ledger=30)


@pytest.fixture
def ends(engine: Engine, tmp_path: Path) -> Iterator[TwoEnds]:
    """Five rows that were pulled, on the first day."""
    with two_ends(engine, "postgres", tmp_path) as ends:
        for table in (ends.source, ends.target):
            table.create(COLUMNS, ["id"], {})
        for n in range(1, 6):
            ends.source.insert({"id": n, "name": f"{n} at first"})
        ends.configure({"mode": "bidirectional"}, {})
        ends.run()
        pass_days(ends, 1)
        yield ends


@pytest.fixture
def edited(ends: TwoEnds) -> TwoEnds:
    """Row 1 was edited eight times, every ten days; row 2 was deleted with the third."""
    for time in range(8):
        ends.source.update({"id": 1, "name": f"time {time}"})
        if time == 2:
            ends.source.delete(2)
        ends.run()
        pass_days(ends, 10)
    return ends


def pass_days(ends: TwoEnds, days: float) -> None:
    ends.clock.now += timedelta(days=days)


def cleaned(ends: TwoEnds, keep: Keep = MONTH, *, dry_run: bool = False) -> Cleaned:
    (done,) = clean(ends.engine, keep, dry_run=dry_run)
    return done


def blocks(ends: TwoEnds) -> list[tuple[int, int]]:
    found = ends.ask("select block, line_count from livesync.row_blocks order by 1")
    return [(row["block"], row["line_count"]) for row in found]


def changes(ends: TwoEnds, key: int) -> list[dict[str, Any]]:
    """Of one row, as far as they are kept, oldest first."""
    with ends.engine.database.pooled() as connection:
        return row_history.of_row(connection, SYNC, ends.key(key), limit=10_000)[::-1]


def assert_whole(ends: TwoEnds) -> None:
    assert ends.verified()
    assert rebuild(ends.engine, SYNC, check=True).is_exact
    assert ends.source.rows() == ends.target.rows()


def test_a_dry_run_tells_the_same_and_takes_nothing(edited: TwoEnds) -> None:
    before = blocks(edited), edited.entries()
    told = cleaned(edited, dry_run=True)
    assert (blocks(edited), edited.entries()) == before
    assert cleaned(edited) == told
    assert (told.row_versions, told.refused, told.busy) == (8, "", False)


def test_a_value_of_long_ago_is_explained_for_as_long_as_the_change_that_ended_it(
    ends: TwoEnds,
) -> None:
    pass_days(ends, 1_000)
    ends.source.update({"id": 1, "name": "edited"})
    ends.run()
    pass_days(ends, 29)
    assert cleaned(ends).row_versions == 0
    assert changes(ends, 1)[-1]["before"] == {"id": 1, "name": "1 at first"}
    pass_days(ends, 2)
    assert cleaned(ends).row_versions == 1
    (last,) = changes(ends, 1)
    assert (last["before"], last["before_kept"]) == (None, False)
    assert_whole(ends)


def test_what_is_to_be_kept_for_ever_stays(edited: TwoEnds) -> None:
    pass_days(edited, 10_000)
    before = blocks(edited)
    assert cleaned(edited, Keep(operations=None, ledger=None)).row_versions == 0
    assert blocks(edited) == before


def test_space_is_bounded_by_living_rows_once_all_history_is_old(edited: TwoEnds) -> None:
    pass_days(edited, 10_000)
    cleaned(edited)
    assert sum(lines for _, lines in blocks(edited)) == len(edited.target.rows()) == 4
    assert_whole(edited)
    assert cleaned(edited).row_versions == 0


def test_a_row_removed_long_ago_does_not_come_back(ends: TwoEnds) -> None:
    ends.source.update({"id": 2, "name": "edited"})
    ends.run()
    ends.source.delete(2)
    ends.run()
    pass_days(ends, 31)
    assert cleaned(ends).row_versions == 3
    assert sorted(ends.target.rows()) == [1, 3, 4, 5]
    assert_whole(ends)
    rebuild(ends.engine, SYNC, check=False)
    ends.run()
    assert sorted(ends.target.rows()) == [1, 3, 4, 5]


def test_a_deletion_is_told_of_for_a_month_however_short_the_ledger_is_kept(
    ends: TwoEnds,
) -> None:
    short = Keep(operations=None, ledger=1)
    ends.source.delete(2)
    ends.run()
    pass_days(ends, 2)
    ends.source.update({"id": 1, "name": "edited"})
    ends.run()
    pass_days(ends, 27)
    assert cleaned(ends, short).row_versions == 1
    assert blocks(ends) == [(1, 4), (2, 1), (3, 1)]
    pass_days(ends, 3)
    assert cleaned(ends, short).row_versions == 2
    assert [block for block, _ in blocks(ends)] == [1, 3]
    assert_whole(ends)


def test_a_row_that_came_back_stays(ends: TwoEnds) -> None:
    for _ in range(3):
        ends.source.delete(2)
        ends.run()
        pass_days(ends, 1)
        ends.source.insert({"id": 2, "name": "again"})
        ends.run()
        pass_days(ends, 20)
        cleaned(ends, Keep(operations=None, ledger=10))
        assert_whole(ends)
    pass_days(ends, 100)
    cleaned(ends)
    assert ends.target.rows()[2]["name"] == "again"
    assert sum(lines for _, lines in blocks(ends)) == 5
    assert_whole(ends)


def test_a_conflict_whose_values_left_the_blocks_can_still_be_restored(ends: TwoEnds) -> None:
    ends.source.update({"id": 3, "name": "here"})
    ends.target.update({"id": 3, "name": "there"})
    ends.run()
    (conflict,) = ends.conflicts()
    lost = {"here", "there"} - {ends.source.rows()[3]["name"]}
    pass_days(ends, 100)
    assert cleaned(ends).row_versions > 0
    with ends.engine.database.pooled() as connection:
        conflict_restores.restore(connection, conflict["conflict_id"], by="ada", now=ends.clock())
    ends.run()
    assert {ends.source.rows()[3]["name"]} == lost
    assert_whole(ends)


@pytest.mark.parametrize("at", range(1, 4))
def test_a_cleaning_that_dies_is_taken_up_where_it_was(
    edited: TwoEnds, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    pass_days(edited, 10_000)
    monkeypatch.setattr("livesync_pipelines.store.row_compaction.PIECE", 3)
    real, calls = compaction.append, list[str]()

    def dies(*args: Any) -> int:
        calls.append("append")
        seq = real(*args)
        if len(calls) == at:
            edited.die()
        return seq

    with monkeypatch.context() as patch:
        patch.setattr(compaction, "append", dies)
        with pytest.raises(Killed):
            cleaned(edited)
    edited.restart()
    assert_whole(edited)
    cleaned(edited)
    assert sum(lines for _, lines in blocks(edited)) == 4
    assert_whole(edited)


def test_a_sync_that_runs_keeps_its_blocks_and_goes_on(edited: TwoEnds) -> None:
    pass_days(edited, 10_000)
    done: list[Cleaned] = []

    def clean_meanwhile(side: Side, when: str) -> None:
        if (side, when) == (Side.TARGET, "before"):
            done.append(cleaned(edited))

    edited.reach = clean_meanwhile
    edited.source.update({"id": 1, "name": "the last"})
    edited.run()
    assert [(one.row_versions, one.busy) for one in done] == [(0, True)]
    assert edited.target.rows()[1]["name"] == "the last"
    assert cleaned(edited).row_versions == 10
    assert_whole(edited)


def test_two_cleanings_at_once_take_everything_once(edited: TwoEnds) -> None:
    pass_days(edited, 10_000)
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(lambda _: cleaned(edited), range(2)))
    assert sum(done.row_versions for done in both) == 10
    assert not any(done.refused for done in both)
    assert_whole(edited)


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        ("delete from livesync.row_blocks where block = 1", 1),
        ("delete from livesync.row_blocks where block = 10", 10),
        ("update livesync.row_blocks set data = data || 'x' where block = 1", 1),
        ("insert into livesync.row_blocks select sync_id, 5, operation_id, at, line_count, digest,"
         " data from livesync.row_blocks where block = 10", 5),
        ("update livesync.ledger set after = jsonb_set(after, '{blocks,1}', 'null')"
         " where op = 'restated'", 11),
        ("delete from livesync.ledger where op = 'restated'", 11),
    ],
)  # fmt: skip
def test_tampering_shows_after_a_cleaning_too(edited: TwoEnds, tampering: str, broken: int) -> None:
    pass_days(edited, 10_000)
    cleaned(edited)
    assert edited.verified()
    with edited.engine.database.pooled() as connection:
        connection.execute(tampering.encode())
        assert ledger.first_broken(connection, SYNC) in {broken, 1}


def test_a_block_that_somebody_altered_is_not_vouched_for_anew(edited: TwoEnds) -> None:
    pass_days(edited, 10_000)
    before = blocks(edited)
    with edited.engine.database.pooled() as connection:
        connection.execute(b"update livesync.row_blocks set data = data || 'x' where block = 1")
    done = cleaned(edited)
    assert "entry 1" in done.refused
    assert (done.row_versions, blocks(edited)) == (0, before)
    assert not edited.verified()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("update livesync.row_base set block = 1 where block = 10", "stands in entry 1"),
        ("delete from livesync.row_base where block = 10", "A rebuild would find row"),
    ],
)
def test_where_a_rebuild_would_find_another_state_everything_is_kept(
    edited: TwoEnds, caplog: pytest.LogCaptureFixture, damage: str, said: str
) -> None:
    pass_days(edited, 10_000)
    with edited.engine.database.pooled() as connection:
        connection.execute(damage.encode())
    before = blocks(edited), edited.entries()
    done = cleaned(edited)
    assert said in done.refused
    assert (blocks(edited), edited.entries()) == before
    (logged,) = (r.getMessage() for r in caplog.records if r.levelname == "ERROR")
    assert said in logged
    assert f"livesync ledger rebuild {SYNC} --check" in logged
    rebuild(edited.engine, SYNC, check=False)
    edited.run()
    assert cleaned(edited).refused == ""
    assert_whole(edited)


def test_rows_whose_mapping_changed_and_that_no_run_has_met_yet_are_cleaned(
    edited: TwoEnds,
) -> None:
    pass_days(edited, 10_000)
    mapping = [{"from": name, "to": name} for name in COLUMNS]
    edited.configure({"mode": "bidirectional", "mapping": mapping}, {})
    assert (cleaned(edited).row_versions, cleaned(edited).refused) == (10, "")
    assert edited.run().status is Status.SUCCESS
    assert_whole(edited)


def test_what_was_agreed_with_another_table_goes_by_its_own_age_and_never_comes_back(
    edited: TwoEnds,
) -> None:
    edited.source.delete(3)
    edited.target = PostgresTable(edited.engine.database.url, "elsewhere")
    edited.target.create(COLUMNS, ["id"], {})
    edited.configure({"mode": "bidirectional"}, {})
    edited.run()
    assert_whole(edited)
    pass_days(edited, 5)
    cleaned(edited)
    assert len(blocks(edited)) == 3
    pass_days(edited, 31)
    cleaned(edited)
    assert [lines for _, lines in blocks(edited)] == [3]
    assert_whole(edited)
    edited.target.close()


def test_what_the_last_run_changed_says_nothing_of_what_is_kept_no_longer(ends: TwoEnds) -> None:
    ends.source.update({"id": 1, "name": "edited"})
    ends.run()
    pass_days(ends, 31)
    cleaned(ends)
    with ends.engine.database.pooled() as connection:
        deltas = stages.table(connection, SYNC, "deltas")
    assert deltas["changed_fields"].to_pylist() == [[]]
