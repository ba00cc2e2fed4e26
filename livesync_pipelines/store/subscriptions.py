"""What platforms are asked to tell us: what there is to be, what there is, and what comes next.

A line is worked on by one process at a time; its `fence` counts who has taken it, so that one that
comes back too late changes nothing. What is to be asked is written down before it is asked: a
platform may ask back before it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from livesync_pipelines.core.patience import backoff_s
from livesync_pipelines.store.catching_up import catching_up
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.locks import AdvisoryLock

Asking = Literal["subscribe", "unsubscribe"]

ANSWERED_WITHIN = timedelta(minutes=5)
"""A platform that asks back does so in this time, or it is asked again."""

ABANDONED_AFTER = timedelta(minutes=2)
"""Whoever took a line and has not said what came of it in this time is dead."""

LEASE = timedelta(days=10)
"""What is asked for where a platform lets us choose, and taken for given where it does not say."""

RENEWED_AT = 2 / 3
"""Of its lease; what has none, or a long one, is looked after every so often all the same:"""

LOOKED_AFTER = timedelta(hours=1)
LONGEST = timedelta(days=10)
ENDED_AFTER = 5
"""What cannot be ended after so many tries is left to end by itself."""

KEPT = timedelta(days=30)
"""So long it is known what there was."""

_UNANSWERED = {
    "code": "unanswered",
    "message": "The platform took the request, and has not asked back at our address.",
    "hint": "Does LIVESYNC_PUBLIC_URL lead to the HTTP door, from outside?",
    "where": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One line. `options` are the connection's when it was made, as the user wrote them; `held` is
    the connector's; `base` our public address, empty where the platform does not call it."""

    id: str
    connection: str
    project_id: str
    platform: str
    options: Mapping[str, Any]
    base: str
    wanted: bool
    asking: Asking | None
    topic: str
    name: str
    held: str
    confirmed_at: datetime | None
    expires_at: datetime | None
    failures: int
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a platform holds for us, as its connector says it; `key_mark` is of the secret that it
    was told."""

    topic: str
    name: str
    held: str
    expires_at: datetime | None
    key_mark: bytes


_COLUMNS = (
    "id::text, connection, project_id, platform, options, base, wanted, asking, topic, name, held,"
    " confirmed_at, expires_at, failures, fence"
)


@contextmanager
def looked_after(connection: Connection) -> Iterator[bool]:
    """Whether this connection is the one that looks after subscriptions, while this lasts."""
    found = connection.execute(
        "select pg_try_advisory_lock(%s)", (AdvisoryLock.SUBSCRIPTIONS,)
    ).fetchone()
    try:
        yield found == (True,)
    finally:
        if found == (True,):
            connection.execute("select pg_advisory_unlock(%s)", (AdvisoryLock.SUBSCRIPTIONS,))


_TO_BE = """
with asked (platform, key, scheme) as (
    select * from unnest(%(platforms)s::text[], %(keys)s::text[], %(schemes)s::text[])),
to_be as (
    select c.name, c.project_id, c.platform, c.options,
           case when a.key = 'webhook' then %(base)s::text else '' end as base
    from livesync.connections c join asked a on a.platform = c.platform
    where case when a.key = 'webhook' then c.webhook ->> 'scheme' = a.scheme and %(base)s <> ''
               else coalesce(c.options ->> a.key, '') <> '' end
    and exists (select from livesync.syncs s where s.state = 'active'
        and s.config ->> 'schedule' <> 'manual' and (s.connection = c.name
        or (s.target = c.name and s.config ->> 'mode' <> 'pull'))))
