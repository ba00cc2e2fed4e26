"""Ends that are looked at as a whole, page by page in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pyarrow as pa

from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.engine.row_pass import RowPass
from livesync_pipelines.engine.row_streams import (
    KEY,
    Stream,
    Stretch,
    Watcher,
    ahead,
    rows_of,
    walk,
)
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import row_base


def walked(this: RowPass) -> Iterator[Stretch]:
    """What is known, beside the ends that this sync looks at; both are read ahead."""
    with (
        _walked(this, Side.SOURCE) as source,
        _walked(this, Side.TARGET) as target,
        ahead(_held(this)) as held,
    ):
        yield from walk(source, target, Stream(held, what="shadow"))


@contextmanager
def _walked(this: RowPass, side: Side) -> Iterator[Stream | None]:
    if not this.walks(side):
        yield None
        return
    with rows(this, side, _watcher(this, side)) as stream:
        yield stream


@contextmanager
def rows(this: RowPass, side: Side, told: Watcher) -> Iterator[Stream]:
    """All rows of an end, read ahead; and their keys and fingerprints are worked out ahead."""
    shape = this.source_shape if side is Side.SOURCE else this.target_shape
    keyed = this.source_keys if side is Side.SOURCE else this.target_keys
    names = this.columns(side)
    empty = {name: pa.array([], shape.schema.field(name).type) for name in names}
    with (
        ahead(this.from_end(side, this.end(side).scan(names, None))) as pages,
        ahead(rows_of(pages, keyed, partial(this.marks_of, side), pa.table(empty), told)) as ready,
    ):
        yield Stream(ready, what=told.what)


def _watcher(this: RowPass, side: Side) -> Watcher:
    def listed(count: int) -> None:
        with this.lock:
            this.operation.counts.pages += 1
            this.operation.counts.listed += count

    def unfinished() -> None:
        this.unfinished.add(side)

    return Watcher(str(side), this.fails, listed, unfinished, partly=this.partly(side))


def _held(this: RowPass) -> Iterator[tuple[pa.Table, bool]]:
    """What is known of all rows, by key."""
    after, last = None, False
    while not last:
        found = row_base.after(this.connection, this.sync_id, after, limit=PAGE_ROWS)
        last = len(found) < PAGE_ROWS
        after = found["key"][-1].as_py() if len(found) else after
        yield found.append_column(KEY, found["key"]), last
