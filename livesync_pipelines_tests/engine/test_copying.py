"""Files copied between real folders, a real S3 server and a pretend Dropbox, in both
directions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.core.copying import Agreed, Step
from livesync_pipelines.engine.copying import Copied, CopyPlan, carry_out, plan_copy
from livesync_pipelines.engine.file_end import FileEnd
from livesync_pipelines.model.errors import BadInput, Unavailable

from ..connectors.row_files import BucketPlace, FolderPlace, Place
from ..connectors.test_writing_files import connector_of
from ..contracts.memory import FakeMemory
from .copies import places


class Copy:
    """A copy that is made again and again, and what it remembers in between."""

    def __init__(self, source: Place, target: Place) -> None:
        self.source, self.target = source, target
        self.known: dict[str, Agreed] = {}
        self.memory = FakeMemory()

    def ends(self) -> tuple[FileEnd, FileEnd]:
        return connector_of(self.source), connector_of(self.target)

    def plan(self) -> CopyPlan:
        return plan_copy(*self.ends(), self.known, (self.memory, FakeMemory()))

    def run(self, overwrite: Collection[str] = (), plan: CopyPlan | None = None) -> list[Copied]:
        plan = plan or self.plan()
        self.memory = FakeMemory(list(plan.source.entries), plan.source.note)
        done = list(carry_out(plan, *self.ends(), overwrite))
        for one in done:
            if one.versions is not None:
                self.known[one.name] = Agreed(*one.versions)
            elif one.failure is None:
                self.known.pop(one.name, None)
        return done

    def equal(self) -> bool:
        names = self.source.names()
        return names == self.target.names() and all(
            self.source.get(name) == self.target.get(name) for name in names
        )


KINDS = (
    "folder to s3",
    "s3 to folder",
    "folder to folder",
    "s3 to s3",
    "folder to dropbox",
    "dropbox to folder",
)


@pytest.fixture(params=KINDS)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Copy]:
    source, target = places(request.param, tmp_path)
    yield Copy(source, target)
    source.close()
    target.close()


def test_files_follow_their_source_and_what_is_equal_is_not_written_again(copy: Copy) -> None:
    for name in ("a.txt", "b/c ü.txt", "b/d.txt"):
        copy.source.put(name, name.encode())
    assert [one.step for one in copy.run()] == [Step.PUT] * 3
    assert copy.equal()
    assert copy.run() == []
    copy.source.put("a.txt", b"other words")
    copy.source.put("new.txt", b"new")
    copy.source.remove("b/d.txt")
    assert {one.name: one.step for one in copy.run()} == {
        "a.txt": Step.PUT,
        "new.txt": Step.PUT,
        "b/d.txt": Step.REMOVE,
    }
    assert copy.equal()
    assert copy.run() == []


def test_two_populated_ends_are_linked_by_content_and_nothing_is_overwritten(copy: Copy) -> None:
    copy.source.put("same.txt", b"same")
    copy.target.put("same.txt", b"same")
    copy.source.put("differs.txt", b"ours")
    copy.target.put("differs.txt", b"theirs")
    copy.target.put("only there.txt", b"theirs")
    done = {one.name: one for one in copy.run()}
    assert done["same.txt"].versions is not None
    failure = done["differs.txt"].failure
    assert failure is not None
    assert failure.code == "conflict"
    assert copy.target.get("differs.txt") == b"theirs"
    assert copy.target.names() == ["differs.txt", "only there.txt", "same.txt"]
    (settled,) = copy.run(overwrite=["differs.txt"])
    assert settled.lost is not None
    assert settled.lost.content == b"theirs", "the loser is handed over before it goes"
    assert copy.target.get("differs.txt") == b"ours"
    assert copy.run() == []


def test_an_edit_at_the_target_survives_an_edit_and_a_deletion_at_the_source(copy: Copy) -> None:
    for name in ("edited.txt", "deleted.txt", "lost.txt"):
        copy.source.put(name, b"one")
    copy.run()
    for name in ("edited.txt", "deleted.txt"):
        copy.target.put(name, b"theirs")
    copy.source.put("edited.txt", b"two!")
    copy.source.remove("deleted.txt")
    copy.target.remove("lost.txt")
    done = {one.name: one for one in copy.run()}
    assert {one.failure.code for one in done.values() if one.failure} == {"conflict"}
    assert len(done) == 3
    assert copy.target.names() == ["deleted.txt", "edited.txt"]
    assert copy.target.get("edited.txt") == b"theirs"
    copy.run(overwrite=["edited.txt", "deleted.txt", "lost.txt"])
    assert copy.equal()
    assert copy.run() == []


def test_an_edit_between_plan_and_deed_is_left_alone(copy: Copy) -> None:
    copy.source.put("a.txt", b"one")
    copy.source.put("gone.txt", b"one")
    copy.run()
    copy.source.put("a.txt", b"two!")
    copy.source.put("b.txt", b"two!")
    copy.source.remove("gone.txt")
    plan = copy.plan()
    for name in ("a.txt", "b.txt", "gone.txt"):
        copy.target.put(name, b"theirs")
    done = copy.run(plan=plan)
    assert sorted((one.name, one.failure and one.failure.code) for one in done) == [
        ("a.txt", "moved"),
        ("b.txt", "moved"),
        ("gone.txt", "moved"),
    ]
    assert copy.target.get("a.txt") == b"theirs"


def test_a_file_that_was_written_without_an_answer_is_found_and_not_written_again(
    copy: Copy,
) -> None:
    copy.source.put("a.txt", b"one")
    copy.run()
    copy.known.clear()
    (found,) = copy.run()
    assert found.step is Step.COMPARE
    assert found.versions is not None
    assert copy.run() == []


def test_a_name_that_the_target_cannot_have_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    bucket, folder = BucketPlace(), FolderPlace(tmp_path)
    for name in ("../../evil.txt", "a//b.txt", "CON.txt", "good.txt"):
        bucket.put(name, b"x")
    done = {one.name: one for one in Copy(bucket, folder).run()}
    assert {n for n, one in done.items() if one.failure} == {
        "../../evil.txt",
        "a//b.txt",
        "CON.txt",
    }
    assert folder.names() == ["good.txt"]
    assert not (tmp_path.parent.parent / "evil.txt").exists()


def test_a_source_that_is_away_removes_nothing(tmp_path: Path) -> None:
    here, there = FolderPlace(tmp_path / "here"), FolderPlace(tmp_path / "there")
    here.put("a.txt", b"x")
    there.root.mkdir()
    copy = Copy(here, there)
    copy.run()
    here.root.rename(tmp_path / "unmounted")
    with pytest.raises(Unavailable, match="is not there any more"):
        copy.plan()
    assert there.names() == ["a.txt"]
    fresh = Copy(here, there)
    fresh.known = copy.known
    with pytest.raises(BadInput, match="there is no folder"):
        fresh.plan()


def test_what_cannot_be_seen_is_not_removed(tmp_path: Path) -> None:
    here, there = FolderPlace(tmp_path / "here"), FolderPlace(tmp_path / "there")
    here.put("seen.txt", b"x")
    here.put("sub/hidden.txt", b"x")
    there.root.mkdir()
    copy = Copy(here, there)
    copy.run()
    here.remove("seen.txt")
    here.remove("sub/hidden.txt")
    seen = copy.plan()
    assert seen.names(Step.REMOVE) == ["seen.txt", "sub/hidden.txt"]
    blind = replace(seen.source, blind=("sub/",))
    assert blind.lacks("seen.txt")
    assert not blind.lacks("sub/hidden.txt")
    assert not replace(seen.source, complete=False).lacks("seen.txt")
