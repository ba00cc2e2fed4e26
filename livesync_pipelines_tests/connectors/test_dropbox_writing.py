"""Files written to a Dropbox: once, over nobody's edit, whatever becomes of the answer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from livesync_pipelines.connectors import _dropbox_files as files
from livesync_pipelines.connectors._dropbox_calls import WrongOffset, judge_writing
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.connectors.files import FoldsNames, Moved, MovesFiles
from livesync_pipelines.model.errors import BadInput, RateLimited, Reauthorise, Unavailable
from livesync_pipelines.model.records import Entry
from livesync_pipelines.net.judging import Refusal

from ..contracts.memory import FakeMemory
from ..sandbox.served import ADA
from .dropbox_place import DropboxPlace

LIMITS = FetchLimits(max_bytes=1_000_000, timeout_s=5.0)
UPLOAD = "POST /dropbox/2/files/upload"
DELETE = "POST /dropbox/2/files/delete_v2"
MOVE = "POST /dropbox/2/files/move_v2"
START = "POST /dropbox/2/files/upload_session/start"
APPEND = "POST /dropbox/2/files/upload_session/append_v2"
FINISH = "POST /dropbox/2/files/upload_session/finish"
LOOK = "POST /dropbox/2/files/get_metadata"


@pytest.fixture
def place() -> Iterator[DropboxPlace]:
    made = DropboxPlace()
    yield made
    made.close()


@pytest.fixture
def target(place: DropboxPlace) -> Dropbox:
    return place.connector(LIMITS)


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """What is longer than ten bytes goes in pieces; this goes in three."""
    monkeypatch.setattr(files, "_ONE_CALL_BYTES", 10)
    return b"one two three four five six"


def listed(target: Dropbox) -> dict[str, str]:
    """The version of each file, by name."""
    found: dict[str, str] = {}
    for page in target.listing(FakeMemory()):
        rows = page.entries.to_pylist()
        found |= {target.name_of(row["key"]): row["version"] for row in rows}
    return found


def revisions(place: DropboxPlace) -> int:
    """How often something has happened."""
    shown = place.sandbox.control("GET", "/truth/dropbox")["accounts"][ADA]
    return int(shown["events"])


def test_names_keep_their_case_and_are_told_apart_without_it(
    place: DropboxPlace, target: Dropbox
) -> None:
    assert isinstance(target, FoldsNames)
    version = target.put(target.key_of("Guide/Fern Ö.MD"), b"one", expected_version=None)
    assert listed(target) == {"Guide/Fern Ö.MD": version}
    assert target.folded("Guide/Fern O\u0308.MD") == target.folded("guide/fern \u00f6.md")
    again = place.connector(LIMITS)
    with pytest.raises(Moved):
        again.put(again.key_of("guide/FERN ö.md"), b"two", expected_version=None)
    newer = again.put(again.key_of("guide/FERN ö.md"), b"two", expected_version=version)
    assert listed(again) == {"Guide/Fern Ö.MD": newer}


def test_all_lies_below_the_one_folder_that_is_chosen(place: DropboxPlace) -> None:
    place.ada.folder("/Copies/Ours")
    inside = place.connector(LIMITS, folders=["/copies/OURS"], exclude=["**/*.tmp"])
    inside.put(inside.key_of("Beds/fern.md"), b"one", expected_version=None)
    assert [name.lower() for name in place.names()] == ["copies/ours/beds/fern.md"]
    assert list(listed(inside)) == ["Beds/fern.md"]
    assert inside.place() == "dropbox://ada/copies/ours/"
    for key in ("/beds/fern.md", "/copies/ours/a.tmp"):
        with pytest.raises(BadInput, match="leaves it out"):
            inside.put(key, b"x", expected_version=None)


@pytest.mark.parametrize("known", [False, True], ids=["new", "replaced"])
@pytest.mark.parametrize("kind", ["429", "403", "500", "503", "reset", "truncated", "expired"])
def test_a_fault_of_one_call_costs_nothing_and_a_file_is_written_once(
    place: DropboxPlace, target: Dropbox, kind: str, *, known: bool
) -> None:
    key = target.key_of("fern.md")
    version = target.put(key, b"before", expected_version=None) if known else None
    before = revisions(place)
    place.sandbox.fault(UPLOAD, "500" if kind == "expired" else kind)
    newer = target.put(key, b"after", expected_version=version)
    assert (listed(target), revisions(place)) == ({"fern.md": newer}, before + 1)
    assert place.get("fern.md") == b"after"


@pytest.mark.parametrize("kind", ["truncated", "reset"])
def test_what_was_written_without_any_answer_is_read_back(
    place: DropboxPlace, target: Dropbox, kind: str
) -> None:
    key = target.key_of("fern.md")
    place.sandbox.fault(UPLOAD, kind, times=3)
    if kind == "reset":
        with pytest.raises(Unavailable):
            target.put(key, b"one", expected_version=None)
        assert place.names() == []
        return
    version = target.put(key, b"one", expected_version=None)
    assert (listed(target), revisions(place)) == ({"fern.md": version}, 1)


def test_what_somebody_else_wrote_after_a_doubtful_write_is_not_taken_for_ours(
    place: DropboxPlace, target: Dropbox
) -> None:
    place.put("fern.md", b"theirs")
    place.sandbox.fault(UPLOAD, "500")
    with pytest.raises(Unavailable):
        target.put(target.key_of("fern.md"), b"ours", expected_version=None)
    assert place.get("fern.md") == b"theirs"


def test_the_same_bytes_are_not_written_again(place: DropboxPlace, target: Dropbox) -> None:
    key = target.key_of("fern.md")
    version = target.put(key, b"one", expected_version=None)
    assert target.put(key, b"one", expected_version=version) == version
    assert place.sandbox.count(UPLOAD) == 1


def test_a_revision_of_the_meantime_is_not_overwritten_though_its_words_are_the_same(
    place: DropboxPlace, target: Dropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody writes between the look and the write: the revision holds, not the words."""
    key = target.key_of("fern.md")
    version = target.put(key, b"one", expected_version=None)
    sent = files.Files._sent

    def meanwhile(self: files.Files, *said: Any) -> Any:
        place.ada.rewrite("/fern.md")
        return sent(self, *said)

    monkeypatch.setattr(files.Files, "_sent", meanwhile)
    with pytest.raises(Moved):
        target.put(key, b"two", expected_version=version)
    assert place.get("fern.md") == b"one"


