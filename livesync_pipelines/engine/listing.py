"""One pass over a source's listing: page by page, what changed is read and committed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import perf_counter

import pyarrow as pa

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.core import corridor, mapping
from livesync_pipelines.core.canon import content_hash, listing_mark
from livesync_pipelines.core.delta import Comparison, compare, delta
from livesync_pipelines.core.normalise import normalise
from livesync_pipelines.engine.reading import SETTLED_FAILURES, Answer, Read, batches, read
from livesync_pipelines.formats.extract import Extractor
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Entry, Known, ListingPage, Record
from livesync_pipelines.model.spec import Absence
from livesync_pipelines.store import shadow
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation

Progress = Callable[[Operation], None]


@dataclass(slots=True, kw_only=True)
class Pass:
    """What one operation needs on its way through a listing."""

    connection: Connection
    operation: Operation
    connector: Connector
    extractor: Extractor
    now: Callable[[], datetime]
    progress: Progress
    failed_before: dict[str, tuple[str | None, str]] = field(default_factory=dict)
    still_failing: set[str] = field(default_factory=set)
    digest: int = 0

    @property
    def sync_id(self) -> str:
        return self.operation.sync.sync_id

    def timed(self, stage: str, since: float) -> float:
        """Book the time since then on a stage; returns now, for the next one."""
        until = perf_counter()
        spent = self.operation.stage_s
        spent[stage] = spent.get(stage, 0.0) + until - since
        return until

    def commit(self, batch: Batch, *, resume: str | None) -> None:
        """Write a batch, if it or its cursor says anything new, and tell who watches."""
        began = perf_counter()
        if not batch.is_empty or resume != self.operation.resume:
            write(self.connection, self.operation, batch, now=self.now(), resume=resume)
        self.timed("commit", began)
        self.progress(self.operation)


def walk(this: Pass) -> bool:
    """Go through the whole listing; returns whether it was complete.

    Everything new or changed is in the target afterwards. What must wait for the end of the
    listing (absences, and arrivals that may be renames) is left among the unsettled.
    """
    operation = this.operation
    memory = shadow.StoredMemory(this.connection, this.sync_id, operation.note)
    if operation.resume is None:
        shadow.forget_unsettled(this.connection, this.sync_id)
    note_before, complete = operation.note, False
    after = began_at = operation.resume
    started = perf_counter()
    for page in this.connector.listing(memory, operation.resume):
        this.timed("source", started)
        complete = page.complete
        operation.note = page.note if page.note is not None else operation.note
        _page(this, page, after=after)
        after = page.resume
        started = perf_counter()
    if complete:
        _forget_failures(this, began_at)
    if operation.resume is not None or operation.note != note_before:
        write(this.connection, operation, Batch(), now=this.now(), resume=None)
    return complete


def _page(this: Pass, page: ListingPage, *, after: str | None) -> None:
    began = perf_counter()
    listing = page.entries
    this.operation.counts.listed += listing.num_rows
    found = compare(listing, _versions(this, page, after), full=this.operation.full)
    this.operation.counts.unchanged += found.unchanged
    batch = Batch(absent=_absences(this, page, found))
    _list_failures(this, page.failures, batch)
    wanted = _entries(this, found)
    arrivals = _possible_renames(this, wanted, found)
    batch.arrived = [entry for entry in wanted if entry.key in arrivals]
    _digest(this, listing, {entry.key for entry in wanted})
    this.timed("deltas", began)
    now_wanted = [entry for entry in wanted if entry.key not in arrivals]
    for good, bad in batches(_timed_read(this, now_wanted, page)):
        take_in(this, good, bad, batch)
        this.commit(batch, resume=this.operation.resume)
        batch = Batch()
    this.commit(batch, resume=page.resume)


def _versions(this: Pass, page: ListingPage, after: str | None) -> pa.Table:
    """The piece of the shadow that this page of the listing covers."""
    if this.connector.spec.ordered:
        return shadow.versions_between(
            this.connection, this.sync_id, after=after, through=page.resume
        )
    return shadow.versions_of(this.connection, this.sync_id, page.entries["key"].to_pylist())


def _absences(this: Pass, page: ListingPage, found: Comparison) -> list[tuple[str, str]]:
    """Keys that may have to go at the end of the listing, each with the reason."""
    gone = [(key, page.gone[key]) for key in page.gone]
    if gone:
        held = shadow.versions_of(this.connection, this.sync_id, list(page.gone))
        living = set(held["key"].to_pylist())
        gone = [(key, reason) for key, reason in gone if key in living]
    if this.connector.spec.absence is Absence.KEPT or not this.connector.spec.ordered:
        return gone
    failed = {failure.key for failure in page.failures}
    unlisted = [
        (key, shadow.NOT_LISTED)
        for key in found.absent
        if key not in failed and key not in page.gone and not key.startswith(page.blind or "\0")
    ]
    return gone + unlisted


def _list_failures(this: Pass, failures: Iterable[ItemFailure], batch: Batch) -> None:
    for failure in failures:
        _count_failure(this, failure.code)
        this.still_failing.add(failure.key)
        if this.failed_before.get(failure.key) != (None, failure.code):
            batch.failures.append((failure, None))


def _count_failure(this: Pass, code: str) -> None:
    if code == "unsupported":
        this.operation.counts.skipped += 1
    else:
        this.operation.counts.failed += 1


def _entries(this: Pass, found: Comparison) -> list[Entry]:
    """The entries that must be read: new and changed ones, less those that would fail again."""
    wanted = []
    for table in (found.new, found.changed):
        for row in table.to_pylist():
            version, code = this.failed_before.get(row["key"], (None, ""))
            if version == row["version"] and code in SETTLED_FAILURES and not this.operation.full:
                this.still_failing.add(row["key"])
                _count_failure(this, code)
            else:
                wanted.append(Entry(**row))
    return wanted


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


def _digest(this: Pass, listing: pa.Table, wanted: set[str]) -> None:
    """Book what is already in step; what is read joins when it has been."""
    skip = wanted | this.still_failing
    for key, version in zip(
        listing["key"].to_pylist(), listing["version"].to_pylist(), strict=True
    ):
        if key not in skip:
            this.digest ^= listing_mark(key, version)


def _timed_read(this: Pass, entries: Sequence[Entry], page: ListingPage) -> Iterator[Answer]:
    answers = read(this.connector, this.extractor, entries, page.bodies)
    began = perf_counter()
    for answer in answers:
        this.timed("source", began)
        yield answer
        began = perf_counter()


def take_in(
    this: Pass,
    good: Sequence[Read],
    bad: Sequence[tuple[ItemFailure, str]],
    batch: Batch,
    *,
    renamed: dict[str, Known] | None = None,
) -> None:
    """Bring a piece of read items through the corridor into a batch.

    `renamed` gives, by new key, the item that an arrival may be under its old key.
    """
    for failure, version in bad:
        _count_failure(this, failure.code)
        this.still_failing.add(failure.key)
        batch.failures.append((failure, version))
    began = perf_counter()
    known = shadow.known_by_key(this.connection, this.sync_id, [r.entry.key for r in good])
    for key, old in (renamed or {}).items():
        known.setdefault(key, old)
    records = _records(this, good, known)
    began = this.timed("records", began)
    deltas = [delta(record, base) for record, base in records]
    began = this.timed("deltas", began)
    mapped = [mapping.apply(this.operation.sync.mapping, r.attributes) for r, _ in records]
    began = this.timed("mapped_rows", began)
    layouts = [corridor.place(record, scope=this.sync_id) for record, _ in records]
    for (record, base), change, fields, layout in zip(
        records, deltas, mapped, layouts, strict=True
    ):
        made = corridor.change(record, base, delta=change, mapped=fields, layout=layout)
        if base and corridor.is_idle(made, mapping_version=this.operation.mapping_version):
            batch.touched.append((record, base))
        else:
            batch.changes.append(made)
        this.digest ^= listing_mark(record.key, record.version)
    this.timed("capsule_chunks", began)


def _records(
    this: Pass, good: Sequence[Read], known: dict[str, Known]
) -> list[tuple[Record, Known | None]]:
    new_keys = [k for k in (r.entry.key for r in good) if k not in known or known[k].key != k]
    taken: set[str] = set()
    if this.operation.items_before or this.operation.page:
        taken = shadow.taken_ids(this.connection, this.sync_id, new_keys)
    fetched_at = this.now()
    records = []
    for item in good:
        key = item.entry.key
        base = known.get(key)
        item_id = base.item_id if base else _new_id(item.entry, taken)
        record = normalise(
            item.body, item.extracted, item_id=item_id, entry=item.entry, fetched_at=fetched_at
        )
        if base and base.key != key and base.content_hash != record.content_hash:
            record, base = replace(record, item_id=_new_id(item.entry, taken)), None
        records.append((record, base))
        this.operation.counts.bytes += len(item.body.content)
    return records


def _new_id(entry: Entry, taken: set[str]) -> str:
    """A new item is named after its key; where an item that was renamed still bears that name,
    something of its own is added."""
    if entry.key not in taken:
        return entry.key
    return f"{entry.key}#{content_hash(entry.identity or entry.version).hex()[:8]}"


def _forget_failures(this: Pass, began_at: str | None) -> None:
    """An item that failed before and is neither listed nor failing now is gone: its failure too."""
    if began_at is not None or not this.failed_before:
        return
    over = this.failed_before.keys() - this.still_failing
    if over:
        shadow.forget_failures(this.connection, this.sync_id, list(over))
