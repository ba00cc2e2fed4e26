"""One sync of rows, its two ends brought in step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core import guard, row_keys
from livesync_pipelines.core.row_values import differs
from livesync_pipelines.engine.collecting import seldom_collected
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import ends_connected
from livesync_pipelines.engine.row_meet import bring_together
from livesync_pipelines.engine.row_met import Met, gathered, has_lost
from livesync_pipelines.engine.row_opening import opened
from livesync_pipelines.engine.row_pass import RowErrand, RowPass
from livesync_pipelines.engine.row_streams import KEY, Stream, Stretch, Watcher, rows_of, walk
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import approvals, catalog, intents, row_base, unsettled
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Outcome
from livesync_pipelines.store.row_commit import RowCommit

HELD_ROWS = 10_000
"""So many known rows are held against the ends at once."""


def synchronise_rows(engine: Engine, connection: Connection, errand: RowErrand) -> Outcome:
    """Bring both ends in step, as the sync's mode and policies say."""
    operation, sync = errand.operation, errand.operation.sync
    assert sync.target is not None
    ends = (
        catalog.connection_of(connection, sync.connection),
        catalog.connection_of(connection, sync.target.connection),
    )
    with seldom_collected(), ends_connected(engine, ends, sync, errand.lane) as (source, target):
        this = opened(engine, connection, errand, (source, target))
        _finish_what_was_begun(this)
        meet_keys(this, sorted({key for key, _ in this.answers}))
        _walk_through(this)
        refusal = _settle_absences(this)
    if refusal is not None:
        return Outcome(Status.WAITING, guard.waiting(sync.sync_id, refusal), settled=True)
    partial = operation.counts.failed > 0 or this.unfinished
    return Outcome(Status.PARTIAL if partial else Status.SUCCESS, settled=True)


def _finish_what_was_begun(this: RowPass) -> None:
    """Look whether what an operation that died was about to write has landed; what has is told as
    if nothing had happened (so that it is nobody's edit), the rest is decided anew. What was
    overwritten is kept in any case."""
    for intent in intents.left(this.connection, this.sync_id):
        lines = intent.lines
        met = _read(this, lines["key"].combine_chunks())
        source = pc.if_else(met.in_source, this.marks(met.source), None)
        target = pc.if_else(met.in_target, this.marks(this.compared(met.target)), None)
        astray = pc.or_(
            pc.and_(lines["to_source"], differs(source, lines["source_mark"])),
            pc.and_(lines["to_target"], differs(target, lines["target_mark"])),
        )
        landed = lines.filter(pc.invert(astray))
        keys = set(landed["key"].to_pylist())
        commit = RowCommit(
            lines=landed,
            intents=[intent.intent_id],
            conflicts=[
                each for each in intent.conflicts if each.key in keys or has_lost(met, each)
            ],
            policy="read back",
        )
        this.commit(Batch(rows=commit))


def meet_keys(this: RowPass, keys: list[str]) -> None:
    """Bring the rows with these keys together, as both ends have them now."""
    for start in range(0, len(keys), HELD_ROWS):
        bring_together(this, _read(this, pa.array(keys[start : start + HELD_ROWS], pa.string())))


def _read(this: RowPass, keys: pa.Array) -> Met:
    """Rows by key, from both ends."""
    types = [this.source_shape.schema.field(name).type for name in this.source_shape.key]
    by_source = pa.table(row_keys.decode(keys, types), names=list(this.source_shape.key))
    source = read(this, Side.SOURCE, by_source)
    target = read(this, Side.TARGET, this.key_map.forward(by_source).rows)
    held = row_base.by_key(this.connection, this.sync_id, keys.to_pylist())
    return gathered(this, keys, source, target, held)


def read(this: RowPass, side: Side, keys: pa.Table) -> pa.Table:
    """The rows of an end with these keys, by its own names. One that is there and cannot be read
    fails, and is neither absent nor changed."""
    end = this.source if side is Side.SOURCE else this.target
    page = end.read(this.columns(side), keys)
    for failure in page.failures:
        this.fails(failure)
    return page.rows


def _walk_through(this: RowPass) -> None:
    unsettled.forget(this.connection, this.sync_id)
    this.operation.counts.expected = this.operation.items_before
    for stretch in walk(_stream(this, Side.SOURCE), _stream(this, Side.TARGET), _held(this)):
        _take(this, stretch)


