"""Houses for the tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.engine.fake_source import FEED, Probed, Told
from livesync_pipelines_tests.engine.house import House, a_house, begin_following


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    """An ordered platform that knows identities, as a folder does."""
    with a_house(engine) as house:
        yield house


@pytest.fixture
def feed(engine: Engine) -> Iterator[House]:
    """A platform without order, whose items come along with the listing and age out of it."""
    with a_house(engine, spec=FEED) as house:
        house.source.with_bodies = True
        yield house


@pytest.fixture
def told(engine: Engine) -> Iterator[House]:
    """An ordered platform with a change feed, already listed once: items a to e."""
    with a_house(engine, kind=Told) as house:
        begin_following(house)
        yield house


@pytest.fixture
def probed(engine: Engine) -> Iterator[House]:
    """An ordered platform that can be asked whether anything changed."""
    with a_house(engine, kind=Probed) as house:
        yield house
