"""Looks at sources whose time has come: what came of many of them is written at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.operations import in_flight

KEPT = timedelta(days=30)
"""So long it is known how many sources were asked when."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one look: when the sync is due again, what its source said (None: nothing that
    could be compared), and whether it is queued. Of one that `hangs`, a run will take long."""

    sync_id: str
    due_at: datetime | None
    mark: str | None
    queued: bool
    hangs: bool


def note(connection: Connection, found: Sequence[Looked], *, now: datetime) -> None:
    """Keep what these sources said, with one line of history for all of them."""
    connection.execute(
        "update livesync.syncs s set next_due_at = f.due_at, mark = coalesce(f.mark, s.mark),"
        " takes_long = case when f.hangs then true else s.takes_long end, looked_at = %s"
        " from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::boolean[])"
        " f (sync_id, due_at, mark, hangs) where s.sync_id = f.sync_id",
        (
            now,
            [one.sync_id for one in found],
            [one.due_at for one in found],
            [one.mark for one in found],
            [one.hangs for one in found],
        ),
    )
    connection.execute(
        "insert into livesync.looks (at, asked, changed) values (%s, %s, %s)",
        (now, len(found), sum(one.queued for one in found)),
    )


def since(connection: Connection, moment: datetime) -> dict[str, Any]:
    """How many sources were asked since, and how many of them had changed."""
    return rows(
        connection,
        "select coalesce(sum(asked), 0)::bigint as asked, coalesce(sum(changed), 0)::bigint as"
        " changed from livesync.looks where at > %s",
        (moment,),
    )[0]


def drop(connection: Connection, *, before: datetime, limit: int) -> int:
    """Take out old lines; how many."""
    return connection.execute(
        "delete from livesync.looks where ctid = any(array("
        "select ctid from livesync.looks where at < %s limit %s))",
        (before, limit),
    ).rowcount


def realtime(connection: Connection, platforms: Sequence[str], *, limit: int) -> list[str]:
    """The syncs that are to follow a source of these platforms at once."""
    found = connection.execute(
        "select s.sync_id from livesync.syncs s"
        " join livesync.connections c on c.name = s.connection"
        " where s.state = 'active' and s.config ->> 'schedule' = 'realtime'"
        " and c.platform = any(%s) order by s.sync_id limit %s",
        (list(platforms), limit),
    )
    return [sync_id for (sync_id,) in found]


def note_watched(connection: Connection, sync_ids: Sequence[str], *, until: datetime) -> None:
    """Somebody waits beside the sources of these syncs, so that they need be asked less often."""
    connection.execute(
        "update livesync.syncs set watched_until = %s where sync_id = any(%s)",
        (until, list(sync_ids)),
    )


def watched(connection: Connection, sync_ids: Sequence[str], *, now: datetime) -> set[str]:
    """Those of these syncs beside whose source somebody waits."""
    found = connection.execute(
        "select sync_id from livesync.syncs where sync_id = any(%s) and watched_until > %s",
        (list(sync_ids), now),
    )
    return {sync_id for (sync_id,) in found}


@dataclass(frozen=True, slots=True)
class Stale:
    """The sync of a platform that has gone longest without a run, and when any of them ran."""

    sync_id: str
    platform_ran_at: datetime


def stalest(connection: Connection, platform: str) -> Stale | None:
    """None where a sync of the platform waits or is being worked on, or none has ever run."""
    found = connection.execute(
        "select s.sync_id, max(last.finished_at) over (),"
        " bool_or(exists (select from livesync.queue q where q.sync_id = s.sync_id)) over ()"
        " from livesync.syncs s join livesync.connections c on c.name = s.connection"
        " left join lateral (select finished_at from livesync.operations o"
        " where o.sync_id = s.sync_id and finished_at is not null"
        " order by started_at desc limit 1) last on true"
        " where s.state = 'active' and s.config ->> 'schedule' <> 'manual' and c.platform = %s"
        " order by last.finished_at nulls first, s.sync_id",
        (platform,),
    ).fetchall()
    busy = in_flight(connection)
    if not found or found[0][1] is None or found[0][2] or any(s in busy for s, _, _ in found):
        return None
    return Stale(found[0][0], found[0][1])
