"""Single writes to a folder of Google Drive, where answers are lost and people get in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from livesync_pipelines.connectors import FILE_ENDS, REGISTRY
from livesync_pipelines.connectors._google_calls import judge
from livesync_pipelines.connectors._google_drive_writer import DriveWriter
from livesync_pipelines.connectors.files import Moved, MovesFiles, ReservesFiles
from livesync_pipelines.connectors.folder import Folder
from livesync_pipelines.connectors.google_drive_files import GoogleDriveFiles
from livesync_pipelines.model.errors import BadInput, Broken, ItemFailure, Reauthorise, Unavailable
from livesync_pipelines.model.records import Body
from livesync_pipelines.net.api import Bearer
from livesync_pipelines.net.judging import Refusal
from livesync_pipelines.net.verdict import BadAnswer
from livesync_pipelines.sandbox.google.door import READONLY
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.world import World

from ..contracts.memory import FakeMemory, all_entries
from ..sandbox.served import ADA, BEN, Sandbox, a_sandbox
from .drive_place import DrivePlace
from .drive_world import FILES, UPLOADS

PATCH, UPLOAD = f"PATCH {FILES}/*", f"PATCH {UPLOADS}/*"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with a_sandbox() as served:
        yield served


@pytest.fixture
def place(sandbox: Sandbox, tmp_path: Path) -> Iterator[DrivePlace]:
    made = DrivePlace(sandbox, tmp_path.name)
    yield made
    sandbox.control("DELETE", "/faults")
    made.close()


def version(place: DrivePlace, key: str) -> str:
    return all_entries(list(place.connector().listing(FakeMemory())))[key].version


def test_the_files_of_a_drive_are_another_end_than_its_documents() -> None:
    assert FILE_ENDS["google_drive"] is GoogleDriveFiles
    assert REGISTRY["google_drive"] is not GoogleDriveFiles
    assert FILE_ENDS["folder"] is Folder
    assert issubclass(GoogleDriveFiles, MovesFiles)
    assert issubclass(GoogleDriveFiles, ReservesFiles)
    assert not issubclass(Folder, MovesFiles)


@pytest.mark.parametrize("fault", ["truncated", "reset", "500"])
def test_a_new_file_whose_answer_is_lost_is_made_once(
    place: DrivePlace, sandbox: Sandbox, fault: str
) -> None:
    sandbox.fault(f"POST {FILES}", fault)
    sandbox.fault(f"POST {UPLOADS}", fault)
    made = place.connector().put("deep/a.txt", b"one", expected_version=None)
    assert place.names() == ["deep/a.txt"]
    assert list(place.folders()) == ["deep"]
    assert version(place, "deep/a.txt") == made
    assert sandbox.control("GET", "/faults")["waiting"] == []


@pytest.mark.parametrize("fault", ["truncated", "reset", "500"])
def test_a_change_whose_answer_is_lost_is_looked_at_and_made_once(
    place: DrivePlace, sandbox: Sandbox, fault: str
) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    sandbox.fault(UPLOAD, fault)
    second = end.put("a.txt", b"two!", expected_version=first)
    assert place.files()["a.txt"]["revisions"] == 2
    sandbox.fault(PATCH, fault)
    third = end.move("a.txt", "deep/b.txt", expected_version=second)
    assert (place.names(), third) == (["deep/b.txt"], second)
    sandbox.fault(PATCH, fault)
    held = place.files()["deep/b.txt"]
    end.remove("deep/b.txt", expected_version=third)
    assert place.names() == []
    found = sandbox.control("GET", "/truth/google")["files"]
    (gone,) = (file for file in found if file["id"] == held["id"])
    assert (gone["trashed"], gone["version"]) == (True, held["version"] + 1)
    assert sandbox.control("GET", "/faults")["waiting"] == []


def test_what_a_fault_has_not_let_through_for_good_is_not_taken_for_done(
    place: DrivePlace, sandbox: Sandbox
) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    sandbox.fault(UPLOAD, "503", times=3)
    with pytest.raises(Unavailable, match="503"):
        end.put("a.txt", b"two!", expected_version=first)
    assert place.get("a.txt") == b"one"
    assert end.put("a.txt", b"two!", expected_version=first) == version(place, "a.txt")


def slipping(monkeypatch: pytest.MonkeyPatch, method: str, does: Callable[[], None]) -> None:
    """Let somebody do this right before a method of the writer sends anything, once."""
    real, waiting = getattr(DriveWriter, method), [does]

    def late(self: DriveWriter, *said: object) -> object:
        if waiting:
            waiting.pop()()
        return real(self, *said)

    monkeypatch.setattr(DriveWriter, method, late)


def test_an_edit_that_slips_in_is_given_back(
    place: DrivePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    slipping(monkeypatch, "replace", lambda: place.put("a.txt", b"theirs"))
    with pytest.raises(Moved, match="edited meanwhile"):
        end.put("a.txt", b"two!", expected_version=first)
    assert place.get("a.txt") == b"theirs"


def test_an_edit_that_slips_in_before_a_removal_comes_back_out_of_the_trash(
    place: DrivePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    slipping(monkeypatch, "trash", lambda: place.put("a.txt", b"theirs"))
    with pytest.raises(Moved, match="edited meanwhile"):
        end.remove("a.txt", expected_version=first)
    assert place.get("a.txt") == b"theirs"


def test_a_file_that_somebody_has_moved_or_renamed_is_left_where_it_is(place: DrivePlace) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    held = place.files()["a.txt"]["id"]
    place.hand.rename(held, "b.txt")
    with pytest.raises(Moved, match="elsewhere"):
        end.put("a.txt", b"two!", expected_version=first)
    with pytest.raises(Moved, match="elsewhere"):
        end.move("a.txt", "c.txt", expected_version=first)
    end.remove("a.txt", expected_version=first)
    assert place.names() == ["b.txt"]
    assert place.get("b.txt") == b"one"


def test_a_file_is_not_moved_over_another_one(place: DrivePlace) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    place.put("b.txt", b"theirs")
    with pytest.raises(Moved, match="made meanwhile"):
        end.move("a.txt", "b.txt", expected_version=first)
    assert sorted(place.names()) == ["a.txt", "b.txt"]


def test_an_id_that_was_reserved_is_used_and_what_it_stands_for_is_listed(
    place: DrivePlace,
) -> None:
    reserved = place.connector().reserve("deep/a.txt", b"new")
    end = place.connector()
    end.recall({"deep/a.txt": reserved})
    assert all_entries(list(end.listing(FakeMemory()))) == {}
    assert end.reserve("deep/a.txt", b"new") == reserved
    end.put("deep/a.txt", b"one", expected_version=None)
    held = {place.folders()["deep"], place.files()["deep/a.txt"]["id"]}
    assert all(one in reserved for one in held)


def test_equal_bytes_are_not_sent_again(place: DrivePlace) -> None:
    end = place.connector()
    first = end.put("a.txt", b"one", expected_version=None)
    assert end.put("a.txt", b"one", expected_version=first) == first
    assert place.files()["a.txt"]["revisions"] == 1


def test_two_folders_of_one_name_are_not_written_into(place: DrivePlace) -> None:
    for _ in range(2):
        place.hand.folder("twin", place.folder)
    with pytest.raises(BadInput, match="has 2 folders twin"):
        place.connector().put("twin/a.txt", b"one", expected_version=None)
    assert place.names() == []


def test_a_folder_that_the_account_may_only_read_says_so_of_each_file(
    place: DrivePlace, sandbox: Sandbox
) -> None:
    place.put("a.txt", b"theirs")
    place.hand.share(place.folder, BEN)
    token = sandbox.tokens(BEN)["access_token"]
    bens = place.connector(account=Bearer(token))
    held = all_entries(list(bens.listing(FakeMemory())))["a.txt"].version
    with pytest.raises(BadInput, match=r"cannot be written .* insufficientFilePermissions"):
        bens.put("b.txt", b"x", expected_version=None)
    with pytest.raises(BadInput, match="cannot be written"):
        bens.remove("a.txt", expected_version=held)
    assert place.names() == ["a.txt"]


def test_a_drive_that_is_full_stops_the_run_and_says_so() -> None:
    body = b'{"error": {"errors": [{"reason": "storageQuotaExceeded"}]}}'
    at, where = datetime(2026, 11, 22, tzinfo=UTC), "POST https://www.googleapis.com/upload"
    told = judge(Refusal(status=403, headers={}, content=body, where=where, at=at))
    assert isinstance(told, Broken)
    assert not isinstance(told, BadAnswer), "no single file is to blame"
    assert "make room" in told.hint


def test_a_scope_that_only_reads_is_named_for_what_it_is(
    place: DrivePlace, sandbox: Sandbox
) -> None:
    token = sandbox.tokens(ADA, READONLY)["access_token"]
    with pytest.raises(Reauthorise, match="insufficientPermissions") as told:
        place.connector(account=Bearer(token)).put("a.txt", b"x", expected_version=None)
    assert "--write" in told.value.hint


def test_a_folder_that_is_gone_is_no_empty_one(place: DrivePlace) -> None:
    place.hand.trash(place.folder)
    with pytest.raises(BadInput, match="lies in the trash"):
        list(place.connector().listing(FakeMemory()))


def test_a_place_lies_within_the_folders_above_it(place: DrivePlace, sandbox: Sandbox) -> None:
    inner = DrivePlace(sandbox, "inner")
    inner.hand.move(inner.folder, place.folder)
    assert inner.connector().place().startswith(place.connector().place())
    assert not place.connector().place().startswith(inner.connector().place())
    inner.close()


def test_files_of_a_shared_drive_are_written_too() -> None:
    world = World()
    drive = Drive(world)
    members = {ADA: "organizer", BEN: "writer"}
    shared = drive.make_shared_drive(world.person(ADA), "Greenhouse", members)
    with a_sandbox(world, drive) as sandbox:
        place = DrivePlace(sandbox)
        place.folder = shared.id
        end = place.connector(account=Bearer(sandbox.tokens(BEN)["access_token"]))
        first = end.put("deep/a.txt", b"one", expected_version=None)
        second = end.put("deep/a.txt", b"two!", expected_version=first)
        third = end.move("deep/a.txt", "b.txt", expected_version=second)
        assert all_entries(list(end.listing(FakeMemory())))["b.txt"].version == third
        before = end.probe(FakeMemory())
        end.remove("b.txt", expected_version=third)
        assert all_entries(list(end.listing(FakeMemory()))) == {}
        assert end.probe(FakeMemory()) != before
        place.close()


def test_the_mark_of_a_drive_changes_with_it_and_not_without(place: DrivePlace) -> None:
    end = place.connector()
    before = end.probe(FakeMemory())
    assert end.probe(FakeMemory()) == before
    place.put("a.txt", b"one")
    assert end.probe(FakeMemory()) != before


def test_a_file_that_changed_since_it_was_listed_is_read_as_it_is_now(place: DrivePlace) -> None:
    place.put("a.txt", b"one")
    place.put("b.txt", b"one")
    end = place.connector()
    entries = all_entries(list(end.listing(FakeMemory())))
    place.put("a.txt", b"two!")
    place.hand.delete(place.files()["b.txt"]["id"])
    body, gone = end.fetch([entries["a.txt"], entries["b.txt"]])
    assert isinstance(body, Body)
    assert (body.content, body.version) == (b"two!", version(place, "a.txt"))
    assert isinstance(gone, ItemFailure)
