"""Files put into folders, buckets, Drives and Dropboxes: whole or not at all, never over somebody
else's edit, never outside. One suite for all; what is there is looked at with other eyes."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from livesync_pipelines.connectors._placing import Placing
from livesync_pipelines.connectors.base import Connector, FetchLimits
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.connectors.files import Moved, WritesFiles, safe
from livesync_pipelines.connectors.folder import Folder, FolderConnection, FolderSelection
from livesync_pipelines.connectors.google_drive_files import GoogleDriveFiles
from livesync_pipelines.connectors.rss import Rss
from livesync_pipelines.connectors.s3 import S3, S3Connection, S3Selection
from livesync_pipelines.model.errors import BadInput, LiveSyncError, Unavailable

from ..contracts.memory import FakeMemory, all_entries
from ..sandbox.served import Sandbox, a_sandbox
from .drive_place import DrivePlace
from .dropbox_place import DropboxPlace
from .row_files import BucketPlace, FolderPlace, Place
from .s3_world import ACCESS_KEY, SECRET_KEY, endpoint

LIMITS = FetchLimits(max_bytes=1_000_000, timeout_s=5.0)


End = Folder | S3 | GoogleDriveFiles | Dropbox


def connector_of(place: Place, include: str = "**/*", *, hidden: bool = False) -> End:
    if isinstance(place, DrivePlace):
        return place.connector(include)
    if isinstance(place, FolderPlace):
        selection = FolderSelection(include=[include], hidden=hidden)
        return Folder(FolderConnection(path=str(place.root)), selection, LIMITS)
    if isinstance(place, DropboxPlace):
        return place.connector(LIMITS, include=[include])
    assert isinstance(place, BucketPlace)
    connection = {
        "bucket": place.bucket,
        "prefix": "p/",
        "endpoint_url": endpoint(),
        "region": "us-east-1",
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
    }
    return S3(S3Connection.model_validate(connection), S3Selection(include=[include]), LIMITS)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with a_sandbox() as served:
        yield served


@pytest.fixture(params=["folder", "s3", "dropbox", "google_drive"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "google_drive":
        made: Place = DrivePlace(request.getfixturevalue("sandbox"), tmp_path.name)
    else:
        made = a_place(request.param, tmp_path)
    yield made
    made.close()


def a_place(kind: str, root: Path) -> Place:
    """Of those that need nothing else."""
    if kind == "folder":
        return FolderPlace(root)
    return DropboxPlace() if kind == "dropbox" else BucketPlace()


def versions(connector: Connector) -> dict[str, str]:
    entries = all_entries(list(connector.listing(FakeMemory())))
    return {key: entry.version for key, entry in entries.items()}


def test_folders_buckets_and_drives_can_be_written_to_and_feeds_cannot() -> None:
    for kind in (Folder, S3, GoogleDriveFiles, Dropbox):
        assert issubclass(kind, WritesFiles)
    assert not issubclass(Rss, WritesFiles)


@pytest.mark.parametrize("stream", [False, True])
def test_a_file_is_put_replaced_and_removed_under_the_version_that_a_listing_shows(
    place: Place, stream: bool
) -> None:
    target = connector_of(place)

    def content(of: bytes) -> bytes | IO[bytes]:
        return io.BytesIO(of) if stream else of

    key = target.key_of("a/b/new ü.txt")
    first = target.put(key, content(b"one"), expected_version=None)
    assert versions(target) == {key: first}
    second = target.put(key, content(b"two!"), expected_version=first)
    assert versions(target) == {key: second}
    assert place.get("a/b/new ü.txt") == b"two!"
    target.remove(key, expected_version=second)
    assert place.names() == []
    target.remove(key, expected_version=second)


def test_a_file_that_is_not_as_expected_is_left_alone(place: Place) -> None:
    target = connector_of(place)
    key = target.key_of("t.txt")
    version = target.put(key, b"ours", expected_version=None)
    place.put("t.txt", b"theirs, longer")
    for expected in (None, version):
        with pytest.raises(Moved, match="left alone"):
            target.put(key, b"ours again", expected_version=expected)
    with pytest.raises(Moved, match="left alone"):
        target.remove(key, expected_version=version)
    assert place.get("t.txt") == b"theirs, longer"
    place.remove("t.txt")
    with pytest.raises(Moved):
        target.put(key, b"ours again", expected_version=version)
    assert place.names() == [], "nothing is left behind, and nothing comes back"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../out.txt",
        "a/../../out.txt",
        "a//b.txt",
        "./a.txt",
        "a/.",
        "nul\0.txt",
        "line\nend.txt",
        "CON",
        "aux.txt",
        "a/Com1.log",
        "lpt9 .txt",
        "dot.",
        "space ",
        ".livesync-0123456789abcdef.part",
        "\ud800.txt",
        "x" * 256,
        "d/" * 600 + "f",
    ],
)
def test_a_name_that_is_no_safe_path_is_refused(place: Place, name: str) -> None:
    target = connector_of(place)
    with pytest.raises(BadInput, match="cannot be the name of a file"):
        target.key_of(name)
    with pytest.raises(LiveSyncError):
        target.put(place.key(name), b"x", expected_version=None)
    assert place.names() == []


@pytest.mark.parametrize(
    "name", ["console.txt", "a.con", "com10", "...a", "ü/日本.md", "a b/c", "x" * 255]
)
def test_names_that_only_look_odd_are_names(name: str) -> None:
    assert safe(name, "here") == name


def test_a_file_that_the_selection_would_not_show_again_is_not_written(place: Place) -> None:
    target = connector_of(place, "docs/**/*.md")
    assert target.put(target.key_of("docs/a.md"), b"x", expected_version=None)
    for name in ("docs/a.txt", "other/a.md"):
        with pytest.raises(BadInput, match="its selection leaves it out"):
            target.key_of(name)


def test_a_hidden_file_is_written_where_hidden_ones_are_listed(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    with pytest.raises(BadInput, match="leaves it out"):
        connector_of(place).key_of(".git/config")
    shown = connector_of(place, hidden=True)
    version = shown.put(".git/config", b"x", expected_version=None)
    (tmp_path / ".livesync-0123456789abcdef.part").write_bytes(b"half")
    assert versions(shown) == {".git/config": version}, "what is half written is never listed"


def test_no_link_is_followed_and_none_is_replaced(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    (outside / "f.txt").write_bytes(b"theirs")
    (inside / "dir").symlink_to(outside)
    (inside / "f.txt").symlink_to(outside / "f.txt")
    (inside / "dangling.txt").symlink_to(outside / "nothing.txt")
    target = connector_of(FolderPlace(inside))
    for key in ("dir/f.txt", "dir/new.txt", "f.txt", "dangling.txt"):
        with pytest.raises(BadInput):
            target.put(key, b"x", expected_version=None)
    with pytest.raises(BadInput):
        target.remove("dir/f.txt", expected_version="any")
    assert sorted(p.name for p in outside.iterdir()) == ["f.txt"]
    assert (outside / "f.txt").read_bytes() == b"theirs"


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"file")
    (tmp_path / "d").mkdir()
    target = connector_of(FolderPlace(tmp_path))
    with pytest.raises(BadInput, match=r"a/b\.txt cannot be written"):
        target.put("a/b.txt", b"x", expected_version=None)
    with pytest.raises(BadInput, match=r"d .* is no file"):
        target.put("d", b"x", expected_version=None)


class Torn(io.BytesIO):
    """A source that breaks off."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell():
            raise OSError(5, "the line dropped")
        return super().read(4)


