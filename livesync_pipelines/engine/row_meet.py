"""Rows of both ends are brought together: merged, written where they must be, and committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_merge import Answers, Clash, Merged, Sides, merge
from livesync_pipelines.core.row_values import plain, whole
from livesync_pipelines.engine.row_answers import given, unless_edited, with_restored
from livesync_pipelines.engine.row_defaults import defaults
from livesync_pipelines.engine.row_echo import echoed
from livesync_pipelines.engine.row_lines import Cells, lines_of, loops
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_misfits import (
    buried_by,
    conflict_of,
    overwritten,
    refused,
    unfit,
    with_old_values,
)
from livesync_pipelines.engine.row_overtaken import refusals
from livesync_pipelines.engine.row_pass import RowPass, at
from livesync_pipelines.engine.row_writing import Part, Written, for_source, noted, write_both
from livesync_pipelines.model.conflict import BadCell, Conflict, Refusal
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.row_map import OnError
from livesync_pipelines.model.rows import CLOCK
from livesync_pipelines.store import row_blocks
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.row_commit import RowCommit


def bring_together(this: RowPass, met: Met) -> None:
    """Merge these rows; then, beside what follows, write what must be written and commit it as
    one page."""
    met = _without_poisoned(this, met)
    if not len(met.keys):
        return
    agreed = _agreed(this, met)
    base = row_blocks.values(agreed, this.schema)
    taken = with_old_values(this, met, base)
    answered = given(this, met, taken)
    restored = unless_edited(this, met, agreed, answered.restored)
    merged = merge(
        _sides(this, met, agreed, taken),
        this.operation.sync.policy,
        answers=answered.answers,
        writes_source=this.writes(Side.SOURCE),
        writes_target=this.writes(Side.TARGET),
    )
    merged = with_restored(this, merged, restored)
    given_back = for_source(this, met, merged, taken, base)
    merged = refused(this, met, echoed(this, met, merged, agreed, given_back), given_back)
    clashes = [(clash, conflict_of(this, met, clash)) for clash in merged.clashes]
    gone, kept = overwritten(this, met, merged, given_back)
    lines = lines_of(this, met, merged, kept, None)
    buried = list(buried_by(this, merged, agreed, gone))
    lost = [told for clash, told in clashes if clash.winner is not None] + buried
    page = _Page(
        met=met,
        merged=merged,
        given_back=given_back,
        lines=lines,
        kept=kept,
        clashes=clashes,
        buried=buried,
        answers=answered.answers,
        refused=refusals(this, met, merged, restored),
        noted=noted(this, merged, lines, lost),
    )
    this.begin(lambda: _carried_out(this, page))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What was decided of some rows; `lines` are those that are true once it has landed, and
    `noted` waits until that stands in an intent. `given_back`: what the source is given; `kept`:
    its cells that stay there and do not fit; `buried`: what it held that nobody has seen;
    `refused`: what people wanted and did not get."""

    met: Met
    merged: Merged
    given_back: Part | None
    lines: pa.Table
    kept: Cells
    clashes: list[tuple[Clash, Conflict]]
    buried: list[Conflict]
    answers: Answers
    refused: list[Refusal]
    noted: Callable[[], int] | None


def _carried_out(this: RowPass, page: _Page) -> Batch:
    met, lines = page.met, page.lines
    written = Written()
    if page.noted is not None:
        written = write_both(this, met, page.merged, page.given_back, page.noted())
    for failure in written.failures:
        this.fails(failure)
    left = set(written.left_out)
    this.left_behind = this.left_behind or bool(left - this.failing)
    if not written.as_meant:
        lines = lines_of(this, met, page.merged, page.kept, written)
        held_back = pc.is_in(lines["key"], value_set=pa.array(sorted(left), pa.string()))
        lines = lines.filter(pc.invert(held_back))
    told = [
        (told, (clash.row, clash.field))
        for clash, told in page.clashes
        if told.key not in left or (told.key in written.half_done and _target_lost(told))
    ]
    carried_out = {place for each, place in told if each.winner and place in page.answers}
    commit = RowCommit(
        lines=lines,
        intent=written.intent,
        as_meant=written.as_meant,
        seen=sorted(this.noted.intersection(met.keys.to_pylist()) - left) if this.noted else [],
        conflicts=[each for each, place in told if place not in carried_out]
        + [each for each in page.buried if each.key not in left]
        + loops(this, lines),
        answered=[each for each, place in told if place in carried_out],
        refused=[each for each in page.refused if each.key not in left],
        cells=[cell for cell in _cells(this, page) if cell.key not in left],
        policy=str(this.operation.sync.policy.default),
    )
    this.noted |= {each.key for each in commit.conflicts} | {each.key for each in commit.cells}
    done = set(met.keys.to_pylist()) - left
    this.answers = {
        place: each
        for place, each in this.answers.items()
        if not (each.restores and place[0] in done)  # an edit that comes from now on is newer
    }
    return Batch(rows=commit, dropped=list(commit.seen))


