"""What the ledger says that is there, and what is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livesync_pipelines.store.database import Connection, rows

_LAST = """
select distinct on (item_id) item_id, op, at, after from livesync.ledger
where sync_id = %s and item_id > %s collate "C" and op <> 'compacted'
order by item_id, seq desc limit %s
"""

_SHOWN = """
select s.item_id, s.key, s.fingerprint, d.capsule, d.title, d.url, d.media_type,
       d.attributes as mapped, d.content_hash, d.layout, d.mapping_version, d.chunker_version,
       r.title as record_title, r.url as record_url, r.media_type as record_media_type,
       r.attributes, coalesce((select jsonb_object_agg(c.chunk_id, c.text) from livesync.chunks c
         where c.sync_id = s.sync_id and c.item_id = s.item_id), '{}') as chunks
from livesync.shadow s
left join livesync.records r using (sync_id, item_id)
left join livesync.documents d using (sync_id, item_id)
where s.sync_id = %s and s.item_id = any(%s)
"""

_UNLOGGED = """
select item_id from (
    select item_id from livesync.shadow where sync_id = %(sync_id)s
    union select item_id from livesync.records where sync_id = %(sync_id)s
    union select item_id from livesync.documents where sync_id = %(sync_id)s
    union select item_id from livesync.chunks where sync_id = %(sync_id)s) held
where coalesce((select op from livesync.ledger l where l.sync_id = %(sync_id)s
    and l.item_id = held.item_id order by seq desc limit 1), 'removed') = 'removed'
order by item_id
"""


def logged(
    connection: Connection, sync_id: str, *, after: str, limit: int = 500
) -> list[dict[str, Any]]:
    """The last ledger entry of each of the next items."""
    return rows(connection, _LAST, (sync_id, after, limit))


def shown(connection: Connection, sync_id: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Everything that is stored of these items, by id."""
    return {row["item_id"]: row for row in rows(connection, _SHOWN, (sync_id, list(ids)))}


def unlogged(connection: Connection, sync_id: str) -> list[str]:
    """Items that are there although, by the ledger, they never came or have gone."""
    found = connection.execute(_UNLOGGED.encode(), {"sync_id": sync_id})
    return [item_id for (item_id,) in found]
