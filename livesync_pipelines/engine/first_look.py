"""What a connection shows before any sync is made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Connection, SyncConfig

_KEYS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The first page of a listing: how many items, the first of their keys, and what could not
    be listed. `more` says that there are further pages."""

    items: int
    keys: tuple[str, ...]
    failures: tuple[ItemFailure, ...]
    more: bool


class _NoMemory:
    """The memory of a sync that has never run."""

    @property
    def note(self) -> str | None:
        return None

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {}

    def keys(self) -> Iterator[str]:
        return iter(())


def first_look(engine: Engine, connection: Connection) -> Sight:
    """Ask the source for the first page of a listing, with nothing selected or left out.

    Raises what the source says (`Unavailable`, `Reauthorise`, `BadInput` ...).
    """
    sync = SyncConfig(
        sync_id="", project_id=connection.project_id, connection="", capsule="", schedule="manual"
    )
    with connected(engine, connection, sync, Lane.LIVE) as connector:
        page = next(iter(connector.listing(_NoMemory())), None)
    if page is None:
        return Sight(items=0, keys=(), failures=(), more=False)
    keys = page.entries["key"].slice(0, _KEYS).to_pylist()
    return Sight(
        items=page.entries.num_rows,
        keys=tuple(keys),
        failures=page.failures,
        more=page.resume is not None,
    )
