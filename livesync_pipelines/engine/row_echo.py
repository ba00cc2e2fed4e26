"""What the source will show of what it is about to be given.

A mapping that goes both ways may still bring a value back as another (a list that is split at a
sign which one of its members holds, an hour that comes twice in autumn), and a field that does not
come back follows those that it is made of. Both are known before anything is written, and neither
is anybody's edit. What people write into a field that does not come back is one, for as long as it
stands at the target.
"""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_fields import put
from livesync_pipelines.core.row_merge import Clash, Merged
from livesync_pipelines.core.row_values import differs, plain, whole
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_writing import Part
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_blocks


def echoed(this: RowPass, met: Met, merged: Merged, agreed: pa.Table, given: Part | None) -> Merged:
    """With what the source will show of the rows that it is given. A row that is given nothing new
    is not written; a value that does not fit there waits, as the edit that it is. `agreed`: as from
    `row_blocks.agreed`."""
    if given is None:
        return merged
    merged = _unsent(this, met, merged, agreed, given)
    merged = replace(merged, to_source=pc.and_(merged.to_source, pc.invert(_idle(given))))
    wrote = pc.and_(merged.to_source, merged.source_there)
    merged = replace(merged, source=_echo(this, met, merged, given, wrote))
    return _one_way(this, met, merged, agreed, wrote) if this.writes(Side.TARGET) else merged


def _idle(given: Part) -> pa.Array:
    """The rows that the source has already as they are given to it."""
    changed = [differs(given.rows[name], given.was[name]) for name in given.rows.column_names]
    alike = pc.invert(functools.reduce(pc.or_, changed))
    return pc.and_(alike, pc.and_(given.there, given.was_there))


def _unsent(this: RowPass, met: Met, merged: Merged, agreed: pa.Table, given: Part) -> Merged:
    """Where a value of the target does not fit into the source, what was agreed stays agreed; of a
    row that the source gets (again), nothing was."""
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
        never = pc.or_(never, pc.invert(pc.and_(met.had, met.in_source)))
        never = pc.and_(unsent[name], never)
        missing[name] = pc.or_(never, missing.get(name, pa.repeat(False, len(apart))))
    return replace(merged, base=base, missing=missing, unsent=unsent)


def _one_way(this: RowPass, met: Met, merged: Merged, agreed: pa.Table, wrote: pa.Array) -> Merged:
    """With the fields that do not come back. In rows that were written to the source (`wrote`) they
    follow it to the target. Where the target has a value of its own, that stays, and what the
    source shows is agreed; and so it is where an end is given a row again that it had deleted: the
    source gets no more of it than what comes back."""
    before, shown = row_blocks.values(agreed, this.schema, "target:"), this.compared(met.target)
    again, both = pc.and_(met.had, pc.invert(met.in_source)), _both(merged)
    anew = pc.or_(again, pc.invert(met.in_target))
    follows = pc.and_(pc.and_not(wrote, anew), both)
    base, target, to_target = merged.base, merged.target, merged.to_target
    unsent, clashes = dict(merged.unsent), list(merged.clashes)
    for name in (name for name in this.schema.names if name not in this.map.two_way):
        place, now, shows = base.column_names.index(name), whole(target[name]), shown[name]
        new = pc.if_else(wrote, whole(merged.source[name]), whole(met.source[name]))
        edited = differs(shows, before[name])
        own = pc.and_(edited, pc.invert(differs(now, shows)))
        after = pc.if_else(pc.and_(follows, pc.invert(own)), new, now)
        apart = pc.or_(anew, pc.or_(edited, differs(after, shows)))
        apart = pc.and_(pc.and_(apart, differs(after, new)), pc.and_not(both, _open(merged, name)))
        followed = differs(now, after)
        agrees = pc.if_else(pc.or_(apart, followed), new, whole(base[name]))
        base = base.set_column(place, base.field(place), agrees)
        target = target.set_column(place, target.field(place), after)
        to_target = pc.or_(to_target, followed)
        unsent[name] = apart
        clashes = [_asked_of(clash, new) if clash.field == name else clash for clash in clashes]
    changed = {"base": base, "target": target, "to_target": to_target, "unsent": unsent}
    return replace(merged, clashes=clashes, **changed)


def _asked_of(clash: Clash, shown: pa.Array) -> Clash:
    """An open question is about what the source shows in the end."""
    if clash.winner is not None:
        return clash
    return replace(clash, source=plain(shown.slice(clash.row, 1))[0])


def _both(merged: Merged) -> pa.Array:
    return pc.and_(merged.source_there, merged.target_there)


def _open(merged: Merged, name: str) -> pa.Array:
    """The rows in which a question about the field is open."""
    rows = [c.row for c in merged.clashes if c.winner is None and c.field == name]
    return pc.is_in(pa.array(range(len(merged.there)), pa.int64()), pa.array(rows, pa.int64()))


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
