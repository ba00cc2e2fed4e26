"""A listing of any size passes through; it is never held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar
from weakref import finalize

import pytest

from livesync_pipelines.connectors.base import Memory, listing_table
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines_tests.engine.fake_source import Fake
from livesync_pipelines_tests.engine.house import House, a_house

ITEMS, PAGE = 30_000, 1_000


class Held:
    """How many things of one kind are alive, and how many were at most."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def watch(self, thing: object) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        finalize(thing, self._gone)

    def _gone(self) -> None:
        self.now -= 1


class Endless(Fake):
    """Makes its items up while it lists them, and counts those that are still held."""

    tables: ClassVar[Held]
    bodies: ClassVar[Held]
    edited: ClassVar[int]

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        for start in range(0, ITEMS, PAGE):
            last = start + PAGE >= ITEMS
            names = [f"{number:05}" for number in range(start, start + PAGE)]
            table = listing_table(Entry(name, self.version(name)) for name in names)
            self.tables.watch(table)
            yield ListingPage(entries=table, resume=None if last else names[-1], complete=last)

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        for entry in entries:
            version = self.version(entry.key)
            body = Note(
                key=entry.key,
                version=version,
                content=f"# Note {entry.key}\n\nVersion {version}.".encode(),
                name="note.md",
                url=f"fake://{entry.key}",
            )
            self.bodies.watch(body)
            yield body

    def version(self, key: str) -> str:
        return f"{int(key) < self.edited}"


class Note(Body):
    """A body that can be watched."""


@pytest.fixture
def endless(engine: Engine) -> Iterator[House]:
    with a_house(engine, kind=Endless) as house:
        yield house


def run(house: House, *, edited: int) -> int:
    """Run with so many items edited; returns how many were changed."""
    Endless.edited, Endless.tables, Endless.bodies = edited, Held(), Held()
    return house.run().counts.synced_items


def test_neither_pages_nor_contents_pile_up(endless: House) -> None:
    """What is held is three pages and four batches at most: one is read, one waits, two are with
    the writer."""
    assert run(endless, edited=0) == ITEMS
    assert 0 < Endless.tables.most <= 3
    assert 0 < Endless.bodies.most <= 4 * BATCH_ITEMS + 1
    assert run(endless, edited=0) == 0
    assert 0 < Endless.tables.most <= 3
    assert Endless.bodies.most == 0
    assert run(endless, edited=3) == 3
    for table in ("shadow", "documents", "chunks"):
        assert endless.rows(f"select count(*) from livesync.{table}") == [{"count": ITEMS}]
