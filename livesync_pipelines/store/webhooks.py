"""What platforms have called to say: each delivery once, and what is known of its sender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from livesync_pipelines.store import queue
from livesync_pipelines.store.database import Connection, rows

PIECE = 5_000
"""How many rows one cleaning transaction takes at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A proved call. `digest` is the SHA-256 of its body. `variant`: what tells it apart from
    others with its id; those that have it too are the same call, sent again."""

    connection: str
    delivery_id: str
    received_at: datetime
    scheme: str
    digest: bytes
    variant: bytes = b""
    hints: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, bytes]:
        return self.connection, self.delivery_id, self.variant


def note(connection: Connection, events: Sequence[Event]) -> int:
    """Keep these deliveries and queue what they hint at, in one transaction; returns how many were
    new. A delivery that was seen before is counted and wakes nobody."""
    if not events:
        return 0
    with connection.transaction():
        fresh: dict[str, int] = dict(connection.execute(_NOTE, (_told(events),)).fetchall())
        if fresh:
            queue.hint(connection, sorted(fresh))
    return sum(fresh.values())


_NOTE = """
with told as materialized (
  select * from jsonb_to_recordset(%s::jsonb) as told (connection text, delivery_id text,
         variant text, received_at timestamptz, seen integer, scheme text, digest text,
         hints text[])
), kept as (
  insert into livesync.webhook_events as e
         (connection, delivery_id, variant, received_at, last_seen_at, seen, scheme, digest, hints)
  select connection, delivery_id, decode(variant, 'hex'), received_at, received_at, seen, scheme,
         decode(digest, 'hex'), hints from told
      on conflict (connection, delivery_id, variant) do update
     set seen = e.seen + excluded.seen, last_seen_at = excluded.last_seen_at
  returning connection, xmax = 0 as is_new
), fresh as (
  select connection, count(*) from kept where is_new group by connection
), counted as (
  insert into livesync.webhook_senders as w (connection, delivered, doubled, last_at)
  select connection, coalesce(max(count), 0), sum(seen) - coalesce(max(count), 0),
         max(received_at) from told left join fresh using (connection)
   group by connection order by connection
      on conflict (connection) do update
     set delivered = w.delivered + excluded.delivered, doubled = w.doubled + excluded.doubled,
         last_at = greatest(w.last_at, excluded.last_at)
)
select connection, count from fresh
"""
"""One statement, for the gate waits for it at each call: returns (connection, its new ones)."""


def _told(events: Sequence[Event]) -> str:
    """JSON; each delivery once, and always in one order, so that nobody waits in a ring."""
    seen = Counter(event.key for event in events)
    first = {event.key: event for event in reversed(events)}
    told = [
        {
            "connection": event.connection,
            "delivery_id": event.delivery_id,
            "variant": event.variant.hex(),
            "received_at": event.received_at,
            "seen": seen[key],
            "scheme": event.scheme,
            "digest": event.digest.hex(),
            "hints": event.hints,
        }
        for key, event in sorted(first.items())
    ]
    return orjson.dumps(told).decode()


def count_turned_away(
    connection: Connection,
    *,
    refused: Mapping[str, int],
    held_back: Mapping[str, int],
    now: datetime,
) -> None:
    """Add to what is known of these connections: calls without a proof, and calls too many."""
    names = sorted({*refused, *held_back})
    connection.execute(
        "insert into livesync.webhook_senders as w (connection, refused, held_back,"
        " last_refused_at) select c, r, h, case when r > 0 then %s::timestamptz end"
        " from unnest(%s::text[], %s::bigint[], %s::bigint[]) as given (c, r, h)"
        " on conflict (connection) do update set refused = w.refused + excluded.refused,"
        " held_back = w.held_back + excluded.held_back,"
        " last_refused_at = coalesce(excluded.last_refused_at, w.last_refused_at)",
        (
            now,
            names,
            [refused.get(name, 0) for name in names],
            [held_back.get(name, 0) for name in names],
        ),
    )


_LISTED = """
select e.connection, e.delivery_id, e.received_at, e.last_seen_at, e.seen, e.scheme,
       encode(e.digest, 'hex') as digest, e.hints,
       (select min(o.finished_at) from livesync.syncs s join livesync.operations o using (sync_id)
         where s.connection = e.connection and o.started_at >= e.received_at
         and o.status in ('success', 'partial')) as synced_at
from livesync.webhook_events e
where (%(connection)s::text is null or e.connection = %(connection)s)
order by e.received_at desc limit %(limit)s
"""


def listed(
    connection: Connection, *, of: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """The deliveries, newest first, of one connection or of all. `synced_at`: when the first
    operation that began after it, of a sync that reads from the connection, ended well."""
    return rows(connection, _LISTED, {"connection": of, "limit": limit})


_SENDERS = """
select c.name as connection, c.platform, c.project_id, c.webhook ->> 'scheme' as scheme,
       coalesce(w.delivered, 0) as delivered, coalesce(w.doubled, 0) as doubled,
       coalesce(w.refused, 0) as refused, coalesce(w.held_back, 0) as held_back,
       w.last_at, w.last_refused_at
from livesync.connections c left join livesync.webhook_senders w on w.connection = c.name
where c.webhook is not null or w.connection is not null
order by c.name
"""


def senders(connection: Connection) -> list[dict[str, Any]]:
    """Every connection for which somebody may call, or has called, and how often he has.
    `scheme`: None where nobody may call any more, or who calls is asked (a queue of SQS)."""
    return rows(connection, _SENDERS)


def drop(connection: Connection, *, before: datetime) -> int:
    """Delete a piece of the deliveries that came last before this; returns how many."""
    return connection.execute(
        "delete from livesync.webhook_events where (connection, delivery_id, variant) in"
        " (select connection, delivery_id, variant from livesync.webhook_events"
        " where received_at < %s and last_seen_at < %s order by received_at limit %s)",
        (before, before, PIECE),
    ).rowcount
