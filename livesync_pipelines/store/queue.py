"""The durable queue: one line per sync that is to be looked at, however many hints there were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import Operation, in_flight

CHANNEL = "livesync_queue"
AGES_IN = timedelta(minutes=10)
"""Who has waited so long stands as high as one who is a rank more urgent and has just come."""

STARTS_WITHIN = timedelta(seconds=15)
"""A run that has a place begins its operation in this time."""

_DOUBLINGS = 6
"""A request that is lost again and again is made after 15 s, 30 s, up to 16 minutes."""

_RANK = {Priority.CRITICAL: 0, Priority.NORMAL: 1, Priority.LOW: 2}
LONG = 3
"""How urgent is what may take long and is not critical: what is quick goes before it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A sync that is to be run, and the key that makes this request one of a kind. `rank` is 0
    for critical syncs, 1 for normal ones, 2 for the rest. `takes_long` tells whether its last
    operation did; None of one that has had none, unless it is to be followed in real time."""

    sync_id: str
    platform: str
    trigger: Trigger
    full: bool
    key: str
    rank: int
    takes_long: bool | None


def put(
    connection: Connection,
    sync_id: str,
    *,
    trigger: Trigger,
    priority: Priority,
    full: bool = False,
) -> None:
    """Note that a sync is to be looked at, and wake whoever waits for that."""
    _put(connection, (sync_id, trigger, full, _RANK[priority], None, 1))


def put_back(connection: Connection, operation: Operation, *, not_before: datetime) -> None:
    """Note that what this operation has not done is to be done later. That tells of nothing new:
    if the operation owes no look, it is only to be finished."""
    sync = operation.sync
    rank, hints = _RANK[sync.priority], int(operation.owes_look)
    _put(connection, (sync.sync_id, operation.trigger, operation.full, rank, not_before, hints))


def _put(connection: Connection, line: tuple[Any, ...]) -> None:
    """Of several times the earliest counts."""
    connection.execute(
        "with put as (insert into livesync.queue"
        " (sync_id, trigger, full_resync, priority, not_before, hints)"
        " values (%s, %s, %s, %s, %s, %s) on conflict (sync_id) do update set"
        " not_before = case when livesync.queue.not_before > excluded.not_before"
        " then excluded.not_before end,"
        " hints = livesync.queue.hints + excluded.hints, hinted_at = excluded.hinted_at,"
        " full_resync = livesync.queue.full_resync or excluded.full_resync,"
        " priority = least(livesync.queue.priority, excluded.priority))"
        " select pg_notify(%s, '')",
        (*line, CHANNEL),
    )


def hint(
    connection: Connection, sources: Sequence[str], *, trigger: Trigger = Trigger.WEBHOOK
) -> None:
    """Note that these connections may hold something new, for each of their active syncs that does
    not wait for a person. Who waits because a source failed waits on: a hint is no reason to ask
    it sooner."""
    connection.execute(
        "with put as (insert into livesync.queue (sync_id, trigger, priority)"
        " select sync_id, %(trigger)s, (%(ranks)s::jsonb ->> (config ->> 'priority'))::integer"
        " from livesync.syncs where state = 'active' and config ->> 'schedule' <> 'manual'"
        " and (connection = any(%(sources)s)"
        " or (target = any(%(sources)s) and config ->> 'mode' <> 'pull'))"
        " order by sync_id on conflict (sync_id) do update"
        " set hints = livesync.queue.hints + 1, hinted_at = excluded.hinted_at,"
        " priority = least(livesync.queue.priority, excluded.priority))"
        " select pg_notify(%(channel)s, '')",
        {
            "trigger": trigger,
            "ranks": Jsonb(_RANK),
            "sources": list(sources),
            "channel": CHANNEL,
        },
    )


def take(
    connection: Connection,
    *,
    now: datetime,
    platform: str | None = None,
    limit: int = 100,
    down_to: int = LONG,
) -> list[Request]:
    """Hand out what waits and is no less urgent than `down_to` (a rank, or `LONG`), the most urgent
    first; waiting makes more urgent. The line goes when its operation begins.

    A sync that is being worked on is left for later: what it misses is still noted here.
    """
    found = connection.execute(
        _TAKE,
        {
            "busy": list(in_flight(connection)),
            "now": now,
            "platform": platform,
            "down_to": down_to,
            "long": LONG,
            "ages_in": AGES_IN,
            "limit": limit,
        },
    ).fetchall()
    return [
        Request(sync_id, platform, Trigger(trigger), full, _key(sync_id, since, request), *rest)
        for sync_id, platform, trigger, full, since, request, *rest, _ in sorted(
            found, key=_urgency
        )
    ]


_TAKE = """
with due as (
    select q.sync_id, c.platform, known.takes_long
    from livesync.queue q
    join livesync.syncs s using (sync_id)
    join livesync.connections c on c.name = s.connection,
    lateral (select coalesce(s.takes_long, nullif(s.config ->> 'schedule' <> 'realtime', true))
             as takes_long) known,
    lateral (select case when q.priority > 0 and (q.full_resync or known.takes_long is not false)
             then %(long)s else q.priority end as rank) standing
    where s.state = 'active' and not q.sync_id = any(%(busy)s)
      and requested_at is null and (not_before is null or not_before <= %(now)s)
      and (%(platform)s::text is null or c.platform = %(platform)s)
      and (standing.rank <= %(down_to)s
           or q.queued_at + (standing.rank - %(down_to)s) * %(ages_in)s <= %(now)s)
    order by q.queued_at + q.priority * %(ages_in)s, q.sync_id limit %(limit)s
    for update of q skip locked)
