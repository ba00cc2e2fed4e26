"""Long histories of what a pretend vendor holds, and a house that follows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from random import Random
from typing import Any

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.sync import Connection, Desired, Limits
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.fake_source import Source
from livesync_pipelines_tests.engine.house import Clock, House, a_house, a_sync
from livesync_pipelines_tests.sandbox.served import Sandbox

_STEPS = 90
_FAULTS = ("500", "503", "reset", "truncated")
_ANY = Limits(delete_items=1_000, delete_share=1.0)


@contextmanager
def a_follower(
    engine: Engine,
    kind: type[Connector],
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    **select: Any,
) -> Iterator[House]:
    """A house with a realtime sync of what is so selected of a connection with these options;
    whatever goes there may go here."""
    name = kind.spec.name
    with a_house(engine):
        known = replace(engine, registry={name: kind}, environ=environ, now=Clock())
        place = Connection(name="fake", project_id="demo", platform=name, options=dict(options))
        wanted = Desired(
            connections=(place,), syncs=(a_sync(limits=_ANY, select=select, schedule="realtime"),)
        )
        with engine.database.pooled() as connection:
            catalog.apply(connection, wanted)
        yield House(known, Source())


def live_through(
    house: House, sandbox: Sandbox, step: Callable[[], None], *, seed: int, calls: str
) -> None:
    """Ninety steps; after every ninth one a fault at one of these calls, and a run that it may
    make fail."""
    chance = Random(seed)
    for number in range(_STEPS):
        step()
        if number % 9 == 8:
            kind, after, times = chance.choice(_FAULTS), chance.randrange(12), chance.choice((1, 3))
            sandbox.fault(calls, kind, after=after, times=times)
            run_somehow(house)
    sandbox.control("DELETE", "/faults")


def run_somehow(house: House) -> None:
    """It may fail: its source does."""
    with suppress(LiveSyncError):
        house.run()
