"""Values of the source that the target could not be shown, and that are written over or removed by
what was done there: nobody saw them, so they are kept as what has lost."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from livesync_pipelines.core.row_merge import Clash, Merged
from livesync_pipelines.core.row_values import differs, plain
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_writing import Part
from livesync_pipelines.model.conflict import BadCell, Conflict, Version
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_blocks


def overwritten(
    this: RowPass, met: Met, merged: Merged, agreed: pa.Table, given: Part | None
) -> Iterator[Conflict]:
    """These values, but for those of fields that clash: there, see `unseen`. `agreed`: as from
    `row_blocks.agreed`."""
    if given is None or not this.writes(Side.TARGET):
        return
    clashing = {(clash.row, clash.field) for clash in merged.clashes}
    before = row_blocks.values(agreed, this.schema)
    for row, cells in met.cells.items():
        for cell in cells:
            if (row, cell.field) in clashing or not _goes(this, merged, given, row, cell.field):
                continue
            base, target = (
                plain(table[cell.field].slice(row, 1))[0] for table in (before, merged.target)
            )
            yield Conflict(
                key=cell.key,
                field=cell.field,
                policy=str(this.operation.sync.policy.of(cell.field)),
                reason=f"the source's value did not fit the target ({cell.reason}), and what was "
                "done there has taken its place",
                base=base,
                source=Version(value=cell.value),
                target=Version(value=target),
                winner=Side.TARGET.value,
            )


def unseen(met: Met, clash: Clash) -> BadCell | None:
    """The cell that the source holds in truth, of a field that it has lost."""
    if clash.winner in {None, Side.SOURCE}:
        return None
    cells = met.cells.get(clash.row, ())
    return next((cell for cell in cells if cell.field == clash.field), None)


def _goes(this: RowPass, merged: Merged, given: Part, row: int, field: str) -> bool:
    """Whether the source will not have this cell any more."""
    if not merged.to_source[row].as_py():
        return False
    if not merged.source_there[row].as_py():
        return True
    columns = [name for name in given.rows.column_names if this.map.comes_back.get(name) == field]
    return any(
        differs(given.rows[name].slice(row, 1), given.was[name].slice(row, 1))[0].as_py()
        for name in columns
    )
