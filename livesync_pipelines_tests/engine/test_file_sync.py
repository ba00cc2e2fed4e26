"""Files copied from a folder into a bucket and back, by syncs, while people edit both ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.connectors.folder import Folder
from livesync_pipelines.engine.callers import found_or_made
from livesync_pipelines.engine.cleaning import clean
from livesync_pipelines.engine.file_sync import PIECE_FILES
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.plan import run_planned
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.keeping import Keep
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines.model.sync import Mode, Trigger
from livesync_pipelines.store import catalog, conflicts
from livesync_pipelines_tests.connectors.dropbox_place import DropboxPlace
from livesync_pipelines_tests.connectors.row_files import FolderPlace
from livesync_pipelines_tests.engine.copies import (
    SYNC,
    Copies,
    Killed,
    after,
    copies_between,
    places,
)
from livesync_pipelines_tests.engine.house import wait_until_free

BETWEEN = ("folder to s3", "s3 to folder", "push", "folder to dropbox", "dropbox to folder")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test between two of these in turn; `make prove` has each between all."""
    if "copies" in metafunc.fixturenames:
        names = [name for name in vars(metafunc.module) if name.startswith("test_")]
        first = names.index(metafunc.function.__name__)
        turns = range(first, first + (len(BETWEEN) if "LIVESYNC_PROVE" in os.environ else 2))
        between = [BETWEEN[turn % len(BETWEEN)] for turn in turns]
        metafunc.parametrize("copies", between, indirect=True)


