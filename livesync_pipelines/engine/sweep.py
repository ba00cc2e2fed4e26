"""What is due is looked at; what has changed, or cannot be asked cheaply, is queued."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import datetime, timedelta

from livesync_pipelines.core import cadence
from livesync_pipelines.engine import announcements, asking
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import IN_PASSING
from livesync_pipelines.model.sync import Connection as Source
from livesync_pipelines.model.sync import Priority, SyncConfig, Trigger
from livesync_pipelines.store import announced, catalog, looks, queue, sweeps
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.looks import Looked
from livesync_pipelines.store.sweeps import Due

_WIDTH = 6
"""So many sources are asked side by side: fewer than there are shared connections."""

_PIECE = 500
"""So many syncs are looked at together."""

_WRITTEN_AFTER_S = 1.0
"""So often what was answered is written, while others are waited for."""

_HANGS = timedelta(seconds=IN_PASSING.timeout_s)
"""Who has not answered after this time hangs."""

_Answer = tuple[Looked, Trigger, Priority]

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
    """Ask the sources of these syncs side by side; returns those that are queued now. What one has
    answered does not wait for those who hang."""
    names = [sync_id for sync_id, _, _ in due]
    syncs = {sync.sync_id: sync for sync in catalog.syncs(connection, names)}
    sources = catalog.connections(connection, [sync.connection for sync in syncs.values()])
    watched = looks.watched(connection, names, now=now)

    def answer(line: Due) -> _Answer:
        sync_id, schedule, mark = line
        sync = syncs[sync_id]
        begun = engine.now()
        said = _ask(engine, sync, sources[sync.connection], mark)
        hangs = engine.now() - begun >= _HANGS
        due_at = cadence.next_due(cadence.parse(schedule), after=now, spread_key=sync_id)
        if schedule == "realtime" and sync_id in watched:
            due_at = now + WATCHED_EVERY
        trigger = Trigger.WATCH if schedule == "realtime" and mark else Trigger.POLL
        looked = Looked(sync_id, due_at, said, queued=said is None or said != mark, hangs=hangs)
        return looked, trigger, sync.priority

    queued: list[str] = []
    with ThreadPoolExecutor(_WIDTH, thread_name_prefix="looks") as pool:
        asked = [pool.submit(answer, line) for line in due if line[0] in syncs]
        while asked:
            ended, _ = wait(asked, timeout=_WRITTEN_AFTER_S)
            answers = [one.result() for one in asked if one in ended]
            asked = [one for one in asked if one not in ended]
            if answers:
                queued += _note(connection, answers, now=now)
    return queued


def _note(connection: Connection, answers: Sequence[_Answer], *, now: datetime) -> list[str]:
    queued = []
    with connection.transaction():
        for looked, trigger, priority in answers:
            if looked.queued:
                queue.put(connection, looked.sync_id, trigger=trigger, priority=priority)
                queued.append(looked.sync_id)
        looks.note(connection, [looked for looked, _, _ in answers], now=now)
    return queued


def _ask(engine: Engine, sync: SyncConfig, source: Source, mark: str | None) -> str | None:
    """The source's mark, or None where it cannot tell, or tells of news; also where a budget makes
    it wait, for a sweep does not."""
    with suppress(Exception):  # whatever it is, the run will tell; the other syncs go on
        if sync.target is not None:
            return asking.ask_ends(engine, sync, mark)
        return asking.ask_source(engine, sync, source, mark)
    return None
