"""The durable queue: one line per sync that is to be looked at, however many hints there were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, in_flight

_SWEEP_LOCK, _WATCH_LOCK = 7_340_003, 7_340_006
CHANNEL = "livesync_queue"
AGES_IN = timedelta(minutes=10)
"""Who has waited so long stands as high as one who is a rank more urgent and has just come."""

STARTS_WITHIN = timedelta(seconds=15)
"""A run that has a place begins its operation in this time."""

_DOUBLINGS = 6
"""A request that is lost again and again is made after 15 s, 30 s, up to 16 minutes."""

_RANK = {Priority.CRITICAL: 0, Priority.NORMAL: 1, Priority.LOW: 2}


@dataclass(frozen=True, slots=True)
class Request:
    """A sync that is to be run, and the key that makes this request one of a kind. `rank` is 0
    for critical syncs, 1 for normal ones, 2 for the rest."""

    sync_id: str
    platform: str
    trigger: Trigger
    full: bool
    key: str
    rank: int


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
    with connection.transaction():
        connection.execute(
            "insert into livesync.queue"
            " (sync_id, trigger, full_resync, priority, not_before, hints)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (sync_id) do update set"
            " not_before = case when livesync.queue.not_before > excluded.not_before"
            " then excluded.not_before end,"
            " hints = livesync.queue.hints + excluded.hints, hinted_at = excluded.hinted_at,"
            " full_resync = livesync.queue.full_resync or excluded.full_resync,"
            " priority = least(livesync.queue.priority, excluded.priority)",
            line,
        )
        connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def hint(
    connection: Connection, sources: Sequence[str], *, trigger: Trigger = Trigger.WEBHOOK
) -> None:
    """Note that these connections may hold something new, for each of their active syncs that does
    not wait for a person. Who waits because a source failed waits on: a hint is no reason to ask
    it sooner."""
    with connection.transaction():
        connection.execute(
            "insert into livesync.queue (sync_id, trigger, priority)"
            " select sync_id, %(trigger)s, (%(ranks)s::jsonb ->> (config ->> 'priority'))::integer"
            " from livesync.syncs where state = 'active' and config ->> 'schedule' <> 'manual'"
            " and (connection = any(%(sources)s)"
            " or (target = any(%(sources)s) and config ->> 'mode' <> 'pull'))"
            " order by sync_id on conflict (sync_id) do update"
            " set hints = livesync.queue.hints + 1, hinted_at = excluded.hinted_at,"
            " priority = least(livesync.queue.priority, excluded.priority)",
            {
                "trigger": trigger,
                "ranks": Jsonb(_RANK),
                "sources": list(sources),
            },
        )
        connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def take(
    connection: Connection,
    *,
    now: datetime,
    platform: str | None = None,
    limit: int = 100,
    down_to: Priority = Priority.LOW,
) -> list[Request]:
    """Hand out what waits and is no less urgent than `down_to`, the most urgent first; waiting
    makes more urgent. The line goes when its operation begins.

    A sync that is being worked on is left for later: what it misses is still noted here.
    """
    busy, rank = list(in_flight(connection)), _RANK[down_to]
    found = connection.execute(
        "with due as (select q.sync_id, c.platform from livesync.queue q"
        " join livesync.syncs s using (sync_id)"
        " join livesync.connections c on c.name = s.connection"
        " where s.state = 'active' and not q.sync_id = any(%s)"
        " and requested_at is null and (not_before is null or not_before <= %s)"
        " and (%s::text is null or c.platform = %s)"
        " and (q.priority <= %s or q.queued_at + (q.priority - %s) * %s <= %s)"
        " order by q.queued_at + q.priority * %s, q.sync_id limit %s"
        " for update of q skip locked)"
        " update livesync.queue q set requested_at = %s, request = q.request + 1 from due"
        " where q.sync_id = due.sync_id"
        " returning q.sync_id, due.platform, q.trigger, q.full_resync,"
        " extract(epoch from q.queued_at)::text, q.request, q.priority,"
        " q.queued_at + q.priority * %s as urgency",
        (busy, now, platform, platform, rank, rank, AGES_IN, now, AGES_IN, limit, now, AGES_IN),
    ).fetchall()
    return [
        Request(sync_id, platform, Trigger(trigger), full, _key(sync_id, since, request), rank)
        for sync_id, platform, trigger, full, since, request, rank, _ in sorted(found, key=_urgency)
    ]


def _key(sync_id: str, since: str, request: int) -> str:
    return f"{sync_id}:{since}:{request}"


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


Due = tuple[str, str, str | None]  # a sync, its schedule, what its source answered last


def due(
    connection: Connection,
    *,
    now: datetime,
    platform: str | None = None,
    realtime: bool | None = None,
) -> list[Due]:
    """Syncs whose time has come and that nobody works on.

    Of one platform or of all; only the `realtime` ones and what is new or changed, only those of
    other schedules, or all (None). A mark does not count after an operation that was left behind,
    nor while an item waits for another try, nor where an answer waits to be carried out, nor for
    what another chunker has cut.
    """
    busy = list(in_flight(connection))
    return connection.execute(
        "select sync_id, config ->> 'schedule', case when"
        " (capsule is not null and chunker_version <> %s) or"
        " exists (select from livesync.operations o where o.sync_id = s.sync_id"
        " and o.status = 'running')"
        " or exists (select from livesync.item_failures f where f.sync_id = s.sync_id"
        " and f.version is not null and f.retry_at <= %s)"
        " or exists (select from livesync.conflicts c where c.sync_id = s.sync_id"
        " and (c.state = 'answered' or (c.state = 'open' and c.policy <> 'loop'"
        " and c.deadline <= %s)))"
        " then null else mark end"
        " from livesync.syncs s"
        " join livesync.connections c on c.name = s.connection"
        " where state = 'active' and config ->> 'schedule' <> 'manual'"
        " and (%s::text is null or c.platform = %s)"
        " and (%s::boolean is null or (config ->> 'schedule' = 'realtime') = %s"
        " or (%s and next_due_at is null))"
        " and (next_due_at is null or next_due_at <= %s)"
        " and not sync_id = any(%s)"
        " and not exists (select from livesync.queue q where q.sync_id = s.sync_id)"
        " order by next_due_at nulls first, sync_id",
        (
            CHUNKER_VERSION,
            now,
            now,
            platform,
            platform,
            realtime,
            realtime,
            realtime,
            now,
            busy,
        ),
    ).fetchall()


@contextmanager
def sweeping(connection: Connection) -> Iterator[bool]:
    """Whether what is due may be looked for now; not while a first cycle has the house."""
    query = "select pg_try_advisory_lock_shared(%s)"
    got = connection.execute(query, (_SWEEP_LOCK,)).fetchone()
    try:
        yield bool(got and got[0])
    finally:
        if got and got[0]:
            connection.execute("select pg_advisory_unlock_shared(%s)", (_SWEEP_LOCK,))


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Keep everybody else from sweeping, for as long as this lasts."""
    connection.execute("select pg_advisory_lock(%s)", (_SWEEP_LOCK,))
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (_SWEEP_LOCK,))


def watch(connection: Connection) -> bool:
    """Whether this connection is the one that looks after realtime sources, for as long as it
    lives: the first that asks is."""
    query = "select pg_try_advisory_lock(%s)"
    return connection.execute(query, (_WATCH_LOCK,)).fetchone() == (True,)


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