ONE_WAY = "at the source: this field does not come back"


def _cells(this: RowPass, page: _Page) -> Iterator[BadCell]:
    """What does not fit into the target, what does not into the source, and what people have
    written at the target into fields that do not come back."""
    keys, merged = page.met.keys, page.merged
    for cells in page.kept.values():
        yield from cells
    for row, misfits in page.given_back.misfits.items() if page.given_back else ():
        for cell in misfits:
            if merged.unsent[cell.field][row].as_py():
                key, why = keys[row].as_py(), f"at the source: {cell.reason}"
                yield BadCell(
                    key=key, field=cell.field, value=cell.value, reason=why, side=Side.TARGET
                )
    for field in merged.unsent.keys() - this.map.two_way:
        at_target = merged.target.filter(merged.unsent[field])[field]
        for key, value in zip(
            keys.filter(merged.unsent[field]).to_pylist(), plain(at_target), strict=True
        ):
            told = None if value is None else str(value)
            yield BadCell(key=key, field=field, value=told, reason=ONE_WAY, side=Side.TARGET)


def _target_lost(told: Conflict) -> bool:
    return told.winner not in {None, Side.TARGET.value}


def _sides(this: RowPass, met: Met, agreed: pa.Table, taken: pa.Table) -> Sides:
    """What is merged; `taken`: the source's side of it."""
    missing = {
        name: pc.fill_null(agreed[f"{row_blocks.MISSING}{name}"].combine_chunks(), False)
        for name in this.schema.names
    }
    return Sides(
        base=row_blocks.values(agreed, this.schema),
        source=taken,
        target=this.compared(met.target),
        had=met.had,
        in_source=met.in_source,
        in_target=met.in_target,
        source_time=_times(this, met, Side.SOURCE),
        target_time=_times(this, met, Side.TARGET),
        source_base=row_blocks.values(agreed, this.schema, "source:"),
        target_base=row_blocks.values(agreed, this.schema, "target:"),
        missing=missing,
        defaults=defaults(this, met, missing),
        unfit=unfit(this, met),
        json={column.name for column in this.map.target_shape.columns if column.json},
    )


def _agreed(this: RowPass, met: Met) -> pa.Table:
    """What was agreed of these rows (see `row_blocks.agreed`). Where both ends showed the same and
    one of them still does, it is that; the rest stands in the blocks."""
    by_target, by_source = (_still_shown(met, side) for side in (Side.TARGET, Side.SOURCE))
    shown = pc.or_(by_target, by_source)
    held = met.held.filter(pc.and_(met.had, pc.invert(shown)))
    found = row_blocks.agreed(this.connection, this.sync_id, held, this.schema)
    agreed, _ = at(found, whole(held["key"]), met.keys)
    if not pc.any(shown).as_py():
        return agreed
    target = this.compared(met.target)
    columns = [pc.if_else(by_target, target[n], met.source[n]) for n in this.schema.names]
    now = row_blocks.as_agreed(pa.table(columns, schema=this.schema), this.schema)
    chosen = [pc.if_else(shown, now[n], agreed[n]) for n in now.column_names]
    return pa.table(chosen, schema=now.schema)


def _still_shown(met: Met, side: Side) -> pa.Array:
    """Of which rows an end shows what both had agreed on without a difference."""
    source, target = whole(met.held["source_mark"]), whole(met.held["target_mark"])
    now, was = (met.source_mark, source) if side is Side.SOURCE else (met.target_mark, target)
    return pc.fill_null(pc.and_(pc.equal(source, target), pc.equal(now, was)), False)


def _without_poisoned(this: RowPass, met: Met) -> Met:
    """Rows of which a cell does not fit, and whose owner wants such rows set aside, fail whole."""
    strict = this.fields(OnError.DEAD_LETTER)
    poisoned = {n for n, cells in met.cells.items() if any(c.field in strict for c in cells)}
    for n in poisoned:
        said = "; ".join(f"{c.field}: {c.reason}" for c in met.cells[n])
        this.fails(ItemFailure(met.keys[n].as_py(), "bad_cell", said))
    if not poisoned:
        return met
    return met.take(pa.array([n for n in range(len(met.keys)) if n not in poisoned], pa.int64()))


def _times(this: RowPass, met: Met, side: Side) -> pa.Array | None:
    """When rows were changed, where both ends say so in times that can be compared."""
    shapes = (this.source_shape, this.target_shape)
    stamped = [s.column(s.modified) if s.modified else None for s in shapes]
    if any(column is None or column.type != CLOCK for column in stamped):
        return None
    shape, rows = (shapes[0], met.raw) if side is Side.SOURCE else (shapes[1], met.target)
    return rows[shape.modified].combine_chunks()
