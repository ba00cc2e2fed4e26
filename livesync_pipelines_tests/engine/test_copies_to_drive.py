"""A folder copied into a Google Drive by syncs, while people edit both and calls fail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.connectors import _google_drive_writer as writer
from livesync_pipelines.connectors.google_drive_files import GoogleDriveFiles
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_looking import vet
from livesync_pipelines.model.errors import Reauthorise
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.google.files import DOCUMENT
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.connectors.account_world import engine_at
from livesync_pipelines_tests.connectors.drive_place import DrivePlace
from livesync_pipelines_tests.connectors.drive_world import FILES, UPLOADS
from livesync_pipelines_tests.connectors.row_files import BucketPlace, FolderPlace
from livesync_pipelines_tests.engine.copies import ENVIRON, SYNC, Copies, Killed
from livesync_pipelines_tests.engine.copy_deeds import (
    assert_a_crash_does_no_harm,
    assert_in_pieces,
    assert_no_echo,
    changed_in_every_way,
    edit_for,
    edit_in_every_way,
    killed_after,
    run_that_may_die,
    run_until_success,
    two_faults,
)
from livesync_pipelines_tests.engine.drawer import Office
from livesync_pipelines_tests.engine.house import Clock, wait_until_free
from livesync_pipelines_tests.sandbox.served import Sandbox, a_sandbox

WRITES = (f"POST {UPLOADS}", f"PATCH {UPLOADS}/*", f"PATCH {FILES}/*", f"POST {FILES}")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with a_sandbox() as served:
        yield served


@pytest.fixture
def known(engine: Engine, sandbox: Sandbox) -> Iterator[Engine]:
    """An engine with Ada's account, which may write."""
    made = replace(engine_at("google", engine, sandbox), now=Clock())
    Office(made, sandbox).connect(platform="google_drive", write="")
    yield made
    sandbox.control("DELETE", "/faults")
    made.database.close()


@pytest.fixture(params=["pull", "push"])
def copies(
    request: pytest.FixtureRequest, known: Engine, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Copies]:
    yield from between(known, sandbox, tmp_path, request.param)


@pytest.fixture
def into_drive(known: Engine, sandbox: Sandbox, tmp_path: Path) -> Iterator[Copies]:
    yield from between(known, sandbox, tmp_path, "pull")


def between(known: Engine, sandbox: Sandbox, root: Path, mode: str) -> Iterator[Copies]:
    """From a folder to a Drive, as a pull by the Drive's sync or as a push of the folder's."""
    (root / "here").mkdir()
    here, drive = FolderPlace(root / "here"), DrivePlace(sandbox, root.name)
    made = Copies(known, *((here, drive) if mode == "pull" else (drive, here)))
    made.configure(mode=mode)
    yield made


def drive_of(copies: Copies) -> DrivePlace:
    place = copies.goal
    assert isinstance(place, DrivePlace)
    return place


def ids(copies: Copies) -> dict[str, str]:
    return {path: file["id"] for path, file in drive_of(copies).files().items()}


def test_files_are_added_edited_renamed_and_trashed_as_at_their_source(copies: Copies) -> None:
    for name in ("a.txt", "b/c ü.txt", "b/it's.bin", "b/\\odd.txt"):
        copies.origin.put(name, f"{name}\0\xff".encode())
    result = copies.run()
    assert (result.status, result.counts.added) == (Status.SUCCESS, 4)
    assert copies.equal()
    before = ids(copies)
    copies.origin.put("a.txt", b"other words")
    copies.origin.put("new/renamed.txt", copies.origin.get("b/c ü.txt"))
    copies.origin.remove("b/c ü.txt")
    copies.origin.remove("b/it's.bin")
    plan = copies.plan()
    result = copies.run()
    counts = result.counts
    assert (counts.added, counts.updated, counts.moved, counts.removed) == (0, 1, 1, 1)
    assert plan.result.counts.moved == 1
    assert copies.equal()
    after = ids(copies)
    assert after["a.txt"] == before["a.txt"], "an edit is a revision of the same file"
    assert after["new/renamed.txt"] == before["b/c ü.txt"], "a rename keeps the file"
    counts = copies.run().counts
    assert (counts.synced_items, counts.unchanged) == (0, 3)
    assert copies.ask("select from livesync.file_intents") == []