@pytest.mark.parametrize("kind", ["429", "500", "reset", "truncated"])
def test_a_deletion_is_done_once_whatever_becomes_of_its_answer(
    place: DropboxPlace, target: Dropbox, kind: str
) -> None:
    version = target.put(target.key_of("fern.md"), b"one", expected_version=None)
    place.sandbox.fault(DELETE, kind)
    target.remove("/fern.md", expected_version=version)
    assert place.names() == []


def test_a_deletion_of_which_no_answer_came_is_looked_at(
    place: DropboxPlace, target: Dropbox
) -> None:
    version = target.put(target.key_of("fern.md"), b"one", expected_version=None)
    place.sandbox.fault(DELETE, "500", times=3)
    with pytest.raises(Unavailable):
        target.remove("/fern.md", expected_version=version)
    assert place.names() == ["fern.md"]
    place.sandbox.fault(DELETE, "truncated")
    place.sandbox.fault(DELETE, "500", times=2)
    target.remove("/fern.md", expected_version=version)
    assert place.names() == []


def test_a_move_keeps_the_file_and_takes_no_other_ones_place(
    place: DropboxPlace, target: Dropbox
) -> None:
    assert isinstance(target, MovesFiles)
    version = target.put(target.key_of("fern.md"), b"one", expected_version=None)
    (entry,) = (
        Entry(**row) for page in target.listing(FakeMemory()) for row in page.entries.to_pylist()
    )
    assert target.holds(entry, b"one")
    assert not target.holds(entry, b"two")
    moved = target.move("/fern.md", target.key_of("Beds/Fern.md"), expected_version=version)
    assert listed(target) == {"Beds/Fern.md": moved}
    (again,) = (
        row["identity"] for page in target.listing(FakeMemory()) for row in page.entries.to_pylist()
    )
    assert again == entry.identity
    place.put("moss.md", b"theirs")
    with pytest.raises(Moved):
        target.move("/beds/fern.md", target.key_of("moss.md"), expected_version=moved)
    with pytest.raises(Moved):
        target.move("/beds/fern.md", target.key_of("iris.md"), expected_version=version)
    assert place.names() == ["Beds/Fern.md", "moss.md"]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", ["429", "500", "reset", "truncated"])
def test_a_move_is_made_once_whatever_becomes_of_its_answer(
    place: DropboxPlace, target: Dropbox, kind: str, times: int
) -> None:
    version = target.put(target.key_of("fern.md"), b"one", expected_version=None)
    place.sandbox.fault(MOVE, kind, times=times)
    try:
        moved = target.move("/fern.md", target.key_of("Beds/fern.md"), expected_version=version)
    except Unavailable:
        assert (times, kind != "truncated") == (3, True)
        assert place.names() == ["fern.md"]
    else:
        assert listed(target) == {"Beds/fern.md": moved}


