"""Whether a source, or the ends of a sync of rows or files, may have changed, without a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import blake2b

from livesync_pipelines.connectors._listed import NoMemory
from livesync_pipelines.connectors.base import Feeds, Probes
from livesync_pipelines.connectors.rows import MarksRows, RowEnd
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import (
    connected,
    ends_connected,
    file_ends_connected,
)
from livesync_pipelines.engine.row_following import SCANNED_EVERY, WAITS, Cursors, has_news
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Connection as Source
from livesync_pipelines.model.sync import Mode, SyncConfig
from livesync_pipelines.store import catalog, shadow

_Ends = tuple[Source, Source]


def ask_source(engine: Engine, sync: SyncConfig, source: Source, mark: str | None) -> str | None:
    """What the source of documents says: a mark of its own, or, where it has none and its change
    feed is followed, the same as before if nothing has come since the last run. None where it
    cannot tell, or tells of news."""
    kind = engine.registry[source.platform]
    if not issubclass(kind, Probes) and (mark is None or not issubclass(kind, Feeds)):
        return None
    with (
        engine.database.pooled() as connection,
        connected(engine, source, sync, Lane.LIVE, in_passing=True) as asked,
    ):
        if isinstance(asked, Probes):
            note = catalog.note(connection, sync.sync_id)
            return asked.probe(shadow.StoredMemory(connection, sync.sync_id, note))
        place = catalog.cursor(connection, sync.sync_id)
        silent = isinstance(asked, Feeds) and place and _is_silent(asked, place)
        return mark if silent else None


def _is_silent(feed: Feeds, place: str) -> bool:
    return all(page.is_silent for page in feed.changes(place))


def ask_ends(engine: Engine, sync: SyncConfig, mark: str | None) -> str | None:
    """What the ends say together: feeds, the same as before if nothing has come since the last run;
    all others, marks of their own, with the day. None where one of them cannot tell, or tells of
    news, or was last scanned too long ago."""
    assert sync.target is not None
    with engine.database.pooled() as connection:
        names = (sync.connection, sync.target.connection)
        source, target = (catalog.connection_of(connection, name) for name in names)
        place = catalog.cursor(connection, sync.sync_id)
    if place is not None:
        if mark is None:
            return place
        since = mark.removeprefix(WAITS) if mark.startswith(WAITS) else place
        return None if _has_news(engine, sync, (source, target), (place, since)) else mark
    if sync.copies:
        return _together(engine, sync, list(_of_files(engine, sync, (source, target))))
    with ends_connected(engine, (source, target), sync, Lane.LIVE, in_passing=True) as ends:
        return mark_of_rows(engine, sync, ends)


def mark_of_rows(engine: Engine, sync: SyncConfig, ends: tuple[RowEnd, RowEnd]) -> str | None:
    """What the ends that rows are read from say together now; None where one of them cannot."""
    unread = {Mode.PULL: Side.TARGET, Mode.PUSH: Side.SOURCE}.get(sync.mode)
    read = [end for side, end in zip(Side, ends, strict=True) if side is not unread]
    return _together(
        engine, sync, [end.mark() if isinstance(end, MarksRows) else None for end in read]
    )


def _together(engine: Engine, sync: SyncConfig, said: Sequence[str | None]) -> str | None:
    told = [one for one in said if one is not None]
    return " ".join([_day(engine.now(), sync.sync_id), *told]) if len(told) == len(said) else None


def _has_news(engine: Engine, sync: SyncConfig, ends: _Ends, places: tuple[str, str]) -> bool:
    """`places`: where the sync stands, and since when news count."""
    place, since = places
    if engine.now() - Cursors.read(place).scanned_at > SCANNED_EVERY:
        return True
    with ends_connected(engine, ends, sync, Lane.LIVE, in_passing=True) as (source, target):
        return has_news({Side.SOURCE: source, Side.TARGET: target}, since)


def _of_files(engine: Engine, sync: SyncConfig, ends: _Ends) -> Iterator[str | None]:
    """Both ends matter, for a file that was changed at the goal is left alone."""
    with file_ends_connected(engine, ends, sync, Lane.LIVE, in_passing=True) as opened:
        for end in opened:
            yield end.probe(NoMemory()) if isinstance(end, Probes) else None


def _day(now: datetime, sync_id: str) -> str:
    """The day, which begins for each sync at its own time, so that not all are run at midnight."""
    day_s = SCANNED_EVERY.total_seconds()
    digest = blake2b(sync_id.encode(), digest_size=4).digest()
    return f"{(now.timestamp() + int.from_bytes(digest) % day_s) // day_s:.0f}"
