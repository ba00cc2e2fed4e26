"""Other syncs that write what this one reads: a value that goes round through several syncs is
counted at every hop, as turns are where one sync goes both ways."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_graph import ways
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Mode, SyncConfig
from livesync_pipelines.store import catalog, row_hops
from livesync_pipelines.store.database import Connection


def upstream(engine: Engine, connection: Connection, sync: SyncConfig) -> Mapping[str, Side]:
    """The active syncs that write to an end which this one reads, and which of their own ends that
    is."""
    if sync.target is None:
        return {}
    reads = [(sync.connection, sync.select)] if sync.mode is not Mode.PUSH else []
    if sync.mode is not Mode.PULL:
        reads.append((sync.target.connection, sync.target.select))
    found = {
        writer
        for end, select in reads
        for writer in row_hops.writers(connection, end, select.get("table"), but=sync.sync_id)
    }
    if not found:
        return {}
    others = catalog.syncs(connection, sorted(found))
    names = {one.connection for one in (sync, *others)}
    names |= {one.target.connection for one in (sync, *others) if one.target}
    ends = catalog.connections(connection, sorted(names))
    mine = {way.reads for way in ways([sync], ends, engine.environ)}
    return {
        way.sync.sync_id: way.into for way in ways(others, ends, engine.environ)
        if way.writes in mine
    }  # fmt: skip


def hops(
    connection: Connection, sync_id: str, others: Mapping[str, Side], keys: pa.Array
) -> pa.Array:
    """By row, how many syncs have handed on what this one reads; null where no sync has written it
    since this one did. Rows are the same where their keys are."""
    if not others:
        return pa.nulls(len(keys), pa.int16())
    found = row_hops.counted(connection, sync_id, others, keys.to_pylist())
    return pa.array([found.get(key) for key in keys.to_pylist()], pa.int16())
