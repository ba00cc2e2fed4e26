"""One pass over a source's listing: page by page, what changed is read and committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.canon import listing_mark
from livesync_pipelines.core.delta import Comparison, compare
from livesync_pipelines.core.screen import screened
from livesync_pipelines.engine.intake import Pass, take_in
from livesync_pipelines.engine.reading import Answer, batches
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import LISTING, Entry, Failed, FailedBefore, ListingPage
from livesync_pipelines.model.spec import Absence
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import kept, shadow, unsettled
from livesync_pipelines.store.commit import Batch

SHADOW_ITEMS = 10_000
"""At most so many known items are held against a page at once."""


def walk(this: Pass) -> bool:
    """Go through the whole listing; returns whether it was complete.

    Everything new or changed is in the target afterwards. What must wait for the end of the
    listing (absences, and arrivals that may be renames) is left among the unsettled.
    """
    operation, ordered = this.operation, this.connector.spec.ordered
    memory = shadow.StoredMemory(this.connection, this.sync_id, _note(this))
    if operation.resume is None:
        unsettled.forget(this.connection, this.sync_id)
    complete = False
    after = began_at = operation.resume
    this.unsettled = began_at is not None
    started = perf_counter()
    for told in this.connector.listing(memory, operation.resume):
        page = screened(told, ordered=ordered, after=after)
        this.timed("source", started)
        this.operation.counts.pages += 1
        complete = page.complete
        for piece, held in _pieces(this, page, after):
            _page(this, piece, held, after=after)
            after = piece.resume
        started = perf_counter()
    this.commit(Batch(), resume=None)
    this.writer.wait()
    if complete and began_at is None:
        _forget_failures(this)
    return complete


def _note(this: Pass) -> str | None:
    """The connector's note of last time. A source that answers it with "nothing new" is not
    told of it while something is owed: a full resync, or an item that may heal."""
    owed = this.operation.full or any(
        failed.retry_at is not None for failed in this.failed_before.values()
    )
    if owed and this.connector.spec.absence is Absence.KEPT:
        return None
    return this.operation.note


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


def _page(this: Pass, page: ListingPage, held: pa.Table, *, after: str | None) -> None:
    began = perf_counter()
    listing = page.entries
    this.operation.counts.listed += listing.num_rows
    found = compare(listing, held, full=this.operation.full)
    this.operation.counts.unchanged += found.same.num_rows
    if this.operation.has_kept:
        kept.release(this.own, this.sync_id, listing["key"].to_pylist())
    batch = Batch(settled=_taken_back(this, listing), states=_new_states(this, found.same))
    _list_failures(this, page.failures, batch)
    this.blind += page.blind
    batch.absent = _absences(this, page, found)
    wanted = _entries(this, found)
    arrivals = _possible_renames(this, wanted, found)
    batch.arrived = [entry for entry in wanted if entry.key in arrivals]
    _digest(this, found.same)
    this.timed("deltas", began)
    now_wanted = [entry for entry in wanted if entry.key not in arrivals]
    first = True
    for piece in batches(_timed_read(this, now_wanted, page)):
        take_in(this, piece, batch)
        if piece.last:
            break
        this.commit(batch, resume=after, new_page=first)
        batch, first = Batch(), False
    this.commit(batch, resume=page.resume, note=page.note, new_page=first)


def _taken_back(this: Pass, listing: pa.Table) -> list[str]:
    """Keys that an earlier page, or the run that this one resumes, left to settle, and that this
    page shows: what it says of them is newer."""
    if not this.unsettled:
        return []
    return unsettled.among(this.connection, this.sync_id, listing["key"].to_pylist())


def _new_states(this: Pass, same: pa.Table) -> list[tuple[str, str]]:
    """What the connector wants remembered of unchanged items, where it differs from what is."""
    told = same.filter(pc.is_valid(same["state"]))
    if told.num_rows == 0:
        return []
    keys = told["key"].to_pylist()
    held = shadow.StoredMemory(this.connection, this.sync_id, None).states(keys)
    states = zip(keys, told["state"].to_pylist(), strict=True)
    return [(key, state) for key, state in states if held.get(key) != state]


def _absences(this: Pass, page: ListingPage, found: Comparison) -> list[tuple[str, str]]:
    """Keys that may have to go at the end of the listing, each with the reason."""
    gone = [(key, page.gone[key]) for key in page.gone]
    if gone:
        this.writer.wait()  # it may have come with the page before
        held = shadow.versions_of(this.connection, this.sync_id, list(page.gone))
        living = set(held["key"].to_pylist())
        gone = [(key, reason) for key, reason in gone if key in living]
    if this.connector.spec.absence is Absence.DELETED and this.connector.spec.ordered:
        gone += [
            (key, unsettled.NOT_LISTED)
            for key in found.absent
            if key not in this.still_failing
            and key not in page.gone
            and not key.startswith(this.blind)
        ]
    if this.operation.has_kept:
        restored = kept.among(this.connection, this.sync_id, [key for key, _ in gone])
        gone = [(key, reason) for key, reason in gone if key not in restored]
    return gone


def _list_failures(this: Pass, failures: Iterable[ItemFailure], batch: Batch) -> None:
    for failure in failures:
        this.fails(failure.key, failure.code)
        before = this.failed_before.get(failure.key)
        if before is None or (before.version, before.code) != (None, failure.code):
            batch.failures.append(Failed(failure))


def _entries(this: Pass, found: Comparison) -> list[Entry]:
    """The entries that must be read: new and changed ones, less those that would fail again."""
    wanted = []
    for table in (found.new, found.changed):
        for row in zip(*(table[name].to_pylist() for name in LISTING.names), strict=True):
            entry = Entry(*row)
            failed = this.failed_before.get(entry.key)
            if failed and failed.version == entry.version and not _may_heal(this, failed):
                this.fails(entry.key, failed.code)
            else:
                wanted.append(entry)
    return wanted


def _may_heal(this: Pass, failed: FailedBefore) -> bool:
    """Whether the same version is worth another try: its time has come, or a person asks."""
    if this.operation.full or failed.retry_at is None:
        return this.operation.full
    return this.operation.trigger is Trigger.PERSON or failed.retry_at <= this.now()


def _possible_renames(this: Pass, wanted: Sequence[Entry], found: Comparison) -> set[str]:
    """New keys whose identity is known under another key: they wait for the listing's end."""
    if (
        not this.connector.spec.identity
        or found.new.num_rows == 0
        or not this.operation.items_before
    ):
        return set()
    new = set(found.new["key"].to_pylist())
    fresh = {e.identity: e.key for e in wanted if e.key in new and e.identity is not None}
    known = shadow.keys_by_identity(this.connection, this.sync_id, list(fresh))
    return {key for identity, key in fresh.items() if identity in known}


def _digest(this: Pass, same: pa.Table) -> None:
    """Book what is already in step; what is read joins when it has been."""
    for key, version in zip(same["key"].to_pylist(), same["version"].to_pylist(), strict=True):
        if key not in this.still_failing:
            this.digest ^= listing_mark(key, version)


def _timed_read(this: Pass, entries: Sequence[Entry], page: ListingPage) -> Iterator[Answer]:
    began = perf_counter()
    for answer in this.read(entries, page.bodies):
        this.timed("source", began)
        yield answer
        began = perf_counter()


def _forget_failures(this: Pass) -> None:
    """An item that failed before and is neither listed nor failing now is gone: its failure too.
    A source that only says that nothing is new has shown nothing."""
    silent = this.connector.spec.absence is Absence.KEPT and not this.operation.counts.listed
    over = this.failed_before.keys() - this.still_failing
    if over and not silent:
        shadow.forget_failures(this.connection, this.sync_id, list(over))
