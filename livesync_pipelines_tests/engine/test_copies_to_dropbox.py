"""A folder copied into a Dropbox by syncs, while people edit both and calls fail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from livesync_pipelines.connectors import _dropbox_files as files
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.connectors.dropbox_place import DropboxPlace
from livesync_pipelines_tests.engine.copies import Copies, Killed, copies_between, places
from livesync_pipelines_tests.engine.copy_deeds import (
    assert_in_pieces,
    assert_no_echo,
    edit_for,
    edit_in_every_way,
    killed_after,
    run_that_may_die,
    run_until_success,
    two_faults,
)
from livesync_pipelines_tests.engine.drawer import Office
from livesync_pipelines_tests.engine.house import wait_until_free
from livesync_pipelines_tests.sandbox.served import ADA

ROUTES = ("upload", "move_v2", "delete_v2", "get_metadata", "list_folder")
CALLS = tuple(f"POST /dropbox/2/files/{route}" for route in ROUTES)
KINDS = ("429", "403", "500", "503", "reset", "truncated", "expired_token")


@pytest.fixture
def copies(engine: Engine, tmp_path: Path) -> Iterator[Copies]:
    with copies_between(engine, *places("folder to dropbox", tmp_path)) as made:
        made.configure()
        yield made


def box_of(copies: Copies) -> DropboxPlace:
    place = copies.target
    assert isinstance(place, DropboxPlace)
    return place


def ids(copies: Copies) -> dict[str, str]:
    shown = box_of(copies).sandbox.control("GET", "/truth/dropbox")["accounts"][ADA]
    return {entry["path_display"][1:]: entry["id"] for entry in shown["entries"]}


def same_but_for_case(copies: Copies) -> bool:
    ours, theirs = copies.origin, copies.goal
    return {name.lower(): ours.get(name) for name in ours.names()} == {
        name.lower(): theirs.get(name) for name in theirs.names()
    }


def test_a_rename_keeps_the_file_and_an_edit_is_a_revision_of_it(copies: Copies) -> None:
    for name in ("a.txt", "Deep/B.txt", "c.txt"):
        copies.origin.put(name, name.encode())
    assert copies.run().counts.added == 3
    before = ids(copies)
    copies.put(a__txt="other words")
    copies.origin.put("New/Place/B.txt", copies.origin.get("Deep/B.txt"))
    copies.origin.remove("Deep/B.txt")
    copies.origin.remove("c.txt")
    counts = copies.run().counts
    assert (counts.added, counts.updated, counts.moved, counts.removed) == (0, 1, 1, 1)
    assert copies.equal()
    after = ids(copies)
    assert after["a.txt"] == before["a.txt"]
    assert after["New/Place/B.txt"] == before["Deep/B.txt"]
    assert copies.run().counts.synced_items == 0
    assert copies.ask("select from livesync.file_intents") == []


def test_of_two_names_that_differ_in_case_alone_one_is_copied_and_the_other_is_told(
    copies: Copies,
) -> None:
    copies.origin.put("Guide/notes.txt", b"small")
    copies.run()
    copies.origin.put("guide/Notes.txt", b"large")
    result = copies.run()
    assert (result.status, copies.letters()) == (Status.PARTIAL, {"guide/Notes.txt": "bad_input"})
    assert copies.goal.names() == ["Guide/notes.txt"]
    assert copies.goal.get("Guide/notes.txt") == b"small"
    (told,) = copies.ask("select reason from livesync.item_failures")
    assert told["reason"] == "the target takes it for Guide/notes.txt: rename one"
    copies.origin.remove("Guide/notes.txt")
    result = copies.run()
    assert (result.status, copies.letters()) == (Status.SUCCESS, {})
    assert same_but_for_case(copies)
    assert copies.goal.get("Guide/notes.txt") == b"large"
    assert copies.run().counts.synced_items == 0


@pytest.mark.parametrize("edited", [False, True])
def test_a_name_that_is_spelled_anew_at_its_source_is_the_same_file(
    copies: Copies, *, edited: bool
) -> None:
    copies.origin.put("Guide/notes.txt", b"one")
    copies.run()
    before = ids(copies)
    copies.origin.remove("Guide/notes.txt")
    copies.origin.put("guide/NOTES.txt", b"another" if edited else b"one")
    result = copies.run()
    assert result.status is Status.SUCCESS
    assert (result.counts.added, result.counts.removed) == (0, 0)
    assert box_of(copies).sandbox.count(CALLS[0]) == 1 + edited
    assert ids(copies) == before
    assert same_but_for_case(copies)
    assert copies.run().counts.synced_items == 0
    assert copies.conflicts(settled=True) == []


def test_a_large_file_goes_in_pieces_and_on_after_a_fault(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ONE_CALL_BYTES", 100_000)
    pieces = "POST /dropbox/2/files/upload_session/*"
    assert_in_pieces(copies, box_of(copies).sandbox, pieces, size=350_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("after", [0, 1])
def test_a_fault_at_any_call_loses_and_doubles_nothing(
    copies: Copies, kind: str, after: int
) -> None:
    edit_in_every_way(copies)
    for match in CALLS:
        box_of(copies).sandbox.fault(match, kind, after=after)
    run_until_success(copies, most=len(CALLS))
    assert copies.equal()
    assert copies.conflicts(settled=True) == []
    box_of(copies).sandbox.control("DELETE", "/faults")
    assert copies.run().counts.synced_items == 0


@pytest.mark.parametrize("died_in", ["put", "move", "remove"])
def test_what_was_written_before_a_crash_is_recognised(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    edit_for(copies, died_in)
    with killed_after(monkeypatch, Dropbox, died_in):
        run_that_may_die(copies)
        run_that_may_die(copies)
    before = box_of(copies).sandbox.control("GET", "/truth/dropbox")
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert box_of(copies).sandbox.control("GET", "/truth/dropbox") == before
    assert copies.equal()
    assert copies.run().counts.synced_items == 0


def test_a_write_is_noted_before_it_is_sent(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies.put(a__txt="one")

    def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Dropbox, "put", dies)
        with pytest.raises(Killed):
            copies.run()
    wait_until_free(copies.engine)
    (noted,) = copies.ask("select name, step, expected from livesync.file_intents")
    assert noted == {"name": "a.txt", "step": "put", "expected": None}
    assert copies.run().counts.added == 1
    assert copies.ask("select from livesync.file_intents") == []


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_of_edits_and_faults_the_dropbox_is_what_the_folder_is(
    copies: Copies, seed: int
) -> None:
    chance, sandbox = random.Random(seed), box_of(copies).sandbox
    copies.configure(limits={"delete_items": 1_000})
    names = [f"{folder}{n}.txt" for folder in ("", "A/", "A/b/", "c/") for n in "wxyz"]
    for _ in range(8):
        for _ in range(chance.randrange(1, 8)):
            act(copies, chance, names)
        two_faults(sandbox, chance, CALLS)
        copies.run()
    sandbox.control("DELETE", "/faults")
    assert copies.run().status is Status.SUCCESS
    assert same_but_for_case(copies)
    assert copies.conflicts(settled=True) == []
    assert copies.run().counts.synced_items == 0


def act(copies: Copies, chance: random.Random, names: list[str]) -> None:
    """One edit in the folder, which never holds two names that differ in case alone."""
    held = {name.lower(): name for name in copies.origin.names()}
    deed = chance.choice(["write", "write", "edit", "move", "respell", "remove"])
    wanted = chance.choice(names)
    wanted = held.get(wanted.lower(), wanted)
    if deed == "write" or not held:
        copies.origin.put(wanted, f"{chance.random()}".encode())
        return
    old = chance.choice(sorted(held.values()))
    content = copies.origin.get(old)
    if deed == "edit":
        copies.origin.put(old, f"{chance.random()}".encode())
        return
    copies.origin.remove(old)
    if deed == "move":
        copies.origin.put(wanted, content)
    elif deed == "respell":
        folder, slash, name = old.rpartition("/")
        copies.origin.put(f"{folder}{slash}{name.swapcase()}", content)


def test_a_dropbox_that_is_copied_back_shows_no_echo_of_what_was_written(copies: Copies) -> None:
    assert_no_echo(copies)


def test_an_account_that_may_only_read_says_which_scope_is_missing(copies: Copies) -> None:
    office = Office(copies.engine, box_of(copies).sandbox)
    assert not office.connect(platform="dropbox").writes
    copies.put(a__txt="one")
    result = copies.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "files.content.write" in result.error["message"]
    assert "`livesync connect dropbox --account ada --write`" in result.error["hint"]
    assert copies.goal.names() == []
    signed_in = office.connect(platform="dropbox", write="")
    assert (signed_in.writes, signed_in.missing) == (True, ())


def test_a_scope_that_was_taken_back_meanwhile_is_named_by_dropbox_itself(
    copies: Copies,
) -> None:
    office = Office(copies.engine, box_of(copies).sandbox)
    office.connect(platform="dropbox")
    with copies.engine.database.pooled() as connection:
        connection.execute(
            "update livesync.accounts set scopes = array_append(scopes, 'files.content.write')"
        )
    copies.put(a__txt="one")
    result = copies.run()
    assert result.error is not None
    assert "has not granted files.content.write" in result.error["message"]
    assert "--write" in result.error["hint"]
