"""Before rows move: what both ends look like, whether the mapping holds, whether they are as they
were."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pyarrow as pa

from livesync_pipelines.connectors.rows import InfersTypes, RowEnd, WritesRows
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_map import RowMap, compile_map, identity
from livesync_pipelines.core.row_map_drift import drift
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.row_compiled import compiled, types_said
from livesync_pipelines.engine.row_drifted import columns_apart, drifted
from livesync_pipelines.engine.row_due import due
from livesync_pipelines.engine.row_pass import RowErrand, RowHands, RowPass, compared_fields
from livesync_pipelines.engine.row_upstream import upstream
from livesync_pipelines.engine.row_widening import Widened, complete, following, with_reasons
from livesync_pipelines.model.errors import BadInput, Broken, Drifted, NotFound
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.rows import Column, RowPage, Shape
from livesync_pipelines.model.sync import Mode, OnDrift, SyncConfig
from livesync_pipelines.store import conflicts, row_shapes
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation


def opened(
    engine: Engine,
    connection: Connection,
    errand: RowErrand,
    ends: tuple[RowEnd, RowEnd],
    hands: RowHands,
) -> RowPass:
    """A pass over these ends, ready to begin: the target is there and has the columns it needs.

    Raises `BadInput` where the mapping does not fit or an end cannot do what the mode asks,
    `Drifted` where columns of an end have changed and a person is to look first.
    """
    operation, sync, (source, target) = errand.operation, errand.operation.sync, ends
    refuse_unwritable(sync, ends)
    widens = sync.mode is not Mode.PUSH
    source_shape, there = _both_shapes(connection, operation, ends)
    wide = following(connection, errand, source_shape, target, there)
    rows = compiled(sync, source_shape, target, wide.target, may_add=widens)
    _refuse_what_has_changed(connection, sync, rows, source, wide)
    renewed = types_said(target, wide.target, rows.target_shape)
    if widens and isinstance(target, WritesRows) and not errand.dry:
        complete(sync, target, wide.target, rows.target_shape)
    if widens and errand.dry:
        target = Imagined(target, rows.target_shape)
    target_shape = target.shape() if widens or renewed else wide.target
    if target_shape is None:
        raise Broken("The target's table is not there.", hint="Create it, or pull into it first.")
    row_shapes.note(connection, sync.sync_id, wide.noted, rows.target_shape)
    answers = due(connection, sync, compared_fields(rows, sync.mode), engine.now())
    empty = operation.is_first and not len(next(target.scan(target_shape.key, None)).rows)
    return RowPass(
        own=connection,
        hands=hands,
        operation=operation,
        source=source,
        target=target,
        source_shape=source_shape,
        target_shape=target_shape,
        map=rows,
        key_map=_key_map(sync, rows, source_shape),
        now=engine.now,
        progress=errand.progress,
        dry=errand.dry,
        fresh=empty,
        narrow=wide.narrow,
        answers=answers,
        noted=conflicts.noted(connection, sync.sync_id),
        upstream=upstream(engine, connection, sync),
        frozen=conflicts.frozen(connection, sync.sync_id) - {key for key, _ in answers},
    )


def not_there(side: Side, select: Mapping[str, Any], at: str) -> tuple[str, str]:
    """What is said of an end that was never seen, and what to do."""
    kind = "file" if "rows" in select else "table"
    name = select.get("rows") or select.get("table") or "that is selected"
    said = f"The {side} is not there: there is no {kind} {name} at {at}."
    return said, f"Create it, or correct the name of the {kind}."


def _never_there(sync: SyncConfig) -> Broken:
    said, hint = not_there(Side.SOURCE, sync.select, sync.connection)
    return Broken(said, hint=hint, where=f"sync {sync.sync_id}")


def _gone(side: Side, sync: SyncConfig) -> Broken:
    select = sync.select if side is Side.SOURCE or sync.target is None else sync.target.select
    return Broken(
        f"The {side}'s {'file' if 'rows' in select else 'table'} is not there.",
        hint="Was it renamed or dropped? Nothing was removed at the other end. Bring it back; or "
        f"begin anew: `livesync sync remove {sync.sync_id}`, and make the sync again.",
        where=f"sync {sync.sync_id}",
    )


def _refuse_what_has_changed(
    connection: Connection, sync: SyncConfig, rows: RowMap, source: RowEnd, wide: Widened
) -> None:
    if wide.target is not None:
        _refuse_lost_columns(connection, sync, rows, wide.target)
    if sync.mode is Mode.BIDIRECTIONAL:
        try:
            _refuse_one_way_now(connection, sync, rows, source)
        except Drifted as error:
            raise with_reasons(sync, error, wide.narrow) from error


def _refuse_lost_columns(
    connection: Connection, sync: SyncConfig, rows: RowMap, target: Shape
) -> None:
    """Raises `Drifted` where columns are gone that this sync has kept in step: made again, they
    would be empty, and the other end is not to be emptied by that."""
    written = row_shapes.written(connection, sync.sync_id)
    known = set(written.schema.names if written else ()) & set(rows.target_shape.schema.names)
    lost = sorted(known - set(target.schema.names))
    if lost:
        raise Drifted(
            f"Columns that this sync keeps in step are gone at the target: {', '.join(lost)}.",
            hint="Were they renamed or dropped? Nothing was changed at either end. Bring them "
            "back, or write a mapping without them and apply it; then `livesync sync resume "
            f"{sync.sync_id}`.",
            where=f"sync {sync.sync_id}",
        )


def _both_shapes(
    connection: Connection, operation: Operation, ends: tuple[RowEnd, RowEnd]
) -> tuple[Shape, Shape | None]:
    """Side by side: for most ends this is when they are connected."""
    sync, (source, target) = operation.sync, ends
    remember(connection, sync.sync_id, ends)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="looks") as beside:
        looking = beside.submit(target.shape)
        here, there = _source_shape(connection, sync, source), looking.result()
    if there is None and not operation.is_first:
        raise _gone(Side.TARGET, sync)
    return here, there


def remember(connection: Connection, sync_id: str, ends: tuple[RowEnd, RowEnd]) -> None:
    """Tell ends that infer their types what they were when the sync was last carried out."""
    source, target = ends
    before = row_shapes.noted(connection, sync_id)
    if before is not None and isinstance(source, InfersTypes):
        source.remember(before)
    hold(connection, sync_id, target)


def hold(connection: Connection, sync_id: str, target: RowEnd) -> None:
    """Tell a target that infers its types what the sync has written there."""
    written = row_shapes.written(connection, sync_id)
    if written is not None and isinstance(target, InfersTypes):
        target.hold(written)


def _source_shape(connection: Connection, sync: SyncConfig, source: RowEnd) -> Shape:
    try:
        shape = source.shape()
    except NotFound:
        raise
    except BadInput as error:
        if row_shapes.noted(connection, sync.sync_id) is None:
            raise
        raise drifted(sync, error.message) from error
    if shape is None:
        known = row_shapes.noted(connection, sync.sync_id) is not None
        raise _gone(Side.SOURCE, sync) if known else _never_there(sync)
    return _without_ignored(connection, sync, source, shape)


def _key_map(sync: SyncConfig, rows: RowMap, shape: Shape) -> RowMap:
    """The mapping of keys alone."""
    columns = tuple(c for c in shape.columns if c.name in shape.key)
    keys = [
        one
        for one in sync.fields or identity(shape)
        if one.target in rows.target_shape.key and set(one.sources) <= set(shape.key)
    ]
    return compile_map(keys, Shape(columns=columns, key=shape.key))


def refuse_unwritable(sync: SyncConfig, ends: tuple[RowEnd, RowEnd]) -> None:
    """Raises `BadInput` where the mode writes to an end that only can be read."""
    modes = {Mode.PULL: (Side.TARGET,), Mode.PUSH: (Side.SOURCE,)}
    for side in modes.get(sync.mode, (Side.SOURCE, Side.TARGET)):
        end = ends[0] if side is Side.SOURCE else ends[1]
        if not isinstance(end, WritesRows):
            raise BadInput(
                f"mode: {sync.mode} writes to the {side}, and {end.spec.title} can only be read.",
                hint="Choose another mode, or another end.",
                where=f"sync {sync.sync_id}",
            )


def refuse_one_way(rows: RowMap) -> None:
    """Raises `BadInput` where a field would not survive there and back, and nobody has said that
    it need not; or where the keys of both ends do not sort alike."""
    if problems := _one_way(rows):
        raise BadInput(
            f"These fields cannot go both ways: {' '.join(problems)}",
            hint="Map them one to one, mark them `lossy: true`, or choose mode: pull.",
        )


def _one_way(rows: RowMap) -> list[str]:
    problems = rows.check_two_way()
    for name in rows.target_shape.key:
        column = rows.target_shape.column(name)
        assert column is not None
        if not row_keys.usable(column.type):
            problems = [
                *problems,
                f"{name}: a key of type {column.type} cannot be walked in order.",
            ]
    return problems


def _refuse_one_way_now(
    connection: Connection, sync: SyncConfig, rows: RowMap, source: RowEnd
) -> None:
    """Raises `Drifted` where the mapping could go both ways with the source's columns as they
    were, and cannot as they are now; else what `refuse_one_way` raises."""
    before = row_shapes.noted(connection, sync.sync_id)
    if before is None or not _one_way(rows):
        return refuse_one_way(rows)
    if _one_way(compile_map(sync.fields, before, rows.target_shape, may_add=True)):
        return refuse_one_way(rows)
    changes = drift(before, rows.source, sync.fields)
    raise columns_apart(sync, (before, rows.source), source, changes)


def _without_ignored(
    connection: Connection, sync: SyncConfig, source: RowEnd, shape: Shape
) -> Shape:
    """The source's columns that this sync follows. Raises `Drifted` where they have changed in
    a way that a person must look at."""
    before = row_shapes.noted(connection, sync.sync_id)
    if before is None:
        return shape
    changes = drift(before, shape, sync.fields)
    stop = [c for c in changes if c.breaking or sync.drift is OnDrift.PAUSE]
    if stop:
        raise columns_apart(sync, (before, shape), source, stop)
    if sync.drift is OnDrift.IGNORE:
        known = {column.name for column in before.columns}
        kept: tuple[Column, ...] = tuple(c for c in shape.columns if c.name in known)
        return replace(shape, columns=kept)
    return shape


class Imagined(RowEnd):
    """An end as it would be with the columns that it still lacks: for a dry run."""

    def __init__(self, end: RowEnd, wanted: Shape) -> None:
        super().__init__(end.connection, end.selection, end.limits)
        self._end, self._there, self._wanted = end, end.shape(), wanted
        self.rows_per_write = end.rows_per_write

    def shape(self) -> Shape | None:
        if self._there is None:
            return self._wanted
        lacking = [c for c in self._wanted.columns if self._there.column(c.name) is None]
        return replace(self._there, columns=(*self._there.columns, *lacking))

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        if self._there is None:
            yield RowPage(rows=self._filled(pa.table({}), columns), last=True)
            return
        for page in self._end.scan(self._known(columns), after):
            yield replace(page, rows=self._filled(page.rows, columns))

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        if self._there is None:
            return RowPage(rows=self._filled(pa.table({}), columns), last=True)
        page = self._end.read(self._known(columns), keys)
        return replace(page, rows=self._filled(page.rows, columns))

    def _known(self, columns: Sequence[str]) -> list[str]:
        return [name for name in columns if self._there and self._there.column(name)]

    def _filled(self, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        schema = self._wanted.schema
        for name in columns:
            if name not in rows.column_names:
                rows = rows.append_column(name, pa.nulls(len(rows), schema.field(name).type))
        return rows.select(list(columns))
