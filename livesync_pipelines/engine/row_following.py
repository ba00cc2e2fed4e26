"""Ends that tell what has changed: their change feeds are followed, and nothing is scanned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors.rows import FollowsRows, RowEnd
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_meet import bring_together
from livesync_pipelines.engine.row_met import Met
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_reading import read_both
from livesync_pipelines.model.errors import CursorExpired
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import shadow, unsettled
from livesync_pipelines.store.commit import Batch, write

SCANNED_EVERY = timedelta(days=1)
"""So often both ends are scanned all the same: what is written while a feed is switched off is in
no feed."""


MET_AT_ONCE = 4_000
"""Rows in one page: while one is written, the next is read."""


@dataclass(frozen=True, slots=True)
class Cursors:
    """Up to where the feeds were followed, by side; when everything was last scanned, and what was
    compared then (a digest)."""

    of: Mapping[Side, str]
    scanned_at: datetime
    compared: str

    @classmethod
    def read(cls, text: str) -> Cursors:
        told = orjson.loads(text)
        of: dict[Side, str] = {Side(side): cursor for side, cursor in told["of"].items()}
        return cls(of, datetime.fromisoformat(told["scanned_at"]), told["compared"])

    def spelled(self) -> str:
        of = {str(side): cursor for side, cursor in self.of.items()}
        told = {"of": of, "scanned_at": self.scanned_at, "compared": self.compared}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()


WAITS = "waits "


def seen_until(cursors: Cursors | None) -> str | None:
    """What a sync that waits for a person answers when it is asked for news: what came since."""
    return None if cursors is None else WAITS + cursors.spelled()


def cursors_now(this: RowPass) -> Cursors | None:
    """Where the feeds stand, before anything is read; None where an end that is looked at has
    none. (A rehearsal asks for nothing that would have to be made first.)"""
    if this.dry:
        return None
    found = {side: _cursor(this, side) for side in Side if this.walks(side)}
    told = {side: cursor for side, cursor in found.items() if cursor is not None}
    return Cursors(told, this.now(), _compared(this)) if len(told) == len(found) else None


def _compared(this: RowPass) -> str:
    """Another mapping, another column that it takes along, or a wider one is another digest."""
    room = [(c.name, c.bits, c.max_chars) for c in this.map.target_shape.columns]
    said = f"{this.operation.sync.fields} {this.schema} {this.columns(Side.SOURCE)} {room}"
    return blake2b(said.encode(), digest_size=8).hexdigest()


def _cursor(this: RowPass, side: Side) -> str | None:
    end = this.end(side)
    return end.cursor() if isinstance(end, FollowsRows) else None


def has_news(ends: Mapping[Side, RowEnd], place: str) -> bool:
    """Whether a feed tells of any change since this place (see `Cursors`)."""
    for side, cursor in Cursors.read(place).of.items():
        end = ends[side]
        assert isinstance(end, FollowsRows)
        if any(len(page.keys) for page in end.changed(cursor)):
            return True
    return False


def follow(this: RowPass) -> Cursors | None:
    """Bring together what the feeds tell since they were followed last. None where they cannot
    tell it all: then everything must be scanned, and nothing is lost by what was done."""
    place = this.operation.place.cursor
    if this.operation.full or place is None:
        return None
    since = Cursors.read(place)
    sides = {side for side in Side if this.walks(side)}
    alike = sides == set(since.of) and since.compared == _compared(this)
    if not alike or this.now() - since.scanned_at > SCANNED_EVERY:
        return None
    unsettled.forget(this.own, this.sync_id)
    try:
        for side in sorted(sides):
            _follow(this, side, since.of[side])
    except CursorExpired:
        return None
    finally:
        this.wait()
    owed = _owed(this)
    if len(owed):
        _meet(this, owed)
        this.wait()
    return since


def arrive(this: RowPass, now: Cursors | None, followed: Cursors | None) -> None:
    """Everything up to here has been taken in, so the next run begins here; but where a row was
    left as it was because somebody has just changed it, the same is told once more."""
    if this.dry or this.left_behind:
        return
    if now is not None and followed is not None:
        now = replace(now, scanned_at=followed.scanned_at)
    cursor = None if now is None else now.spelled()
    operation = this.operation
    if cursor != operation.place.cursor:
        place = replace(operation.place, cursor=cursor)
        write(this.own, operation, Batch(), now=this.now(), place=place)


def _follow(this: RowPass, side: Side, cursor: str) -> None:
    end = this.end(side)
    assert isinstance(end, FollowsRows)
    keyed = this.source_keys if side is Side.SOURCE else this.target_keys
    this.wait()  # the other end's feed tells of the same rows
    for page in this.from_end(side, end.changed(cursor)):
        this.operation.counts.pages += 1
        this.operation.counts.listed += len(page.keys)
        keys = keyed(page.keys).drop_null()
        for start in range(0, len(keys), MET_AT_ONCE):
            _meet(this, keys.slice(start, MET_AT_ONCE))


def _owed(this: RowPass) -> pa.Array:
    """Rows that have failed before: no feed tells of them again."""
    failed = sorted(shadow.failed_before(this.connection, this.sync_id).keys() - this.failing)
    types = [this.source_shape.schema.field(name).type for name in this.source_shape.key]
    return pa.array([key for key in failed if row_keys.is_one(key, types)], pa.string())


def _meet(this: RowPass, keys: pa.Array) -> None:
    """Of the rows with these keys, what has changed is brought together; what is gone waits."""
    met = read_both(this, keys)
    gone = changed = pa.repeat(False, len(met.keys))
    reasons = pa.nulls(len(met.keys), pa.string())
    for side in Side:
        here = _is_gone(this, met, side)
        both = pc.and_(gone, here)
        gone = pc.or_(gone, here)
        reasons = pc.if_else(here, unsettled.GONE_AT[side], reasons)
        reasons = pc.if_else(both, unsettled.GONE, reasons)
        changed = pc.or_(changed, differs(_mark(met, side), whole(met.held[f"{side}_mark"])))
    frozen = pc.is_in(met.keys, value_set=pa.array(sorted(this.frozen), pa.string()))
    waits = pc.and_not(gone, frozen)
    kept = met.keys.filter(waits).to_pylist(), reasons.filter(waits).to_pylist()
    absent = list(zip(*kept, strict=True))
    this.begin(lambda: Batch(absent=absent))
    left = pc.and_not(changed, pc.or_(gone, frozen))
    this.operation.counts.unchanged += len(met.keys) - len(absent) - (pc.sum(left).as_py() or 0)
    bring_together(this, met.take(pc.indices_nonzero(left)))


def _is_gone(this: RowPass, met: Met, side: Side) -> pa.Array:
    """Rows that an end does not show any more."""
    if not this.walks(side):
        return pa.repeat(False, len(met.keys))
    there = met.in_source if side is Side.SOURCE else met.in_target
    return pc.and_not(pc.is_valid(whole(met.held[f"{side}_mark"])), there)


def _mark(met: Met, side: Side) -> pa.Array:
    there = met.in_source if side is Side.SOURCE else met.in_target
    return pc.if_else(there, met.source_mark if side is Side.SOURCE else met.target_mark, None)
