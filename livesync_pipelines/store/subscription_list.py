"""Subscriptions as a person reads of them."""

from __future__ import annotations

from typing import Any

from livesync_pipelines.store.database import Connection, rows

_LISTED = """
select s.id::text, s.connection, s.platform, s.project_id, s.state, s.wanted, s.topic, s.made_at,
       s.confirmed_at, s.expires_at, s.failures, s.error,
       case when s.state <> 'gone' then s.next_at end as next_at,
       case when w.last_at >= s.made_at then w.last_at end as last_delivery_at
from livesync.subscriptions s left join livesync.webhook_senders w using (connection)
where (%(connection)s::text is null or s.connection = %(connection)s)
order by s.state = 'gone', s.connection, s.made_at desc
"""


def listed(connection: Connection, *, of: str | None = None) -> list[dict[str, Any]]:
    """What platforms are asked to tell us, of one connection or of all, and for a month what they
    were. `wanted` false: it is being ended. `last_delivery_at`: when the platform last told."""
    return rows(connection, _LISTED, {"connection": of})
