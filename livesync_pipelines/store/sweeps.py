"""Which syncs are to be looked at because their time has come, and who may look for them now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.operations import in_flight

LEFT_S = 120.0
"""An operation that was broken off is left to Dagster for so long, who starts the run of a process
that died anew; twice as long with each that was broken off within a day, for `_MOST_LEFT` times."""

_MOST_LEFT = 9

Due = tuple[str, str, str | None]  # a sync, its schedule, what its source answered last


def due(
    connection: Connection,
    *,
    now: datetime,
    platform: str | None = None,
    realtime: bool | None = None,
) -> list[Due]:
    """Syncs whose time has come, or whose last operation was broken off, and that nobody works on.

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
        " and (next_due_at is null or next_due_at <= %s"
        " or sync_id in (select o.sync_id from livesync.operations o where o.status = 'running'"
        " and o.started_at < %s - %s * power(2, (select least(count(*), %s)"
        " from livesync.operations b where b.sync_id = o.sync_id and b.status = 'interrupted'"
        " and b.error is null and b.started_at > %s))))"
        " and not sync_id = any(%s)"
        " and not exists (select from livesync.queue q where q.sync_id = s.sync_id)"
        " order by next_due_at nulls first, sync_id",
        (
            *(CHUNKER_VERSION, now, now),
            *(platform, platform),
            *(realtime, realtime, realtime),
            *(now, now, timedelta(seconds=LEFT_S), _MOST_LEFT, now - timedelta(days=1)),
            busy,
        ),
    ).fetchall()


@contextmanager
def sweeping(connection: Connection) -> Iterator[bool]:
    """Whether what is due may be looked for now; not while a first cycle has the house."""
    query = "select pg_try_advisory_lock_shared(%s)"
    got = connection.execute(query, (AdvisoryLock.SWEEP,)).fetchone()
    try:
        yield bool(got and got[0])
    finally:
        if got and got[0]:
            connection.execute("select pg_advisory_unlock_shared(%s)", (AdvisoryLock.SWEEP,))


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Keep everybody else from sweeping, for as long as this lasts."""
    connection.execute("select pg_advisory_lock(%s)", (AdvisoryLock.SWEEP,))
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(%s)", (AdvisoryLock.SWEEP,))
