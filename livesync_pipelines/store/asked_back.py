"""What the gate asks of subscriptions: which there are, and whether one has been asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg.types.json import Jsonb

from livesync_pipelines.auth.websub import DENIED, UNSUBSCRIBE, Asked
from livesync_pipelines.core.patience import backoff_s
from livesync_pipelines.store.catching_up import catching_up
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.subscriptions import LEASE, renewed_at

_LONGEST_LEASE = timedelta(days=3_650)


def live(connection: Connection) -> dict[str, str]:
    """The connection of each subscription that a platform may call for, by the name of the
    subscription."""
    found = connection.execute(
        "select id::text, connection from livesync.subscriptions where wanted and state <> 'gone'"
    )
    return dict(found.fetchall())


def confirm(connection: Connection, asked: Asked, *, of: tuple[str, str], now: datetime) -> bool:
    """Whether exactly this was asked for, and is confirmed by this question and by none before it.
    `of`: the platform and the connection at whose address it came."""
    if asked.mode == DENIED:
        return _denied(connection, asked, of, now)
    if asked.mode == UNSUBSCRIBE:
        return _unsubscribed(connection, asked, of, now)
    return _subscribed(connection, asked, of, now)


def _subscribed(connection: Connection, asked: Asked, of: tuple[str, str], now: datetime) -> bool:
    expires_at = now + min(asked.lease or LEASE, _LONGEST_LEASE)
    next_at = renewed_at(expires_at, now=now)
    with catching_up(connection, asked.subscription, now=now):
        done = connection.execute(
            "update livesync.subscriptions set state = 'active', asking = null, awaiting = false,"
            " failures = 0, error = null, confirmed_at = %s, expires_at = %s, next_at = %s"
            " where id = %s::uuid and (platform, connection, topic) = (%s, %s, %s)"
            " and asking = 'subscribe' and wanted",
            (now, expires_at, next_at, asked.subscription, *of, asked.topic),
        )
    return done.rowcount == 1


def _unsubscribed(connection: Connection, asked: Asked, of: tuple[str, str], now: datetime) -> bool:
    done = connection.execute(
        "update livesync.subscriptions set state = 'gone', asking = null, awaiting = false,"
        " error = null, next_at = %s"
        " where id = %s::uuid and (platform, connection, topic) = (%s, %s, %s)"
        " and asking = 'unsubscribe' and not wanted",
        (now, asked.subscription, *of, asked.topic),
    )
    return done.rowcount == 1


def _denied(connection: Connection, asked: Asked, of: tuple[str, str], now: datetime) -> bool:
    """The platform tells us no longer, which it may say at any time; it is asked again later."""
    said = {
        "code": "denied",
        "message": f"The platform denies it{f': {asked.reason}' if asked.reason else '.'}",
        "hint": "It is polled all the same. Ask its owner, or take out `webhook`.",
        "where": "",
    }
    with connection.transaction():
        found = connection.execute(
            "select failures from livesync.subscriptions"
            " where id = %s::uuid and (platform, connection, topic) = (%s, %s, %s)"
            " and wanted and state <> 'gone' for update",
            (asked.subscription, *of, asked.topic),
        ).fetchone()
        if found is None:
            return False
        failures = found[0] + 1
        wait = timedelta(seconds=backoff_s(failures, asked.subscription))
        connection.execute(
            "update livesync.subscriptions set state = 'failing', asking = null, awaiting = false,"
            " failures = %s, confirmed_at = null, error = %s, next_at = %s where id = %s::uuid",
            (failures, Jsonb(said), now + wait, asked.subscription),
        )
    return True
