"""One page of what a source tells: held against what is known, read, and committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.canon import listing_mark
from livesync_pipelines.core.delta import Comparison, compare
from livesync_pipelines.engine.intake import Pass, begun_ahead, take_in
from livesync_pipelines.engine.reading import Answer, batches
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.operation import Place
from livesync_pipelines.model.records import LISTING, Entry, Failed, ListingPage
from livesync_pipelines.model.spec import Absence
from livesync_pipelines.store import kept, shadow, unsettled
from livesync_pipelines.store.commit import Batch


def take_page(
    this: Pass, page: ListingPage, held: pa.Table, *, meanwhile: Place, afterwards: Place
) -> None:
    """Compare a page with what the shadow holds of its keys, read what is new or changed, and
    commit it piece by piece: each with the place `meanwhile`, the last with that `afterwards`."""
    began = perf_counter()
    listing = page.entries
    this.operation.counts.listed += listing.num_rows
    found = compare(listing, held, full=this.operation.full)
    this.operation.counts.unchanged += found.same.num_rows - _counted_before(this, found.same)
    if this.operation.has_kept:
        kept.release(this.own, this.sync_id, listing["key"].to_pylist())
    batch = Batch(settled=_taken_back(this, page), states=_new_states(this, found.same))
    _list_failures(this, page.failures, batch)
    this.blind += page.blind
    batch.absent = _absences(this, page, found, batch)
    wanted = _entries(this, found)
    arrivals = _possible_renames(this, wanted, found)
    batch.arrived = [entry for entry in wanted if entry.key in arrivals]
    _digest(this, found.same)
    this.timed("deltas", began)
    now_wanted = [entry for entry in wanted if entry.key not in arrivals]
    first = True
    for begun in begun_ahead(this, batches(_timed_read(this, now_wanted, page))):
        take_in(this, begun, batch)
        if begun.piece.last:
            break
        this.commit(batch, meanwhile, new_page=first)
        batch, first = Batch(), False
    this.commit(batch, afterwards, new_page=first)


def _counted_before(this: Pass, same: pa.Table) -> int:
    """How many of these an operation that looks twice has changed in its first look."""
    if not this.operation.looks_again:
        return 0
    keys = same["key"].to_pylist()
    return shadow.count_changed(this.connection, this.sync_id, keys, this.operation.operation_id)


def _taken_back(this: Pass, page: ListingPage) -> list[str]:
    """Keys that an earlier page, or an earlier run, left to settle, and of which this page tells:
    what it says of them is newer."""
    if not this.unsettled:
        return []
    told = [*page.entries["key"].to_pylist(), *page.gone]
    return unsettled.among(this.connection, this.sync_id, told)


def _new_states(this: Pass, same: pa.Table) -> list[tuple[str, str]]:
    """What the connector wants remembered of unchanged items, where it differs from what is."""
    told = same.filter(pc.is_valid(same["state"]))
    if told.num_rows == 0:
        return []
    keys = told["key"].to_pylist()
    held = shadow.StoredMemory(this.connection, this.sync_id, None).states(keys)
    states = zip(keys, told["state"].to_pylist(), strict=True)
    return [(key, state) for key, state in states if held.get(key) != state]


def _absences(
    this: Pass, page: ListingPage, found: Comparison, batch: Batch
) -> list[tuple[str, str]]:
    """Keys that may have to go in the end, each with the reason."""
    gone = [(key, page.gone[key]) for key in page.gone]
    if gone:
        this.writer.wait()  # it may have come with the page before
        held = shadow.versions_of(this.connection, this.sync_id, list(page.gone))
        living = set(held["key"].to_pylist())
        failed = this.failed_before.keys() | this.still_failing
        batch.dropped = [key for key, _ in gone if key in failed]
        this.forgets(page.gone)
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
            if failed and failed.version == entry.version and not this.may_heal(failed):
                this.fails(entry.key, failed.code)
                this.leaves_unread(entry)
            else:
                wanted.append(entry)
    return wanted


def _possible_renames(this: Pass, wanted: Sequence[Entry], found: Comparison) -> set[str]:
    """New keys whose identity is known under another key: they wait for the listing's end."""
    if not this.connector.spec.identity or found.new.num_rows == 0 or this.operation.is_first:
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