@pytest.mark.parametrize("kind", ["s3", "google_drive"])
def test_a_bucket_and_another_drive_are_copied_as_a_folder_is(
    known: Engine, sandbox: Sandbox, tmp_path: Path, kind: str
) -> None:
    source = BucketPlace() if kind == "s3" else DrivePlace(sandbox, f"{tmp_path.name} source")
    copies = Copies(known, source, DrivePlace(sandbox, tmp_path.name))
    copies.engine = replace(known, environ={**known.environ, **ENVIRON})
    copies.configure()
    for name in ("a.txt", "b/c.txt", "d.txt"):
        copies.origin.put(name, name.encode())
    assert copies.run().counts.added == 3
    before = ids(copies)
    copies.origin.put("a.txt", b"other words")
    copies.origin.put("new/c.txt", b"b/c.txt")
    copies.origin.remove("b/c.txt")
    copies.origin.remove("d.txt")
    counts = copies.run().counts
    assert (counts.updated, counts.moved, counts.removed) == (1, 1, 1)
    assert ids(copies)["new/c.txt"] == before["b/c.txt"]
    assert copies.equal()
    assert copies.run().counts.synced_items == 0


def test_what_is_removed_lies_in_the_trash_and_its_folder_stays(into_drive: Copies) -> None:
    into_drive.origin.put("b/a.txt", b"one")
    into_drive.run()
    (gone,) = ids(into_drive).values()
    into_drive.origin.remove("b/a.txt")
    assert into_drive.run().counts.removed == 1
    drive = drive_of(into_drive)
    assert list(drive.folders()) == ["b"]
    drive.hand.restore(gone)
    assert drive.get("b/a.txt") == b"one"


def test_the_goals_own_edit_is_asked_about_and_gives_way_when_a_person_says_so(
    copies: Copies,
) -> None:
    copies.put(a__txt="one", b__txt="one")
    copies.run()
    copies.goal.put("a.txt", b"their edit")
    copies.put(a__txt="our edit, longer")
    assert copies.run().counts.conflicts_detected == 1
    assert copies.goal.get("a.txt") == b"their edit"
    copies.resolve(copies.goal_side.other)
    copies.run()
    assert copies.equal()
    (settled,) = copies.conflicts(settled=True)
    copies.restore(settled["conflict_id"])
    copies.run()
    assert copies.goal.get("a.txt") == b"their edit"


def test_two_files_of_one_name_are_told_and_neither_is_touched(into_drive: Copies) -> None:
    into_drive.put(a__txt="one", b__txt="one")
    into_drive.run()
    drive = drive_of(into_drive)
    twin = drive.hand.write("a.txt", "theirs", drive.folder)
    into_drive.put(a__txt="two!", b__txt="two!")
    result = into_drive.run()
    assert (result.status, into_drive.letters()) == (Status.PARTIAL, {"a.txt": "name_twice"})
    assert drive.names() == ["a.txt", "a.txt", "b.txt"]
    assert drive.get("b.txt") == b"two!"
    drive.hand.trash(twin)
    assert into_drive.run().status is Status.SUCCESS
    assert into_drive.equal()


def test_two_folders_of_one_name_are_told_and_nothing_below_is_touched(
    into_drive: Copies,
) -> None:
    into_drive.origin.put("b/a.txt", b"one")
    into_drive.origin.put("c.txt", b"one")
    into_drive.run()
    drive = drive_of(into_drive)
    twin = drive.hand.folder("b", drive.folder)
    into_drive.origin.put("b/a.txt", b"two!")
    into_drive.origin.put("b/new.txt", b"new")
    into_drive.origin.remove("c.txt")
    result = into_drive.run()
    assert (result.status, into_drive.letters()) == (Status.PARTIAL, {"b": "name_twice"})
    assert drive.get("b/a.txt") == b"one"
    drive.hand.trash(twin)
    assert into_drive.run().status is Status.SUCCESS
    assert into_drive.equal()


def test_what_has_no_bytes_is_nobodys_business(into_drive: Copies) -> None:
    drive = drive_of(into_drive)
    drive.hand.write("Plan.md", "# Plan", drive.folder, native=DOCUMENT)
    drive.hand.shortcut("to.txt", drive.hand.write("far.txt", "far"), drive.folder)
    drive.hand.write("a/slash.txt", "theirs", drive.folder)
    into_drive.origin.put("Plan.md", b"ours")
    result = into_drive.run()
    assert result.counts.added == 1
    assert into_drive.letters() == {"a/slash.txt": "bad_name"}
    assert sorted(drive.names()) == ["Plan.md", "Plan.md", "a/slash.txt", "to.txt"]


