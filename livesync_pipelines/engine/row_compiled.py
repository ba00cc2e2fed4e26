"""The mapping of a sync between its two ends, or why it cannot work, in words that name both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from livesync_pipelines.connectors.rows import BoundsNames, InfersTypes, RowEnd
from livesync_pipelines.core.row_map import RowMap, compile_map, identity
from livesync_pipelines.core.row_map_drift import said_type
from livesync_pipelines.core.row_map_types import type_name
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Shape
from livesync_pipelines.model.sync import SyncConfig


def compiled(
    sync: SyncConfig, source: Shape, end: RowEnd, target: Shape | None, *, may_add: bool
) -> RowMap:
    """As `compile_map`, into this `end`. Raises `BadInput` that names the sync, and where the
    columns of the key are of types between which a key may not come back, both of them and what to
    do; or the columns that the end cannot have under their names."""
    there = target.schema.names if target is not None else []
    target = _to_be_made(sync, end) if target is None and may_add else target
    try:
        made = compile_map(sync.fields, source, target, may_add=may_add)
    except BadInput as error:
        unlike = list(_unlike_keys(sync, source, target))
        listed = "".join(f"\n- {said}" for said in unlike)
        message = f"The mapping cannot work.{listed}" if unlike else error.message
        where = f"sync {sync.sync_id}"
        raise BadInput(f"{where}: {message}", hint=error.hint, where=where) from error
    _refuse_names(sync, end, dict.fromkeys([*there, *made.target_shape.schema.names]))
    return made


def _refuse_names(sync: SyncConfig, end: RowEnd, names: Iterable[str]) -> None:
    wrong = end.misnamed(list(names)) if isinstance(end, BoundsNames) else ()
    if wrong:
        where = f"sync {sync.sync_id}"
        raise BadInput(
            f"{where}: the target cannot have columns of these names: {'; '.join(wrong)}.",
            hint="Give the sync a mapping with other names: mapping: [{from: COLUMN, to: OTHER}], "
            "a line for each column that it keeps in step.",
            where=where,
        )


def _to_be_made(sync: SyncConfig, end: RowEnd) -> Shape:
    """A target that is not there yet, as far as the sync says what it is."""
    key = sync.target.select.get("key") if sync.target else None
    return Shape(columns=(), key=tuple(key or ()), holds=end.holds())


def types_said(target: RowEnd, there: Shape | None, wanted: Shape) -> bool:
    """Tell a target what it is to hold where nothing there says it, as in a file without rows;
    False where there was nothing to tell."""
    unsaid = {column.name for column in there.columns if not column.typed} if there else set()
    columns = tuple(column for column in wanted.columns if column.name in unsaid)
    if columns and isinstance(target, InfersTypes):
        target.hold(replace(wanted, columns=columns))
    return bool(columns)


def _unlike_keys(sync: SyncConfig, source: Shape, target: Shape | None) -> Iterator[str]:
    keyless = replace(target, key=()) if target is not None else None
    for one in sync.fields or identity(source):
        if len(one.sources) != 1 or one.sources[0] not in source.key:
            continue
        try:
            alone = compile_map([one], replace(source, key=()), keyless)
        except BadInput:  # that is said in its own words
            continue
        (route,) = alone.routes
        here, there = route.sources[0], route.target
        if route.loses and said_type(here) != said_type(there):
            yield (
                f"the key '{here.name}' is {said_type(here)} at the source, and '{there.name}' is "
                f"{said_type(there)} at the target, so a key may not come back as it went "
                f"({'; '.join(route.loses)}): give both columns the same type"
                f"{_of_files(sync, (here.name, type_name(there)), (there.name, type_name(here)))}"
            )


def _of_files(sync: SyncConfig, here: tuple[str, str], there: tuple[str, str]) -> str:
    """How the column of a file gets the type that the other end has; each is its name and that."""
    said = []
    if "rows" in sync.select:
        said.append(f"`types: {{{here[0]}: {here[1]}}}` under `select`")
    if sync.target is not None and "rows" in sync.target.select:
        said.append(f"`types: {{{there[0]}: {there[1]}}}` under `target`")
    return f", here by {' or '.join(said)}" if said else ""
