from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.net.client import Client

from .site import Site, Watch


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def client(watch: Watch) -> Iterator[Client]:
    with Client(allow_private=True, timeout_s=2, world=watch.world()) as open_client:
        yield open_client
