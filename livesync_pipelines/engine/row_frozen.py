"""Rows that are frozen: nothing is written to them; their conflict shows what both ends hold."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from livesync_pipelines.core.row_values import plain
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_reading import read_both
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import frozen_rows


def look_at_frozen(this: RowPass) -> None:
    """Note in the conflicts of frozen rows what both ends have made of them since."""
    keys = sorted(this.frozen)
    if this.dry or not keys:
        return
    for start in range(0, len(keys), this.page_rows):
        met = read_both(this, pa.array(keys[start : start + this.page_rows], pa.string()))
        for row, key in enumerate(met.keys.to_pylist()):
            shown = {side: _shown(this, met, row, side) for side in Side}
            frozen_rows.show(
                this.own, this.sync_id, key, source=shown[Side.SOURCE], target=shown[Side.TARGET]
            )


def _shown(this: RowPass, met: Met, row: int, side: Side) -> dict[str, Any] | None:
    source = side is Side.SOURCE
    if not (met.in_source if source else met.in_target)[row].as_py():
        return None
    table = met.source if source else this.compared(met.target)
    return {name: plain(table[name].slice(row, 1))[0] for name in this.schema.names}
