"""A folder on disk, with all that disks do."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors.base import PAGE_ITEMS, FetchLimits, Probes
from livesync_pipelines.connectors.folder import Folder, FolderConnection, FolderSelection
from livesync_pipelines.model.errors import BadInput, ItemFailure, Unavailable
from livesync_pipelines.model.records import Body, Entry, ListingPage

from ..contracts.memory import FakeMemory, all_entries, entries_of

NOBODY = 65534


def folder(path: Path | str, *, max_bytes: int = 1_000_000, **selection: Any) -> Folder:
    return Folder(
        FolderConnection(path=str(path)),
        FolderSelection(**selection),
        FetchLimits(max_bytes=max_bytes),
    )


def pages(source: Folder, resume: str | None = None) -> list[ListingPage]:
    return list(source.listing(FakeMemory(), resume))


def keys(source: Folder, resume: str | None = None) -> list[str]:
    return [e.key for page in pages(source, resume) for e in entries_of(page)]


def read(source: Folder, key: str) -> Body | ItemFailure:
    (answer,) = source.fetch([Entry(key, "")])
    return answer


def failure(source: Folder, key: str) -> ItemFailure:
    answer = read(source, key)
    assert isinstance(answer, ItemFailure)
    return answer


def plant(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))


@pytest.fixture
def open_root() -> Iterator[Path]:
    """A folder that other users can reach: root reads whatever its mode says."""
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    yield root
    shutil.rmtree(root)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Not root for a while; for any other user modes mean what they say already."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(me)


def test_keys_come_in_code_point_order_across_folders(tmp_path: Path) -> None:
    """A slash sorts between a dot and a nought, so a folder is not where its name would be."""
    plant(tmp_path, "a/b", "a/b-c", "a-b", "a.md", "a0", "Z", "é", "a/z/q", "\U0001f600", "\uffee")
    found = keys(folder(tmp_path))
    assert found == sorted(found)
    assert len(found) == 10


def test_a_listing_continues_after_any_key_with_what_comes_after_it(tmp_path: Path) -> None:
    plant(tmp_path, "a/b", "a/b-c", "a-b", "a.md", "a0", "a/z/q", "a/z/r", "b/c/d", "b/c.d")
    found = keys(folder(tmp_path))
    for place, key in enumerate(found):
        assert keys(folder(tmp_path), resume=key) == found[place + 1 :]
    assert keys(folder(tmp_path), resume="a/n") == ["a/z/q", "a/z/r", "a0", "b/c.d", "b/c/d"]


def test_pages_are_bounded_and_only_the_last_is_complete(tmp_path: Path) -> None:
    plant(tmp_path, *(f"d{n % 3}/{n}" for n in range(PAGE_ITEMS + 1)))
    first, last = pages(folder(tmp_path))
    assert (first.entries.num_rows, last.entries.num_rows) == (PAGE_ITEMS, 1)
    assert first.resume == entries_of(first)[-1].key
    assert (first.complete, last.complete, last.resume) == (False, True, None)


def test_a_version_tells_every_kind_of_rewrite(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    versions = [all_entries(pages(folder(tmp_path)))["a"].version]

    def note() -> None:
        versions.append(all_entries(pages(folder(tmp_path)))["a"].version)

    when = file.stat().st_mtime_ns
    os.utime(file, ns=(when, when + 1))
    note()
    (tmp_path / "b").write_text("two")
    os.utime(tmp_path / "b", ns=(when, when + 1))
    (tmp_path / "b").rename(file)
    note()
    while file.stat().st_ctime_ns == _touched(tmp_path):
        pass
    file.write_text("six")
    os.utime(file, ns=(when, when + 1))
    note()
    assert len(set(versions)) == 4


def _touched(root: Path) -> int:
    """The clock of the disk, which may stand still for some milliseconds."""
    (root / ".clock").write_text("")
    return (root / ".clock").stat().st_ctime_ns


def test_reading_a_file_changes_no_version(tmp_path: Path) -> None:
    plant(tmp_path, "a")
    before = all_entries(pages(folder(tmp_path)))["a"]
    body = read(folder(tmp_path), "a")
    assert isinstance(body, Body)
    assert (body.content, body.version) == (b"a", before.version)
    assert all_entries(pages(folder(tmp_path)))["a"] == before


def test_a_renamed_file_keeps_its_identity(tmp_path: Path) -> None:
    plant(tmp_path, "a", "z")
    before = all_entries(pages(folder(tmp_path)))
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").rename(tmp_path / "sub/b")
    after = all_entries(pages(folder(tmp_path)))
    assert after["sub/b"].identity == before["a"].identity != after["z"].identity


def test_hidden_names_and_special_files_are_left_out(tmp_path: Path) -> None:
    plant(tmp_path, "a", ".env", ".git/config", "x/.DS_Store")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
        assert keys(folder(tmp_path)) == ["a"]
        assert keys(folder(tmp_path, hidden=True)) == [".env", ".git/config", "a", "x/.DS_Store"]


def test_links_are_followed_only_when_asked_and_never_in_circles(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    plant(tmp_path, "in/a/b", "out/c", "out/d/e")
    (inside / "file").symlink_to(outside / "c")
    (inside / "tree").symlink_to(outside)
    (inside / "a/up").symlink_to(inside)
    (inside / "dangling").symlink_to("nowhere")
    (inside / "self").symlink_to("self")
    assert keys(folder(inside)) == ["a/b"]
    assert keys(folder(inside, follow_symlinks=True)) == ["a/b", "file", "tree/c", "tree/d/e"]
    body = read(folder(inside, follow_symlinks=True), "tree/d/e")
    assert isinstance(body, Body)
    assert body.content == b"out/d/e"


@pytest.mark.parametrize("key", ["swapped", "dir/c", "../out/c"])
def test_a_link_put_there_after_the_listing_leads_nowhere(tmp_path: Path, key: str) -> None:
    plant(tmp_path, "in/a", "out/c")
    (tmp_path / "in/swapped").symlink_to(tmp_path / "out/c")
    (tmp_path / "in/dir").symlink_to(tmp_path / "out")
    assert failure(folder(tmp_path / "in"), key).code == "vanished"


def test_a_name_that_is_not_utf8_is_a_failure_and_no_entry(tmp_path: Path) -> None:
    plant(tmp_path, "a", "caf\udce9.txt", "d\udcff/x", "two\nlines", "é")
    (page,) = pages(folder(tmp_path))
    assert [e.key for e in entries_of(page)] == ["a", "two\nlines", "é"]
    assert [(f.key, f.code) for f in page.failures] == [
        ("caf\\xe9.txt", "bad_name"),
        ("d\\xff/", "bad_name"),
    ]
    assert page.complete


def test_below_an_unreadable_folder_nothing_is_absent(open_root: Path) -> None:
    plant(open_root, "a", "shut/b", "z")
    (open_root / "shut").chmod(0)
    with as_nobody():
        (page,) = pages(folder(open_root))
    assert [e.key for e in entries_of(page)] == ["a", "z"]
    assert page.blind == ("shut/",)
    assert [(f.key, f.code) for f in page.failures] == [("shut/", "unreadable")]
    assert "Permission denied" in page.failures[0].reason


def test_what_failed_lies_in_the_range_of_its_own_page(open_root: Path) -> None:
    """A page vouches for the keys up to its `resume`: what is blind there must be said there."""
    plant(open_root, *(f"f{n:04}" for n in range(PAGE_ITEMS - 1)), "g/x", "h", "i")
    (open_root / "g").chmod(0)
    with as_nobody():
        first, last = pages(folder(open_root))
    assert (first.blind, first.resume) == (("g/",), "h")
    assert [e.key for e in entries_of(last)] == ["i"]


def test_a_folder_that_may_be_listed_but_not_entered_costs_each_file_a_failure(
    open_root: Path,
) -> None:
    plant(open_root, "shut/b", "shut/c")
    (open_root / "shut").chmod(0o744)
    with as_nobody():
        (page,) = pages(folder(open_root))
    assert [(f.key, f.code) for f in page.failures] == [
        ("shut/b", "unreadable"),
        ("shut/c", "unreadable"),
    ]


def test_a_link_whose_end_cannot_be_seen_hides_no_deletion(open_root: Path) -> None:
    plant(open_root, "in/a", "shut/b")
    (open_root / "in/link").symlink_to(open_root / "shut/b")
    (open_root / "shut").chmod(0)
    with as_nobody():
        (page,) = pages(folder(open_root / "in", follow_symlinks=True, include=["**/*.md"]))
    assert [(f.key, f.code) for f in page.failures] == [("link", "unreadable")]
    assert page.blind == ("link/",)


def test_an_unreadable_file_is_listed_and_fails_alone(open_root: Path) -> None:
    plant(open_root, "a", "b")
    (open_root / "a").chmod(0)
    with as_nobody():
        source = folder(open_root)
        assert keys(source) == ["a", "b"]
        first, second = source.fetch([Entry("a", ""), Entry("b", "")])
    assert isinstance(first, ItemFailure)
    assert (first.key, first.code) == ("a", "unreadable")
    assert isinstance(second, Body)


def test_a_root_that_may_not_be_read_is_no_empty_root(open_root: Path) -> None:
    (open_root / "shut").mkdir(mode=0)
    with as_nobody(), pytest.raises(Unavailable, match="Permission denied"):
        pages(folder(open_root / "shut"))


def test_a_mistyped_root_is_bad_input_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder") as caught:
        pages(folder(tmp_path / "no"))
    assert "path" in caught.value.hint
    plant(tmp_path, "file")
    with pytest.raises(BadInput, match="not a folder"):
        pages(folder(tmp_path / "file"))


def test_a_root_that_vanished_deletes_nothing(tmp_path: Path) -> None:
    source = folder(tmp_path / "gone")
    with pytest.raises(Unavailable, match="not there any more"):
        list(source.listing(FakeMemory(keys=["a"])))
    with pytest.raises(Unavailable):
        list(source.fetch([Entry("a", "")]))


def test_a_root_that_vanishes_while_it_is_listed_deletes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "root"
    plant(root, *(str(n) for n in range(PAGE_ITEMS + 1)))
    listing = folder(root).listing(FakeMemory(keys=["a"]))
    next(listing)
    root.rename(tmp_path / "away")
    root.mkdir()
    with pytest.raises(Unavailable, match="replaced"):
        next(listing)


def test_an_empty_root_on_another_device_is_an_unmounted_disk(tmp_path: Path) -> None:
    memory = FakeMemory(keys=["a"], note="another device")
    with pytest.raises(Unavailable, match="another device"):
        list(folder(tmp_path).listing(memory))
    plant(tmp_path, "b")
    (page,) = folder(tmp_path).listing(memory)
    assert page.complete


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert failure(folder(tmp_path, max_bytes=1000), "huge").code == "too_large"


def test_what_vanished_or_became_something_else_says_so(tmp_path: Path) -> None:
    plant(tmp_path, "dir/x")
    os.mkfifo(tmp_path / "pipe")
    source = folder(tmp_path)
    assert {k: failure(source, k).code for k in ("no", "dir", "pipe", "dir/x/y")} == {
        "no": "vanished",
        "dir": "vanished",
        "pipe": "vanished",
        "dir/x/y": "vanished",
    }


def test_bytes_that_do_not_agree_with_the_disk_are_half_written() -> None:
    """The kernel's own files are never as long as they say, as a file under a writer's hand."""
    assert failure(folder("/proc/self"), "status").code == "half_written"


def test_a_file_that_grew_since_the_listing_is_read_as_it_is_now(tmp_path: Path) -> None:
    plant(tmp_path, "log")
    listed = all_entries(pages(folder(tmp_path)))["log"]
    (tmp_path / "log").write_text("longer than before")
    (answer,) = folder(tmp_path).fetch([listed])
    assert isinstance(answer, Body)
    assert answer.content == b"longer than before"
    assert answer.version == all_entries(pages(folder(tmp_path)))["log"].version != listed.version


def test_files_of_many_folders_are_read_in_any_order_and_nothing_stays_open(
    tmp_path: Path,
) -> None:
    keys = ["a", "d/b", "d/c", "d/e/f", "d/e/g", "h/i", "d/j", "k"]
    for key in keys:
        plant(tmp_path, key)
        (tmp_path / key).write_text(f"words of {key}")
    (tmp_path / "link").symlink_to("d")
    before = os.listdir("/proc/self/fd")
    asked = [*keys, "link/b", "a", "d/no/x", "k", "d/e/no", "a", *reversed(keys)]
    answers = list(folder(tmp_path).fetch([Entry(key, "1") for key in asked]))
    found = [a.code if isinstance(a, ItemFailure) else a.content.decode() for a in answers]
    gone = {"link/b", "d/no/x", "d/e/no"}
    assert found == ["vanished" if key in gone else f"words of {key}" for key in asked]
    assert os.listdir("/proc/self/fd") == before


def test_a_body_says_where_it_is_from(tmp_path: Path) -> None:
    plant(tmp_path, "d/a b#é.md")
    body = read(folder(tmp_path), "d/a b#é.md")
    assert isinstance(body, Body)
    assert body.name == "a b#é.md"
    assert body.url == f"file://{tmp_path}/d/a%20b%23%C3%A9.md"
    assert body.modified_at is not None
    assert body.modified_at.timestamp() == pytest.approx((tmp_path / body.key).stat().st_mtime)


def test_a_time_outside_the_calendar_is_no_time(tmp_path: Path) -> None:
    plant(tmp_path, "a")
    os.utime(tmp_path / "a", (0, -(2**36)))
    entry = all_entries(pages(folder(tmp_path)))["a"]
    beyond = (tmp_path / "a").stat().st_mtime < -62_135_596_800
    assert (entry.modified_at is None) == beyond


def test_a_relative_path_and_a_home_are_understood() -> None:
    here = folder("livesync_pipelines_tests/contracts", include=["memory.py"])
    body = read(here, "memory.py")
    assert isinstance(body, Body)
    assert body.url == Path(__file__).parents[1].joinpath("contracts/memory.py").as_uri()
    assert folder("~").probe is not None


def test_the_probe_answers_whether_anything_changed(tmp_path: Path) -> None:
    plant(tmp_path, "a", "d/b")
    source = folder(tmp_path)
    assert isinstance(source, Probes)
    first = source.probe(FakeMemory())
    assert source.probe(FakeMemory()) == first
    (tmp_path / "a").rename(tmp_path / "c")
    assert source.probe(FakeMemory()) != first


def test_settings_are_checked_at_the_door() -> None:
    with pytest.raises(ValidationError):
        FolderConnection(path="")
    wrong: list[dict[str, Any]] = [{"include": []}, {"include": ["/etc/*"]}, {"other": 1}]
    for selection in wrong:
        with pytest.raises(ValidationError):
            FolderSelection.model_validate(selection)
