"""Platforms that exist only to be configured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from livesync_pipelines.connectors.base import Connector, Memory, Options
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec


class Nothing(Connector):
    """Lists nothing, holds nothing."""

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        return iter(())

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return iter(())


def spec(name: str) -> PlatformSpec:
    clock = Clock(granularity_s=1)
    return PlatformSpec(name=name, title=name.title(), clock=clock, absence=Absence.DELETED)


class ShelfConnection(Options):
    path: str = Field(min_length=1)
    archive: Path | None = None


class ShelfSelection(Options):
    include: tuple[str, ...] = ("**/*",)
    prefix: str = ""


class Shelf(Nothing):
    """Stands for a folder."""

    spec = spec("shelf")
    Connection = ShelfConnection
    Selection = ShelfSelection


class Login(Options):
    user: str
    password: SecretStr | None = None


class LedgerConnection(Options):
    url: SecretStr
    port: int = 5432
    style: Literal["plain", "fancy"] = "plain"
    login: Login | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    mirror: str = ""


class LedgerSelection(Options):
    table: str = "contacts"


class Ledger(Nothing):
    """Stands for a table in somebody's database, and can be written to."""

    spec = spec("ledger")
    Connection = LedgerConnection
    Selection = LedgerSelection

    def write(self) -> None:
        """An ability is found on the class."""


REGISTRY: dict[str, type[Connector]] = {"shelf": Shelf, "ledger": Ledger}
