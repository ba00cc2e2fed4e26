"""What one operation on rows carries with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_map import RowMap
from livesync_pipelines.core.row_prints import fingerprints, with_misfits
from livesync_pipelines.engine.operating import Progress
from livesync_pipelines.engine.row_unfit import by_row, without_unread
from livesync_pipelines.engine.writer import Inline, Writer
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.records import Failed
from livesync_pipelines.model.row_map import OnError
from livesync_pipelines.model.rows import Shape
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Mode
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RowErrand:
    """One operation on rows. `dry`: nothing is written to either end."""

    operation: Operation
    lane: Lane
    progress: Progress
    dry: bool


@dataclass(frozen=True, slots=True)
class RowHands:
    """Four pages side by side: what is known is read for one, one is noted, one is sent to the
    ends, one is committed. An end does one thing at a time (`locks`)."""

    reading: Connection
    noting: Connection
    noter: Writer | Inline
    sender: Writer | Inline
    writer: Writer | Inline
    locks: Mapping[Side, Lock] = field(default_factory=lambda: {side: Lock() for side in Side})


@dataclass(slots=True, kw_only=True)
class RowPass:
    """Both ends, the mapping between them, and what has been seen so far.

    `schema` is of the values that are compared: every target field that the mapping writes.
    `key_map` maps keys alone. `fresh`: nothing is known of any row, and the target is empty.
    `dry`: nothing is written to either end. `narrow`: of the target's columns that are not as wide
    as they should be, why (see `row_widening`). `noted`: rows of which something is open.
    `unfinished`: ends that were not seen to their last row, so that nothing is absent. `failing`:
    rows that cannot be read or written; `untold`: those of which no page has told yet. `told_of`:
    rows that were looked up before the walk, and are counted already. `left_behind`: a row was not
    written because somebody had just changed it. What is committed is so on the operation's `own`
    connection. `upstream`: other syncs that write what this one reads, by which of their ends.
    `defaults`: by field that was never agreed upon, the one value that the source has said in it
    so far; none, if it has said several. `lock`: held by whoever counts, for both ends are read
    beside what is decided.
    """

    own: Connection
    hands: RowHands
    operation: Operation
    source: RowEnd
    target: RowEnd
    source_shape: Shape
    target_shape: Shape
    map: RowMap
    key_map: RowMap
    now: Callable[[], datetime]
    progress: Progress
    fresh: bool
    dry: bool
    narrow: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[tuple[str, str | None], Answer] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)
    failing: set[str] = field(default_factory=set)
    untold: list[Failed] = field(default_factory=list)
    upstream: Mapping[str, Side] = field(default_factory=dict)
    told_of: set[str] = field(default_factory=set)
    defaults: dict[str, pa.Array] = field(default_factory=dict)
    unfinished: set[Side] = field(default_factory=set)
    left_behind: bool = False
    lock: Lock = field(default_factory=Lock)

    @property
    def connection(self) -> Connection:
        """To ask what is known."""
        return self.hands.reading

    @property
    def sync_id(self) -> str:
        return self.operation.sync.sync_id

    @property
    def mode(self) -> Mode:
        return self.operation.sync.mode

    @property
    def schema(self) -> pa.Schema:
        names, known = compared_fields(self.map, self.mode), self.map.target_shape.schema
        fields = [known.field(name).with_nullable(True) for name in names]
        if self.mode is Mode.BIDIRECTIONAL:  # else one end rules, whatever was agreed
            came = {one.target: ", ".join(one.sources) for one in self.operation.sync.fields}
            fields = [f.with_metadata({"from": came.get(f.name, f.name)}) for f in fields]
        return pa.schema(fields)

    def fields(self, on_error: OnError) -> set[str]:
        """Those whose cells that do not fit are treated so."""
        return {name for name in self.schema.names if self.map.on_error(name) is on_error}

    def writes(self, side: Side) -> bool:
        """Whether this sync writes to that end."""
        only = {Mode.PULL: Side.TARGET, Mode.PUSH: Side.SOURCE}.get(self.mode)
        return only is None or only is side

    def walks(self, side: Side) -> bool:
        """Whether that end is looked at as a whole: in a full resync, both are."""
        return self.operation.full or self.writes(side.other)

    def partly(self, side: Side) -> bool:
        """Whether a row of that end may go on without the cells that cannot be read."""
        return side is Side.SOURCE and not self.writes(side)

    @property
    def page_rows(self) -> int:
        """How many changed rows are brought together at once, at most."""
        return max(self.end(side).rows_per_write for side in Side if self.writes(side))

    def columns(self, side: Side) -> list[str]:
        """What is read of an end: its key, what is mapped, when and by whom a row was changed."""
        shape = self.source_shape if side is Side.SOURCE else self.target_shape
        mapped = self.map.source_columns if side is Side.SOURCE else self.schema.names
        extra = [name for name in (shape.modified, shape.actor) if name]
        return list(dict.fromkeys([*shape.key, *mapped, *extra]))

    def source_keys(self, rows: pa.Table) -> pa.Array:
        return row_keys.encode(rows, self.source_shape.key)

    def target_keys(self, rows: pa.Table) -> pa.Array:
        """The same key as the source's row bears."""
        back = self.map.back(rows.select(self.map.target_shape.key)).rows
        return row_keys.encode(back, self.source_shape.key)

    def compared(self, rows: pa.Table) -> pa.Table:
        """Of the target's rows, the values that are compared."""
        return rows.select(self.schema.names).cast(self.schema)

    def marks(self, values: pa.Table) -> pa.Array:
        """Fingerprints of rows of `schema`."""
        return fingerprints(values, self.schema.names)

    def end(self, side: Side) -> RowEnd:
        return self.source if side is Side.SOURCE else self.target

    def marks_of(self, side: Side, rows: pa.Table) -> pa.Array:
        """Fingerprints of rows as an end gives them. A cell of the source that does not fit tells
        rows apart too."""
        if side is Side.TARGET:
            return self.marks(self.compared(rows))
        mapped = without_unread(self.map, rows, self.map.forward(rows))
        return with_misfits(self.marks(mapped.rows), by_row(mapped.bad_cells))

    def from_end(self, side: Side, pages: Iterator[T]) -> Iterator[T]:
        """What an end gives, while nothing else asks it."""
        while True:
            with self.hands.locks[side]:
                page = next(pages, None)
            if page is None:
                return
            yield page

    def fails(self, failure: ItemFailure) -> None:
        """Note a row that cannot be read or written; it is neither absent nor changed."""
        with self.lock:
            if failure.key not in self.failing:
                self.operation.counts.failed += 1
                self.failing.add(failure.key)
                self.untold.append(Failed(failure))

    def are_failing(self, keys: pa.Array) -> pa.Array:
        """Which of these rows cannot be read or written."""
        return pc.is_in(keys, value_set=pa.array(sorted(self.failing), pa.string()))

    def note(self, work: Callable[[Connection], int]) -> Callable[[], int]:
        """Note an intent, beside what is sent; what is returned waits for it, and has its
        number."""
        number: list[int] = []
        noted = self.hands.noter.begin(lambda: number.append(work(self.hands.noting)))

        def known() -> int:
            noted()
            return number[0]

        return known

    def begin(self, work: Callable[[], Batch]) -> None:
        """Send what the work sends, then commit what it makes; each after all that was begun
        before it, and beside one another."""

        def send() -> None:
            batch = work()
            self.hands.writer.begin(lambda: self._commit(batch))

        self.hands.sender.begin(send)
        self.progress(self.operation)

    def _commit(self, batch: Batch) -> None:
        with self.lock:
            batch.failures, self.untold = [*batch.failures, *self.untold], []
        if not batch.is_empty:
            operation = self.operation
            write(self.own, operation, batch, now=self.now(), place=operation.place)

    def wait(self) -> None:
        """Until all that was begun is committed."""
        self.hands.sender.wait()
        self.hands.writer.wait()


def compared_fields(rows: RowMap, mode: Mode) -> Sequence[str]:
    """By their names at the target. A push has nothing to do with those that do not come back."""
    return rows.two_way if mode is Mode.PUSH else rows.target_shape.schema.names


def at(table: pa.Table, keys: pa.Array, wanted: pa.Array) -> tuple[pa.Table, pa.Array]:
    """The rows of a table (whose keys are `keys`) in the order of the wanted ones, null where
    there is none; and which there are."""
    if keys.equals(wanted):
        return table, pa.repeat(True, len(wanted))
    if not len(keys):
        absent = [pa.nulls(len(wanted), field.type) for field in table.schema]
        return pa.table(absent, schema=table.schema), pa.repeat(False, len(wanted))
    place = pc.index_in(wanted, value_set=keys)
    return table.take(place), place.is_valid()
