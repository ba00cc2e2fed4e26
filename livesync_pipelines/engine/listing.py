"""One pass over a source's listing: page by page, what changed is read and committed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors.base import Listed, ListingMark, NotesMarks
from livesync_pipelines.core.screen import screened
from livesync_pipelines.engine.following import place_in_feed
from livesync_pipelines.engine.intake import Pass
from livesync_pipelines.engine.page import take_page
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines.model.spec import Absence
from livesync_pipelines.store import kept, queue, shadow, tenure, unsettled
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.seen import SeenKeys

SHADOW_ITEMS = 10_000
"""At most so many known items are held against a page at once."""


def walk(this: Pass) -> bool:
    """Go through the whole listing; returns whether it was complete.

    Everything new or changed is in the target afterwards. What must wait for the end of the
    listing (absences, and arrivals that may be renames) is left among the unsettled.
    """
    memory = shadow.StoredMemory(this.connection, this.sync_id, _note(this))
    after = began_at = this.place.resume if this.place.goes_on else None
    this.unsettled = this.went_on = began_at is not None
    if began_at is None:
        unsettled.forget(this.connection, this.sync_id)
        this.commit(Batch(), replace(this.place, cursor=None, ahead=place_in_feed(this)))
        this.operation.counts.expected = tenure.count_items(this.connection, this.sync_id)
    seen = _keys_to_remember(this)
    complete, shown = False, 0
    mark = ListingMark()
    started = perf_counter()
    for told in this.connector.listing(memory, began_at):
        mark.add(told)
        page = screened(told, ordered=this.connector.spec.ordered, after=after)
        this.timed("source", started)
        this.operation.counts.pages += 1
        this.operation.counts.expected = page.total or this.operation.counts.expected
        if seen:
            seen.add(page.entries["key"].to_pylist())
        shown += page.entries.num_rows + len(page.failures)
        complete = page.complete and not (began_at is None and shown < (page.total or 0))
        for piece, held in _pieces(this, page, after):
            meanwhile = replace(this.place, resume=after)
            note = this.place.note if piece.note is None else piece.note
            afterwards = replace(meanwhile, resume=piece.resume, note=note)
            take_page(this, piece, held, meanwhile=meanwhile, afterwards=afterwards)
            after = piece.resume
        if after is not None:
            _give_way(this)
        started = perf_counter()
    this.commit(Batch(), replace(this.place, resume=None))
    this.writer.wait()
    if complete and seen:
        _note_missing(this, seen)
    if complete and began_at is None:
        this.mark = _mark_left(this, mark)
        _forget_failures(this)
    return complete


def _mark_left(this: Pass, listed: ListingMark) -> str | None:
    """What a probe would have said, where the listing tells."""
    if isinstance(this.connector, NotesMarks):
        return this.connector.mark_of(this.place.note)
    return f"{listed}" if isinstance(this.connector, Listed) else None


def _keys_to_remember(this: Pass) -> SeenKeys | None:
    """Where absence means deletion and no order tells it page by page, what was listed from the
    start is remembered. A listing that goes on in the middle cannot tell what is absent."""
    spec = this.connector.spec
    tells = spec.absence is Absence.DELETED and not spec.ordered
    if not tells or this.went_on or this.operation.is_first:
        return None
    return SeenKeys(this.connection)


def _note_missing(this: Pass, seen: SeenKeys) -> None:
    for keys in seen.missing(this.sync_id):
        restored = kept.among(this.connection, this.sync_id, keys)
        absent = [(key, unsettled.NOT_LISTED) for key in keys if key not in restored]
        this.commit(Batch(absent=absent), this.place)
    this.writer.wait()


class GaveWay(Exception):
    """A backlog stops at the edge of a page, for a critical sync waits for its place."""

    def __init__(self, critical: str) -> None:
        super().__init__(critical)
        self.critical = critical


def _give_way(this: Pass) -> None:
    """Raises `GaveWay` once everything up to here is committed, where that is wanted: the next
    run goes on from here."""
    operation = this.operation
    backlog = operation.full or operation.is_first
    if not backlog or not operation.gives_way:
        return
    platform = this.connector.spec.name
    critical = queue.waiting_critical(this.connection, platform, now=this.now())
    if critical is not None:
        this.writer.wait()
        raise GaveWay(critical)


def _went_on_blindly(this: Pass) -> bool:
    return this.went_on and not this.connector.spec.ordered


def arrive(this: Pass) -> None:
    """A complete listing is settled: from now on the feed is followed, where there is one. Not
    after one that went on in the middle and could not tell what was absent: the next look lists
    once more."""
    if _went_on_blindly(this):
        return
    this.commit(Batch(), replace(this.place, cursor=this.place.ahead, ahead=None))
    this.writer.wait()


def _note(this: Pass) -> str | None:
    """The connector's note of last time. A source that answers it with "nothing new" is not
    told of it while something is owed: a full resync, or an item that may heal."""
    owed = this.operation.full or any(
        failed.retry_at is not None for failed in this.failed_before.values()
    )
    if owed and this.connector.spec.absence is Absence.KEPT:
        return None
    return this.place.note


def _pieces(
    this: Pass, page: ListingPage, after: str | None
) -> Iterator[tuple[ListingPage, pa.Table]]:
    """The page with what the shadow holds of its range; in several pieces where that is much, as
    after a large folder has gone. What the page says of itself comes with its first piece."""
    began = perf_counter()
    if not this.connector.spec.ordered:
        keys = page.entries["key"].to_pylist()
        held = shadow.versions_of(this.connection, this.sync_id, keys)
        this.timed("deltas", began)
        yield page, held
        return
    while True:
        began = perf_counter()
        held = shadow.versions_between(
            this.connection, this.sync_id, after=after, through=page.resume, limit=SHADOW_ITEMS
        )
        this.timed("deltas", began)
        if held.num_rows < SHADOW_ITEMS:
            yield page, held
            return
        after = held["key"][-1].as_py()
        covered = pc.sum(pc.less_equal(page.entries["key"], after)).as_py() or 0
        first = page.entries.slice(0, covered)
        yield replace(page, entries=first, resume=after, complete=False, note=None), held
        rest = page.entries.slice(covered)
        page = replace(page, entries=rest, failures=(), gone={}, blind=())


def _forget_failures(this: Pass) -> None:
    """An item that failed before and is neither listed nor failing now is gone: its failure too.
    A source that only says that nothing is new has shown nothing."""
    silent = this.connector.spec.absence is Absence.KEPT and not this.operation.counts.listed
    over = this.failed_before.keys() - this.still_failing
    if over and not silent:
        shadow.forget_failures(this.connection, this.sync_id, list(over))
