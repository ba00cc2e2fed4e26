"""One field of many rows: what both ends say of it, which of it stands, and its columns after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from livesync_pipelines.model.merge import MergePolicy, Policy, Side

from .row_choices import Choice, Dispute, Kind, by_answer, by_policy
from .row_sides import Clash, Sides
from .row_values import differs, plain, typed, whole

At = NDArray[np.int64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.uint8]
Piece = tuple[At, pa.Array]

KEEP, FROM_SOURCE, FROM_TARGET, AGREED, OPEN, OWN, GONE = range(7)
"""What becomes of a cell or a row: both ends as they are; the source's at both; the target's at
both; the same at both, newly agreed; both as they are until somebody has answered; a value of its
own at both; no longer there."""

_CODES = {None: OPEN, Side.SOURCE: FROM_SOURCE, Side.TARGET: FROM_TARGET, "merged": OWN}
_LATER = (None, Side.SOURCE, Side.TARGET)


@dataclass(frozen=True, slots=True)
class Ground:
    """What is the same for all fields. `both`: rows that are at both ends; `later`: 1 where the
    source's edit is the later one, 2 where the target's; `ruler`: the end that always wins."""

    sides: Sides
    policy: MergePolicy
    ruler: Side | None
    had: Flags
    both: Flags
    later: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Settled:
    """Of one field, where anything is to be said of it: positions `at` (rows at both ends) and a
    code for each; whether the ends are `unlike` there; the `own` values, in order; which positions
    were never agreed (`fresh`)."""

    at: At
    codes: Codes
    unlike: Flags
    fresh: Flags
    own: pa.Array
    clashes: list[Clash]


def flags(column: pa.Array | pa.ChunkedArray) -> Flags:
    """As numpy has them."""
    return np.asarray(whole(column)).astype(bool)


def ground(sides: Sides, policy: MergePolicy, ruler: Side | None) -> Ground:
    """What holds for all fields of these rows."""
    had, both = flags(sides.had), flags(sides.in_source) & flags(sides.in_target)
    later = np.zeros(len(had), np.int8)
    if sides.source_time is not None and sides.target_time is not None:
        ours, theirs = whole(sides.source_time), whole(sides.target_time)
        later[flags(pc.fill_null(pc.greater(ours, theirs), False))] = 1
        later[flags(pc.fill_null(pc.less(ours, theirs), False))] = 2
    return Ground(sides, policy, ruler, had, both, later)


def edited(sides: Sides, name: str) -> tuple[Flags, Flags]:
    """Whether the value is another than was agreed, at the source and at the target. One that the
    target cannot hold is another where the source showed one that it could."""
    base = sides.base[name]
    ours = base if sides.source_base is None else sides.source_base[name]
    theirs = base if sides.target_base is None else sides.target_base[name]
    at_source = differs(sides.source[name], ours)
    if name in sides.unfit:
        at_source = pc.if_else(sides.unfit[name], whole(ours).is_valid(), at_source)
    return flags(at_source), flags(differs(sides.target[name], theirs))


def settle(
    ground: Ground, name: str, changed: tuple[Flags, Flags], answers: Mapping[int, object]
) -> Settled:
    """One field of all rows that are at both ends; `changed` as from `edited`. Where nothing was
    agreed yet, any value is an edit, and a null is none."""
    never = ~ground.had
    if name in ground.sides.missing:
        never |= flags(ground.sides.missing[name])
    at = np.flatnonzero(ground.both & (changed[0] | changed[1] | never))
    source, target = (
        whole(table[name]).take(pa.array(at))
        for table in (ground.sides.source, ground.sides.target)
    )
    fresh, unlike = never[at], flags(differs(source, target))
    unfit = np.zeros(len(at), bool)
    if name in ground.sides.unfit:
        unfit = flags(ground.sides.unfit[name])[at]
    ours, theirs = (
        changed[end][at] | (fresh & flags(values.is_valid()))
        for end, values in enumerate((source, target))
    )
    codes = np.where(unlike, FROM_SOURCE, AGREED).astype(np.uint8)
    if ground.ruler is None:
        codes[unlike & ~ours] = FROM_TARGET
        clashing = (ours | unfit) & theirs & unlike
    else:
        codes[unlike] = _CODES[ground.ruler]
        clashing = (theirs if ground.ruler is Side.SOURCE else ours | unfit) & unlike
    where = np.flatnonzero(clashing)
    disputes = _disputes(ground, name, at[where], fresh[where], unfit[where])
    clashes, choices = _clashes(ground, name, disputes, answers)
    codes[where] = [_CODES[choice.winner] for choice in choices]
    kind = source.type
    own = typed([choice.value for choice in choices if choice.winner == "merged"], kind)
    return Settled(at, codes, unlike, fresh, own, clashes)


def put(column: pa.Array, *pieces: Piece) -> pa.Array:
    """The column with other values at some places; the places of a piece ascend."""
    pieces = tuple(piece for piece in pieces if len(piece[0]))
    if not pieces:
        return column
    if len(pieces) == 1 and len(pieces[0][0]) == len(column):
        return pieces[0][1]
    at = np.concatenate([where for where, _ in pieces])
    order = np.arange(len(column))
    order[at] = len(column) + np.arange(len(at))
    return pa.concat_arrays([column, *(values for _, values in pieces)]).take(pa.array(order))


def policy_of(ruler: Side) -> Policy:
    """By which this end always wins."""
    return Policy.SOURCE_WINS if ruler is Side.SOURCE else Policy.TARGET_WINS


def _disputes(
    ground: Ground, name: str, rows: At, fresh: Flags, unfit: Flags
) -> Iterator[tuple[int, Dispute]]:
    sides = ground.sides
    values = [
        plain(whole(table[name]).take(pa.array(rows)))
        for table in (sides.base, sides.source, sides.target)
    ]
    later = [_LATER[code] for code in ground.later[rows].tolist()]
    disputes = map(Dispute, *values, (~fresh).tolist(), later, unfit.tolist())
    return zip(rows.tolist(), disputes, strict=True)


def _clashes(
    ground: Ground,
    name: str,
    disputes: Iterable[tuple[int, Dispute]],
    answers: Mapping[int, object],
) -> tuple[list[Clash], list[Choice]]:
    kind = _kind(ground.sides, name)
    policy = ground.policy.of(name) if ground.ruler is None else policy_of(ground.ruler)
    clashes, choices = [], []
    for row, dispute in disputes:
        if ground.ruler is not None:
            choice = Choice(ground.ruler, f"this sync writes to the {ground.ruler.other} only")
        elif row in answers:
            choice = by_answer(answers[row], dispute, kind)
        else:
            choice = by_policy(policy, dispute, kind)
        choices.append(choice)
        clashes.append(
            Clash(
                row=row,
                field=name,
                base=dispute.base,
                source=dispute.source,
                target=dispute.target,
                winner=choice.winner,
                policy=policy,
                reason=choice.reason,
            )
        )
    return clashes, choices


def _kind(sides: Sides, name: str) -> Kind:
    kind: Any = sides.base.schema.field(name).type
    if name in sides.json:
        return "json"
    if pa.types.is_list(kind):
        return "list"
    return "text" if pa.types.is_string(kind) else None
