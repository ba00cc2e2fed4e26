"""Syncs of rows that get into each other's way."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from livesync_pipelines.cli.work.checks import Finding
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_graph import Remark, remarks, ways
from livesync_pipelines.model.sync import Desired
from livesync_pipelines.store import catalog, overview
from livesync_pipelines.store.database import Connection


def told(
    engine: Engine, connection: Connection, wanted: Desired, among: Collection[str] | None
) -> list[Remark]:
    """What is to be said of the syncs that are stored together with those that are `wanted`, where
    one `among` these takes part; nothing of one that is paused."""
    stored = catalog.stored(connection)
    ends = {one.name: one for one in (*stored.connections, *wanted.connections)}
    syncs = {one.sync_id: one for one in (*stored.syncs, *wanted.syncs)}
    for name in overview.paused(connection):
        syncs.pop(name, None)
    return remarks(ways(syncs.values(), ends, engine.environ), among)


def check(engine: Engine, connection: Connection) -> Iterator[Finding]:
    for one in told(engine, connection, Desired(), None):
        yield Finding(f"syncs {', '.join(one.syncs)}", "warning", one.message, one.hint)