update livesync.queue q set requested_at = %(now)s, request = q.request + 1 from due
where q.sync_id = due.sync_id
returning q.sync_id, due.platform, q.trigger, q.full_resync, extract(epoch from q.queued_at)::text,
    q.request, q.priority, due.takes_long, q.queued_at + q.priority * %(ages_in)s
"""


def _key(sync_id: str, since: str, request: int) -> str:
    return f"{sync_id}:{since}:{request}"


def waits(connection: Connection, sync_id: str) -> bool:
    """Whether somebody wants this sync to be looked at, and no operation has begun since."""
    found = connection.execute("select from livesync.queue where sync_id = %s", (sync_id,))
    return found.rowcount > 0


def unanswered(connection: Connection, *, now: datetime) -> dict[str, str]:
    """The syncs whose request has begun no operation a while after it was handed out, each with
    the request's key: its run waits for a place, or was lost before it was made, or failed before
    its operation began. The more often that happens, the longer is a while."""
    found = connection.execute(
        "select sync_id, extract(epoch from queued_at)::text, request from livesync.queue"
        " where requested_at < %s - %s * power(2, least(request - 1, %s))"
        " and not sync_id = any(%s)",
        (now, STARTS_WITHIN, _DOUBLINGS, list(in_flight(connection))),
    )
    return {sync_id: _key(sync_id, since, request) for sync_id, since, request in found}


def ask_again(connection: Connection, sync_id: str) -> None:
    """Nobody has the request of this sync any more: hand it out anew."""
    connection.execute(
        "update livesync.queue set requested_at = null where sync_id = %s", (sync_id,)
    )
    connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def try_now(connection: Connection, sync_ids: Sequence[str]) -> None:
    """What of these waits for another try does not wait any longer: something was mended."""
    connection.execute(
        "update livesync.queue set not_before = null where sync_id = any(%s)", (list(sync_ids),)
    )
    connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def waiting_critical(connection: Connection, platform: str, *, now: datetime) -> str | None:
    """A critical sync of this platform that was handed to a run a while ago and has not begun:
    all places are taken."""
    found = connection.execute(
        "select q.sync_id from livesync.queue q join livesync.syncs s using (sync_id)"
        " join livesync.connections c on c.name = s.connection"
        " where q.priority = %s and q.requested_at < %s and s.state = 'active'"
        " and c.platform = %s order by q.queued_at limit 1",
        (_RANK[Priority.CRITICAL], now - STARTS_WITHIN, platform),
    ).fetchone()
    return found[0] if found else None


def _urgency(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[-1], row[0]


def watch(connection: Connection) -> bool:
    """Whether this connection is the one that looks after realtime sources, for as long as it
    lives: the first that asks is."""
    query = "select pg_try_advisory_lock(%s)"
    return connection.execute(query, (AdvisoryLock.WATCH,)).fetchone() == (True,)


def listen(connection: Connection) -> None:
    """From now on nothing that is put into the queue is missed by `wait`."""
    connection.execute(f"listen {CHANNEL}".encode())


def wake(connection: Connection, sync_id: str) -> None:
    """This sync is free again: if it was asked for meanwhile, wake whoever waits."""
    connection.execute(
        "select pg_notify(%s, '') from livesync.queue where sync_id = %s and requested_at is null",
        (CHANNEL, sync_id),
    )


def wait(connection: Connection, *, timeout_s: float) -> bool:
    """Return when somebody puts a line into the queue, or the time is over."""
    listen(connection)
    return any(True for _ in connection.notifies(timeout=timeout_s, stop_after=1))


def depth(connection: Connection) -> tuple[int, datetime | None]:
    """How many syncs wait, and since when the first of them."""
    row = connection.execute("select count(*), min(queued_at) from livesync.queue").fetchone()
    assert row is not None
    return row[0], row[1]
