"""Columns of the target that become as wide as those of the source have become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from livesync_pipelines.connectors.rows import RowEnd, WidensColumns, WritesRows
from livesync_pipelines.core.row_map_drift import copied, said_type, widened
from livesync_pipelines.engine.row_pass import RowErrand
from livesync_pipelines.model.errors import (
    BadInput,
    Drifted,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines.model.sync import Mode, OnDrift, SyncConfig
from livesync_pipelines.store import row_shapes
from livesync_pipelines.store.database import Connection


@dataclass(frozen=True, slots=True)
class Widened:
    """The target as it is now. `narrow`: by the names of its columns, why those are not as wide
    which should be. `noted`: the source's columns as they are to be remembered, so that these are
    tried again; and so are they in a sync that does not follow, for the day on which it does."""

    target: Shape | None
    noted: Shape
    narrow: Mapping[str, str] = field(default_factory=dict)


def as_wide(
    sync: SyncConfig, before: Shape | None, source: Shape, target: RowEnd, there: Shape | None
) -> Shape | None:
    """The target's columns as they are to be, now that the source's have become wider than they
    were `before`: as wide, where this sync writes to the target and it can be altered."""
    if before is None or there is None or sync.mode is Mode.PUSH:
        return there
    if not isinstance(target, WidensColumns):
        return there
    wide, can = widened(before, source, there, sync.fields), target.widens()
    pairs = zip(there.columns, wide.columns, strict=True)
    return replace(there, columns=tuple(w if w.name in can else has for has, w in pairs))


def complete(sync: SyncConfig, target: WritesRows, there: Shape | None, wanted: Shape) -> None:
    """Let the target have what it lacks. Raises as its `prepare` does, and names the columns that
    it does not take."""
    try:
        target.prepare(wanted)
    except (BadInput, Reauthorise) as error:
        lacking = [c.name for c in wanted.columns if there and there.column(c.name) is None]
        if not lacking:
            raise
        raise BadInput(
            f"The target lacks {', '.join(lacking)}, and nothing can be added to it: "
            f"{error.message}.",
            hint="Whoever owns the table can add what is lacking; or write a mapping without it "
            f"and apply it. Then `livesync sync resume {sync.sync_id}`.",
            where=error.where,
        ) from error


def following(
    connection: Connection, errand: RowErrand, source: Shape, target: RowEnd, there: Shape | None
) -> Widened:
    """Let the target follow the source, column by column, where the sync does; a rehearsal only
    imagines it. One that its database does not let be altered (a view shows it, it is somebody
    else's) keeps nothing else from going on. Raises `Unavailable`."""
    sync = errand.operation.sync
    before = row_shapes.noted(connection, sync.sync_id)
    wide = as_wide(sync, before, source, target, there)
    if before is None or there is None or wide is None or wide == there:
        return Widened(there, source)
    if sync.drift is not OnDrift.PROPAGATE:
        left = [has.name for has, _ in _wider(there, wide)]
        return Widened(there, _remembered(sync, before, source, left))
    if errand.dry:
        return Widened(wide, source)
    _, narrow = widen(target, there, wide)
    return Widened(target.shape(), _remembered(sync, before, source, [*narrow]), narrow)


def widen(target: RowEnd, there: Shape, wide: Shape) -> tuple[list[str], dict[str, str]]:
    """Alter what can be altered; returns what was done, a sentence each, and by the names of the
    columns that stay as they are, why. Raises `Unavailable`."""
    done, narrow = list[str](), dict[str, str]()
    assert isinstance(target, WritesRows)
    for has, wanted in _wider(there, wide):
        try:
            done += target.prepare(replace(there, columns=(wanted,)))
        except Unavailable:
            raise
        except LiveSyncError as error:
            said = f"{has.name} ({said_type(has)}, wanted {said_type(wanted)})"
            narrow[has.name] = f"{said}: {error.message}"
    return done, narrow


def _wider(there: Shape, wide: Shape) -> list[tuple[Column, Column]]:
    """Columns as they are, and as they are to be, where that is not the same."""
    return [pair for pair in zip(there.columns, wide.columns, strict=True) if pair[0] != pair[1]]


def _remembered(sync: SyncConfig, before: Shape, source: Shape, names: Sequence[str]) -> Shape:
    sources = copied(sync.fields, source)
    old = {sources[name]: before.column(sources[name]) for name in names}
    return replace(source, columns=tuple(old.get(c.name) or c for c in source.columns))


def told(sync: SyncConfig, narrow: Mapping[str, str]) -> dict[str, str]:
    """What a person is told of columns that are not as wide as they should be, beside what else
    there is to say of a run."""
    return {
        "code": "narrow_column",
        "message": "Columns of the source hold more than before, and those of the target could not "
        f"be made as wide: {'; '.join(narrow.values())}. What has no room there is kept apart.",
        "hint": f"`livesync mapping cells {sync.sync_id}` names the cells. Whoever owns the "
        "target's table can alter it, or take away what stands in the way; the next run tries it "
        "again.",
        "where": "",
    }


def with_reasons(sync: SyncConfig, error: Drifted, narrow: Mapping[str, str]) -> Drifted:
    """For a sync that cannot go on with a narrow column, as both ends write to it."""
    if not narrow:
        return error
    return Drifted(
        f"{error.message} The target could not be made as wide: {'; '.join(narrow.values())}.",
        hint="Whoever owns the target's table can alter it, or take away what stands in the way; "
        f"then `livesync sync resume {sync.sync_id}`. Or say in the mapping what becomes of what "
        "has no room: `on_error: keep`.",
        where=error.where,
    )
