"""A house for the tests of the store: what is stored is put there by real runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, a_house


@pytest.fixture
def house(engine: Engine) -> Iterator[House]:
    with a_house(engine) as house:
        yield house


@pytest.fixture
def connection(house: House) -> Iterator[Connection]:
    with house.engine.database.connect() as connection:
        yield connection