@pytest.fixture
def copies(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    """A pull between both kinds, and a push, which goes from the target to the source."""
    push = request.param == "push"
    kinds = "folder to s3" if push else request.param
    with copies_between(engine, *places(kinds, tmp_path)) as made:
        made.configure(mode="push" if push else "pull")
        yield made


@pytest.fixture
def into_folder(engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with copies_between(engine, *places("s3 to folder", tmp_path)) as made:
        made.configure()
        yield made


@pytest.fixture
def into_bucket(engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with copies_between(engine, *places("folder to s3", tmp_path)) as made:
        made.configure()
        yield made


def root_of(copies: Copies, side: str) -> Path:
    place = getattr(copies, side)
    assert isinstance(place, FolderPlace)
    return place.root


def test_files_are_added_edited_renamed_and_removed_as_at_their_source(copies: Copies) -> None:
    for name in ("a.txt", "b/c ü.txt", "b/d.bin"):
        copies.origin.put(name, f"{name}\0\xff".encode())
    result = copies.run()
    assert (result.status, result.counts.added, result.counts.listed) == (Status.SUCCESS, 3, 3)
    assert copies.equal()
    copies.origin.put("a.txt", b"other words")
    copies.origin.put("b/renamed.txt", copies.origin.get("b/c ü.txt"))
    copies.origin.remove("b/c ü.txt")
    copies.origin.remove("b/d.bin")
    counts = copies.run().counts
    moves = isinstance(copies.goal, DropboxPlace)
    assert (counts.moved, counts.updated) == (moves, 1)
    assert (counts.added, counts.removed) == ((0, 1) if moves else (1, 2))
    assert copies.equal()
    counts = copies.run().counts
    assert (counts.synced_items, counts.unchanged, counts.fetched) == (0, 2, 0)
    assert set(copies.ops()[3:]) == {
        ("moved" if moves else "added", "b/renamed.txt"),
        ("removed", "b/c ü.txt"),
        ("removed", "b/d.bin"),
        ("updated", "a.txt"),
    }


def test_the_ledger_says_the_versions_before_and_after(into_bucket: Copies) -> None:
    into_bucket.put(a__txt="one")
    into_bucket.run()
    into_bucket.put(a__txt="two!")
    into_bucket.run()
    first, second = into_bucket.entries()
    assert first["before"] is None
    assert second["before"]["source_version"] == first["after"]["source_version"]
    assert second["after"]["target_version"] != first["after"]["target_version"]
    (held,) = into_bucket.ask("select source_version, target_version from livesync.copied_files")
    assert held.items() <= second["after"].items()


def test_two_populated_ends_are_linked_by_content_and_nothing_is_written_over(
    copies: Copies,
) -> None:
    for name, ours, theirs in (("same.txt", b"x", b"x"), ("differs.txt", b"ours", b"theirs")):
        copies.origin.put(name, ours)
        copies.goal.put(name, theirs)
    copies.goal.put("only there.txt", b"theirs")
    result = copies.run()
    assert (result.counts.synced_items, result.counts.conflicts_detected) == (0, 1)
    (asked,) = copies.conflicts()
    assert (asked["key"], asked["field"], asked["state"]) == ("differs.txt", None, "open")
    assert copies.goal.get("differs.txt") == b"theirs"
    assert copies.goal.get("only there.txt") == b"theirs"
    counts = copies.run().counts
    assert (counts.conflicts_detected, counts.fetched) == (0, 0), "it is asked once"
    assert len(copies.conflicts()) == 1


@pytest.mark.parametrize("deleted", [False, True], ids=["edited at both", "gone at the origin"])
def test_the_goals_own_edit_gives_way_when_a_person_says_so_and_can_be_brought_back(
    copies: Copies, *, deleted: bool
) -> None:
    copies.put(a__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    if deleted:
        copies.origin.remove("a.txt")
    else:
        copies.put(a__txt="our edit, longer")
    copies.run()
    assert copies.goal.get("a.txt") == b"their edit"
    copies.resolve(copies.goal_side.other)
    copies.run()
    assert copies.equal()
    assert copies.conflicts() == []
    (settled,) = copies.conflicts(settled=True)
    assert (settled["winner"], settled["settled_by"]) == (str(copies.goal_side.other), "ada")
    copies.restore(settled["conflict_id"])
    counts = copies.run().counts
    assert (counts.synced_items, counts.unchanged) == (1, 0)
    assert copies.goal.get("a.txt") == b"their edit"
    assert copies.run().counts.synced_items == 0
    assert copies.conflicts() == []


def test_the_goals_own_edit_stays_when_a_person_says_so_until_the_origin_changes(
    copies: Copies,
) -> None:
    copies.put(a__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.run()
    copies.resolve(copies.goal_side)
    copies.run()
    copies.goal.put("a.txt", b"edited further by them")
    counts = copies.run().counts
    assert (counts.synced_items, counts.conflicts_detected) == (0, 0)
    assert copies.conflicts() == []
    copies.put(a__txt="changed")
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"edited further by them"


def test_an_answer_to_what_is_there_no_more_is_asked_again(copies: Copies) -> None:
    copies.put(a__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.run()
    copies.resolve(copies.goal_side.other)
    copies.goal.put("a.txt", b"an edit that nobody has seen")
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"an edit that nobody has seen"
    assert [one["state"] for one in copies.conflicts()] == ["open"]


def test_a_question_that_has_gone_away_is_settled(copies: Copies) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    for name in ("a.txt", "b.txt"):
        copies.put(**{name.replace(".", "__"): "both now"})
        copies.goal.put(name, b"not alike")
    copies.run()
    assert len(copies.conflicts()) == 2
    copies.goal.put("a.txt", b"both now")
    copies.goal.remove("b.txt")
    copies.origin.remove("b.txt")
    copies.run()
    assert copies.conflicts() == []
    assert {one["winner"] for one in copies.conflicts(settled=True)} == {"agreed"}


@pytest.mark.parametrize("stays", [False, True], ids=["put again", "left out"])
@pytest.mark.parametrize("edited", [False, True], ids=["unedited", "edited at the origin"])
def test_a_file_that_the_goal_has_lost_is_asked_about(
    copies: Copies, *, stays: bool, edited: bool
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.goal.remove("a.txt")
    if edited:
        copies.put(a__txt="another")
    counts = copies.run().counts
    assert (counts.conflicts_detected, copies.goal.names()) == (1, ["b.txt"])
    copies.resolve(copies.goal_side if stays else copies.goal_side.other)
    copies.run()
    assert copies.goal.names() == (["b.txt"] if stays else ["a.txt", "b.txt"])
    assert copies.run().counts.synced_items == 0
    assert copies.conflicts() == []


def test_where_the_origin_always_wins_the_lost_edit_is_kept(copies: Copies) -> None:
    copies.configure(policy={"default": f"{copies.goal_side.other}_wins"})
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.goal.remove("b.txt")
    counts = copies.run().counts
    assert (counts.updated, counts.added, counts.conflicts_detected) == (1, 1, 1)
    assert copies.equal()
    lost = {one["key"]: one for one in copies.conflicts(settled=True)}
    assert lost["a.txt"]["winner"] == str(copies.goal_side.other)
    copies.restore(lost["a.txt"]["conflict_id"])
    copies.run()
    assert copies.goal.get("a.txt") == b"their edit"


def test_where_the_goal_always_wins_its_edit_stays_and_nobody_is_asked(copies: Copies) -> None:
    copies.configure(policy={"default": f"{copies.goal_side}_wins"})
    copies.put(a__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.run()
    copies.put(a__txt="changed")
    assert copies.run().counts.synced_items == 0
    assert copies.goal.get("a.txt") == b"their edit"
    assert copies.conflicts() == []
    found = copies.conflicts(settled=True)
    assert {one["winner"] for one in found} == {str(copies.goal_side)}


def test_after_the_deadline_the_policy_decides(copies: Copies) -> None:
    last = copies.goal_side.other
    copies.configure(policy={"default": "ask_person", "ask": {"otherwise": f"{last}_wins"}})
    copies.put(a__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.run()
    with copies.engine.database.pooled() as connection:
        connection.execute("update livesync.conflicts set deadline = opened_at")
    copies.run()
    assert copies.equal()
    (settled,) = copies.conflicts(settled=True)
    assert (settled["winner"], settled["settled_by"]) == (str(last), "deadline")


def test_a_conflict_about_a_file_takes_no_value(into_folder: Copies) -> None:
    into_folder.put(a__txt="one")
    into_folder.goal.put("a.txt", b"theirs")
    into_folder.run()
    (found,) = into_folder.conflicts()
    with (
        into_folder.engine.database.pooled() as connection,
        pytest.raises(BadInput, match="which takes no value"),
    ):
        conflicts.answer(connection, found["conflict_id"], Answer(value="x"), by="ada")


def crash_after(copies: Copies, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """A run that dies when it has written, and before it could tell."""

    def die() -> None:
        raise Killed

    with monkeypatch.context() as patched:
        after(patched, method, die)
        with pytest.raises(Killed):
            copies.run()
    wait_until_free(copies.engine)


@pytest.mark.parametrize("died_in", ["put", "remove"])
def test_what_was_written_before_a_crash_is_recognised(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    if died_in == "put":
        copies.put(a__txt="two!", c__txt="new")
    else:
        copies.origin.remove("a.txt")
    crash_after(copies, monkeypatch, died_in)
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert copies.equal()
    told = [entry for entry in copies.entries() if entry["item_id"] == "a.txt"]
    assert told[-1]["op"] == ("updated" if died_in == "put" else "removed")
    assert copies.run().counts.synced_items == 0


@pytest.mark.parametrize("then", ["edited", "edited back", "removed"])
def test_what_was_sent_before_a_crash_is_nobodys_edit_when_the_origin_goes_on(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.put(a__txt="two!")
    crash_after(copies, monkeypatch, "put")
    assert copies.goal.get("a.txt") == b"two!"
    if then == "removed":
        copies.origin.remove("a.txt")
    else:
        copies.put(a__txt="one" if then == "edited back" else "and three")
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert copies.equal()
    assert copies.ask("select from livesync.file_intents") == []
    assert copies.run().counts.synced_items == 0


def test_what_was_taken_out_before_a_crash_was_not_lost_by_the_goal(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.origin.remove("a.txt")
    crash_after(copies, monkeypatch, "remove")
    copies.put(a__txt="here again")
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert copies.equal()


@pytest.mark.parametrize("removed", [False, True])
def test_an_edit_of_what_was_sent_before_a_crash_is_asked_about(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, *, removed: bool
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.put(a__txt="two!")
    crash_after(copies, monkeypatch, "put")
    copies.goal.put("a.txt", b"their edit of it")
    if removed:
        copies.origin.remove("a.txt")
    else:
        copies.put(a__txt="and three")
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"their edit of it"


def test_what_a_crash_has_written_over_is_kept_and_told(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.configure(policy={"default": f"{copies.goal_side.other}_wins"})
    copies.put(a__txt="one")
    copies.run()
    copies.put(a__txt="two!")
    copies.goal.put("a.txt", b"their edit")
    crash_after(copies, monkeypatch, "put")
    assert copies.equal()
    copies.run()
    (told,) = copies.conflicts(settled=True)
    copies.restore(told["conflict_id"])
    copies.run()
    assert copies.goal.get("a.txt") == b"their edit"


def test_an_edit_between_the_listing_and_the_write_is_left_alone(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.put(a__txt="two!", b__txt="two!")
    with monkeypatch.context() as patched:
        after(patched, "put", lambda: copies.goal.put("b.txt", b"meanwhile"))
        result = copies.run()
    assert (result.status, copies.letters()) == (Status.PARTIAL, {"b.txt": "moved"})
    assert copies.goal.get("b.txt") == b"meanwhile"
    assert copies.run().counts.conflicts_detected == 1
    assert copies.letters() == {}


def test_too_many_removals_wait_for_a_person_and_the_rest_goes_on(copies: Copies) -> None:
    copies.configure(limits={"delete_items": 3, "delete_share": 0.5})
    for n in range(6):
        copies.origin.put(f"{n}.txt", b"x")
    copies.run()
    for n in range(5):
        copies.origin.remove(f"{n}.txt")
    copies.put(new__txt="new")
    result = copies.run()
    assert result.status is Status.WAITING
    assert result.error is not None
    assert "5 of 6" in result.error["message"]
    assert f"gone at the {copies.goal_side.other};" in result.error["message"]
    assert len(copies.goal.names()) == 7
    assert copies.approve() == 5
    assert copies.run().counts.removed == 5
    assert copies.equal()


def test_a_folder_that_is_emptied_is_asked_about_and_one_that_is_away_removes_nothing(
    into_bucket: Copies, tmp_path: Path
) -> None:
    for n in range(30):
        into_bucket.origin.put(f"{n}.txt", b"x")
    into_bucket.run()
    root = root_of(into_bucket, "source")
    root.rename(tmp_path / "unmounted")
    result = into_bucket.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "is not there any more" in result.error["message"]
    root.mkdir()
    assert into_bucket.run().status is Status.WAITING
    assert len(into_bucket.goal.names()) == 30


def test_what_a_listing_could_not_show_is_not_removed(
    into_bucket: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    into_bucket.put(a__txt="x", b__txt="x")
    into_bucket.run()
    into_bucket.origin.remove("a.txt")
    listing = Folder.listing

    def broken_off(self: Folder, *said: Any) -> Iterator[ListingPage]:
        return (replace(page, complete=False) for page in listing(self, *said))

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "listing", broken_off)
        result = into_bucket.run()
    assert (result.status, result.counts.removed) == (Status.PARTIAL, 0)
    assert into_bucket.goal.names() == ["a.txt", "b.txt"]
    assert into_bucket.run().counts.removed == 1


def test_a_copy_within_itself_is_refused(into_bucket: Copies) -> None:
    inside = root_of(into_bucket, "source") / "backup"
    inside.mkdir()
    into_bucket.put(a__txt="x")
    into_bucket.target = FolderPlace(inside)
    into_bucket.configure()
    result = into_bucket.run()
    assert result.error is not None
    assert "lies within" in result.error["message"]
    assert into_bucket.goal.names() == []
    into_bucket.configure(mode="push")
    assert into_bucket.run().status is Status.SUCCESS


def test_a_target_that_is_away_is_not_taken_for_an_empty_one(
    into_folder: Copies, tmp_path: Path
) -> None:
    into_folder.put(a__txt="x")
    into_folder.run()
    root_of(into_folder, "target").rename(tmp_path / "unmounted")
    result = into_folder.run()
    assert (result.status, into_folder.conflicts()) == (Status.FAILED, [])


def test_lost_bytes_are_kept_as_long_as_deletions(into_folder: Copies) -> None:
    into_folder.configure(policy={"default": "source_wins"})
    into_folder.put(a__txt="one")
    into_folder.goal.put("a.txt", b"theirs")
    into_folder.run()
    clean(into_folder.engine, Keep(ledger=365, operations=None))
    assert len(into_folder.ask("select from livesync.lost_files")) == 1
    into_folder.clock.now += timedelta(days=366)
    (cleaned,) = clean(into_folder.engine, Keep(ledger=365, operations=None))
    assert cleaned.contents == 1
    assert into_folder.ask("select from livesync.lost_files") == []
    (lost,) = into_folder.conflicts(settled=True)
    into_folder.restore(lost["conflict_id"])
    assert into_folder.run().status is Status.PARTIAL
    assert into_folder.letters() == {"a.txt": "not_kept"}


def test_actions_are_called_for_what_was_copied_and_for_conflicts(into_folder: Copies) -> None:
    hook = {"call": "https://example.com/hook", "on": ["added", "conflict"], "secret": "${HOOK}"}
    into_folder.configure(actions=[hook])
    into_folder.put(a__txt="one", b__txt="ours")
    into_folder.goal.put("b.txt", b"theirs")
    into_folder.run()
    told = [row["document"] for row in into_folder.ask("select document from livesync.outbox")]
    changes = [(c["op"], c["key"]) for document in told for c in document.get("changes", ())]
    assert sorted(changes) == [("added", "a.txt"), ("conflict", "b.txt")]


def test_names_that_lead_out_of_the_folder_are_refused_and_the_rest_goes_on(
    into_folder: Copies, tmp_path: Path
) -> None:
    root, outside = root_of(into_folder, "target"), tmp_path / "outside"
    outside.mkdir()
    (root / "link").symlink_to(outside)
    for name in ("../evil.txt", "link/evil.txt", "a//b.txt", "CON", "good.txt"):
        into_folder.origin.put(name, b"x")
    result = into_folder.run()
    assert result.status is Status.PARTIAL
    assert set(into_folder.letters()) == {"../evil.txt", "link/evil.txt", "a//b.txt", "CON"}
    assert (root / "good.txt").read_bytes() == b"x"
    assert list(outside.iterdir()) == []
    assert not (tmp_path / "evil.txt").exists()
    for name in ("../evil.txt", "link/evil.txt", "a//b.txt", "CON"):
        into_folder.origin.remove(name)
    assert into_folder.run().status is Status.SUCCESS
    assert into_folder.letters() == {}


def test_links_are_neither_read_nor_written_through(
    into_bucket: Copies, engine: Engine, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (root_of(into_bucket, "source") / "link.txt").symlink_to(secret)
    into_bucket.put(a__txt="one")
    assert into_bucket.run().counts.listed == 1
    assert into_bucket.goal.names() == ["a.txt"]
    into_bucket.configure(mode="push")
    into_bucket.origin.put("link.txt", b"evil")
    assert into_bucket.run().status is Status.PARTIAL
    assert set(into_bucket.letters()) == {"link.txt"}
    assert secret.read_text() == "secret"


def test_a_file_that_cannot_be_read_fails_alone_and_heals(into_bucket: Copies) -> None:
    into_bucket.configure(limits={"item_bytes": 10})
    into_bucket.put(good__txt="fine", large__txt="much too large to be read")
    result = into_bucket.run()
    assert (result.status, result.counts.added, result.counts.failed) == (Status.PARTIAL, 1, 1)
    assert into_bucket.letters() == {"large.txt": "too_large"}
    again = into_bucket.run(trigger=Trigger.POLL)
    assert (again.status, again.counts.failed) == (Status.PARTIAL, 1)
    assert into_bucket.goal.names() == ["good.txt"]
    into_bucket.put(large__txt="small now")
    assert into_bucket.run().status is Status.SUCCESS
    assert into_bucket.letters() == {}
    assert into_bucket.equal()


def test_a_plan_says_what_would_be_copied_and_writes_nothing(copies: Copies) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.put(a__txt="two!", c__txt="new")
    copies.origin.remove("b.txt")
    plan = copies.plan()
    told = [(item["op"], item["key"]) for item in plan.as_dict()["items"]]
    assert sorted(told) == [("added", "c.txt"), ("removed", "b.txt"), ("updated", "a.txt")]
    assert copies.goal.names() == ["a.txt", "b.txt"]
    assert copies.goal.get("a.txt") == b"one"
    assert len(copies.entries()) == 2
    errand = Errand(sync_id=SYNC, trigger=Trigger.PERSON)
    assert run_planned(copies.engine, errand, "other").status is Status.REFUSED
    assert run_planned(copies.engine, errand, plan.plan_hash).status is Status.SUCCESS
    assert copies.equal()


def test_a_full_resync_finds_an_edit_that_no_version_shows(into_folder: Copies) -> None:
    into_folder.put(a__txt="one")
    into_folder.run()
    file = root_of(into_folder, "target") / "a.txt"
    with into_folder.engine.database.pooled() as connection:
        file.write_bytes(b"two")
        version = os.stat(file)
        connection.execute(
            "update livesync.copied_files set target_version = %s",
            (f"{version.st_ino:x}",),
        )
    assert into_folder.run(full=True).counts.conflicts_detected == 1
    assert file.read_bytes() == b"two"


def test_a_sync_that_is_removed_leaves_no_state_and_the_files_where_they_are(
    copies: Copies,
) -> None:
    copies.put(a__txt="one")
    copies.run()
    with copies.engine.database.pooled() as connection:
        catalog.remove_sync(connection, SYNC)
    for table in ("copied_files", "lost_files", "conflicts", "ledger"):
        assert copies.ask(f"select from livesync.{table}") == []
    assert copies.equal()


def test_another_target_is_met_as_if_for_the_first_time(
    into_bucket: Copies, engine: Engine, tmp_path: Path
) -> None:
    into_bucket.put(a__txt="one")
    into_bucket.run()
    into_bucket.target = FolderPlace(tmp_path / "other")
    (tmp_path / "other").mkdir()
    into_bucket.goal.put("a.txt", b"theirs")
    into_bucket.configure()
    assert into_bucket.run().counts.conflicts_detected == 1
    assert into_bucket.goal.get("a.txt") == b"theirs"


def test_answers_name_the_ends_as_the_configuration_does(into_folder: Copies) -> None:
    into_folder.put(a__txt="from the bucket")
    into_folder.goal.put("a.txt", b"theirs")
    into_folder.run()
    (found,) = into_folder.conflicts()
    assert found["source"]["bytes"] == len("from the bucket")
    assert found["target"]["bytes"] == len("theirs")
    into_folder.resolve(Side.SOURCE)
    counts = into_folder.run().counts
    assert (counts.added, counts.updated) == (0, 1)
    assert into_folder.goal.get("a.txt") == b"from the bucket"


def test_what_was_copied_before_an_end_went_away_is_told(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.put(a__txt="one", b__txt="one")

    def go_away() -> None:
        if len(copies.goal.names()) == 2:
            raise Unavailable("the line is down")

    with monkeypatch.context() as patched:
        after(patched, "put", go_away)
        assert copies.run().status is Status.FAILED
    assert len(copies.ops()) == 1
    assert copies.run().status is Status.SUCCESS
    assert sorted(copies.ops()) == [("added", "a.txt"), ("added", "b.txt")]
    assert copies.equal()


def test_more_files_than_one_transaction_tells_of_are_copied(into_bucket: Copies) -> None:
    for n in range(PIECE_FILES + 20):
        into_bucket.origin.put(f"{n:03}.txt", b"x")
    assert into_bucket.run().counts.added == PIECE_FILES + 20
    assert {entry["page"] for entry in into_bucket.entries()} == {1, 2}
    assert into_bucket.run().counts.unchanged == PIECE_FILES + 20


def test_a_program_asks_for_a_copy_with_one_document(into_bucket: Copies) -> None:
    document = {"project_id": "demo", "source": "here", "target": {"connection": "there"}}
    with into_bucket.engine.database.connect() as connection:
        assert found_or_made(into_bucket.engine, connection, document).sync_id == SYNC
        catalog.remove_sync(connection, SYNC)
        made = found_or_made(into_bucket.engine, connection, {**document, "mode": "push"})
        assert (made.copies, made.mode) == (True, Mode.PUSH)
        with pytest.raises(BadInput, match=r"Allowed: pull|copied one way"):
            found_or_made(
                into_bucket.engine, connection, {**document, "sync_type": "bidirectional"}
            )
