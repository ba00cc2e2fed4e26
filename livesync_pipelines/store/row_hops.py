"""Rows that one sync writes and another reads: what the one has noted of them, for the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livesync_pipelines.model.merge import Side
from livesync_pipelines.store.database import Connection


def writers(connection: Connection, end: str, table: str | None, *, but: str) -> list[str]:
    """The active syncs of rows that write to a connection, and there to this table, by name."""
    found = connection.execute(
        "select sync_id from livesync.syncs where state = 'active' and target is not null"
        " and sync_id <> %(but)s and ((target = %(end)s and config ->> 'mode' <> 'push'"
        " and config #>> '{target,select,table}' is not distinct from %(table)s)"
        " or (connection = %(end)s and config ->> 'mode' <> 'pull'"
        " and config #>> '{select,table}' is not distinct from %(table)s)) order by 1",
        {"but": but, "end": end, "table": table},
    )
    return [sync_id for (sync_id,) in found]


def counted(
    connection: Connection, sync_id: str, others: Mapping[str, Side], keys: Sequence[str]
) -> dict[str, int]:
    """By key, the turns of the rows that one of the others has written to its side since this sync
    last settled them."""
    found = connection.execute(
        "select b.key, max(b.turns) from unnest(%(others)s::text[], %(sides)s::text[]) w (s, side)"
        " join livesync.row_base b on b.sync_id = w.s and b.went_to = w.side"
        " join livesync.row_blocks k on k.sync_id = b.sync_id and k.block = b.block"
        " left join livesync.row_base o on o.sync_id = %(mine)s and o.key = b.key"
        " left join livesync.row_blocks l on l.sync_id = o.sync_id and l.block = o.block"
        " where b.key = any(%(keys)s) and (l.at is null or k.at > l.at) group by 1",
        {
            "others": list(others),
            "sides": [str(side) for side in others.values()],
            "mine": sync_id,
            "keys": list(keys),
        },
    )
    return {key: int(turns) for key, turns in found}