"""


def reconcile(
    connection: Connection,
    asked: Sequence[tuple[str, str, str]],
    *,
    base: str,
    now: datetime,
) -> None:
    """Make what is wanted what there is to be: one for each connection that asks for it, has a sync
    that is not paused, and is as it was when the subscription was made.

    One that is to end and does not is let go once its time is over, or after `ENDED_AFTER` tries.

    `asked`: by platform, the key of a connection that asks for it, and the platform's scheme.
    """
    values = {
        "platforms": [platform for platform, _, _ in asked],
        "keys": [key for _, key, _ in asked],
        "schemes": [scheme for _, _, scheme in asked],
        "base": base,
        "now": now,
    }
    with connection.transaction():
        connection.execute(
            "update livesync.subscriptions set state = 'gone', asking = null, next_at = %s"
            " where not wanted and state <> 'gone' and (failures >= %s or expires_at <= %s)",
            (now, ENDED_AFTER, now),
        )
        connection.execute(
            f"{_TO_BE} update livesync.subscriptions s set wanted = false, asking = null,"
            " awaiting = false, failures = 0, told = false, next_at = %(now)s, fence = fence + 1,"
            " state = case when asked_at is null then 'gone' else state end"
            " where wanted and not exists (select from to_be t where t.name = s.connection"
            " and (t.platform, t.options, t.base) = (s.platform, s.options, s.base))".encode(),
            values,
        )
        connection.execute(
            f"{_TO_BE} insert into livesync.subscriptions"
            " (connection, project_id, platform, options, base, next_at, made_at)"
            " select name, project_id, platform, options, base, %(now)s, %(now)s from to_be t"
            " where not exists (select from livesync.subscriptions s"
            " where s.wanted and s.connection = t.name) on conflict do nothing".encode(),
            values,
        )


def due(connection: Connection, *, now: datetime, limit: int = 500) -> list[Subscription]:
    """Those of which something is to be asked now; first of all those that are to end."""
    found = rows(
        connection,
        f"select {_COLUMNS} from livesync.subscriptions where state <> 'gone' and next_at <= %s"
        " order by wanted, next_at limit %s",
        (now, limit),
    )
    return [Subscription(**row) for row in found]


def take(connection: Connection, one: Subscription, *, now: datetime) -> Subscription | None:
    """This line for us, and what is asked for noted; None where somebody else had it meanwhile. A
    request before that was never confirmed counts as a failure."""
    found = rows(
        connection,
        "update livesync.subscriptions set fence = fence + 1, asked_at = %(now)s,"
        " next_at = %(later)s, asking = %(asking)s, awaiting = false,"
        " failures = failures + awaiting::int,"
        " state = case when awaiting and wanted then 'failing' else state end,"
        " error = case when awaiting then %(unanswered)s else error end"
        f" where id = %(id)s and fence = %(fence)s and state <> 'gone' returning {_COLUMNS}",
        {
            "id": one.id,
            "fence": one.fence,
            "now": now,
            "later": now + ABANDONED_AFTER,
            "asking": "subscribe" if one.wanted else "unsubscribe",
            "unanswered": Jsonb(_UNANSWERED),
        },
    )
    return Subscription(**found[0]) if found else None


def found(connection: Connection, one: Subscription, terms: Terms) -> bool:
    """Note what is asked for; False where the line is somebody else's by now: nothing may be asked
    then."""
    return (
        connection.execute(
            "update livesync.subscriptions set topic = %s, held = %s, name = %s"
            " where id = %s and fence = %s",
            (terms.topic, terms.held, terms.name, one.id, one.fence),
        ).rowcount
        == 1
    )


def asked(connection: Connection, one: Subscription, *, mark: bytes, now: datetime) -> None:
    """The platform has taken the request, and confirms it when it asks back; it may have done so
    already."""
    patience = timedelta(seconds=backoff_s(one.failures, one.id)) if one.failures else timedelta()
    connection.execute(
        "update livesync.subscriptions set key_mark = %s,"
        " awaiting = asking is not null,"
        " next_at = case when asking is null then next_at else %s end"
        " where id = %s and fence = %s",
        (mark, now + max(ANSWERED_WITHIN, patience), one.id, one.fence),
    )


def confirmed(connection: Connection, one: Subscription, terms: Terms, *, now: datetime) -> None:
    """The platform will tell us."""
    with catching_up(connection, one.id, now=now):
        connection.execute(
            "update livesync.subscriptions set state = 'active', asking = null, awaiting = false,"
            " failures = 0, error = null, topic = %s, name = %s, held = %s, expires_at = %s,"
            " key_mark = %s, confirmed_at = %s, next_at = %s"
            " where id = %s and fence = %s and wanted",
            (
                terms.topic,
                terms.name,
                terms.held,
                terms.expires_at,
                terms.key_mark,
                now,
                renewed_at(terms.expires_at, now=now),
                one.id,
                one.fence,
            ),
        )


def renewed_at(expires_at: datetime | None, *, now: datetime) -> datetime:
    """When it is looked after again."""
    if expires_at is None:
        return now + LOOKED_AFTER
    return now + min((expires_at - now) * RENEWED_AT, LONGEST)


def failed(
    connection: Connection, one: Subscription, error: Mapping[str, str], *, now: datetime
) -> None:
    """It could not be asked for, and has not been confirmed all the same: that is tried again,
    after longer and longer."""
    failures = one.failures + 1
    connection.execute(
        "update livesync.subscriptions set failures = %s, error = %s, next_at = %s,"
        " state = case when wanted then 'failing' else state end"
        " where id = %s and fence = %s and asking is not null",
        (
            failures,
            Jsonb(dict(error)),
            now + timedelta(seconds=backoff_s(failures, one.id)),
            one.id,
            one.fence,
        ),
    )


def ask_now(connection: Connection, names: Sequence[str], *, now: datetime) -> None:
    """Their connections can be called for again: whoever could not be asked is asked now."""
    connection.execute(
        "update livesync.subscriptions set next_at = %s"
        " where connection = any(%s) and wanted and state = 'failing'",
        (now, list(names)),
    )


def ended(connection: Connection, one: Subscription, *, now: datetime) -> None:
    """The platform tells us no more."""
    connection.execute(
        "update livesync.subscriptions set state = 'gone', asking = null, error = null,"
        " next_at = %s where id = %s and fence = %s",
        (now, one.id, one.fence),
    )


def drop(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete lines of what ended before this; returns how many."""
    return connection.execute(
        "delete from livesync.subscriptions where id in (select id from livesync.subscriptions"
        " where state = 'gone' and next_at < %s limit %s)",
        (before, limit),
    ).rowcount
