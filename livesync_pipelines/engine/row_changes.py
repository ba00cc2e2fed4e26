"""What has changed at either end, gathered along the walk until there is enough for a page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import differs, whole
from livesync_pipelines.engine.row_meet import bring_together
from livesync_pipelines.engine.row_met import Met, gathered
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_reading import read
from livesync_pipelines.engine.row_streams import KEY, MARK, Stretch
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store.commit import Batch
from livesync_pipelines.store.unsettled import GONE, GONE_AT

PAGE_BYTES = 64 << 20


@dataclass(slots=True)
class Changes:
    """Rows of an end that are not as they were are brought together, a page at a time; those that
    it does not show any more wait in `unsettled`."""

    this: RowPass
    _pieces: list[Stretch] = field(default_factory=list)
    _absent: dict[str, str] = field(default_factory=dict)
    _rows: int = 0
    _bytes: int = 0

    def take(self, stretch: Stretch) -> None:
        """Look at the next stretch."""
        this, absent = self.this, dict[str, str]()
        changed = []
        for side, rows in ((Side.SOURCE, stretch.source), (Side.TARGET, stretch.target)):
            if rows is not None:
                keys, gone = _changed(rows, stretch.held, side)
                changed.append(keys)
                absent |= {key: GONE if key in absent else GONE_AT[side] for key in gone}
        absent = {key: reason for key, reason in absent.items() if key not in this.failing}
        keys = changed[0] if len(changed) == 1 else pc.unique(pa.concat_arrays(changed))
        apart = pa.array([*this.frozen, *this.failing, *absent], pa.string())
        keys = keys.filter(pc.invert(pc.is_in(keys, value_set=apart))) if len(apart) else keys
        this.told_of.difference_update(keys.to_pylist() if this.told_of else ())
        this.operation.counts.unchanged += self._left(stretch.shown, keys, absent)
        self._absent |= absent
        if len(keys):
            piece = stretch.only(keys)
            self._pieces.append(piece)
            self._rows += len(keys)
            self._bytes += piece.nbytes
        if max(self._rows, len(self._absent)) >= this.page_rows or self._bytes >= PAGE_BYTES:
            self.flush()

    def _left(self, shown: pa.Array, changed: pa.Array, absent: Collection[str]) -> int:
        """Of how many of the rows that are shown nothing is told: neither of a change, nor that
        the other end has them no more, nor that they fail; and they are not counted already."""
        others = sorted({*absent, *self.this.told_of, *self.this.failing})
        if not len(changed) and not others:
            return len(shown)
        told = pa.concat_arrays([changed, pa.array(others, pa.string())])
        return len(shown) - int(pc.sum(pc.is_in(shown, value_set=told)).as_py() or 0)

    def flush(self) -> None:
        """Bring together what was gathered, and tell of what failed."""
        this, absent = self.this, sorted(self._absent.items())
        if self._pieces:
            bring_together(this, _met(this, Stretch.joined(self._pieces)))
        this.begin(lambda: Batch(absent=absent))
        self._pieces, self._absent, self._rows, self._bytes = [], {}, 0, 0


def _changed(rows: pa.Table, held: pa.Table, side: Side) -> tuple[pa.Array, list[str]]:
    """The keys of rows that this end shows otherwise than it did, and of those it does not any
    more."""
    keys, known = whole(rows[KEY]), whole(held["key"])
    if not len(known):
        return keys, []
    before = whole(held[f"{side}_mark"])
    was = before.take(pc.index_in(keys, value_set=known))
    gone = known.filter(pc.and_(before.is_valid(), pc.invert(pc.is_in(known, value_set=keys))))
    return keys.filter(differs(rows[MARK], was)), gone.to_pylist()


def _met(this: RowPass, stretch: Stretch) -> Met:
    """The rows with these keys: from the ends that were walked, and read from the other."""
    source, target, keys = stretch.source, stretch.target, stretch.keys
    if source is None:
        assert target is not None
        back = this.map.back(target.select(this.map.target_shape.key)).rows
        source = read(this, Side.SOURCE, back)
    elif target is None and this.fresh:
        none = pa.array([], pa.string())
        target = this.target_shape.schema.empty_table().append_column(KEY, none)
    elif target is None:
        target = read(this, Side.TARGET, this.key_map.forward(source).rows)
    keys = keys.filter(pc.invert(this.are_failing(keys)))
    return gathered(this, keys, source, target, stretch.held)
