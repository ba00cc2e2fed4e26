"""What was read goes through the corridor and into a batch; batches are committed one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import perf_counter

from livesync_pipelines.connectors.base import Connector, Feeds
from livesync_pipelines.core import corridor, mapping
from livesync_pipelines.core.canon import content_hash, listing_mark
from livesync_pipelines.core.delta import delta
from livesync_pipelines.core.normalise import normalise
from livesync_pipelines.engine.cutting import Cutter, Layout
from livesync_pipelines.engine.operating import Progress
from livesync_pipelines.engine.reading import Answer, Piece, Read, read
from livesync_pipelines.engine.writer import Inline, Writer
from livesync_pipelines.formats.extract import Extractor
from livesync_pipelines.model.operation import Place
from livesync_pipelines.model.records import (
    Body,
    Delta,
    Entry,
    FailedBefore,
    Known,
    Record,
)
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import contents, shadow
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation

_NO_BODIES: Mapping[str, Body] = {}
CURSOR_S = 5.0
"""How often at least the place in a listing is kept where nothing changes, in seconds."""


@dataclass(frozen=True, slots=True)
class Hands:
    """What reads, and, beside it, what stores texts and what commits."""

    reading: Connection
    keeping: Connection
    keeper: Writer | Inline
    writer: Writer | Inline


@dataclass(slots=True, kw_only=True)
class Pass:
    """What one operation needs on its way through a listing, and what it has seen so far.

    The writer commits on the operation's `own` connection.
    `place` is where the sync stands at the source, as it was last given to the writer.
    `mark`: what the source's probe would have said of all that was listed.
    `unread`: new names of items that cannot be read; what is held of them under older ones stays.
    `went_on`: the listing began where an earlier run had broken off.
    `unsettled`: whether an absence or an arrival may be stored that a later page takes back.
    """

    hands: Hands
    own: Connection
    operation: Operation
    connector: Connector
    extractor: Extractor
    cutter: Cutter
    now: Callable[[], datetime]
    progress: Progress
    failed_before: dict[str, FailedBefore] = field(default_factory=dict)
    still_failing: set[str] = field(default_factory=set)
    unread: list[Entry] = field(default_factory=list)
    blind: tuple[str, ...] = ()
    unsettled: bool = False
    went_on: bool = False
    digest: int = 0
    mark: str | None = None
    place: Place = field(init=False)
    saved_at: float = field(default_factory=perf_counter)

    def __post_init__(self) -> None:
        self.place = self.operation.place

    @property
    def connection(self) -> Connection:
        """For reading."""
        return self.hands.reading

    @property
    def writer(self) -> Writer | Inline:
        return self.hands.writer

    @property
    def sync_id(self) -> str:
        return self.operation.sync.sync_id

    def timed(self, stage: str, since: float) -> float:
        """Book the time since then on a stage; returns now, for the next one."""
        until = perf_counter()
        spent = self.operation.stage_s
        spent[stage] = spent.get(stage, 0.0) + until - since
        return until

    def read(
        self, entries: Sequence[Entry], bodies: Mapping[str, Body] = _NO_BODIES
    ) -> Iterator[Answer]:
        """The contents of these entries, as text; those without a body here are fetched."""
        self.operation.counts.fetched += sum(entry.key not in bodies for entry in entries)
        return read(self.connector, self.extractor, entries, bodies)

    def fails(self, key: str, code: str) -> None:
        """Count an item that cannot be read now; one of a kind without text is only skipped."""
        if key in self.still_failing:
            return
        self.still_failing.add(key)
        if code == "unsupported":
            self.operation.counts.skipped += 1
        else:
            self.operation.counts.failed += 1

    def leaves_unread(self, entry: Entry) -> None:
        """Remember whose item could not be read: it may be held under an older name."""
        if entry.identity is not None:
            self.unread.append(entry)

    def forgets(self, gone: Collection[str]) -> None:
        """These keys are gone: that they could not be read before keeps nothing any more."""
        self.unread = [entry for entry in self.unread if entry.key not in gone]

    def may_heal(self, failed: FailedBefore) -> bool:
        """Whether the same version is worth another try: its time has come, or a person asks."""
        if self.operation.full or failed.retry_at is None:
            return self.operation.full
        return self.operation.trigger is Trigger.PERSON or failed.retry_at <= self.now()

    def commit(self, batch: Batch, place: Place, *, new_page: bool = True) -> None:
        """Begin to write a batch, if it or its place says anything new, and tell who watches.

        Of a place, a mere step on in the listing is written only now and then: to list unchanged
        items again costs little.
        Before the first batch of a new page all of the page before it is in: what is lost when
        the power goes is never more than one page.
        """
        began = perf_counter()
        if new_page:
            self.writer.wait()
        told = replace(place, resume=self.place.resume) != self.place
        moved = place.resume != self.place.resume
        due = place.resume is None or began - self.saved_at > CURSOR_S
        if told or (moved and due) or not batch.is_empty:
            self.place = place
            self.operation.counts.unchanged += len(batch.touched)
            self.unsettled = self.unsettled or bool(batch.absent or batch.arrived or batch.owed)
            self.saved_at = began
            now = self.now()
            self.writer.begin(lambda: write(self.own, self.operation, batch, now=now, place=place))
        if not self.connector.spec.ordered or self.unsettled:
            self.writer.wait()  # what is read next may depend on what is written now
        self.timed("commit", began)
        self.progress(self.operation)


@dataclass(frozen=True, slots=True)
class Begun:
    """A piece on its way: what was read of it, held against what is known, and soon cut.

    `kept` waits until its texts are stored, `layouts` until they are cut."""

    piece: Piece
    records: list[tuple[Record, Known | None]]
    deltas: list[Delta]
    mapped: list[Mapping[str, str]]
    kept: Callable[[], None]
    layouts: Callable[[], list[Layout]]


def begin(this: Pass, piece: Piece, *, renamed: dict[str, Known] | None = None) -> Begun:
    """Begin to bring a piece of read items through the corridor.

    `renamed` gives, by new key, the item that an arrival may be under its old key.
    """
    began = perf_counter()
    good = piece.good
    known = shadow.known_by_key(this.connection, this.sync_id, [r.entry.key for r in good])
    for key, old in (renamed or {}).items():
        known.setdefault(key, old)
    records = _records(this, good, known)
    began = this.timed("records", began)
    deltas = [delta(record, base) for record, base in records]
    began = this.timed("deltas", began)
    mapped = [mapping.apply(this.operation.sync.mapping, r.attributes) for r, _ in records]
    this.timed("mapped_rows", began)
    layouts = this.cutter.begin([record for record, _ in records])
    return Begun(piece, records, deltas, mapped, _keep_texts(this, records), layouts)


def _keep_texts(this: Pass, records: list[tuple[Record, Known | None]]) -> Callable[[], None]:
    """Begin to store texts that are new, ahead of the commit that names them: a text stands under
    its own hash, and one that nothing names is cleaned away once no operation is under way. In a
    full resync also those that have not changed: some may be lost, or altered."""
    full = this.operation.full
    texts = {
        record.content_hash: record.text
        for record, base in records
        if full or base is None or base.content_hash != record.content_hash
    }
    connection = this.hands.keeping
    return this.hands.keeper.begin(
        lambda: contents.keep(connection, this.sync_id, texts, doubting=full)
    )


def begun_ahead(this: Pass, pieces: Iterator[Piece]) -> Iterator[Begun]:
    """Begin pieces one by one; while one is cut beside this process, the next one is read."""
    waiting: Begun | None = None
    for piece in pieces:
        begun = begin(this, piece)
        if waiting is not None:
            yield waiting
        waiting = begun
        if not this.cutter.is_busy:
            yield waiting
            waiting = None
    if waiting is not None:
        yield waiting


def take_in(this: Pass, begun: Begun, batch: Batch) -> None:
    """Put what has come through the corridor into a batch, and what could not be read."""
    for failed in begun.piece.bad:
        this.fails(failed.failure.key, failed.failure.code)
        batch.failures.append(failed)
        if failed.entry:
            this.leaves_unread(failed.entry)
            if isinstance(this.connector, Feeds):
                batch.owed.append(failed.entry)
    began = perf_counter()
    for (record, base), change, fields, layout in zip(
        begun.records, begun.deltas, begun.mapped, begun.layouts(), strict=True
    ):
        made = corridor.change(record, base, delta=change, mapped=fields, layout=layout)
        if base and corridor.is_idle(made, mapping_version=this.operation.mapping_version):
            batch.touched.append((record, base))
        else:
            batch.changes.append(made)
        this.digest ^= listing_mark(record.key, record.version)
    began = this.timed("capsule_chunks", began)
    begun.kept()
    this.timed("commit", began)


def _records(
    this: Pass, good: Sequence[Read], known: dict[str, Known]
) -> list[tuple[Record, Known | None]]:
    new_keys = [k for k in (r.entry.key for r in good) if k not in known or known[k].key != k]
    taken: set[str] = set()
    if this.operation.page or not this.operation.is_first:
        taken = shadow.taken_ids(this.connection, this.sync_id, new_keys)
    fetched_at = this.now()
    records = []
    for item in good:
        key = item.entry.key
        base = known.get(key)
        item_id = base.item_id if base else _new_id(this, key, taken)
        record = normalise(
            item.body, item.extracted, item_id=item_id, entry=item.entry, fetched_at=fetched_at
        )
        if base and base.key != key and base.content_hash != record.content_hash:
            record, base = replace(record, item_id=_new_id(this, key, taken)), None
        records.append((record, base))
        this.operation.counts.bytes += len(item.body.content)
    return records


def _new_id(this: Pass, key: str, taken: set[str]) -> str:
    """A new item is named after its key; where an item that was renamed still bears that name,
    something of this operation is added, in which no other item got this key."""
    if key not in taken:
        return key
    return f"{key}#{content_hash(f'{this.operation.operation_id} {key}').hex()[:8]}"
