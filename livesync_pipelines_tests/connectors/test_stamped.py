"""Sources that say what has changed since a stamp: with any clock, nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.connectors.base import Feeds, FetchLimits, Memory, Options, listing_table
from livesync_pipelines.connectors.stamped import Stamped
from livesync_pipelines.core.since import floored
from livesync_pipelines.model.errors import CursorExpired, ItemFailure
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class World:
    """Items by key: number of the edit, its stamp, and when it becomes visible."""

    clock: Clock
    now: datetime = START
    edits: int = 0
    items: dict[str, list[tuple[int, datetime, datetime]]] = field(default_factory=dict)

    def edit(self, key: str, late: float) -> None:
        self.edits += 1
        visible = self.now + timedelta(seconds=late * self.clock.late_s)
        stamp = floored(self.now, self.clock)
        self.items.setdefault(key, []).append((self.edits, stamp, visible))

    def visible(self) -> list[tuple[str, int, datetime]]:
        shown = []
        for key, edits in self.items.items():
            seen = [edit for edit in edits if edit[2] <= self.now]
            if seen:
                shown.append((key, seen[-1][0], seen[-1][1]))
        return sorted(shown, key=lambda item: (item[2], item[0]))


class Store(Stamped):
    """Pages of two, by stamp, so that equal stamps stand on both sides of a page's edge."""

    Connection = Options
    Selection = Options
    world: ClassVar[World]

    def source_now(self) -> datetime:
        return self.world.now

    def changed_since(self, moment: datetime) -> Iterator[FeedPage]:
        inclusive = self.spec.clock.inclusive
        found = [
            Entry(key, f"{number}", modified_at=stamp)
            for key, number, stamp in self.world.visible()
            if stamp > moment or (inclusive and stamp == moment)
        ]
        pages = [found[at : at + 2] for at in range(0, len(found), 2)] or [[]]
        for number, page in enumerate(pages, start=1):
            token = f"{number}" if number < len(pages) else None
            yield FeedPage(entries=listing_table(page), cursor="", token=token)

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        return iter(())

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return iter(())


def store(clock: Clock) -> Store:
    spec = PlatformSpec(name="store", title="Store", clock=clock, absence=Absence.DELETED)
    kind = type("Bound", (Store,), {"world": World(clock), "spec": spec})
    made: Store = kind(Options(), Options(), FetchLimits())
    return made


def follow(store: Store, cursor: str, held: dict[str, int]) -> str:
    for page in store.changes(cursor):
        for key, version in zip(
            page.entries["key"].to_pylist(), page.entries["version"].to_pylist(), strict=True
        ):
            held[key] = int(version)
        cursor = page.cursor
    return cursor


clocks = st.builds(
    Clock,
    granularity_s=st.sampled_from([0.0, 0.001, 1.0, 60.0]),
    inclusive=st.booleans(),
    late_s=st.sampled_from([0.0, 5.0, 90.0]),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
)
seconds = st.sampled_from([0.0, 0.0004, 0.5, 1.0, 30.0, 61.0, 4000.0])
steps = st.lists(
    st.tuples(st.sampled_from("abcdef"), seconds, st.floats(0.0, 1.0), st.booleans()), max_size=25
)


@given(clocks, steps)
def test_every_change_is_seen_in_the_end(
    clock: Clock, steps: list[tuple[str, float, float, bool]]
) -> None:
    source = store(clock)
    held: dict[str, int] = {}
    cursor = source.cursor()
    for key, wait_s, late, looks in steps:
        source.world.edit(key, late)
        source.world.now += timedelta(seconds=wait_s)
        if looks:
            cursor = follow(source, cursor, held)
    source.world.now += timedelta(seconds=clock.late_s)
    follow(source, cursor, held)
    assert held == {key: number for key, number, _ in source.world.visible()}


@given(clocks, st.floats(0.0, 1e6))
def test_a_cursor_never_goes_back(clock: Clock, wait_s: float) -> None:
    source = store(clock)
    cursor = source.cursor()
    source.world.edit("a", 0.0)
    source.world.now += timedelta(seconds=wait_s)
    moved = follow(source, cursor, {})
    assert datetime.fromisoformat(moved) >= datetime.fromisoformat(cursor)


def test_a_stamp_of_the_future_does_not_carry_the_cursor_away() -> None:
    source = store(Clock(granularity_s=1))
    cursor = source.cursor()
    ahead = START + timedelta(days=400)
    source.world.items["odd"] = [(1, ahead, START)]
    cursor = follow(source, cursor, {})
    source.world.now += timedelta(minutes=1)
    source.world.edit("a", 0.0)
    held: dict[str, int] = {}
    follow(source, cursor, held)
    assert "a" in held


def test_a_source_whose_clock_has_gone_back_is_listed_anew() -> None:
    source = store(Clock(granularity_s=1))
    source.world.edit("a", 0.0)
    cursor = source.cursor()
    source.world.now -= timedelta(hours=1)
    with pytest.raises(CursorExpired, match="has shown"):
        follow(source, cursor, {})


def test_a_window_that_breaks_off_is_asked_for_again() -> None:
    source = store(Clock(granularity_s=1))
    before = source.cursor()
    source.world.now += timedelta(seconds=5)
    for key in "abcde":
        source.world.edit(key, 0.0)
    pages = source.changes(before)
    assert [next(pages).cursor, next(pages).cursor] == [before, before]
    assert next(pages).cursor > before


def test_it_is_a_change_feed() -> None:
    assert isinstance(store(Clock(granularity_s=1)), Feeds)