def test_a_source_that_breaks_off_leaves_no_trace(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    (tmp_path / "kept").mkdir()
    target = connector_of(place)
    for key in ("new/deep/f.txt", "kept/f.txt"):
        with pytest.raises(Unavailable, match="the line dropped"):
            target.put(key, Torn(b"0123456789"), expected_version=None)
    assert [p.name for p in tmp_path.rglob("*")] == ["kept"]
    version = target.put("kept/f.txt", b"whole", expected_version=None)
    with pytest.raises(Unavailable):
        target.put("kept/f.txt", Torn(b"0123456789"), expected_version=version)
    assert (tmp_path / "kept" / "f.txt").read_bytes() == b"whole"


def test_a_reader_sees_the_old_file_or_the_new_one_and_never_half_of_one(tmp_path: Path) -> None:
    target = connector_of(FolderPlace(tmp_path))
    version = target.put("f.txt", b"old", expected_version=None)
    with (tmp_path / "f.txt").open("rb") as reader:
        target.put("f.txt", b"new and longer", expected_version=version)
        assert reader.read() == b"old"
    assert (tmp_path / "f.txt").read_bytes() == b"new and longer"


def test_a_replaced_file_keeps_its_permissions_and_a_new_one_has_the_usual_ones(
    tmp_path: Path,
) -> None:
    target = connector_of(FolderPlace(tmp_path))
    before = os.umask(0o027)
    try:
        version = target.put("f.txt", b"x", expected_version=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "f.txt").stat().st_mode) == 0o640
    os.chmod(tmp_path / "f.txt", 0o604)
    version = versions(target)["f.txt"]
    target.put("f.txt", b"y", expected_version=version)
    assert stat.S_IMODE((tmp_path / "f.txt").stat().st_mode) == 0o604


def test_folders_left_empty_go_and_those_with_anything_in_them_stay(tmp_path: Path) -> None:
    target = connector_of(FolderPlace(tmp_path))
    kept = target.put("a/b/kept.txt", b"x", expected_version=None)
    gone = target.put("a/b/c/d/gone.txt", b"x", expected_version=None)
    target.remove("a/b/c/d/gone.txt", expected_version=gone)
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")) == [
        "a",
        "a/b",
        "a/b/kept.txt",
    ]
    target.remove("a/b/kept.txt", expected_version=kept)
    assert list(tmp_path.iterdir()) == []
    assert tmp_path.is_dir()


def test_another_spelling_of_a_name_on_a_disk_that_knows_no_case_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Notes.txt").write_bytes(b"theirs")
    os.link(tmp_path / "Notes.txt", tmp_path / "notes.txt")
    os.link(tmp_path / "Notes.txt", tmp_path / "NOTES.TXT")
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda at: [n for n in real(at) if n == "Notes.txt"])
    placing = Placing(str(tmp_path), "folder here")
    with pytest.raises(BadInput, match=r"this disk takes it for Notes.txt"):
        placing.put("notes.txt", b"ours", expected_version=None)
    assert (tmp_path / "Notes.txt").read_bytes() == b"theirs"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so root is somebody else for a moment."""
    user = os.geteuid()
    os.seteuid(65_534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_folder_that_may_not_be_written_says_who_must_be_let_in() -> None:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        with as_nobody(), pytest.raises(LiveSyncError, match="cannot be written") as told:
            connector_of(FolderPlace(Path(name))).put("f.txt", b"x", expected_version=None)
    assert "user that LiveSync runs as" in told.value.hint