def _stream(this: RowPass, side: Side) -> Stream | None:
    if not this.walks(side):
        return None
    end = this.source if side is Side.SOURCE else this.target
    keyed = this.source_keys if side is Side.SOURCE else this.target_keys

    def listed(count: int) -> None:
        this.operation.counts.pages += 1
        this.operation.counts.listed += count

    def unfinished() -> None:
        this.unfinished = True

    shape = this.source_shape if side is Side.SOURCE else this.target_shape
    names = this.columns(side)
    empty = {name: pa.array([], shape.schema.field(name).type) for name in names}
    told = Watcher(str(side), this.fails, listed, unfinished)
    return rows_of(end.scan(names, None), keyed, pa.table(empty), told)


def _held(this: RowPass) -> Stream:
    def pages() -> Iterator[tuple[pa.Table, bool]]:
        after = None
        while True:
            rows = row_base.after(this.connection, this.sync_id, after, limit=HELD_ROWS)
            last = len(rows) < HELD_ROWS
            after = rows["key"][-1].as_py() if len(rows) else after
            yield rows.append_column(KEY, rows["key"]), last

    return Stream(pages(), what="shadow")


def _take(this: RowPass, stretch: Stretch) -> None:
    """Of one stretch, what has changed at either end is brought together; what is gone waits."""
    changed = [
        _changed(this, stretch, side)
        for side, rows in ((Side.SOURCE, stretch.source), (Side.TARGET, stretch.target))
        if rows is not None
    ]
    keys = pc.unique(pa.concat_arrays([keys for keys, _ in changed]))
    absent = {key for _, gone in changed for key in gone if key not in this.failing}
    apart = pa.array([*this.frozen, *this.failing], pa.string())
    keys = keys.filter(pc.invert(pc.is_in(keys, value_set=apart)))
    keys = keys.filter(pc.invert(pc.is_in(keys, value_set=pa.array(sorted(absent), pa.string()))))
    rows = stretch.source if stretch.source is not None else stretch.target
    assert rows is not None
    this.operation.counts.unchanged += max(0, len(rows) - len(keys))
    if absent:
        this.commit(Batch(absent=[(key, unsettled.NOT_LISTED) for key in sorted(absent)]))
    if len(keys):
        bring_together(this, _met(this, stretch, keys))
    elif this.failing:
        failures = list(this.failing.values())
        this.commit(Batch(failures=failures))


def _changed(this: RowPass, stretch: Stretch, side: Side) -> tuple[pa.Array, list[str]]:
    """The keys of rows that this end shows otherwise than it did, and of those it does not any
    more."""
    rows = stretch.source if side is Side.SOURCE else stretch.target
    assert rows is not None
    values = this.map.forward(rows).rows if side is Side.SOURCE else this.compared(rows)
    keys, known = rows[KEY].combine_chunks(), stretch.held["key"].combine_chunks()
    before = stretch.held[f"{side}_mark"].combine_chunks()
    was = before.take(pc.index_in(keys, value_set=known))
    gone = known.filter(pc.and_(before.is_valid(), pc.invert(pc.is_in(known, value_set=keys))))
    return keys.filter(differs(this.marks(values), was)), gone.to_pylist()


def _met(this: RowPass, stretch: Stretch, keys: pa.Array) -> Met:
    """The rows with these keys: from the ends that were walked, and read from the other."""
    source, target = stretch.source, stretch.target
    if source is None:
        assert target is not None
        wanted = target.filter(pc.is_in(target[KEY], value_set=keys))
        back = this.map.back(wanted.select(this.map.target_shape.key)).rows
        source = read(this, Side.SOURCE, back)
    if target is None:
        if this.fresh:
            target = this.target_shape.schema.empty_table()
        else:
            wanted = source.filter(pc.is_in(source[KEY], value_set=keys))
            target = read(this, Side.TARGET, this.key_map.forward(wanted).rows)
    return gathered(this, keys, source, target, stretch.held)


def _settle_absences(this: RowPass) -> str | None:
    """Bring together what an end does not show any more; returns why that must wait for a person,
    or None. Each row is looked for once more by its key first."""
    sync_id, limits = this.sync_id, this.operation.sync.limits
    if this.unfinished:
        unsettled.forget(this.connection, sync_id)
        return None
    absent = list(unsettled.absent(this.connection, sync_id, but=[]))
    many = len(absent) > limits.delete_items
    if many and not approvals.cover_all(this.connection, sync_id):
        totals = Counter({"": this.operation.items_before})
        refusal = guard.refusal(removals=Counter({"": len(absent)}), totals=totals, limits=limits)
        if refusal is not None:
            return refusal
    meet_keys(this, [key for key in absent if key not in this.frozen])
    unsettled.forget(this.connection, sync_id)
    return None
