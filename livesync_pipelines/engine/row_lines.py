"""What a page of rows leaves behind: a line for each row whose state is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_merge import Merged
from livesync_pipelines.core.row_prints import with_misfits
from livesync_pipelines.core.row_values import differs, plain
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_writing import Written, overlaid
from livesync_pipelines.model.conflict import LOOP, BadCell, Conflict, Version
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import row_blocks
from livesync_pipelines.store.row_commit import AGREED, FORGOTTEN

Cells = Mapping[int, Sequence[BadCell]]
"""By row."""

TURNS = 10
"""So often in a row may a row go from one end to the other and back before it is frozen."""


def lines_of(
    this: RowPass, met: Met, merged: Merged, kept: Cells, written: Written | None
) -> pa.Table:
    """What is to be stored of rows whose state is new; before anything is written (`written` is
    None), as if all of it went well. `kept`: the cells that stay at the source and do not fit."""
    names = this.schema.names
    to_source, to_target = merged.to_source, merged.to_target
    source = _shown(names, to_source, merged.source, met.source)
    target = _shown(names, to_target, merged.target, met.target)
    if written is not None:
        source = overlaid(source, met.keys, written.source)
        target = overlaid(target, met.keys, written.target)
    touched, gone = pc.or_(to_source, to_target), pc.invert(merged.there)
    marks = _both_marks(this, met, merged, (source, target), kept)
    columns = {
        "key": met.keys,
        "op": _ops(met, touched, gone),
        "before": met.held["block"],
        **marks,
        **_turns(met, to_source, to_target),
        "to_source": to_source,
        "to_target": to_target,
    }
    columns |= {f"{row_blocks.AGREED}{name}": merged.base[name] for name in names}
    columns |= _normalised(names, merged, source, "source:")
    columns |= _normalised(names, merged, target, "target:")
    columns |= {f"{row_blocks.MISSING}{n}": waiting for n, waiting in merged.missing.items()}
    apart = pc.or_(*(differs(mark, met.held[name]) for name, mark in marks.items()))
    ours = pc.or_(merged.there, met.had)
    new = pc.and_(ours, pc.or_(pc.or_(touched, gone), apart))
    table = row_blocks.with_origins(pa.table(columns), this.schema)
    return table if pc.all(new).as_py() else table.filter(new)


def _ops(met: Met, touched: pa.Array, gone: pa.Array) -> pa.Array:
    """What has happened to each row."""
    was_there = pc.or_(met.had, pc.and_(met.in_source, met.in_target))
    written = pc.if_else(was_there, Op.UPDATED.value, Op.ADDED.value)
    stays = pc.if_else(touched, written, AGREED)
    return pc.if_else(gone, pc.if_else(touched, Op.REMOVED.value, FORGOTTEN), stays)


def _both_marks(
    this: RowPass, met: Met, merged: Merged, shown: tuple[pa.Table, pa.Table], kept: Cells
) -> dict[str, pa.Array]:
    """The fingerprints of what both ends show in the end."""
    source, target = shown
    here = _marks(this, source, merged.to_source, met.source_mark)
    alike = not kept and source.equals(target)
    there = here if alike else _marks(this, target, merged.to_target, met.target_mark)
    wrote = merged.to_source.to_pylist() if kept else []
    unfit = {n: [(c.field, c.value) for c in cells] for n, cells in kept.items() if wrote[n]}
    in_source = pc.if_else(merged.to_source, merged.source_there, met.in_source)
    in_target = pc.if_else(merged.to_target, merged.target_there, met.in_target)
    return {
        "source_mark": pc.if_else(in_source, with_misfits(here, unfit), None),
        "target_mark": pc.if_else(in_target, there, None),
    }


def _marks(this: RowPass, shown: pa.Table, wrote: pa.Array, was: pa.Array) -> pa.Array:
    """The fingerprints of what an end shows; of what was not written, they are known."""
    if not pc.any(wrote).as_py():
        return was
    return pc.replace_with_mask(was, wrote, this.marks(shown.filter(wrote)))


def _shown(names: Sequence[str], wrote: pa.Array, sent: pa.Table, was: pa.Table) -> pa.Table:
    """What an end shows in the end: what was sent where it was written to, else what was there."""
    if pc.all(wrote).as_py():
        return sent.select(names)
    if not pc.any(wrote).as_py():
        return was.select(names)
    columns = []
    for name in names:
        before = was[name].combine_chunks().cast(sent[name].type)
        columns.append(pc.if_else(wrote, sent[name].combine_chunks(), before))
    return pa.table(columns, names=list(names))


def _normalised(
    names: Sequence[str], merged: Merged, shown: pa.Table, end: str
) -> dict[str, pa.Array]:
    """Columns of what an end shows otherwise than was agreed; not where a question is open, nor
    where it is an edit that could not be sent."""
    if shown.equals(merged.base):
        return {}
    held = {(clash.row, clash.field) for clash in merged.clashes if clash.winner is None}
    columns = {}
    for name in names:
        agreed, mine = merged.base[name].combine_chunks(), shown[name].combine_chunks()
        if any(field in {name, None} for _, field in held):
            rows = pa.array([n for n, field in held if field in {name, None}], pa.int64())
            mask = pc.is_in(pa.array(range(len(agreed))), value_set=rows)
            mine = pc.if_else(mask, agreed, mine)
        if end == "target:" and name in merged.unsent:
            mine = pc.if_else(merged.unsent[name], agreed, mine)
        if pc.any(differs(agreed, mine)).as_py():
            columns[f"{end}{name}"] = mine
    return columns


def _turns(met: Met, to_source: pa.Array, to_target: pa.Array) -> dict[str, pa.Array]:
    """Where each row was written last, and how often in a row that was the other end than the
    time before, or what another sync had written."""
    before, turns = met.held["went_to"], met.held["turns"].combine_chunks().fill_null(0)
    now = pc.if_else(to_source, Side.SOURCE.value, pc.if_else(to_target, Side.TARGET.value, before))
    touched = pc.or_(to_source, to_target)
    turned = pc.and_(touched, pc.fill_null(pc.not_equal(now, before), False))
    handed_on = pc.add(pc.fill_null(met.hops, -1), 1)
    counted = pc.if_else(turned, pc.add(turns, 1), pc.if_else(touched, handed_on, turns))
    return {"turns": counted.cast(pa.int16()), "went_to": now}


def loops(this: RowPass, lines: pa.Table) -> list[Conflict]:
    """Rows that have gone back and forth too often are left alone from now on; told with what was
    agreed, and what each end shows."""
    looping = lines.filter(pc.greater_equal(lines["turns"], TURNS))
    names = this.schema.names
    base, source, target = (_values(looping, names, end) for end in ("", "source:", "target:"))
    return [
        Conflict(
            key=row["key"],
            field=None,
            policy=LOOP,
            reason=_why(this, row["turns"], row["went_to"]),
            base=base[n],
            source=Version(value=None if row["source_mark"] is None else source[n]),
            target=Version(value=None if row["target_mark"] is None else target[n]),
        )
        for n, row in enumerate(looping.to_pylist())
    ]


def _why(this: RowPass, turns: int, went_to: str) -> str:
    if this.upstream:
        others = ", ".join(this.upstream)
        return (
            f"It has gone round {turns} times through several syncs: what this sync writes comes "
            f"back changed by {others}. Make one sync of those that go there and back, with "
            "mode: bidirectional, or let one of them leave the field out."
        )
    return (
        f"Its two ends have rewritten it in turn {turns} times; the last value went to the "
        f"{went_to}. Does something at one end change what is written to it?"
    )


def _values(lines: pa.Table, names: Sequence[str], end: str) -> list[dict[str, Any]]:
    """What an end shows of each row; of none (""), what was agreed."""
    columns = {}
    for name in names:
        shown = f"{end}{name}" if end and f"{end}{name}" in lines.column_names else None
        columns[name] = plain(lines[shown or f"{row_blocks.AGREED}{name}"])
    return [{name: columns[name][n] for name in names} for n in range(len(lines))]
