"""Subscriptions that are looked at again: has the platform fallen silent, is the secret another?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from livesync_pipelines.store.database import Connection

EVERY = timedelta(minutes=5)
AT_ONCE = 200
"""So many are looked at in one go, those first that were not for longest."""

MISSED = 3
"""So many operations in a row that found changes nobody had told of: the platform is silent."""

_SAID = {
    "code": "silent",
    "message": f"Polling found changes {MISSED} times and nobody had called: it is made anew.",
    "hint": "",
    "where": "",
}

_SILENT = """
with live as (
    select s.id, s.connection, greatest(s.confirmed_at, w.last_at) as since
    from livesync.subscriptions s left join livesync.webhook_senders w using (connection)
    where s.id = any(%(ids)s::uuid[]) and s.wanted and s.state = 'active'),
ran as (
    select l.id, o.trigger, o.counts,
           lag(o.started_at) over (partition by o.sync_id order by o.started_at) as before
    from live l join livesync.syncs y on y.connection = l.connection
    join livesync.operations o on o.sync_id = y.sync_id and o.started_at > l.since
    where o.status in ('success', 'partial')),
untold as (
    select id from ran where before is not null and trigger in ('poll', 'watch')
    and (coalesce((counts ->> 'added')::int, 0) + coalesce((counts ->> 'updated')::int, 0)
         + coalesce((counts ->> 'moved')::int, 0) + coalesce((counts ->> 'removed')::int, 0)) > 0
    group by id having count(*) >= %(missed)s)
update livesync.subscriptions s set state = 'pending', confirmed_at = null, error = %(said)s,
       next_at = %(now)s from untold where s.id = untold.id
"""
"""Of what was there before the platform last called, or took us on, it could not tell: an operation
counts only if the one before it began after that."""


def look(connection: Connection, *, now: datetime) -> list[tuple[str, str, bytes]]:
    """Look at some that are up; returns their names, connections and marks of their secrets. Those
    whose platform has fallen silent are due now, and are asked for from the start."""
    found = connection.execute(
        "update livesync.subscriptions s set looked_at = %s from"
        " (select id from livesync.subscriptions where wanted and state = 'active'"
        " and coalesce(looked_at, made_at) < %s order by looked_at nulls first limit %s) o"
        " where s.id = o.id returning s.id::text, s.connection, s.key_mark",
        (now, now - EVERY, AT_ONCE),
    ).fetchall()
    if found:
        ids = [name for name, _, _ in found]
        values = {"ids": ids, "missed": MISSED, "said": Jsonb(_SAID), "now": now}
        connection.execute(_SILENT.encode(), values)
    return found


def renew_now(connection: Connection, names: Sequence[str], *, now: datetime) -> None:
    """Their platforms are to be told another secret."""
    connection.execute(
        "update livesync.subscriptions set next_at = %s where id = any(%s::uuid[])"
        " and wanted and state <> 'gone'",
        (now, list(names)),
    )
