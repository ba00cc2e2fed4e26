"""The state of rows, from the blocks of the ledger alone."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.store import row_base, row_blocks, tenure
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation
from livesync_pipelines.store.row_commit import are_gone

_TOLD = "livesync_told"
_LIKE = f"create temp table {_TOLD} (like livesync.row_base including all) on commit drop"
_NAMES = ("op", *(name for name in row_base.SCHEMA.names if name != "block"))
_APART = (
    "select key, b.block is not null and t.block is null from"
    f" (select * from livesync.row_base where sync_id = %(s)s) b full join {_TOLD} t using (key)"
    " where (b.source_mark, b.target_mark, b.block, b.turns, b.went_to) is distinct from"
    " (t.source_mark, t.target_mark, t.block, t.turns, t.went_to) order by key"
)
_ELSEWHERE = (
    "select key from (select key, block from livesync.row_base where sync_id = %(s)s"
    f" and (%(keys)s::text[] is null or key = any(%(keys)s))) b full join {_TOLD} t using (key)"
    " where b.block is distinct from t.block order by key"
)


def rebuild(connection: Connection, operation: Operation) -> tuple[int, list[str], list[str]]:
    """Play all blocks from the first to the last and put the state of every row right that is
    another; the next run then meets all of them. Returns how many rows agree, which differ, and
    which are there without an entry."""
    sync_id = operation.sync.sync_id
    with connection.transaction():
        tenure.fence(connection, operation)
        connection.execute(_LIKE.encode())
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


def apart(connection: Connection, sync_id: str, keys: Sequence[str] | None) -> list[str]:
    """Which of these rows, of all if None, a rebuild would find elsewhere than they are, or bring
    back, or miss. To be asked in a transaction."""
    connection.execute(_LIKE.encode())
    _play(connection, sync_id, keys)
    asked = {"s": sync_id, "keys": None if keys is None else list(keys)}
    found = connection.execute(_ELSEWHERE.encode(), asked).fetchall()
    connection.execute(f"drop table {_TOLD}".encode())
    return [key for (key,) in found]


def _play(connection: Connection, sync_id: str, keys: Sequence[str] | None = None) -> None:
    wanted = None if keys is None else pa.array(keys, pa.string())
    for block, data in row_blocks.of(connection, sync_id, row_blocks.numbers(connection, sync_id)):
        lines = row_blocks.heads(data, _NAMES)
        if wanted is not None:
            lines = lines.filter(pc.is_in(lines["key"], value_set=wanted))
        connection.execute(
            f"delete from {_TOLD} where sync_id = %s and key = any(%s)".encode(),
            (sync_id, lines["key"].to_pylist()),
        )
        living = lines.filter(pc.invert(are_gone(lines)))
        row_base.put(connection, sync_id, living, block=block, table=_TOLD)
