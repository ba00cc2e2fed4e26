"""Events on their way to addresses: at least once each, a bounded number of tries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from livesync_pipelines.core.patience import TRIES
from livesync_pipelines.model.notice import Delivery, Event, EventKind
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.outbox import CHANNEL

Way = tuple[str, str | None]
"""An address and the secret that signs what goes there, in the user's own words."""
LEASE = timedelta(minutes=5)
"""Whoever takes a delivery has so long to say what became of it; then it is taken again."""
WAITED = timedelta(days=7)
"""What could not be sent for so long is old news."""


def lay_aside(connection: Connection, *, now: datetime) -> None:
    """Give up what has had all its tries, and what nobody could send for a week."""
    connection.execute(
        "update livesync.deliveries set state = 'dead', error = coalesce(error, %s)"
        " where state = 'waiting' and not_before <= %s and (tries >= %s or waits_since < %s)",
        ("Whoever sent it did not live to see the answer.", now, TRIES, now - WAITED),
    )


def due(connection: Connection, *, now: datetime) -> list[Way]:
    """Where something waits to be sent now."""
    found = connection.execute(
        "select distinct address, secret from livesync.deliveries"
        " where state = 'waiting' and not_before <= %s order by address, secret",
        (now,),
    )
    return [(address, secret) for address, secret in found]


def take(connection: Connection, ways: Sequence[Way], *, now: datetime) -> Delivery | None:
    """The oldest delivery that is due on one of these ways, taken for `LEASE`."""
    found = connection.execute(
        "with due as (select d.seq, d.address from livesync.deliveries d"
        " where d.state = 'waiting' and d.not_before <= %s and exists ("
        " select from unnest(%s::text[], %s::text[]) way (address, secret)"
        " where d.address = way.address and d.secret is not distinct from way.secret)"
        " order by d.seq, d.address limit 1 for update skip locked)"
        " update livesync.deliveries d set tries = d.tries + 1, not_before = %s"
        " from due, livesync.outbox o where (d.seq, d.address) = (due.seq, due.address)"
        " and o.seq = d.seq"
        " returning d.message_id, d.address, d.secret, d.tries, o.seq, o.at, o.project_id,"
        " o.sync_id, o.kind, o.document",
        (now, [way[0] for way in ways], [way[1] for way in ways], now + LEASE),
    ).fetchone()
    if found is None:
        return None
    message_id, address, secret, tries, seq, at, project_id, sync_id, kind, document = found
    event = Event(
        seq=seq,
        at=at,
        project_id=project_id,
        sync_id=sync_id,
        kind=EventKind(kind),
        document=document,
    )
    return Delivery(message_id=message_id, address=address, secret=secret, tries=tries, event=event)


def delivered(connection: Connection, delivery: Delivery, *, now: datetime) -> None:
    """Note that it arrived, also where somebody else has taken it meanwhile."""
    connection.execute(
        "update livesync.deliveries set state = 'delivered', delivered_at = %s, error = null"
        " where message_id = %s and seq = %s",
        (now, delivery.message_id, delivery.event.seq),
    )


def failed(
    connection: Connection, delivery: Delivery, error: str, *, again_at: datetime | None
) -> None:
    """Note why it did not arrive, and when it is tried again; None: no more.

    Says nothing where the delivery is not ours any more.
    """
    connection.execute(
        "update livesync.deliveries set error = %s, not_before = coalesce(%s, not_before),"
        " state = case when %s then state else 'dead' end"
        " where message_id = %s and seq = %s and tries = %s and state = 'waiting'",
        (
            error,
            again_at,
            again_at is not None,
            delivery.message_id,
            delivery.event.seq,
            delivery.tries,
        ),
    )


def unsendable(connection: Connection, way: Way, error: str) -> None:
    """Note why this process cannot send on a way. It is no try: another one may."""
    connection.execute(
        "update livesync.deliveries set error = %s where state = 'waiting' and address = %s"
        " and secret is not distinct from %s and error is distinct from %s",
        (error, *way, error),
    )


def silence(connection: Connection, address: str, error: str, *, now: datetime) -> None:
    """Send nothing more to an address that wants no more, until somebody says `retry`."""
    with connection.transaction():
        connection.execute(
            "insert into livesync.silenced (address, since) values (%s, %s)"
            " on conflict (address) do nothing",
            (address, now),
        )
        connection.execute(
            "update livesync.deliveries set state = 'dead', error = %s"
            " where address = %s and state = 'waiting'",
            (error, address),
        )


def retry(connection: Connection, *, sync_id: str | None, now: datetime) -> int:
    """Give what is dead, of one sync or of all, its tries anew; returns how many."""
    with connection.transaction():
        revived = connection.execute(
            "update livesync.deliveries d set state = 'waiting', tries = 0, not_before = %s,"
            " waits_since = %s from livesync.outbox o where o.seq = d.seq and d.state = 'dead'"
            " and (%s::text is null or o.sync_id = %s) returning d.address",
            (now, now, sync_id, sync_id),
        ).fetchall()
        connection.execute(
            "delete from livesync.silenced where %s::text is null or address = any(%s)",
            (sync_id, [address for (address,) in revived]),
        )
        connection.execute("select pg_notify(%s, '')", (CHANNEL,))
    return len(revived)


def listed(
    connection: Connection, *, sync_id: str | None = None, limit: int = 100
) -> list[dict[str, Any]]:
    """What was told to whom and what became of it, the newest first."""
    return rows(
        connection,
        "select o.seq, o.at, o.sync_id, o.kind, d.address, d.message_id::text, d.state, d.tries,"
        " case when d.state = 'waiting' then d.not_before end as not_before, d.delivered_at,"
        " d.error, o.document ->> 'message' as message"
        " from livesync.deliveries d join livesync.outbox o using (seq)"
        " where %s::text is null or o.sync_id = %s order by o.seq desc, d.address limit %s",
        (sync_id, sync_id, limit),
    )


def silenced(connection: Connection) -> list[str]:
    """The addresses that want no more."""
    found = connection.execute("select address from livesync.silenced order by address")
    return [address for (address,) in found]


def count_dead(connection: Connection) -> int:
    row = connection.execute(
        "select count(*) from livesync.deliveries where state = 'dead'"
    ).fetchone()
    return row[0] if row else 0


def next_at(connection: Connection, *, after: datetime) -> datetime | None:
    """When the next try after this moment is due; None where there is none."""
    row = connection.execute(
        "select min(not_before) from livesync.deliveries"
        " where state = 'waiting' and not_before > %s",
        (after,),
    ).fetchone()
    return row[0] if row else None


def listen(connection: Connection) -> None:
    """From now on this connection hears of new deliveries."""
    connection.execute(f"listen {CHANNEL}".encode())


def wait(connection: Connection, *, timeout_s: float) -> bool:
    """Return when a connection that listens has heard of something new, or the time is over."""
    return any(True for _ in connection.notifies(timeout=timeout_s, stop_after=1))
