"""What is due is looked at; what has changed, or cannot be asked cheaply, is queued."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from livesync_pipelines.connectors.base import Probes
from livesync_pipelines.core import cadence
from livesync_pipelines.engine import announcements, asking
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import connected
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Connection as Source
from livesync_pipelines.model.sync import SyncConfig, Trigger
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.store import announced, catalog, looks, queue, shadow, sweeps
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.looks import Looked
from livesync_pipelines.store.sweeps import Due

_WIDTH = 6
"""So many sources are asked side by side: fewer than there are shared connections."""

_PIECE = 500
"""So many answers are written together."""

WATCHED_EVERY = timedelta(minutes=1)
"""How often a source is asked all the same that somebody waits beside."""


def sweep(
    engine: Engine, *, platform: str | None = None, realtime: bool | None = None
) -> list[str]:
    """Look at every sync whose time has come (see `sweeps.due`); returns those that were queued.
    Beside realtime syncs, only a few that are new or changed: the next minute has the rest.

    A source that can be asked cheaply and answers as it did before costs no run. One that
    cannot be asked is queued all the same, so that its run tells what is wrong. Where realtime
    syncs are looked at, so are the queues that platforms leave messages in.
    """
    if not engine.enabled:
        return []
    if realtime is not False:
        announcements.collect(engine)
    now = engine.now()
    queued: list[str] = []
    with engine.database.connect() as connection, sweeps.sweeping(connection) as mine:
        due = sweeps.due(connection, now=now, platform=platform, realtime=realtime)
        if realtime:
            due = _with_few_others(due)
        for start in range(0, len(due) if mine else 0, _PIECE):
            queued += _look(engine, connection, due[start : start + _PIECE], now=now)
        if mine and realtime is not True:
            announced.tighten(connection, now=now)
    return queued


def _with_few_others(due: Sequence[Due]) -> list[Due]:
    others = [line for line in due if line[1] != "realtime"]
    return others[:_WIDTH] + [line for line in due if line[1] == "realtime"]


def refresh(engine: Engine, platform: str) -> str | None:
    """Queue the sync of a platform that has gone longest without a run, if the platform has had
    none for as long as its most frequent sync may be quiet: sources that say "nothing new" are
    so believed for a time only, and the platform's assets stay fresh. Returns the sync, if any.
    """
    if not engine.enabled:
        return None
    now = engine.now()
    with engine.database.connect() as connection, sweeps.sweeping(connection) as mine:
        schedules = [s for name, s in catalog.schedules(connection) if name == platform]
        quiet = cadence.longest_quiet(map(cadence.parse, schedules))
        stale = looks.stalest(connection, platform) if mine and quiet else None
        if stale is None or quiet is None or stale.platform_ran_at > now - quiet:
            return None
        priority = catalog.sync(connection, stale.sync_id).priority
        queue.put(connection, stale.sync_id, trigger=Trigger.POLL, priority=priority)
    return stale.sync_id


def _look(
    engine: Engine,
    connection: Connection,
    due: Sequence[Due],
    *,
    now: datetime,
) -> list[str]:
    """Ask the sources of these syncs side by side; returns those that are queued now."""
    names = [sync_id for sync_id, _, _ in due]
    syncs = {sync.sync_id: sync for sync in catalog.syncs(connection, names)}
    sources = catalog.connections(connection, [sync.connection for sync in syncs.values()])
    watched = looks.watched(connection, names, now=now)
    due = [line for line in due if line[0] in syncs]

    def answer(line: Due) -> str | None:
        sync = syncs[line[0]]
        return _ask(engine, sync, sources[sync.connection], line[2])

    answers = list(fan_out(answer, due, width=_WIDTH))
    found = [
        Looked(
            sync_id,
            now + WATCHED_EVERY
            if schedule == "realtime" and sync_id in watched
            else cadence.next_due(cadence.parse(schedule), after=now, spread_key=sync_id),
            said,
            queued=said is None or said != mark,
        )
        for (sync_id, schedule, mark), said in zip(due, answers, strict=True)
    ]
    with connection.transaction():
        for one, (_, schedule, mark) in zip(found, due, strict=True):
            if one.queued:
                trigger = Trigger.WATCH if schedule == "realtime" and mark else Trigger.POLL
                priority = syncs[one.sync_id].priority
                queue.put(connection, one.sync_id, trigger=trigger, priority=priority)
        looks.note(connection, found, now=now)
    return [one.sync_id for one in found if one.queued]


def _ask(engine: Engine, sync: SyncConfig, source: Source, mark: str | None) -> str | None:
    """The source's mark, or None where it cannot tell, or tells of news; also where a budget makes
    it wait, for a sweep does not."""
    sync_id = sync.sync_id
    with suppress(Exception):  # whatever it is, the run will tell; the other syncs go on
        if sync.target is not None:
            return asking.ask_ends(engine, sync, mark)
        if issubclass(engine.registry[source.platform], Probes):
            with (
                engine.database.pooled() as connection,
                connected(engine, source, sync, Lane.LIVE, patience_s=0.0) as asked,
            ):
                memory = shadow.StoredMemory(connection, sync_id, catalog.note(connection, sync_id))
                return asked.probe(memory) if isinstance(asked, Probes) else None
    return None
