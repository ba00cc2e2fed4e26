"""What can be told of copied files, and made again, from the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.cleaning import clean
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.rebuild import Rebuilt, rebuild
from livesync_pipelines.engine.restoring import restore
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.store import capsules
from livesync_pipelines_tests.engine.copies import SYNC, Copies, Row, copies_between, places


@pytest.fixture(params=["pull", "push"])
def copies(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with copies_between(engine, *places("folder to folder", tmp_path)) as made:
        made.configure(mode=request.param)
        yield made


@pytest.fixture
def lived(copies: Copies) -> Copies:
    """Files that were copied, edited and removed; one that the goal has lost, by its own choice;
    and one that gave way."""
    copies.put(a__txt="a", b__txt="b", gone__txt="gone", lost__txt="lost", ours__txt="ours")
    copies.goal.put("ours.txt", b"theirs")
    copies.run()
    copies.resolve(copies.goal_side.other)
    copies.put(a__txt="a2")
    copies.origin.remove("gone.txt")
    copies.goal.remove("lost.txt")
    copies.run()
    copies.resolve(copies.goal_side)
    copies.run()
    return copies


def state(copies: Copies) -> list[Row]:
    return copies.ask("select * from livesync.copied_files order by name")


def explained(copies: Copies, name: str) -> dict[str, Any]:
    with copies.engine.database.pooled() as connection:
        return capsules.explain(connection, name)


@pytest.mark.parametrize("name", ["a.txt", f"{SYNC}:a.txt"])
def test_a_file_is_explained_by_both_versions_its_origin_its_run_and_its_changes(
    lived: Copies, name: str
) -> None:
    told = explained(lived, name)
    (held,) = [row for row in state(lived) if row["name"] == "a.txt"]
    assert told["file"] == {
        "sync_id": SYNC,
        "item_id": "a.txt",
        "state": "agreed",
        "source": {"connection": "here", "version": held["source_version"]},
        "target": {"connection": "there", "version": held["target_version"]},
        "came_from": "there" if lived.pushes else "here",
    }
    assert [change["op"] for change in told["changes"]] == ["updated", "added"]
    assert told["operation_id"] == told["changes"][0]["operation_id"]
    assert told["conflicts"] == []


def test_a_file_is_explained_by_its_conflict_too(lived: Copies) -> None:
    told = explained(lived, f"{SYNC}:ours.txt")
    (conflict,) = told["conflicts"]
    assert (conflict["state"], conflict["winner"]) == ("settled", lived.goal_side.other)
    assert (conflict["is_file"], conflict["field"]) == (True, None)
    assert explained(lived, f"{SYNC}:lost.txt")["file"]["state"] == "apart"


def test_a_file_that_waits_for_an_answer_is_explained(copies: Copies) -> None:
    copies.put(a__txt="ours")
    copies.goal.put("a.txt", b"theirs")
    copies.run()
    told = explained(copies, f"{SYNC}:a.txt")
    assert told["file"]["state"] == "gone"
    assert [each["state"] for each in told["conflicts"]] == ["open"]


def test_of_a_file_that_is_gone_it_is_told_which_run_removed_it(lived: Copies) -> None:
    told = explained(lived, f"{SYNC}:gone.txt")
    assert (told["file"]["state"], told["file"]["came_from"]) == ("gone", None)
    assert [change["op"] for change in told["changes"]] == ["removed", "added"]
    with pytest.raises(NotFound, match="no chunk, row or copied file"):
        explained(lived, f"{SYNC}:never.txt")


def test_what_was_brought_back_came_from_what_was_kept(lived: Copies) -> None:
    (lost,) = [row for row in lived.conflicts(settled=True) if row["key"] == "ours.txt"]
    lived.restore(lost["conflict_id"])
    lived.run()
    assert lived.goal.get("ours.txt") == b"theirs"
    assert explained(lived, f"{SYNC}:ours.txt")["file"]["came_from"] == "kept"


def test_a_restore_of_a_file_names_the_conflict_that_keeps_it(lived: Copies) -> None:
    (lost,) = [row for row in lived.conflicts(settled=True) if row["key"] == "ours.txt"]
    with pytest.raises(BadInput, match="gave way last is kept") as refused:
        restore(lived.engine, SYNC, "ours.txt")
    assert f"conflicts restore {lost['conflict_id']}`" in refused.value.hint
    with pytest.raises(BadInput, match="nothing is kept"):
        restore(lived.engine, SYNC, "gone.txt")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("delete from livesync.copied_files", Rebuilt(differing=["a.txt"])),
        ("update livesync.copied_files set apart = true", Rebuilt(differing=["a.txt"])),
        ("update livesync.copied_files set target_version = 'x'", Rebuilt(differing=["a.txt"])),
        (
            "insert into livesync.copied_files values ('copy', 'new.txt', 'x', 'x')",
            Rebuilt(agreeing=1, unlogged=["new.txt"]),
        ),
    ],
)
def test_the_state_of_files_is_made_again_from_the_ledger(
    copies: Copies, damage: str, found: Rebuilt
) -> None:
    copies.put(a__txt="a")
    copies.run()
    before = state(copies)
    with copies.engine.database.pooled() as connection:
        connection.execute(damage.encode())
    assert rebuild(copies.engine, SYNC, check=True) == found
    assert state(copies) != before
    assert rebuild(copies.engine, SYNC, check=False) == found
    assert state(copies) == before
    assert rebuild(copies.engine, SYNC, check=True).is_exact


def test_a_ledger_that_was_cut_rebuilds_every_living_file(lived: Copies) -> None:
    before = state(lived)
    assert {row["name"] for row in before} == {"a.txt", "b.txt", "lost.txt", "ours.txt"}
    lived.clock.now += timedelta(days=366)
    (cleaned,) = clean(lived.engine, Keep(ledger=365, operations=None))
    assert cleaned.ledger_entries > 0
    with lived.engine.database.pooled() as connection:
        connection.execute("delete from livesync.copied_files")
    assert rebuild(lived.engine, SYNC, check=False).lost == []
    assert state(lived) == before
    result = lived.run()
    assert (result.counts.added, result.counts.updated, result.counts.removed) == (0, 0, 0)


def test_a_conflict_that_opens_later_does_not_cost_a_file_its_state(copies: Copies) -> None:
    copies.put(a__txt="a")
    copies.run()
    copies.goal.put("a.txt", b"theirs")
    copies.run()
    assert copies.ops()[-1] == ("conflict", "a.txt")
    copies.clock.now += timedelta(days=366)
    clean(copies.engine, Keep(ledger=365, operations=None))
    assert rebuild(copies.engine, SYNC, check=True) == Rebuilt(agreeing=1)


def test_what_was_removed_at_one_end_only_keeps_its_state(copies: Copies) -> None:
    copies.put(a__txt="a")
    copies.run()
    copies.goal.remove("a.txt")
    copies.run()
    copies.resolve(copies.goal_side.other)
    copies.run()
    (lost,) = copies.conflicts(settled=True)
    copies.restore(lost["conflict_id"])
    copies.run()
    assert (copies.goal.names(), copies.ops()[-1]) == ([], ("removed", "a.txt"))
    copies.clock.now += timedelta(days=366)
    clean(copies.engine, Keep(ledger=365, operations=None))
    assert rebuild(copies.engine, SYNC, check=True) == Rebuilt(agreeing=1)
