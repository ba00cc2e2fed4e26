"""The state of rows, from the blocks of the ledger alone."""

from __future__ import annotations

import pyarrow.compute as pc

from livesync_pipelines.store import row_base, row_blocks, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation
from livesync_pipelines.store.row_commit import GONE

_TOLD = "livesync_told"
_APART = (
    "select key, b.block is not null and t.block is null from"
    f" (select * from livesync.row_base where sync_id = %(s)s) b full join {_TOLD} t using (key)"
    " where (b.source_mark, b.target_mark, b.block, b.turns, b.went_to) is distinct from"
    " (t.source_mark, t.target_mark, t.block, t.turns, t.went_to) order by key"
)


def rebuild(connection: Connection, operation: Operation) -> tuple[int, list[str], list[str]]:
    """Play all blocks from the first to the last and put the state of every row right that is
    another; the next run then meets all of them. Returns how many rows agree, which differ, and
    which are there without an entry."""
    sync_id = operation.sync.sync_id
    like = f"create temp table {_TOLD} (like livesync.row_base including all) on commit drop"
    with connection.transaction():
        tenure.fence(connection, operation)
        connection.execute(like.encode())
        _play(connection, sync_id)
        apart = connection.execute(_APART.encode(), {"s": sync_id}).fetchall()
        keys = [key for key, _ in apart]
        row_base.forget(connection, sync_id, keys)
        connection.execute(
            f"insert into livesync.row_base select * from {_TOLD} where key = any(%s)".encode(),
            (keys,),
        )
        if apart:
            tenure.doubt_makers(connection, operation)
        rows = row_base.count(connection, sync_id)
        connection.execute(f"drop table {_TOLD}".encode())
    unlogged = [key for key, is_unlogged in apart if is_unlogged]
    differing = [key for key, is_unlogged in apart if not is_unlogged]
    return rows - len(differing), differing, unlogged


def _play(connection: Connection, sync_id: str) -> None:
    for block, data in row_blocks.of(connection, sync_id, row_blocks.numbers(connection, sync_id)):
        lines = row_blocks.unpacked(data)
        again = lines["key"].filter(pc.is_valid(lines["before"])).to_pylist()
        connection.execute(
            f"delete from {_TOLD} where sync_id = %s and key = any(%s)".encode(), (sync_id, again)
        )
        living = lines.filter(pc.invert(pc.is_in(lines["op"], value_set=GONE)))
        row_base.put(connection, sync_id, living, block=block, table=_TOLD)
