"""Rows that are asked for by key, as both ends have them now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core import row_keys
from livesync_pipelines.engine.row_met import Met, gathered
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_unfit import usable
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_base


def read(this: RowPass, side: Side, keys: pa.Table) -> pa.Table:
    """The rows of an end with these keys, by its own names. One that is there and cannot be read
    fails, and is neither absent nor changed."""
    with this.hands.locks[side]:
        page = this.end(side).read(this.columns(side), keys)
    keyed = this.source_keys if side is Side.SOURCE else this.target_keys
    rows, failures = usable(page, keyed, partly=this.partly(side))
    for failure in failures:
        this.fails(failure)
    return rows


def read_both(this: RowPass, keys: pa.Array) -> Met:
    """The rows with these (encoded) keys, without those that an end cannot read."""
    types = [this.source_shape.schema.field(name).type for name in this.source_shape.key]
    by_source = pa.table(row_keys.decode(keys, types), names=list(this.source_shape.key))
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="reads") as beside:
        coming = beside.submit(read, this, Side.SOURCE, by_source)
        target = read(this, Side.TARGET, this.key_map.forward(by_source).rows)
        source = coming.result()
    keys = keys.filter(pc.invert(this.are_failing(keys)))
    held = row_base.by_key(this.connection, this.sync_id, keys.to_pylist())
    return gathered(this, keys, source, target, held)
