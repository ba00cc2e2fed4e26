"""Somebody waits beside the sources of realtime syncs, for those that say by themselves when
something has changed. All others, and these from time to time, are asked (`engine.sweep`)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread

from livesync_pipelines.connectors.base import Platform, Watches
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import connector_for, row_end_for
from livesync_pipelines.engine.pacing import beside
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Connection as Source
from livesync_pipelines.model.sync import Mode, SyncConfig, Trigger
from livesync_pipelines.store import catalog, looks, queue
from livesync_pipelines.store.database import Connection

ARRANGED_EVERY_S = 5.0
"""How soon a sync that is new, changed or gone is noticed."""

POSTS = 200
"""So many sources are waited beside at once; the others are asked."""

_WAIT_S = 2.0
_AGAIN_S = 30.0
_log = logging.getLogger(__name__)

Make = Callable[[], Platform]
Place = tuple[str, Side]


@dataclass(slots=True)
class _Post:
    """One thread beside one end. `said` is what its sync and connection said when it began."""

    said: str
    thread: Thread
    over: Event = field(default_factory=Event)


def watch(engine: Engine, over: Event) -> None:
    """Keep a post beside each source that can be watched, until it is over. What comes is queued;
    where nobody has waited until now, the source is asked first."""
    posts: dict[Place, _Post] = {}
    try:
        while True:
            try:
                _arrange(engine, posts)
            except LiveSyncError as error:
                _log.warning("Nobody waits beside new sources: %s", error.message)
            if over.wait(ARRANGED_EVERY_S):
                return
    finally:
        for post in posts.values():
            post.over.set()
        for post in posts.values():
            post.thread.join()


def _arrange(engine: Engine, posts: dict[Place, _Post]) -> None:
    with engine.database.pooled() as connection:
        wanted = dict(_wanted(engine, connection))
        held = {sync_id for sync_id, _ in wanted}
        until = engine.now() + timedelta(seconds=3 * ARRANGED_EVERY_S)
        looks.note_watched(connection, sorted(held), until=until)
    for place, post in list(posts.items()):
        if not post.thread.is_alive() or place not in wanted or wanted[place][0] != post.said:
            post.over.set()
            del posts[place]
    for place, (said, make) in wanted.items():
        if place not in posts:
            over = Event()
            thread = Thread(target=_stand, args=(engine, place[0], make, over), name=f"{place[0]}")
            posts[place] = _Post(said, thread, over)
            thread.start()


def _wanted(engine: Engine, connection: Connection) -> Iterator[tuple[Place, tuple[str, Make]]]:
    """The posts of syncs all of whose ends that matter can be watched."""
    kinds: tuple[Mapping[str, type[Platform]], ...] = (engine.registry, engine.row_ends)
    able = sorted({n for kind in kinds for n in kind if issubclass(kind[n], Watches)})
    for sync_id in looks.realtime(connection, able, limit=POSTS) if engine.enabled else ():
        sync = catalog.sync(connection, sync_id)
        ends = {side: _source(connection, sync, side) for side in _read(sync)}
        if all(_can_be_watched(engine, sync, *end) for end in ends.items()):
            for side, source in ends.items():
                yield (sync_id, side), (f"{sync} {source}", _maker(engine, sync, side, source))


def _read(sync: SyncConfig) -> list[Side]:
    """The ends whose changes this sync takes in."""
    if sync.target is None or sync.mode is Mode.PULL:
        return [Side.SOURCE]
    return [Side.TARGET] if sync.mode is Mode.PUSH else list(Side)


def _can_be_watched(engine: Engine, sync: SyncConfig, side: Side, source: Source) -> bool:
    rows = sync.target is not None and not sync.copies
    kinds: Mapping[str, type[Platform]] = engine.row_ends if rows else engine.registry
    kind = kinds.get(source.platform)
    return kind is not None and kind.watched(_selection(sync, side))


def _source(connection: Connection, sync: SyncConfig, side: Side) -> Source:
    return catalog.connection_of(connection, _connection_of(sync, side))


def _connection_of(sync: SyncConfig, side: Side) -> str:
    if side is Side.SOURCE or sync.target is None:
        return sync.connection
    return sync.target.connection


def _selection(sync: SyncConfig, side: Side) -> Mapping[str, object]:
    return sync.select if side is Side.SOURCE or sync.target is None else sync.target.select


def _maker(engine: Engine, sync: SyncConfig, side: Side, source: Source) -> Make:
    means = beside(engine)
    if sync.target is not None and not sync.copies:
        ends = engine.row_ends
        return lambda: row_end_for(source, sync, side, ends, engine.environ, means=means)
    kinds = engine.registry
    return lambda: connector_for(source, sync, kinds, engine.environ, side=side, means=means)


def _stand(engine: Engine, sync_id: str, make: Make, over: Event) -> None:
    """Wait beside one end until it is over. Where it cannot be waited beside, that is tried again
    later, and meanwhile it is asked. Why is said once."""
    said = None
    while not over.is_set():
        try:
            with closing(make()) as end:
                assert isinstance(end, Watches)
                end.wait(0)
                _ask_now(engine, sync_id)
                said = None
                while not over.is_set():
                    if end.wait(_WAIT_S):
                        _queue(engine, sync_id)
        except LiveSyncError as error:
            if error.message != said:
                _log.warning("Nobody waits beside the source of %s: %s", sync_id, error.message)
            said = error.message
            over.wait(_AGAIN_S)


def _ask_now(engine: Engine, sync_id: str) -> None:
    with engine.database.pooled() as connection:
        catalog.set_due(connection, sync_id, engine.now(), None)


def _queue(engine: Engine, sync_id: str) -> None:
    with engine.database.pooled() as connection:
        priority = catalog.sync(connection, sync_id).priority
        queue.put(connection, sync_id, trigger=Trigger.WATCH, priority=priority)
