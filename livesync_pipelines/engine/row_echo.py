"""What the source will show of what it is about to be given.

A mapping that goes both ways may still bring a value back as another (a list that is split at a
sign which one of its members holds, an hour that comes twice in autumn), and a field that is made
of others follows them. Both are known before anything is written, and neither is anybody's edit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_fields import put
from livesync_pipelines.core.row_merge import Merged
from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_writing import Part
from livesync_pipelines.model.merge import Side


def echoed(
    this: RowPass, met: Met, merged: Merged, shown_before: pa.Table, given: Part | None
) -> Merged:
    """With what the source will show of the rows that it is given. Fields that do not come back,
    and are made of others, go on to the target, unless it has an edit of its own there.

    `shown_before`: how the target showed what was agreed."""
    if given is None:
        return merged
    wrote = pc.and_(merged.to_source, merged.source_there)
    echo = _echo(this, met, merged, given, wrote)
    follows = pc.and_(pc.and_(wrote, met.had), pc.and_(met.in_target, merged.target_there))
    base, target, to_target = merged.base, merged.target, merged.to_target
    for place, name in enumerate(this.schema.names):
        if name in this.map.two_way or not this.writes(Side.TARGET):
            continue
        now, new = whole(target[name]), whole(echo[name])
        before, shows = whole(shown_before[name]), whole(met.target[name])
        own = pc.and_(differs(shows, before), pc.invert(differs(now, shows)))
        at = pc.and_(pc.and_(follows, pc.invert(own)), differs(now, new))
        base = base.set_column(place, base.field(place), pc.if_else(at, new, whole(base[name])))
        target = target.set_column(place, target.field(place), pc.if_else(at, new, now))
        to_target = pc.or_(to_target, at)
    return replace(merged, source=echo, base=base, target=target, to_target=to_target)


def _echo(this: RowPass, met: Met, merged: Merged, given: Part, wrote: pa.Array) -> pa.Table:
    """The source's side of what was merged, with what it is given mapped once more. A cell that
    does not fit then is as it was meant."""
    at = np.flatnonzero(wrote)
    rows = pa.array(at)
    raw = met.raw.take(rows)
    for name in given.rows.column_names:
        place = raw.column_names.index(name)
        raw = raw.set_column(place, raw.field(place), given.rows[name].take(rows))
    mapped = this.map.forward(raw)
    echo = merged.source
    for place, name in enumerate(this.schema.names):
        unfit = [cell.row for cell in mapped.bad_cells if cell.field == name]
        fits = np.setdiff1d(np.arange(len(at)), unfit)
        comes = whole(mapped.rows[name]).cast(echo.field(place).type).take(pa.array(fits))
        column = put(whole(echo[name]), (at[fits], comes))
        echo = echo.set_column(place, echo.field(place), column)
    return echo
