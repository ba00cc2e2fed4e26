"""What has become of a table's columns since it was looked at last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livesync_pipelines.core.row_map import identity
from livesync_pipelines.core.row_map_expression import read
from livesync_pipelines.core.row_map_made import template_pieces
from livesync_pipelines.core.row_map_names import likeness
from livesync_pipelines.core.row_map_types import can_cast, covering, fate, type_name
from livesync_pipelines.model.row_map import Drift, DriftKind, FieldMap
from livesync_pipelines.model.rows import Column, Shape

_ALIKE = 0.6
"""From which likeness of names on a column is taken for the renamed one."""


def read_by(fields: Sequence[FieldMap], shape: Shape) -> frozenset[str]:
    """The columns that a mapping reads; without one, all."""
    if not fields:
        return frozenset(column.name for column in shape.columns)
    names: set[str] = set()
    for one in fields:
        names.update(one.sources)
        if one.template is not None:
            names.update(name for _, name in template_pieces(one.template) if name)
        if one.expression is not None:
            names.update(read(one.expression).columns)
    return frozenset(names)


def drift(before: Shape, now: Shape, fields: Sequence[FieldMap]) -> list[Drift]:
    """In the order of the old columns, then of the new ones.

    Breaking is what a sync cannot go on with: a column that is gone and is mapped, or part of the
    key, or says when or by whom a row was changed; such a column that holds less than before, or
    something else; a key that is another one. A key of another type is, too, even of a wider one:
    rows are known by how their keys are spelled.
    """
    needed = read_by(fields, before) | set(before.key)
    needed |= {name for name in (before.modified, before.actor) if name is not None}
    seen = _Seen(before, now, needed)
    changes = [*seen.gone(), *seen.changed(), *seen.added()]
    if before.key != now.key:
        sentence = f"Rows are told apart by {_list(now.key)}, and were by {_list(before.key)}."
        changes.append(Drift(DriftKind.REKEYED, _list(before.key), True, sentence))
    return changes


def widened(before: Shape, now: Shape, target: Shape, fields: Sequence[FieldMap]) -> Shape:
    """The target as it must be to hold what the source's columns hold since they were widened.

    A column that was narrower than the source's even before is so by its owner's will, and stays;
    and so does one whose values are made of others, or cast.
    """
    sources = {one.target: one.sources[0] for one in fields or identity(now) if _is_copied(one)}

    def room(column: Column) -> Column:
        name = sources.get(column.name, "")
        was, has = before.column(name), now.column(name)
        if was is None or has is None or _kind(was, has) is not DriftKind.WIDENED:
            return column
        if column.words or column.unsigned or has.unsigned:
            return column
        return (covering(column, has) if _holds_all(was, column) else None) or column

    return replace(target, columns=tuple(map(room, target.columns)))


def _is_copied(one: FieldMap) -> bool:
    plain = FieldMap(target=one.target, sources=one.sources)
    said = replace(one, default=None, on_error=plain.on_error, lossy=False)
    return len(one.sources) == 1 and said == plain


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


@dataclass(frozen=True, slots=True)
class _Seen:
    before: Shape
    now: Shape
    needed: frozenset[str]

    def gone(self) -> list[Drift]:
        found = []
        for column in self.before.columns:
            if self.now.column(column.name) is not None:
                continue
            heir = self._heir(column)
            kind, said = DriftKind.REMOVED, f"'{column.name}' is gone."
            if heir is not None:
                kind = DriftKind.RENAMED
                said = f"'{column.name}' is gone; '{heir}' looks like its new name."
            found.append(Drift(kind, column.name, column.name in self.needed, said))
        return found

    def _heir(self, gone: Column) -> str | None:
        """The new column of the same type with the most similar name, or at the same place."""
        fresh = [c for c in self.now.columns if self.before.column(c.name) is None]
        place = self.before.columns.index(gone)
        scores = {
            c.name: likeness(gone.name, c.name)
            + (_ALIKE if self.now.columns.index(c) == place else 0.0)
            for c in fresh
            if type_name(c) == type_name(gone)
        }
        best = max(scores, key=lambda name: scores[name], default=None)
        return best if best is not None and scores[best] >= _ALIKE else None

    def changed(self) -> list[Drift]:
        pairs = ((column, self.now.column(column.name)) for column in self.before.columns)
        found = (self._change(old, new) for old, new in pairs if new is not None)
        return [one for one in found if one is not None]

    def _change(self, old: Column, new: Column) -> Drift | None:
        kind = _kind(old, new)
        if kind is None:
            return None
        needed = old.name in self.needed
        rekeyed = old.name in self.before.key and old.type != new.type
        breaking = needed and (kind is not DriftKind.WIDENED or rekeyed)
        was, has = said_type(old), said_type(new)
        meaning = _MEANING[kind]
        if kind is DriftKind.WIDENED and type_name(old) != type_name(new):
            meaning = f"it may hold now what is no {was}"
        sentence = f"'{old.name}' is {has}, and was {was}: {meaning}."
        return Drift(kind, old.name, breaking, sentence)

    def added(self) -> list[Drift]:
        fresh = (c for c in self.now.columns if self.before.column(c.name) is None)
        return [
            Drift(DriftKind.ADDED, c.name, False, f"'{c.name}' is new: {said_type(c)}.")
            for c in fresh
        ]


_MEANING = {
    DriftKind.WIDENED: "everything from before still fits",
    DriftKind.NARROWED: "not everything from before fits any more",
    DriftKind.RETYPED: "its values are something else now",
}


def _kind(old: Column, new: Column) -> DriftKind | None:
    if said_type(old) == said_type(new):
        return None
    if _holds_all(old, new):
        return DriftKind.WIDENED
    return DriftKind.NARROWED if _holds_all(new, old) else DriftKind.RETYPED


def _holds_all(old: Column, new: Column) -> bool:
    if not can_cast(old, new) or not can_cast(new, old):
        return False
    what = fate(old, new)
    return what.loses is None and what.refuses is None


def said_type(column: Column) -> str:
    """A type with its size, for a person."""
    name = type_name(column)
    if name == "integer" and column.bits < 64:
        return f"integer of {column.bits} bits"
    if name == "text" and column.max_chars is not None:
        return f"text of {column.max_chars} characters"
    return name
