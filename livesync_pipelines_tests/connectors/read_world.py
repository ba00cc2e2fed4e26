"""A pretend vendor whose connector is read without an engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import Any

from livesync_pipelines.connectors.base import Connector, FetchLimits
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, ListingPage
from livesync_pipelines_tests.contracts.memory import FakeMemory, all_bodies


class ReadWorld(ABC):
    """What a run would see."""

    __slots__ = ()

    @property
    @abstractmethod
    def endpoint(self) -> str:
        """Where the vendor is found."""

    @abstractmethod
    def connector(self, **selection: Any) -> AbstractContextManager[Connector]:
        """One that may read all, of what is so selected."""

    @property
    def limits(self) -> FetchLimits:
        return FetchLimits(max_bytes=1_000_000, timeout_s=5.0, api_url=self.endpoint)

    def listed(self, memory: FakeMemory | None = None, **selection: Any) -> list[ListingPage]:
        """One run: list everything, and keep it."""
        memory = memory or FakeMemory()
        with self.connector(**selection) as connector:
            pages = list(connector.listing(memory))
        memory.keep(pages)
        return pages

    def read(self, **selection: Any) -> dict[str, Body | ItemFailure]:
        """All that a first run brings, by key."""
        with self.connector(**selection) as connector:
            return all_bodies(connector, list(connector.listing(FakeMemory())))
