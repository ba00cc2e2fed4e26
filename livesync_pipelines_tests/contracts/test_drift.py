"""On every platform a remembered item can be read anew, and what it is not any more is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from livesync_pipelines.engine.drift import sample
from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.engine.fake_source import Fake
from livesync_pipelines_tests.engine.house import House, a_house, prose

from .worlds import WORLDS, RssWorld, World


@pytest.fixture(params=WORLDS, ids=lambda kind: kind.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    running: World = request.param()
    yield running
    running.close()


@pytest.fixture
def house(engine: Engine, world: World) -> Iterator[House]:
    """A sync of the world, with two items in step."""

    spec = world.connector().spec
    with a_house(engine, spec=spec) as made:
        registry = {
            "fake": type(
                "Via", (Fake,), {"spec": spec, "__new__": lambda *_, **__: world.connector()}
            )
        }
        house = House(replace(made.engine, registry=registry), made.source)
        world.put("a", prose("a", sections=1))
        world.put("b", prose("b", sections=1))
        house.run()
        yield house


def look(house: House, world: World) -> dict[str, tuple[str, str | None]]:
    """What is found of the two items."""
    found = {one.key: (one.outcome, one.finding) for one in sample(house.engine, "docs", items=9)}
    return {name: found[world.key(name)] for name in ("a", "b")}


def test_what_did_not_change_reads_the_same(house: House, world: World) -> None:
    assert look(house, world) == {"a": ("same", None), "b": ("same", None)}


def test_what_changed_lags_and_what_is_gone_is_told_where_the_platform_tells(
    house: House, world: World
) -> None:
    world.put("a", prose("other", sections=1))
    world.remove("b")
    gone = ("unread", None) if isinstance(world, RssWorld) else ("lag", "gone")
    assert look(house, world) == {"a": ("lag", "content"), "b": gone}


def test_other_words_under_the_version_that_is_held_are_drift(house: House, world: World) -> None:
    house.execute("update livesync.shadow set fingerprint = decode(md5(key), 'hex')")
    assert set(look(house, world).values()) == {("drift", "content")}
