"""Every platform through the engine, with a source that breaks off, repeats or shows half."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pytest

from livesync_pipelines.connectors.base import Connector, Memory
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence
from livesync_pipelines_tests.engine.fake_source import Fake
from livesync_pipelines_tests.engine.house import House, a_house, a_sync, assert_sound, prose

from .worlds import WORLDS, World

AGAIN = "again"


@dataclass(slots=True)
class Fault:
    """What happens to a listing or to what is fetched; empty: nothing."""

    name: str = ""


class Faulty:
    """A real connector whose pages hold one entry each, and to which a fault may happen."""

    def __init__(self, inner: Connector, fault: Fault) -> None:
        self._inner, self._fault = inner, fault
        self.spec, self.root = inner.spec, inner.root

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        real = self._inner.listing(memory, None if resume == AGAIN else resume)
        pages = (piece for page in real for piece in self._pieces(page))
        for number, page in enumerate(pages):
            if number == 1 and self._fault.name == "breaks off":
                raise Unavailable("The line is dead.")
            if number == 1 and self._fault.name == "ends early":
                yield replace(page, resume=None, complete=False, gone={}, note=None)
                return
            yield page

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        for number, answer in enumerate(self._inner.fetch(entries)):
            if number == 0 and self._fault.name == "an answer is missing":
                continue
            yield answer
            if self._fault.name == "answers come twice":
                yield answer

    def close(self) -> None:
        self._inner.close()

    def _pieces(self, page: ListingPage) -> Iterator[ListingPage]:
        keys = page.entries["key"].to_pylist()
        for place, key in enumerate(keys[:-1]):
            resume = key if self.spec.ordered else AGAIN
            entries = self._entries(page.entries.slice(place, 1))
            bodies = {key: page.bodies[key]} if key in page.bodies else {}
            yield ListingPage(entries=entries, bodies=bodies, resume=resume)
        last = page.entries.slice(max(len(keys) - 1, 0))
        yield replace(page, entries=self._entries(last))

    def _entries(self, entries: pa.Table) -> pa.Table:
        twice = self._fault.name == "entries come twice"
        return pa.concat_tables([entries, entries]) if twice else entries


@pytest.fixture(params=WORLDS, ids=lambda kind: kind.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    running: World = request.param()
    yield running
    running.close()


@pytest.fixture
def fault() -> Fault:
    return Fault()


@pytest.fixture
def house(engine: Engine, world: World, fault: Fault) -> Iterator[House]:
    """Four items in step, of which one was then edited, one removed, and one is new."""
    spec = world.connector().spec
    with a_house(engine, spec=spec) as made:
        members = {"spec": spec, "__new__": lambda *_: Faulty(world.connector(), fault)}
        registry = {"fake": type("Via", (Fake,), members)}
        house = House(replace(made.engine, registry=registry), made.source)
        house.configure(a_sync(), a_sync("twin"))
        for name in "abcd":
            world.put(name, prose(name, sections=1))
        assert house.run().status is Status.SUCCESS
        world.put("a", prose("edited", sections=1))
        world.remove("b")
        world.put("e", prose("new", sections=1))
        yield house


@pytest.mark.parametrize(
    "name",
    [
        "breaks off",
        "ends early",
        "entries come twice",
        "answers come twice",
        "an answer is missing",
    ],
)
def test_whatever_the_source_does_nothing_is_lost_doubled_or_falsely_deleted(
    house: House, world: World, fault: Fault, name: str
) -> None:
    fault.name = name
    house.run()
    assert {world.key("a"), world.key("c"), world.key("d")} <= house.held().keys()
    assert_sound(house)
    fault.name = ""
    house.run()
    house.run()
    assert house.run("twin").status is Status.SUCCESS
    held, wanted = house.held(), house.held("twin")
    if world.connector().spec.absence is Absence.KEPT:
        held = {key: text for key, text in held.items() if key in wanted}
    assert held == wanted
    assert_sound(house)
    assert house.run().counts.synced_items == 0
