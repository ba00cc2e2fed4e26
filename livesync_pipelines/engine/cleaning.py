"""What is older than it is to be kept goes, a little at a time, beside whatever runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.keeping import RESTORABLE_DAYS, Keep
from livesync_pipelines.store import (
    budgets,
    catalog,
    compaction,
    copied_files,
    events,
    ledger,
    looks,
    row_compaction,
    subscriptions,
    webhooks,
)
from livesync_pipelines.store.database import Connection

_log = logging.getLogger(__name__)

NEWEST_OPERATIONS = 50
"""So many operations of a sync are kept, however old they are."""

_EVENTS = 10_000

PIECES = 1_000
"""So many transactions for each kind at most: what is left is for the next day."""

WEBHOOK_DAYS = 30
"""For so long a delivery is known again: senders repeat one for days (SNS for 23 at most)."""


@dataclass(slots=True, kw_only=True)
class Cleaned:
    """What went of one sync. `busy`: an operation kept something from going; the next time.
    `refused`: why old versions of rows are kept though they are too old, empty where they are not.
    """

    sync_id: str
    operations: int = 0
    events: int = 0
    ledger_entries: int = 0
    row_versions: int = 0
    contents: int = 0
    busy: bool = False
    refused: str = ""


def clean(engine: Engine, keep: Keep, *, dry_run: bool = False) -> list[Cleaned]:
    """Take away what is older than `keep` says, sync by sync, in small transactions.

    With `dry_run` it is told and taken back; meanwhile the syncs wait, one after the other.
    """
    with engine.database.connect() as connection:
        cleaned = []
        for sync in catalog.syncs(connection):
            if dry_run:
                with connection.transaction(force_rollback=True):
                    cleaned.append(_clean(connection, sync.sync_id, keep, engine.now()))
            else:
                cleaned.append(_clean(connection, sync.sync_id, keep, engine.now()))
        if not dry_run:
            budgets.forget_idle(connection)
            long_ago = engine.now() - events.KEPT
            sum(_pieces(lambda: events.drop(connection, before=long_ago, limit=_EVENTS)))
            unasked = engine.now() - looks.KEPT
            sum(_pieces(lambda: looks.drop(connection, before=unasked, limit=_EVENTS)))
            ended = engine.now() - subscriptions.KEPT
            sum(_pieces(lambda: subscriptions.drop(connection, before=ended, limit=_EVENTS)))
            before = engine.now() - timedelta(days=WEBHOOK_DAYS)
            sum(_pieces(lambda: webhooks.drop(connection, before=before)))
        return cleaned


def _clean(connection: Connection, sync_id: str, keep: Keep, now: datetime) -> Cleaned:
    done = Cleaned(sync_id=sync_id)
    if keep.operations is not None:
        before = now - timedelta(days=keep.operations)
        done.operations = sum(_pieces(lambda: _operations(connection, sync_id, before)))
        done.events = sum(
            _pieces(lambda: compaction.drop_events(connection, sync_id, before=before))
        )
    if keep.ledger is not None:
        _cut_ledger(connection, done, days=keep.ledger, now=now)
        _cut_rows(connection, done, days=keep.ledger, now=now)
    _drop_contents(connection, done)
    if keep.ledger is not None:
        before = now - timedelta(days=max(keep.ledger, RESTORABLE_DAYS))
        done.contents += copied_files.drop_lost(connection, sync_id, before=before)
    return done


def _pieces(piece: Callable[[], int]) -> Iterator[int]:
    """What each piece took, until one takes nothing."""
    return islice(iter(piece, 0), PIECES)


def _operations(connection: Connection, sync_id: str, before: datetime) -> int:
    return compaction.drop_operations(connection, sync_id, before=before, newest=NEWEST_OPERATIONS)


def _cut_ledger(connection: Connection, done: Cleaned, *, days: int, now: datetime) -> None:
    before = now - timedelta(days=days)
    gone_before = now - timedelta(days=max(days, RESTORABLE_DAYS))
    after = 0

    def piece() -> int:
        nonlocal after
        found = compaction.cut(
            connection,
            done.sync_id,
            after=after,
            before=before,
            gone_before=gone_before,
            now=now,
        )
        if found is None:
            done.busy = True
            return 0
        lines, after = found
        return lines

    done.ledger_entries = sum(_pieces(piece))


def _cut_rows(connection: Connection, done: Cleaned, *, days: int, now: datetime) -> None:
    before = now - timedelta(days=days)
    gone_before = now - timedelta(days=max(days, RESTORABLE_DAYS))

    def piece() -> int:
        cut = row_compaction.cut(
            connection, done.sync_id, before=before, gone_before=gone_before, now=now
        )
        done.row_versions += cut.lines
        done.busy = done.busy or cut.is_busy
        return cut.blocks

    try:
        sum(_pieces(piece))
    except Broken as error:
        _log.error("%s %s (%s)", error.message, error.hint, error.where)
        done.refused = error.message


def _drop_contents(connection: Connection, done: Cleaned) -> None:
    """The texts that no one names any more, first of all those of the entries just cut."""

    def piece() -> int:
        since = ledger.head(connection, done.sync_id).seq
        unused = compaction.unused_contents(connection, done.sync_id)
        dropped = 0
        if unused:
            found = compaction.drop_contents(connection, done.sync_id, unused, since=since)
            done.busy = done.busy or found is None
            dropped = found or 0
        return dropped

    done.contents = sum(_pieces(piece))
