"""Deliberately broken merges of rows: each is a mistake that sync engines have made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from livesync_pipelines.core import row_choices, row_fields, row_inside, row_merge
from livesync_pipelines.core.row_choices import Choice
from livesync_pipelines.core.row_sides import Sides
from livesync_pipelines.core.row_values import whole
from livesync_pipelines.model.merge import OnDelete, Policy, Side

Mutant = Callable[[pytest.MonkeyPatch], None]


def _instead(module: Any, name: str, make: Callable[[Any], Any]) -> Mutant:
    """A mutant in which this function is what `make` makes of it."""

    def apply(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(module, name, make(getattr(module, name)))

    return apply


def _two_ways(real: Any) -> Any:
    def edited(sides: Sides, name: str) -> Any:
        return np.ones((2, sides.base.num_rows), bool)

    return edited


def _bases_of_ends_ignored(real: Any) -> Any:
    return lambda sides, name: real(replace(sides, source_base=None, target_base=None), name)


def _whole_rows(real: Any) -> Any:
    """One other field makes the whole row an edit."""

    def edited(sides: Sides, name: str) -> Any:
        found = [real(sides, each) for each in sides.base.column_names]
        return tuple(np.any([flags[side] for flags in found], axis=0) for side in (0, 1))

    return edited


def _by_our_clock(real: Any) -> Any:
    """A time before what "now" is counts as the earlier one, whatever the other end's is."""
    noon = pa.scalar(1_772_452_800_000_000, pa.int64()).cast(pa.timestamp("us", tz="UTC"))

    def ground(sides: Sides, *rest: Any) -> Any:
        found = real(sides, *rest)
        late = np.asarray(pc.fill_null(pc.greater(sides.source_time or noon, noon), False))
        return replace(found, later=np.where(late, 1, 2).astype(np.int8))

    return ground


def _one_time_is_enough(real: Any) -> Any:
    """Where only one end tells a time, its edit is the later one."""

    def ground(sides: Sides, *rest: Any) -> Any:
        found = real(sides, *rest)
        if sides.source_time is not None and sides.target_time is not None:
            alone = pc.and_(pc.is_null(sides.source_time), pc.is_valid(sides.target_time))
            found.later[np.asarray(alone)] = 2
        return found

    return ground


def _delete_wins(real: Any) -> Any:
    return lambda editor, on_delete, answer=None: real(editor, OnDelete.DELETE_WINS, answer)


def _silent(real: Any) -> Any:
    """What the later edit overrides is told to nobody."""

    def settle(*args: Any) -> Any:
        found = real(*args)
        return replace(found, clashes=[c for c in found.clashes if c.policy != Policy.LATEST_WINS])

    return settle


def _asked_in_vain(real: Any) -> Any:
    """A person is asked, and the source's value is written meanwhile."""

    def by_policy(*args: Any) -> Choice:
        choice: Choice = real(*args)
        return choice._replace(winner=choice.winner or Side.SOURCE)

    return by_policy


def _base_moves(real: Any) -> Any:
    """What waits for an answer is agreed already, as the source has it."""

    def after(on: Any, name: str, settled: Any, rows: Any) -> Any:
        found = real(on, name, settled, rows)
        at = settled.at[settled.codes == row_fields.OPEN]
        source = whole(on.sides.source[name]).take(pa.array(at))
        return found._replace(
            shown=(row_fields.put(found.shown[0], (at, source)), *found.shown[1:])
        )

    return after


def _without_base(real: Any) -> Any:
    """A union of what is there: what one end took out of a list comes back from the other."""
    return lambda base, source, target: real([], source, target)


def _nulls_are_equal_to_anything(real: Any) -> Any:
    return lambda a, b: pa.array(np.asarray(pc.fill_null(pc.not_equal(a, b), False))) if not (
        pa.types.is_list(a.type)
    ) else real(a, b)  # fmt: skip


def _nan_is_another(real: Any) -> Any:
    def differs(a: Any, b: Any) -> Any:
        found = real(a, b)
        if not pa.types.is_floating(a.type):
            return found
        nan = pc.fill_null(pc.is_nan(whole(a)), False)
        return pc.or_(found, nan)

    return differs


def _unlinked_go(real: Any) -> Any:
    """Rows that stand at the written end alone are taken away, though they were never ours."""

    def rows(on: Any, *rest: Any) -> Any:
        codes, clashes = real(on, *rest)
        codes[~on.both & (codes == row_fields.KEEP)] = row_fields.GONE
        return codes, clashes

    return rows


MUTANTS: dict[str, Mutant] = {
    "the base is not looked at": _instead(row_merge, "edited", _two_ways),
    "an end that normalises counts as edited": _instead(
        row_merge, "edited", _bases_of_ends_ignored
    ),
    "whole rows are merged, not fields": _instead(row_merge, "edited", _whole_rows),
    "our clock decides": _instead(row_merge, "ground", _by_our_clock),
    "one time is enough to be later": _instead(row_merge, "ground", _one_time_is_enough),
    "a deletion beats an edit": _instead(row_merge, "of_a_deletion", _delete_wins),
    "the loser is not kept": _instead(row_merge, "settle", _silent),
    "what is asked is not held": _instead(row_fields, "by_policy", _asked_in_vain),
    "what is asked is agreed already": _instead(row_merge, "_after", _base_moves),
    "what was never agreed is forgotten": _instead(
        row_merge, "_waiting", lambda real: lambda *args: np.zeros(len(args[-1]), bool)
    ),
    "what was taken out of a list comes back": _instead(row_choices, "merged_list", _without_base),
    "parts of one line are edited by both": _instead(
        row_inside, "_touching", lambda real: lambda ours, theirs: real(ours, [])
    ),
    "NULL is equal to anything": _instead(row_fields, "differs", _nulls_are_equal_to_anything),
    "NaN is another than NaN": _instead(row_fields, "differs", _nan_is_another),
    "a pull removes what was never linked": _instead(row_merge, "_rows", _unlinked_go),
}
