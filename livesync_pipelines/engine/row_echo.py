"""What the source will show of what it is about to be given.

A mapping that goes both ways may still bring a value back as another (a list that is split at a
sign which one of its members holds, an hour that comes twice in autumn), and a field that is made
of others follows them. Both are known before anything is written, and neither is anybody's edit.
"""

from __future__ import annotations

import functools
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
from livesync_pipelines.store import row_blocks


def echoed(this: RowPass, met: Met, merged: Merged, agreed: pa.Table, given: Part | None) -> Merged:
    """With what the source will show of the rows that it is given. A row that is given nothing new
    is not written; a value that does not fit there waits, as the edit that it is. Fields that do
    not come back, and are made of others, go on to the target, unless it has an edit of its own.

    `agreed`: as from `row_blocks.agreed`."""
    if given is None:
        return merged
    merged = _unsent(this, met, merged, agreed, given)
    merged = replace(merged, to_source=pc.and_(merged.to_source, pc.invert(_idle(given))))
    wrote = pc.and_(merged.to_source, merged.source_there)
    merged = replace(merged, source=_echo(this, met, merged, given, wrote))
    if not this.writes(Side.TARGET):
        return merged
    made_again = pc.and_(met.had, pc.invert(met.in_source))
    stays = pc.and_(pc.and_(met.in_target, merged.target_there), pc.invert(made_again))
    return _followed(this, met, merged, agreed, pc.and_(wrote, stays))


def _idle(given: Part) -> pa.Array:
    """The rows that the source has already as they are given to it."""
    changed = [differs(given.rows[name], given.was[name]) for name in given.rows.column_names]
    alike = pc.invert(functools.reduce(pc.or_, changed))
    return pc.and_(alike, pc.and_(given.there, given.was_there))


def _unsent(this: RowPass, met: Met, merged: Merged, agreed: pa.Table, given: Part) -> Merged:
    """Where a value of the target does not fit into the source, what was agreed stays agreed."""
    before = row_blocks.values(agreed, this.schema)
    base, missing, unsent = merged.base, dict(merged.missing), dict[str, pa.Array]()
    for place, name in enumerate(this.schema.names):
        rows = [n for n, cells in given.misfits.items() if any(c.field == name for c in cells)]
        if not rows:
            continue
        apart = np.zeros(len(met.keys), bool)
        apart[rows] = True
        unsent[name] = pc.and_(pa.array(apart), merged.to_source)
        column = pc.if_else(unsent[name], whole(before[name]), whole(base[name]))
        base = base.set_column(place, base.field(place), column)
        never = pc.fill_null(whole(agreed[f"{row_blocks.MISSING}{name}"]), False)
        never = pc.and_(unsent[name], pc.or_(never, pc.invert(met.had)))
        missing[name] = pc.or_(never, missing.get(name, pa.repeat(False, len(apart))))
    return replace(merged, base=base, missing=missing, unsent=unsent)


def _followed(
    this: RowPass, met: Met, merged: Merged, agreed: pa.Table, follows: pa.Array
) -> Merged:
    """With what the target's fields that are made of others are from now on, in these rows."""
    shown_before = row_blocks.values(agreed, this.schema, "target:")
    base, target, to_target = merged.base, merged.target, merged.to_target
    for place, name in enumerate(this.schema.names):
        if name in this.map.two_way:
            continue
        now, new = whole(target[name]), whole(merged.source[name])
        before, shows = whole(shown_before[name]), whole(met.target[name])
        own = pc.and_(differs(shows, before), pc.invert(differs(now, shows)))
        at = pc.and_(pc.and_(follows, pc.invert(own)), differs(now, new))
        base = base.set_column(place, base.field(place), pc.if_else(at, new, whole(base[name])))
        target = target.set_column(place, target.field(place), pc.if_else(at, new, now))
        to_target = pc.or_(to_target, at)
    return replace(merged, base=base, target=target, to_target=to_target)


def _echo(this: RowPass, met: Met, merged: Merged, given: Part, wrote: pa.Array) -> pa.Table:
    """The source's side of what was merged, with what it is given mapped once more; null where a
    cell does not fit."""
    at = np.flatnonzero(wrote)
    rows = pa.array(at)
    raw = met.raw.take(rows)
    for name in given.rows.column_names:
        place = raw.column_names.index(name)
        raw = raw.set_column(place, raw.field(place), given.rows[name].take(rows))
    mapped = this.map.forward(raw)
    echo = merged.source
    for place, name in enumerate(this.schema.names):
        comes = whole(mapped.rows[name]).cast(echo.field(place).type)
        column = put(whole(echo[name]), (at, comes))
        echo = echo.set_column(place, echo.field(place), column)
    return echo
