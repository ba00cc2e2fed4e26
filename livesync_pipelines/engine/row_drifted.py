"""What a person is told when the columns of a sync's source are not what they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_map import compile_map
from livesync_pipelines.core.row_map_types import type_name
from livesync_pipelines.model.errors import Drifted
from livesync_pipelines.model.row_map import Drift, FieldMap
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines.model.sync import SyncConfig


def drifted(sync: SyncConfig, said: str) -> Drifted:
    return Drifted(
        f"The source's columns have changed: {said}",
        hint=f"Mend the source or the mapping, then `livesync sync resume {sync.sync_id}`; "
        f"`livesync sync accept {sync.sync_id}` takes the new columns as they are.",
        where=f"sync {sync.sync_id}",
    )


def columns_apart(
    sync: SyncConfig, shapes: tuple[Shape, Shape], source: RowEnd, changes: Sequence[Drift]
) -> Drifted:
    """For these changes of the source's columns; `shapes` are what they were and what they are."""
    said = [change.sentence for change in changes]
    pairs = [[shape.column(change.column) for shape in shapes] for change in changes]
    retyped = [was for was, has in pairs if was is not None and has is not None]
    if not retyped or "rows" not in type(source).Selection.model_fields:
        return drifted(sync, " ".join(said))
    said += [told for was in retyped if (told := _first_misfit(source, shapes[1], was))]
    types = ", ".join(f"{was.name}: {type_name(was)}" for was in retyped)
    return Drifted(
        f"The columns of the source's file have changed: {' '.join(said)}",
        hint=f"Mend the file, or say in `select` what its columns are: `types: {{{types}}}`; then "
        f"`livesync sync resume {sync.sync_id}`. `livesync sync accept {sync.sync_id}` takes the "
        "columns as they are.",
        where=f"sync {sync.sync_id}",
    )


def _first_misfit(source: RowEnd, shape: Shape, was: Column) -> str | None:
    """Which row of a file has the first value that does not fit what the column was."""
    as_before = FieldMap(target=was.name, sources=(was.name,), cast=type_name(was))
    made = compile_map([as_before], replace(shape, key=()))
    for page in source.scan(list(dict.fromkeys([*shape.key, was.name])), None):
        bad = made.forward(page.rows).bad_cells
        if bad:
            key = row_keys.encode(page.rows.slice(bad[0].row, 1), shape.key)[0].as_py()
            types = [page.rows.schema.field(name).type for name in shape.key]
            row = row_keys.spoken(key, list(shape.key), types)
            told = f"{bad[0].value!r}, of row {row}"
            return f"The first value of '{was.name}' that does not fit any more is {told}."
    return None
