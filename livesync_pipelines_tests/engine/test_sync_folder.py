"""The whole corridor over a real folder on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from livesync_pipelines.connectors.folder import Folder
from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import Body, Entry
from livesync_pipelines.model.sync import Connection, Desired, Trigger
from livesync_pipelines.store import approvals, catalog
from livesync_pipelines_tests.engine.fake_source import Source
from livesync_pipelines_tests.engine.house import Clock, House, a_house, a_sync, assert_sound, prose


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    room = tmp_path / "docs"
    room.mkdir()
    return room


@pytest.fixture
def house(engine: Engine, folder: Path) -> Iterator[House]:
    """The plain sync, its connection turned to the folder."""
    with a_house(engine):
        place = Connection(
            name="fake", project_id="demo", platform="folder", options={"path": str(folder)}
        )
        real = House(replace(engine, environ={}, now=Clock()), Source())
        with engine.database.pooled() as connection:
            catalog.apply(connection, Desired(connections=(place,), syncs=(a_sync(),)))
        yield real


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def assert_mirrors(house: House, folder: Path) -> None:
    files = (path for path in folder.rglob("*") if path.is_file())
    wanted = {path.relative_to(folder).as_posix(): path.read_text() for path in files}
    assert house.held() == {key: normalise_text(text) for key, text in wanted.items()}
    assert_sound(house)


def test_edits_renames_and_deletions_on_disk_reach_the_capsule(house: House, folder: Path) -> None:
    write(folder, {f"{name}.md": prose(name) for name in ("a", "b", "c", "sub/d")})
    assert house.run().counts.added == 4
    assert_mirrors(house, folder)
    before = house.written()
    assert house.run().counts.unchanged == 4
    assert house.written() == before
    ids = house.ids()
    write(folder, {"a.md": prose("a2"), "e.md": prose("e")})
    (folder / "b.md").unlink()
    (folder / "c.md").rename(folder / "sub" / "z.md")
    result = house.run()
    counts = result.counts
    assert (counts.updated, counts.added, counts.removed, counts.moved) == (1, 1, 1, 1)
    assert house.ids()["sub/z.md"] == ids["c.md"]
    assert_mirrors(house, folder)


def test_a_renamed_directory_moves_all_that_is_in_it(house: House, folder: Path) -> None:
    write(folder, {f"old/{number}.md": f"# {number}\n\nNote {number}." for number in range(60)})
    house.run()
    chunks = house.written()["chunks"]
    (folder / "old").rename(folder / "new")
    result = house.run()
    assert (result.status, result.counts.moved, result.counts.removed) == (Status.SUCCESS, 60, 0)
    assert house.written()["chunks"] == chunks
    assert_mirrors(house, folder)


def test_swapped_names_and_hard_links_end_right(house: House, folder: Path) -> None:
    write(folder, {"a.md": prose("a"), "b.md": prose("b"), "c.md": prose("c")})
    house.run()
    (folder / "a.md").rename(folder / "x")
    (folder / "b.md").rename(folder / "a.md")
    (folder / "x").rename(folder / "b.md")
    os.link(folder / "c.md", folder / "d.md")
    house.run()
    assert_mirrors(house, folder)
    (folder / "c.md").unlink()
    os.link(folder / "d.md", folder / "aa.md")
    house.run()
    assert_mirrors(house, folder)


def test_a_name_that_was_renamed_away_can_be_used_again_and_again(
    house: House, folder: Path
) -> None:
    write(folder, {"a.md": prose("first")})
    house.run()
    for turn in range(3):
        (folder / "a.md").rename(folder / f"b{turn}.md")
        write(folder, {"a.md": prose(f"next {turn}")})
        house.run()
    os.link(folder / "b2.md", folder / "c.md")
    (folder / "a.md").unlink()
    (folder / "c.md").rename(folder / "a.md")
    house.run()
    assert_mirrors(house, folder)


def test_a_folder_that_went_away_fails_and_takes_nothing(house: House, folder: Path) -> None:
    write(folder, {"a.md": prose("a")})
    house.run()
    held = house.held()
    folder.rename(folder.with_name("elsewhere"))
    assert house.run().status is Status.FAILED
    assert house.held() == held
    folder.with_name("elsewhere").rename(folder)
    assert house.run().status is Status.SUCCESS
    assert_mirrors(house, folder)


def test_a_folder_that_is_emptied_waits_for_a_person(house: House, folder: Path) -> None:
    write(folder, {f"{number}.md": f"Note {number}." for number in range(30)})
    house.run()
    for path in folder.iterdir():
        path.unlink()
    result = run_sync(house.engine, "docs", trigger=Trigger.WATCH)
    assert result.status is Status.WAITING
    assert len(house.held()) == 30
    with house.engine.database.pooled() as connection:
        assert approvals.give(connection, "docs") == 30
    assert house.run().counts.removed == 30
    assert_mirrors(house, folder)


def test_a_touched_file_is_no_change(house: House, folder: Path) -> None:
    write(folder, {"a.md": prose("a")})
    house.run()
    os.utime(folder / "a.md", (1, 1))
    (folder / "a.md").chmod(0o600)
    assert house.run().counts.synced_items == 0
    assert_mirrors(house, folder)


def test_a_run_needs_no_second_one_to_know_what_it_has_listed_itself(
    house: House, folder: Path
) -> None:
    in_real_time(house)
    write(folder, {"a.md": prose("a")})
    for turn in range(3):
        house.run()
        assert due_and_looked_at(house) == []
        write(folder, {"a.md": prose(f"turn {turn}")})
        assert due_and_looked_at(house) == ["docs"]


def test_a_change_behind_the_back_of_a_run_is_found_by_the_next_look(
    house: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_real_time(house)
    write(folder, {"a.md": prose("a")})
    fetch = Folder.fetch

    def fetch_and_edit(self: Folder, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        yield from fetch(self, entries)
        write(folder, {"b.md": prose("b")})

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "fetch", fetch_and_edit)
        house.run()
    assert due_and_looked_at(house) == ["docs"]
    house.run()
    assert_mirrors(house, folder)
    assert due_and_looked_at(house) == []


def in_real_time(house: House) -> None:
    with house.engine.database.pooled() as connection:
        catalog.apply(connection, Desired(syncs=(a_sync(schedule="realtime"),)))


def due_and_looked_at(house: House) -> list[str]:
    """What is queued of what is due some time later."""
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=2)
    return sweep(house.engine)