def test_a_large_file_goes_in_pieces_and_on_after_a_fault(
    into_drive: Copies, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_AT_ONCE", 100_000)
    monkeypatch.setattr(writer, "_PIECE", 256 * 1024)
    assert_in_pieces(into_drive, sandbox, f"PUT {UPLOADS}*", size=700_000)


@pytest.mark.parametrize(
    "kind", ["429", "403", "500", "503", "reset", "truncated", "expired_token"]
)
@pytest.mark.parametrize("after", [0, 1])
def test_a_fault_at_any_write_loses_and_doubles_nothing(
    into_drive: Copies, sandbox: Sandbox, kind: str, after: int
) -> None:
    edit_in_every_way(into_drive)
    for match in WRITES:
        sandbox.fault(match, kind, after=after)
    run_until_success(into_drive, most=len(WRITES))
    assert into_drive.equal(), drive_of(into_drive).names()
    assert into_drive.conflicts() == []
    assert into_drive.run().counts.synced_items == 0
    assert {len(names) for names in twins(into_drive).values()} == {1}


def test_only_what_is_open_stays_noted_when_a_run_breaks_off(
    into_drive: Copies, sandbox: Sandbox
) -> None:
    into_drive.put(a__txt="one", b__txt="one")
    sandbox.fault(f"POST {UPLOADS}", "500", times=3, after=1)
    assert into_drive.run().status is Status.FAILED
    (made,) = drive_of(into_drive).names()
    (noted,) = into_drive.ask("select name from livesync.file_intents")
    assert {made, noted["name"]} == {"a.txt", "b.txt"}
    assert into_drive.run().status is Status.SUCCESS
    assert into_drive.equal()


def twins(copies: Copies) -> dict[str, list[str]]:
    """The ids of all files and folders that there are at a path."""
    found: dict[str, list[str]] = {}
    for path, file in drive_of(copies).everything():
        found.setdefault(path, []).append(file["id"])
    return found


@pytest.mark.parametrize("died_in", ["put", "move", "remove"])
def test_what_was_written_before_a_crash_is_recognised(
    copies: Copies, monkeypatch: pytest.MonkeyPatch, died_in: str
) -> None:
    edit_for(copies, died_in)
    with killed_after(monkeypatch, GoogleDriveFiles, died_in):
        run_that_may_die(copies)
        run_that_may_die(copies)
    result = copies.run()
    assert (result.status, copies.conflicts(settled=True)) == (Status.SUCCESS, [])
    assert copies.equal()
    assert copies.run().counts.synced_items == 0
    assert {len(names) for names in twins(copies).values()} == {1}


@pytest.mark.parametrize("call", range(9))
@pytest.mark.parametrize("sent", [False, True], ids=["before it", "after it"])
def test_a_crash_at_any_call_that_changes_something_loses_and_doubles_nothing(
    into_drive: Copies, monkeypatch: pytest.MonkeyPatch, call: int, *, sent: bool
) -> None:
    changed_in_every_way(into_drive, new="new.txt")
    assert_a_crash_does_no_harm(into_drive, monkeypatch, call=call, sent=sent)
    assert {len(names) for names in twins(into_drive).values()} == {1}
    assert into_drive.run().counts.synced_items == 0
    assert into_drive.ask("select from livesync.file_intents") == []


def test_a_file_that_was_made_before_a_crash_and_that_no_search_shows_yet_is_not_made_again(
    into_drive: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    into_drive.origin.put("deep/down/a.txt", b"new")
    with killed_after(monkeypatch, GoogleDriveFiles, "put"), pytest.raises(Killed):
        into_drive.run()
    wait_until_free(into_drive.engine)
    (noted,) = into_drive.ask("select name, step, reserved from livesync.file_intents")
    assert (noted["name"], noted["step"]) == ("deep/down/a.txt", "put")
    before = twins(into_drive)
    with monkeypatch.context() as patched:
        patched.setattr("livesync_pipelines.connectors._google_drive_api.DriveApi.files", nothing)
        assert into_drive.run().counts.unchanged == 1
    assert twins(into_drive) == before
    assert into_drive.run().counts.synced_items == 0
    assert into_drive.equal()


def nothing(*_: object) -> Iterator[list[object]]:
    """An index that has not seen anything yet."""
    yield []


def test_an_edit_that_slips_in_between_the_look_and_the_write_is_given_back(
    into_drive: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    into_drive.put(a__txt="one")
    into_drive.run()
    into_drive.put(a__txt="two!")
    real = writer.DriveWriter.replace
    slips = [b"their edit"]

    def late(self: writer.DriveWriter, *said: object) -> object:
        if slips:
            into_drive.goal.put("a.txt", slips.pop())
        return real(self, *said)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(writer.DriveWriter, "replace", late)
    result = into_drive.run()
    assert (result.status, into_drive.letters()) == (Status.PARTIAL, {"a.txt": "moved"})
    assert into_drive.goal.get("a.txt") == b"their edit"
    assert into_drive.run().counts.conflicts_detected == 1
    assert into_drive.goal.get("a.txt") == b"their edit"


@pytest.mark.parametrize("seed", range(3))
def test_after_any_history_of_edits_and_faults_the_drive_is_what_the_folder_is(
    into_drive: Copies, sandbox: Sandbox, seed: int
) -> None:
    chance = random.Random(seed)
    into_drive.configure(limits={"delete_items": 1_000})
    names = [f"{folder}{n}.txt" for folder in ("", "a/", "a/b/", "c/") for n in range(4)]
    for _ in range(8):
        for _ in range(chance.randrange(1, 8)):
            act(into_drive, chance, names)
        two_faults(sandbox, chance, WRITES)
        sandbox.fault("* /google/*", chance.choice(["429", "500", "reset"]), after=seed + 3)
        into_drive.run()
    sandbox.control("DELETE", "/faults")
    assert into_drive.run().status is Status.SUCCESS
    assert into_drive.equal()
    assert into_drive.conflicts(settled=True) == []
    assert into_drive.run().counts.synced_items == 0
    assert {len(one) for one in twins(into_drive).values()} <= {1}


def act(copies: Copies, chance: random.Random, names: list[str]) -> None:
    """One edit in the folder."""
    held = copies.origin.names()
    deed = chance.choice(["write", "write", "edit", "move", "remove"])
    if deed == "write" or not held:
        copies.origin.put(chance.choice(names), f"{chance.random()}".encode())
    elif deed == "edit":
        copies.origin.put(chance.choice(held), f"{chance.random()}".encode())
    elif deed == "move":
        old, new = chance.choice(held), chance.choice(names)
        content = copies.origin.get(old)
        copies.origin.remove(old)
        copies.origin.put(new, content)
    else:
        copies.origin.remove(chance.choice(held))


def test_a_drive_that_is_copied_back_shows_no_echo_of_what_was_written(
    into_drive: Copies,
) -> None:
    assert_no_echo(into_drive)


def test_an_account_that_may_only_read_says_which_scope_is_missing(
    engine: Engine, sandbox: Sandbox, into_drive: Copies
) -> None:
    read_only = Office(into_drive.engine, sandbox).connect(platform="google_drive")
    assert not read_only.writes
    into_drive.put(a__txt="one")
    result = into_drive.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "auth/drive or " in result.error["message"]
    assert "--write" in result.error["hint"]
    with into_drive.engine.database.pooled() as connection:
        sync = catalog.sync(connection, SYNC)
        ends = tuple(catalog.connection_of(connection, name) for name in ("here", "there"))
    with pytest.raises(Reauthorise, match="may only read"):
        vet(into_drive.engine, (ends[0], ends[1]), sync, "here")
    assert drive_of(into_drive).names() == []


def test_the_same_account_may_write_and_then_needs_no_scope_to_read(
    into_drive: Copies, sandbox: Sandbox
) -> None:
    signed_in = Office(into_drive.engine, sandbox).connect(platform="google_drive", write="drive")
    assert (signed_in.writes, signed_in.missing) == (True, ())
    begun = Office(into_drive.engine, sandbox).begin(platform="google_drive", write="drive.file")
    assert "auth%2Fdrive.file+" in begun.url


def test_with_drive_file_alone_a_folder_is_filled_that_the_client_has_made(
    into_drive: Copies, sandbox: Sandbox
) -> None:
    office = Office(into_drive.engine, sandbox)
    assert office.connect(platform="google_drive", write="drive.file").writes
    into_drive.put(a__txt="one")
    assert into_drive.run().counts.added == 1
    into_drive.put(a__txt="two")
    assert into_drive.run().counts.updated == 1
    assert into_drive.equal()