def test_an_edit_that_moves_along_is_told(
    place: DropboxPlace, target: Dropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move knows no revisions: what came between the look and the move is not lost, nor taken
    for what was moved."""
    version = target.put(target.key_of("fern.md"), b"one", expected_version=None)
    expected = files.Files._expected

    def meanwhile(self: files.Files, *said: Any) -> Any:
        found = expected(self, *said)
        place.put("fern.md", b"theirs")
        return found

    monkeypatch.setattr(files.Files, "_expected", meanwhile)
    with pytest.raises(Moved):
        target.move("/fern.md", target.key_of("iris.md"), expected_version=version)
    assert place.get("iris.md") == b"theirs"


def test_a_folder_is_never_deleted_nor_written_over(place: DropboxPlace, target: Dropbox) -> None:
    version = target.put(target.key_of("Beds/fern.md"), b"one", expected_version=None)
    target.remove("/beds/fern.md", expected_version=version)
    shown = place.sandbox.control("GET", "/truth/dropbox")["accounts"][ADA]["entries"]
    assert [entry["path_display"] for entry in shown] == ["/Beds"]
    for key, expected in (("/beds", None), ("/beds", version)):
        with pytest.raises(BadInput, match="folder"):
            target.put(key, b"one", expected_version=expected)
    place.put("moss.md", b"theirs")
    with pytest.raises(BadInput, match="file_ancestor") as told:
        target.put(target.key_of("moss.md/leaf.md"), b"one", expected_version=None)
    assert "A part of its path is a file" in told.value.hint


@pytest.mark.parametrize("stream", [False, True])
def test_a_large_file_goes_in_pieces_and_appears_when_it_is_whole(
    place: DropboxPlace, target: Dropbox, in_pieces: bytes, *, stream: bool
) -> None:
    content = io.BytesIO(in_pieces) if stream else in_pieces
    version = target.put(target.key_of("Beds/fern.md"), content, expected_version=None)
    counts = [place.sandbox.count(call) for call in (START, APPEND, FINISH, UPLOAD)]
    assert (listed(target), counts) == ({"Beds/fern.md": version}, [1, 2, 1, 0])
    newer = target.put("/beds/fern.md", in_pieces + b"!", expected_version=version)
    assert (listed(target), place.get("Beds/fern.md")) == (
        {"Beds/fern.md": newer},
        in_pieces + b"!",
    )
    with pytest.raises(Moved):
        target.put("/beds/fern.md", in_pieces, expected_version=version)


@pytest.mark.parametrize("call", [START, APPEND, FINISH])
@pytest.mark.parametrize("kind", ["429", "500", "reset", "truncated"])
def test_no_piece_is_sent_twice_into_a_file_nor_is_one_missing(
    place: DropboxPlace, target: Dropbox, in_pieces: bytes, call: str, kind: str
) -> None:
    place.sandbox.fault(call, kind)
    version = target.put(target.key_of("fern.md"), in_pieces, expected_version=None)
    assert (listed(target), place.get("fern.md")) == ({"fern.md": version}, in_pieces)
    assert revisions(place) == 1


def test_a_session_that_is_gone_is_told_and_nothing_is_written(
    place: DropboxPlace, target: Dropbox, in_pieces: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = files.Files._in_pieces

    def late(self: files.Files, source: Any) -> Any:
        done = begun(self, source)
        place.sandbox.control("POST", "/clock", {"advance_s": 8 * 24 * 3_600})
        place.sandbox.control("POST", "/oauth/dropbox/expire")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(files.Files, "_in_pieces", late)
        with pytest.raises((Unavailable, Reauthorise)):
            target.put(target.key_of("fern.md"), in_pieces, expected_version=None)
    assert place.names() == []


def test_a_scope_that_is_missing_is_named(place: DropboxPlace) -> None:
    scopes = ("account_info.read", "files.metadata.read", "files.content.read")
    token = place.sandbox.tokens(ADA, *scopes, vendor="dropbox")["access_token"]
    reader = place.connector(LIMITS, token)
    with pytest.raises(Reauthorise, match=r"not granted files\.content\.write") as told:
        reader.put(reader.key_of("fern.md"), b"one", expected_version=None)
    assert "`livesync connect dropbox --account NAME --write`" in told.value.hint


def test_a_long_wait_is_left_to_the_next_run(place: DropboxPlace, target: Dropbox) -> None:
    place.sandbox.fault(UPLOAD, "403", retry_after_s=600)
    with pytest.raises(RateLimited):
        target.put(target.key_of("fern.md"), b"one", expected_version=None)
    assert place.names() == []
    assert place.sandbox.count(LOOK) == 0, "nothing was done, so nothing is looked at"


@pytest.mark.parametrize(
    ("error", "correct"),
    [
        ('{"correct_offset": 8}', 8),
        ('{"correct_offset": "x"}', None),
        ('{"correct_offset": null}', None),
        ("{}", None),
    ],
)
def test_a_wrong_offset_is_one_where_the_right_one_is_said(error: str, correct: int | None) -> None:
    body = f'{{"error_summary": "incorrect_offset/..", "error": {error}}}'.encode()
    at, where = datetime(2026, 11, 22, tzinfo=UTC), "POST https://content.dropboxapi.com/2/append"
    told = judge_writing(Refusal(status=409, headers={}, content=body, where=where, at=at))
    assert (told.correct if isinstance(told, WrongOffset) else None) == correct
