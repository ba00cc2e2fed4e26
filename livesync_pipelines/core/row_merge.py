"""Rows of two ends and what was last agreed, merged three ways, field by field.

Everything goes column by column; only where both ends have changed a field, and not to the same,
is one row looked at (`row_choices`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from livesync_pipelines.model.merge import MergePolicy, Side

from .row_choices import Choice, of_a_deletion
from .row_fields import (
    AGREED,
    FROM_SOURCE,
    FROM_TARGET,
    GONE,
    KEEP,
    OPEN,
    OWN,
    At,
    Codes,
    Flags,
    Ground,
    Piece,
    Settled,
    edited,
    flags,
    ground,
    policy_of,
    put,
    settle,
)
from .row_sides import Answers, Clash, Merged, Sides
from .row_values import differs, plain, whole

__all__ = ["Answers", "Clash", "Merged", "Sides", "merge"]

_NONE: Answers = MappingProxyType({})


def merge(
    sides: Sides,
    policy: MergePolicy,
    *,
    answers: Answers = _NONE,
    writes_source: bool,
    writes_target: bool,
) -> Merged:
    """With writes to both ends, edits of either reach the other. With writes to one end, the
    other always wins: edits that it overrides are clashes too, and rows that were never agreed
    and stand at the written end alone are left alone; there are no questions, and no answers.

    Raises `ValueError` for an answer that is no value of its field."""
    if not (writes_source or writes_target):
        raise ValueError("a merge must write to one end at least")
    if writes_target and _all_are_new(sides):
        return _taken_over(sides)
    both = writes_source and writes_target
    ruler = None if both else Side.SOURCE if writes_target else Side.TARGET
    on = ground(sides, policy, ruler)
    told: dict[str | None, dict[int, object]] = defaultdict(dict)
    for (row, name), answer in {} if ruler else answers.items():
        told[name][row] = answer
    settled: dict[str, Settled] = {}
    touched = np.zeros((2, len(on.had)), bool)
    for name in sides.base.column_names:
        changed = edited(sides, name)
        settled[name] = settle(on, name, changed, told[name])
        touched[0] |= changed[0] & ~_by_default(sides, name)
        touched[1] |= changed[1]
    rows, clashes = _rows(on, touched, told[None])
    return _merged(on, settled, rows, clashes)


def _by_default(sides: Sides, name: str) -> Flags:
    if name not in sides.defaults:
        return np.zeros(sides.base.num_rows, bool)
    return flags(sides.defaults[name])


def _all_are_new(sides: Sides) -> bool:
    """Whether every row is at the source alone, and was never agreed: there is nothing to merge."""
    return bool(
        flags(sides.in_source).all()
        and not flags(sides.in_target).any()
        and not flags(sides.had).any()
    )


def _taken_over(sides: Sides) -> Merged:
    """The target gets what the source has."""
    yes, no = (pa.array(np.full(sides.base.num_rows, flag)) for flag in (True, False))
    return Merged(
        base=sides.source,
        there=yes,
        missing={},
        source=sides.source,
        target=sides.source,
        source_there=yes,
        target_there=yes,
        to_source=no,
        to_target=yes,
        clashes=[],
        source_base=None if sides.source_base is None else sides.source,
        target_base=None if sides.target_base is None else sides.source,
    )


def _rows(on: Ground, touched: Flags, answers: Mapping[int, object]) -> tuple[Codes, list[Clash]]:
    """What becomes of the rows that are not at both ends, and those of them that clash."""
    here, there = flags(on.sides.in_source), flags(on.sides.in_target)
    codes = np.full(len(on.had), GONE, np.uint8)
    codes[on.both] = KEEP
    clashes = []
    for side, alone, was_edited in (
        (Side.SOURCE, here & ~there, touched[0]),
        (Side.TARGET, there & ~here, touched[1]),
    ):
        shown = FROM_SOURCE if side is Side.SOURCE else FROM_TARGET
        rules = on.ruler is side
        codes[alone & (rules | ~on.had)] = KEEP if on.ruler is side.other else shown
        for row in np.flatnonzero(alone & on.had & (rules | was_edited)).tolist():
            choice = _choice(on, side, answers.get(row))
            stays = shown if choice.winner is side else GONE
            codes[row] = OPEN if choice.winner is None else stays
            clashes.append(_clash(on, row, side, choice))
    return codes, clashes


def _choice(on: Ground, editor: Side, answer: object) -> Choice:
    if on.ruler is not None:
        return Choice(on.ruler, f"this sync writes to the {on.ruler.other} only")
    return of_a_deletion(editor, on.policy.on_delete, answer)


def _clash(on: Ground, row: int, editor: Side, choice: Choice) -> Clash:
    tables = {"base": on.sides.base, "source": on.sides.source, "target": on.sides.target}
    del tables[editor.other]
    told = {
        name: {field: plain(table[field].slice(row, 1))[0] for field in table.column_names}
        for name, table in tables.items()
    }
    return Clash(
        row=row,
        field=None,
        base=told["base"],
        source=told.get("source"),
        target=told.get("target"),
        winner=choice.winner,
        policy=on.policy.on_delete if on.ruler is None else policy_of(on.ruler),
        reason=choice.reason,
    )


def _merged(
    on: Ground, settled: Mapping[str, Settled], rows: Codes, clashes: list[Clash]
) -> Merged:
    sides = on.sides
    here, there = flags(sides.in_source), flags(sides.in_target)
    stays = rows != GONE
    source_there = stays & (here | (rows == FROM_TARGET))
    target_there = stays & (there | (rows == FROM_SOURCE))
    to_source, to_target = source_there != here, target_there != there
    missing, after, whole_rows = {}, [], _Whole.found(on, rows)
    for name, each in settled.items():
        after.append(_after(on, name, each, whole_rows))
        for written, at in zip((to_source, to_target), after[-1].written, strict=True):
            written[at] = True
        waiting = _waiting(on, name, each, rows)
        if waiting.any():
            missing[name] = pa.array(waiting)
    given = (sides.base, sides.source, sides.target, sides.source_base, sides.target_base)
    base, source, target, source_base, target_base = (
        None
        if table is None
        else pa.Table.from_arrays([columns.shown[place] for columns in after], schema=table.schema)
        for place, table in enumerate(given)
    )
    found = clashes + [clash for each in settled.values() for clash in each.clashes]
    return Merged(
        base=base,
        there=pa.array(on.both | (stays & (rows != KEEP))),
        missing=missing,
        source=source,
        target=target,
        source_there=pa.array(source_there),
        target_there=pa.array(target_there),
        to_source=pa.array(to_source),
        to_target=pa.array(to_target),
        clashes=sorted(found, key=lambda clash: clash.row),
        source_base=source_base,
        target_base=target_base,
    )


class _After(NamedTuple):
    """One field's columns afterwards (base, source, target, and the base as each end shows it),
    and the rows whose cell at the source, or at the target, is another."""

    shown: tuple[pa.Array, ...]
    written: tuple[At, At]


class _Whole(NamedTuple):
    """Where rows are taken, or gone, as a whole; `left`: those of the end that does not count."""

    of: Mapping[int, At]
    left: At

    @classmethod
    def found(cls, on: Ground, rows: Codes) -> _Whole:
        of = {code: np.flatnonzero(rows == code) for code in (FROM_SOURCE, FROM_TARGET, OPEN, GONE)}
        return cls(of, np.flatnonzero((rows == KEEP) & ~on.both))


def _after(on: Ground, name: str, settled: Settled, whole_rows: _Whole) -> _After:
    sides = on.sides
    base, source, target = (whole(t[name]) for t in (sides.base, sides.source, sides.target))
    own_at = settled.at[settled.codes == OWN]
    always = [(own_at, settled.own), _nothing(whole_rows.of[GONE], source.type)]

    def taken(column: pa.Array, *codes: int) -> Piece:
        cells = np.logical_or.reduce([settled.codes == code for code in codes])
        at = _joined(settled.at[cells], whole_rows.of[codes[0]])
        return at, column if len(at) == len(column) else column.take(pa.array(at))

    from_source, from_target = taken(source, FROM_SOURCE), taken(target, FROM_TARGET)
    shown = put(source, from_target, *always), put(target, from_source, *always)
    left = _nothing(whole_rows.left, source.type)
    bases = (
        None if table is None else put(now, taken(whole(table[name]), OPEN), left)
        for now, table in zip(shown, (sides.source_base, sides.target_base), strict=True)
    )
    written = (
        np.concatenate(
            [settled.at[(settled.codes == code) & settled.unlike], _unlike(column, *always[0])]
        )
        for code, column in ((FROM_TARGET, source), (FROM_SOURCE, target))
    )
    agreed = put(base, taken(source, FROM_SOURCE, AGREED), from_target, *always)
    return _After((agreed, *shown, *bases), (next(written), next(written)))


def _joined(at: At, more: At) -> At:
    """Two ascending lists as one."""
    if not len(at) or not len(more):
        return at if len(at) else more
    return np.sort(np.concatenate([at, more]))


def _nothing(at: At, kind: pa.DataType) -> Piece:
    return at, pa.nulls(len(at), kind)


def _unlike(column: pa.Array, at: At, values: pa.Array) -> At:
    return at[flags(differs(column.take(pa.array(at)), values))]


def _waiting(on: Ground, name: str, settled: Settled, rows: Codes) -> Flags:
    """The rows in which the field was never agreed upon and still is not."""
    waiting = np.zeros(len(rows), bool)
    waiting[settled.at[(settled.codes == OPEN) & settled.fresh]] = True
    if name in on.sides.missing:
        waiting |= flags(on.sides.missing[name]) & (rows == OPEN)
    return waiting
