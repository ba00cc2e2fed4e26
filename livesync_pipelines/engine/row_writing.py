"""What was decided of a page is written to the ends: recorded first, then sent, then told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors.rows import RowEnd, WritesRows
from livesync_pipelines.core.row_merge import Merged
from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass, at
from livesync_pipelines.engine.row_streams import KEY
from livesync_pipelines.model import row_map
from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.rows import RowReceipt, RowWrites
from livesync_pipelines.store import intents


@dataclass(slots=True)
class Written:
    """What came of it. `left_out`: keys of rows that were not written as was decided, so nothing
    of them is settled: they are met again by the next run. Of those in `half_done` the target was
    written, and not the source. `source`, `target`: rows (of the
    compared schema, with `key`) that an end shows otherwise than they were meant."""

    intent: int | None = None
    left_out: list[str] = field(default_factory=list)
    half_done: set[str] = field(default_factory=set)
    failures: list[ItemFailure] = field(default_factory=list)
    source: pa.Table | None = None
    target: pa.Table | None = None

    @property
    def as_meant(self) -> bool:
        """Whether all of it is as it was to be."""
        return not self.left_out and self.source is None and self.target is None


def noted(
    this: RowPass, merged: Merged, lines: pa.Table, lost: Sequence[Conflict]
) -> Callable[[], int] | None:
    """Begin to note what the ends are to be given: `lines` is what is true once all of it has
    landed, and `lost` what has lost by it. Should this process die before it has told of it, the
    next one looks whether it has landed. None where nothing is to be written."""
    wanted = pc.or_(merged.to_source, merged.to_target)
    if this.dry or not pc.any(wanted).as_py():
        return None
    now = this.now()
    return this.note(lambda c: intents.record(c, this.operation, lines, lost, now=now))


def write_both(this: RowPass, met: Met, merged: Merged, given: Part | None, intent: int) -> Written:
    """Write to each end what it must be given, and has been noted; `given`: to the source."""
    written = Written(intent)
    _write(this, met, merged.to_target, for_target(this, met, merged), written)
    before = set(written.left_out)
    if given is not None:
        _write(this, met, merged.to_source, given, written)
    landed = set(met.keys.filter(merged.to_target).to_pylist()) if written.left_out else set()
    written.half_done = (set(written.left_out) - before) & landed
    return written


def _write(this: RowPass, met: Met, mask: pa.Array, part: Part, written: Written) -> None:
    if written.left_out:
        refused = pc.is_in(met.keys, value_set=pa.array(written.left_out, pa.string()))
        mask = pc.and_(mask, pc.invert(refused))
    if not pc.any(mask).as_py():
        return
    keep = pc.and_(mask, part.there)
    writes = RowWrites(
        upserts=part.rows.filter(keep),
        expected=part.was.filter(keep),
        there=part.was_there.filter(keep),
        deletes=part.was.filter(pc.and_(pc.and_(mask, pc.invert(part.there)), part.was_there)),
    )
    with this.hands.locks[part.side]:
        receipt = _writer(this.end(part.side), part.side).write(writes)
    _take_receipt(this, part.side, receipt, written)


@dataclass(frozen=True, slots=True)
class Part:
    """In the columns of an end: what it is to show and whether, what it showed and whether; and
    the cells that do not fit there, by row."""

    side: Side
    rows: pa.Table
    there: pa.Array
    was: pa.Table
    was_there: pa.Array
    misfits: Mapping[int, Sequence[row_map.BadCell]] = field(default_factory=dict)


def for_target(this: RowPass, met: Met, merged: Merged) -> Part:
    """What the target is given."""
    names = list(dict.fromkeys([*this.target_shape.key, *this.schema.names]))
    was = met.target.select(names)
    return Part(Side.TARGET, merged.target.select(names), merged.target_there, was, met.in_target)


def for_source(
    this: RowPass, met: Met, merged: Merged, taken: pa.Table, agreed: pa.Table
) -> Part | None:
    """What the source is given; None where it is given nothing. `taken`: its rows as they went into
    the merge; `agreed`: the values that both ends had."""
    if not pc.any(merged.to_source).as_py():
        return None
    back = this.map.back(merged.source)
    edited = {
        name: pc.or_(pc.invert(met.in_source), differs(taken[name], merged.source[name]))
        for name in {cell.field for cell in back.bad_cells}
    }
    misfits: dict[int, list[row_map.BadCell]] = {}
    for cell in back.bad_cells:
        if edited[cell.field][cell.row].as_py():
            misfits.setdefault(cell.row, []).append(cell)
    names = list(dict.fromkeys([*this.source_shape.key, *back.rows.column_names]))
    was = met.raw.select(names)
    had = this.map.back(agreed).rows if misfits else was
    stood = {n: pc.if_else(met.in_source, whole(was[n]), whole(had[n])) for n in names}
    fields = (taken, merged.source)
    columns = [_own_spelling(this, met, fields, back, stood[name], name) for name in names]
    rows = pa.table(columns, names=names)
    return Part(Side.SOURCE, rows, merged.source_there, was, met.in_source, misfits)


def _own_spelling(
    this: RowPass,
    met: Met,
    fields: tuple[pa.Table, pa.Table],
    back: row_map.MappedRows,
    stood: pa.Array,
    name: str,
) -> pa.Array:
    """A column as the source is to have it. Where its field stays what it is (`fields`: before and
    after), also its cell does (`stood`): one that did not fit, or that is spelled in another way,
    is left alone; and so is one into which the new value does not fit."""
    field = this.map.comes_back[name]
    sent = back.rows[name].combine_chunks()
    shown, meant = (table[field].combine_chunks() for table in fields)
    stays = pc.and_(met.in_source, pc.invert(differs(shown, meant)))
    if misfits := [cell.row for cell in back.bad_cells if cell.field == field]:
        numbers = pa.array(range(len(sent)), pa.int64())
        stays = pc.or_(stays, pc.is_in(numbers, value_set=pa.array(misfits, pa.int64())))
    return pc.if_else(stays, stood, sent)


def _writer(end: RowEnd, side: Side) -> WritesRows:
    if not isinstance(end, WritesRows):
        raise BadInput(f"The {side} ({end.spec.title}) cannot be written to.")
    return end


def _take_receipt(this: RowPass, side: Side, receipt: RowReceipt, written: Written) -> None:
    keyed = this.source_keys if side is Side.SOURCE else this.target_keys
    written.left_out += [key for key in keyed(receipt.moved).to_pylist() if key is not None]
    written.left_out += [failure.key for failure in receipt.failures]
    written.failures += receipt.failures
    if not len(receipt.stored):
        return
    keys = keyed(receipt.stored)
    if side is Side.SOURCE:
        shown = this.map.forward(receipt.stored).rows
        written.source = shown.append_column(KEY, keys)
    else:
        written.target = receipt.stored.select(this.schema.names).append_column(KEY, keys)


def overlaid(table: pa.Table, keys: pa.Array, stored: pa.Table | None) -> pa.Table:
    """A table with the rows that an end stored otherwise in their place."""
    if stored is None:
        return table
    found, there = at(stored, stored[KEY].combine_chunks(), keys)
    columns: Sequence[pa.Array] = [
        pc.if_else(there, found[name].combine_chunks(), table[name].combine_chunks())
        for name in table.column_names
    ]
    return pa.table(list(columns), schema=table.schema)
