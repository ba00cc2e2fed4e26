"""Values that one end has and the other cannot hold: what they mean for a merge, and how they are
told of. Nobody at the other end has seen them, so none is written over or removed without being
kept as what has lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_merge import Clash, Merged
from livesync_pipelines.core.row_values import differs, plain, whole
from livesync_pipelines.engine.row_met import Met, cell_of
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_writing import Part
from livesync_pipelines.model.conflict import BadCell, Conflict, Version
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.row_map import OnError
from livesync_pipelines.store import row_blocks


def unfit(this: RowPass, met: Met) -> dict[str, pa.Array]:
    """By field, the rows whose value at the source the target cannot hold; of fields that come
    back."""
    found = {name: np.zeros(len(met.keys), bool) for name in this.map.two_way}
    for row, cells in met.cells.items():
        for cell in cells:
            if cell.field in found:
                found[cell.field][row] = True
    return {name: pa.array(rows) for name, rows in found.items() if rows.any()}


def with_old_values(this: RowPass, met: Met, base: pa.Table) -> pa.Table:
    """The source's side of a merge: where a cell does not fit, and its field keeps what it was,
    the agreed value stands in, for a target that is written to."""
    source, apart = met.source, {c.field for cells in met.cells.values() for c in cells}
    kept = apart & this.fields(OnError.KEEP) if this.writes(Side.TARGET) else set()
    for name in sorted(kept):
        rows = [n for n, cells in met.cells.items() if any(c.field == name for c in cells)]
        mask = pc.is_in(pa.array(range(len(source))), value_set=pa.array(rows))
        column = pc.if_else(mask, whole(base[name]), whole(source[name]))
        source = source.set_column(source.column_names.index(name), name, column)
    return source


def refused(this: RowPass, met: Met, merged: Merged, given: Part | None) -> Merged:
    """With a question where the target's value, or one of both edits, was to stand and the source
    cannot hold it: both ends are left alone, for nobody has won."""
    if given is None or not this.writes(Side.TARGET):
        return merged
    clashes = []
    for clash in merged.clashes:
        cell = next((c for c in given.misfits.get(clash.row, ()) if c.field == clash.field), None)
        waits = cell is not None and merged.unsent[cell.field][clash.row].as_py()
        if cell is not None and waits and clash.winner is not None:
            why = f"{clash.reason}, but it does not fit the source: {cell.reason}"
            clashes.append(replace(clash, winner=None, reason=why))
            merged = _as_it_was(this, met, merged, clash.row, cell.field)
        else:
            clashes.append(clash)
    return replace(merged, clashes=clashes)


def _as_it_was(this: RowPass, met: Met, merged: Merged, row: int, field: str) -> Merged:
    """With the target's own value in one cell."""
    shown = this.compared(met.target)
    only = pc.equal(pa.array(range(len(met.keys)), pa.int64()), row)
    place = merged.target.column_names.index(field)
    column = pc.if_else(only, whole(shown[field]), whole(merged.target[field]))
    target = merged.target.set_column(place, merged.target.field(place), column)
    differ = [
        differs(target[name].slice(row, 1), shown[name].slice(row, 1))[0].as_py()
        for name in target.column_names
    ]
    to_target = pc.if_else(only, any(differ), merged.to_target)
    return replace(merged, target=target, to_target=to_target)


def overwritten(
    this: RowPass, met: Met, merged: Merged, given: Part | None
) -> tuple[dict[int, list[BadCell]], dict[int, list[BadCell]]]:
    """By row, the cells that did not fit and that the source will not have any more, and those
    that stay."""
    gone: dict[int, list[BadCell]] = {}
    stay: dict[int, list[BadCell]] = {}
    for row, cells in met.cells.items():
        for cell in cells:
            ends = given is not None and _goes(this, merged, given, row, cell.field)
            (gone if ends else stay).setdefault(row, []).append(cell)
    return gone, stay


def _goes(this: RowPass, merged: Merged, given: Part, row: int, field: str) -> bool:
    if not merged.to_source[row].as_py():
        return False
    if not merged.source_there[row].as_py():
        return True
    columns = [name for name in given.rows.column_names if this.map.comes_back.get(name) == field]
    return any(
        differs(given.rows[name].slice(row, 1), given.was[name].slice(row, 1))[0].as_py()
        for name in columns
    )


def buried_by(
    this: RowPass, merged: Merged, agreed: pa.Table, gone: Mapping[int, Sequence[BadCell]]
) -> Iterator[Conflict]:
    """What is told of cells that are gone, of fields that do not clash. `agreed`: as from
    `row_blocks.agreed`."""
    if not this.writes(Side.TARGET):
        return
    clashing = {(clash.row, clash.field) for clash in merged.clashes}
    before = row_blocks.values(agreed, this.schema)
    for row, cells in gone.items():
        for cell in cells:
            if (row, cell.field) in clashing:
                continue
            base, target = (
                plain(table[cell.field].slice(row, 1))[0] for table in (before, merged.target)
            )
            yield Conflict(
                key=cell.key,
                field=cell.field,
                policy=str(this.operation.sync.policy.of(cell.field)),
                reason="what was done at the target has taken the place of what stood at the "
                f"source, and did not fit the target: {cell.reason}",
                base=base,
                source=Version(value=cell.value),
                target=Version(value=target),
                winner=Side.TARGET.value,
                unfit=cell.reason,
            )


def conflict_of(this: RowPass, met: Met, clash: Clash) -> Conflict:
    """What is told of a clash: who says what, and since when. The source says what stands in its
    own cell, also where the target cannot hold that."""

    def version(side: Side, value: object) -> Version:
        source = side is Side.SOURCE
        shape, rows = (this.source_shape, met.raw) if source else (this.target_shape, met.target)
        actor = rows[shape.actor][clash.row].as_py() if shape.actor else None
        moment = rows[shape.modified][clash.row].as_py() if shape.modified else None
        return Version(
            value=value,
            actor=None if actor is None else str(actor),
            at=moment if getattr(moment, "tzinfo", None) else None,
        )

    cell = cell_of(met, clash.row, clash.field)
    why = f"; the source's value does not fit the target: {cell.reason}" if cell else ""
    return Conflict(
        key=met.keys[clash.row].as_py(),
        field=clash.field,
        policy=str(clash.policy),
        reason=f"{clash.reason}{why}",
        base=clash.base,
        source=version(Side.SOURCE, cell.value if cell else clash.source),
        target=version(Side.TARGET, clash.target),
        winner=None if clash.winner is None else str(clash.winner),
        unfit=cell.reason if cell else None,
    )
