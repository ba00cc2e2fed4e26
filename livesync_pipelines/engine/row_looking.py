"""A look at both ends of a sync of rows that changes nothing: does its mapping hold?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from livesync_pipelines.connectors.rows import RowEnd, WritesRows
from livesync_pipelines.core.row_keys import encode, spoken
from livesync_pipelines.core.row_map import RowMap
from livesync_pipelines.core.row_map_drift import drift, said_type
from livesync_pipelines.core.row_map_suggest import suggest
from livesync_pipelines.core.row_map_types import fate
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.pacing import ends_connected
from livesync_pipelines.engine.row_compiled import compiled
from livesync_pipelines.engine.row_opening import hold, not_there, refuse_one_way, remember
from livesync_pipelines.engine.row_unfit import usable, without_unread
from livesync_pipelines.engine.row_widening import as_wide, widen
from livesync_pipelines.engine.write_access import refuse_read_only
from livesync_pipelines.model.errors import BadInput, ItemFailure, NotFound
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.row_map import BadCell, DriftKind, OnError, Unlike
from livesync_pipelines.model.rows import CLOCK, RowPage, Shape
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Connection as Place
from livesync_pipelines.model.sync import Mode, OnDrift, SyncConfig
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import catalog, row_shapes
from livesync_pipelines.store.database import Connection

EXAMPLES = 20
_LOOKED_AT = 1_000


@contextmanager
def ends_of(
    engine: Engine, connection: Connection, sync_id: str
) -> Iterator[tuple[SyncConfig, RowEnd, RowEnd]]:
    """A sync of rows and its two ends. Raises `BadInput` for a sync of documents."""
    sync = catalog.sync(connection, sync_id)
    if sync.target is None:
        raise BadInput(f"Sync '{sync_id}' brings documents into a capsule: it has no rows.")
    ends = (
        catalog.connection_of(connection, sync.connection),
        catalog.connection_of(connection, sync.target.connection),
    )
    with ends_connected(engine, ends, sync, Lane.LIVE) as (source, target):
        yield sync, source, target


def vet(engine: Engine, ends: tuple[Place, Place], sync: SyncConfig, where: str) -> list[str]:
    """Look at both ends of a sync of rows that is to be made (source, target), and at its mapping.
    Says what will not get through, a sentence each. Of a copy of files, whether it may write.

    Raises `NotFound` where an end is not there that no run would make, `BadInput` where the mapping
    does not hold between them or not the ways that the mode asks, and what an end says that does
    not answer. Other syncs are not looked at.
    """
    if sync.target is None:
        return []
    if sync.copies:
        refuse_read_only(engine, ends, sync)
        return []
    makes = sync.mode is not Mode.PUSH
    with ends_connected(engine, ends, sync, Lane.LIVE) as (source, target):
        shape, there = source.shape(), target.shape()
        if shape is None:
            raise _nothing(Side.SOURCE, ends[0], sync.select, where)
        if there is None and not (makes and isinstance(target, WritesRows)):
            raise _nothing(Side.TARGET, ends[1], sync.target.select, where)
        rows = compiled(sync, shape, target, there, may_add=makes)
        if sync.mode is Mode.BIDIRECTIONAL:
            refuse_one_way(rows)
        return _kept_out(rows, sync.mode)


def _kept_out(rows: RowMap, mode: Mode) -> list[str]:
    """What will not reach the source, though the rest of the sync works."""
    if mode is Mode.PULL:
        return []
    made = [c.name for c in rows.source.columns if c.name in rows.source.key and not c.writable]
    return [
        f"The source makes the key '{name}' itself, so rows that are new at the target cannot be "
        "inserted there: they become dead letters. Insert such rows at the source."
        for name in made
    ]


def _no_clocks(sync: SyncConfig, source: Shape, target: Shape | None) -> list[str]:
    """What is named as the time of an edit, and cannot tell which of two is the later one."""
    policy = sync.policy
    by_time = {Policy.LATEST_WINS, Policy.FIELD_MERGE}
    if sync.mode is not Mode.BIDIRECTIONAL or by_time.isdisjoint(
        {policy.default, *policy.fields.values()}
    ):
        return []
    return [
        f"`modified` of the {side} names '{column.name}', which is {said_type(column)} and no time "
        "with a zone. Nobody can tell by it which of two edits is the later one, so where the "
        "policy asks for that, the source wins."
        for side, shape in ((Side.SOURCE, source), (Side.TARGET, target))
        if shape is not None
        and shape.modified is not None
        and (column := shape.column(shape.modified)) is not None
        and column.type != CLOCK
    ]


def take_columns(engine: Engine, connection: Connection, sync_id: str) -> Sequence[str]:
    """Make the target fit for the source's columns as they are now; returns what was done there, a
    sentence each. Raises `BadInput` where the mapping of a sync of rows does not fit both ends, or
    not both ways where the sync goes so."""
    sync = catalog.sync(connection, sync_id)
    if sync.mode is Mode.PUSH or sync.target is None or sync.copies:
        return []
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    before = row_shapes.noted(connection, sync_id)
    with ends_of(engine, connection, sync_id) as (_, source, target):
        hold(connection, sync_id, target)
        shape, there = _source_shape(source, sync), target.shape()
        done, narrow = list[str](), dict[str, str]()
        wide = as_wide(sync, before, shape, target, there)
        if there is not None and wide is not None and wide != there:
            done, narrow = widen(target, there, wide)
        rows = compiled(sync, shape, target, target.shape(), may_add=True)
        if sync.mode is Mode.BIDIRECTIONAL:
            _refuse_both_ways(sync, before, rows, narrow)
    return [*done, *(f"cannot be made as wide: {why}" for why in narrow.values())]


def _refuse_both_ways(
    sync: SyncConfig, before: Shape | None, rows: RowMap, narrow: Mapping[str, str]
) -> None:
    try:
        refuse_one_way(rows)
    except BadInput as error:
        stuck = f" The target cannot be made as wide: {'; '.join(narrow.values())}."
        raise BadInput(f"{error.message}{stuck if narrow else ''}", hint=error.hint) from error
    _refuse_narrowed(sync, before, rows)


def _refuse_narrowed(sync: SyncConfig, before: Shape | None, rows: RowMap) -> None:
    """Raises `BadInput` where a column holds less than it did, and less than its field of the
    target, and nobody has said what becomes of what does not fit."""
    changes = drift(before, rows.source, sync.fields) if before else []
    narrowed = {change.column for change in changes if change.kind is DriftKind.NARROWED}
    said = []
    for route in rows.routes:
        asked = not route.field.lossy and rows.on_error(route.target.name) is OnError.NULL
        if not asked or len(route.sources) != 1 or route.sources[0].name not in narrowed:
            continue
        if fate(route.target, route.sources[0]).refuses:
            name, to = route.sources[0].name, route.target.name
            why = f"it holds {said_type(route.target)} at the target, and '{name}' of the source "
            why += f"only {said_type(route.sources[0])} now"
            line = f"{{from: {name}, to: {to}, on_error: keep}}"
            said.append(f"'{to}' may not come back: {why}. Write {line}, or lossy: true.")
    if said:
        raise BadInput(
            f"These fields cannot go both ways: {' '.join(said)}",
            hint="Write that into the mapping and apply it, or widen the column again.",
            where=f"sync {sync.sync_id}",
        )


def _nothing(side: Side, end: Place, select: Mapping[str, Any], where: str) -> NotFound:
    said, hint = not_there(side, select, f"{end.name} ({end.platform})")
    return NotFound(said, hint=hint, where=where)


def check(engine: Engine, connection: Connection, sync_id: str, *, rows: int) -> dict[str, Any]:
    """What the mapping makes of the first rows: how many cells do not fit, with examples, and
    which fields would not come back from the target as they went."""
    with ends_of(engine, connection, sync_id) as (sync, source, target):
        remember(connection, sync_id, (source, target))
        shape, there = _source_shape(source, sync), target.shape()
        if sync.drift is OnDrift.PROPAGATE:
            there = as_wide(sync, row_shapes.noted(connection, sync_id), shape, target, there)
        made = compiled(sync, shape, target, there, may_add=True)
        partly = sync.mode is Mode.PULL
        page = _first(source, shape, made.source_columns, rows, partly=partly)
        sample = page.rows
        mapped, unlike = made.round_trip(sample)
        mapped = without_unread(made, sample, mapped)
        found = mapped.bad_cells
        bad = Counter(cell.field for cell in found)
        return {
            "sync_id": sync_id,
            "rows": len(sample),
            "fields": [
                {"field": c.name, "type": str(c.type), "bad_cells": bad.get(c.name, 0)}
                for c in made.target_shape.columns
            ],
            "failed": [_named(failure, shape) for failure in page.failures[:EXAMPLES]],
            "bad_cells": _keyed(found, sample, shape),
            "one_way": made.check_two_way(),
            "kept_out": [*_kept_out(made, sync.mode), *_no_clocks(sync, shape, target.shape())],
            "unlike": _keyed(unlike, sample, shape),
            "preview": mapped.rows.slice(0, 5).to_pylist(),
        }


def _named(failure: ItemFailure, shape: Shape) -> dict[str, Any]:
    """With its key as people write it."""
    return asdict(failure) | {"key": _spoken(failure.key, shape)}


def _keyed(
    cells: Sequence[BadCell | Unlike], sample: pa.Table, shape: Shape
) -> list[dict[str, Any]]:
    """The first of these cells, each with the key of its row as people write it."""
    keys = encode(sample, shape.key)
    return [
        asdict(cell) | {"key": _spoken(keys[cell.row].as_py() or "", shape)}
        for cell in cells[:EXAMPLES]
    ]


def _spoken(key: str, shape: Shape) -> str:
    types = [shape.schema.field(name).type for name in shape.key]
    return spoken(key, shape.key, types)


def suggestions(engine: Engine, connection: Connection, sync_id: str) -> list[dict[str, Any]]:
    """A first mapping, from the names and the first rows of both ends."""
    with ends_of(engine, connection, sync_id) as (sync, source, target):
        ours, theirs = _source_shape(source, sync), target.shape()
        if theirs is None:
            raise NotFound(
                "The target's table is not there yet, so there are no names to compare.",
                hint="Without a mapping every column goes over under its own name.",
            )
        found = suggest(
            ours,
            _first(source, ours, ours.schema.names, _LOOKED_AT).rows,
            theirs,
            _first(target, theirs, theirs.schema.names, _LOOKED_AT).rows,
        )
    return [{"mapping": s.field.to_json(), "score": s.score, "why": s.why} for s in found]


def _source_shape(source: RowEnd, sync: SyncConfig) -> Shape:
    shape = source.shape()
    if shape is None:
        said, hint = not_there(Side.SOURCE, sync.select, sync.connection)
        raise NotFound(said, hint=hint, where=f"sync {sync.sync_id}")
    return shape


def _first(
    end: RowEnd, shape: Shape, columns: Sequence[str], count: int, *, partly: bool = False
) -> RowPage:
    """The first rows, and those before their end that cannot be read (see `usable`)."""
    names = list(dict.fromkeys([*shape.key, *columns]))
    pieces: list[pa.Table] = []
    failures: list[ItemFailure] = []
    for page in end.scan(names, None):
        rows, failed = usable(page, lambda found: encode(found, shape.key), partly=partly)
        pieces.append(rows)
        failures += failed
        if sum(map(len, pieces)) >= count:
            break
    return RowPage(rows=pa.concat_tables(pieces).slice(0, count), failures=tuple(failures))
