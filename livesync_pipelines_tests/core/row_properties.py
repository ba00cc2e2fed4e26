"""What every merge of rows must keep to, whatever the rows: the invariants M1 to M10.

Each takes a batch and a policy, and raises `AssertionError` where it is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

from livesync_pipelines.core.row_merge import Clash, Merged, Sides, merge
from livesync_pipelines.model.merge import MergePolicy, Policy, Side
from livesync_pipelines_tests.core.row_cases import (
    FIELDS,
    JSON,
    Batch,
    Cells,
    Row,
    cells,
    same,
    same_rows,
    told,
)
from livesync_pipelines_tests.core.row_reference import outcome

Property = Callable[[Batch, MergePolicy], None]
Shown = list[Cells | None]
Answers = dict[tuple[int, str | None], Any]

WAYS: tuple[tuple[Side | None, bool, bool], ...] = (
    (None, True, True),
    (Side.SOURCE, False, True),
    (Side.TARGET, True, False),
)
"""Who rules, and which ends are written: both ways, pull, push."""


def both_ways(batch: Batch, policy: MergePolicy, answers: Answers | None = None) -> Merged:
    return merge(
        batch.sides(), policy, answers=answers or {}, writes_source=True, writes_target=True
    )


def as_reference_says(batch: Batch, policy: MergePolicy) -> None:
    """Both ways with some answers, pull, push: every cell, every write, every clash."""
    chance = Random(batch.seed)
    answers = _answers(chance, batch)
    ruler, writes_source, writes_target = chance.choice([WAYS[0], *WAYS])
    merged = merge(
        batch.sides(),
        policy,
        answers=answers,
        writes_source=writes_source,
        writes_target=writes_target,
    )
    base, source, target = _tables(merged)
    clashes = _by_row(merged)
    writes = zip(merged.to_source.to_pylist(), merged.to_target.to_pylist(), strict=True)
    for place, (row, (to_source, to_target)) in enumerate(zip(batch.rows, writes, strict=True)):
        of_row = {name: answer for (at, name), answer in answers.items() if at == place}
        wanted = outcome(row, policy, ruler, {} if ruler else of_row)
        found = clashes.get(place, {})
        why = (place, row, wanted, found)
        assert {name: clash.winner for name, clash in found.items()} == wanted.clashes, why
        assert same_rows(base[place], wanted.base), why
        assert same_rows(source[place], wanted.source), why
        assert same_rows(target[place], wanted.target), why
        assert to_source == (not same_rows(row.source, wanted.source)), why
        assert to_target == (not same_rows(row.target, wanted.target)), why
        assert {n for n, where in merged.missing.items() if where[place].as_py()} == wanted.missing


def what_is_the_same_everywhere_stays(batch: Batch, policy: MergePolicy) -> None:
    """M1: no writes and no clash."""
    alike = batch.each(lambda row: _plainly(row, _any(row), _any(row), _any(row)))
    merged = both_ways(alike, policy)
    assert not _writes(merged)
    assert not merged.clashes
    _shows(merged, [row.base for row in alike.rows])


def what_one_end_changed_reaches_the_other(batch: Batch, policy: MergePolicy) -> None:
    """M2: added, edited or deleted, whichever end it was; nothing clashes."""
    for side in Side:
        rows = batch.each(
            lambda row, side=side: (  # type: ignore[misc]  # mypy guesses no lambda's type
                _plainly(row, row.base, row.source, row.base)
                if side is Side.SOURCE
                else _plainly(row, row.base, row.base, row.target)
            )
        )
        merged = both_ways(rows, policy)
        assert not merged.clashes
        now = [row.source if side is Side.SOURCE else row.target for row in rows.rows]
        _shows(merged, now)


def the_same_edit_at_both_ends_is_agreed(batch: Batch, policy: MergePolicy) -> None:
    """M3: no clash, no write, and the base moves."""
    rows = batch.each(lambda row: _plainly(row, row.base, row.source, row.source))
    merged = both_ways(rows, policy)
    assert not merged.clashes
    assert not _writes(merged)
    _shows(merged, [row.source for row in rows.rows])


def edits_of_other_fields_are_both_kept(batch: Batch, policy: MergePolicy) -> None:
    """M4: whichever end made which."""
    half = set(FIELDS[::2])

    def parted(row: Row) -> Row:
        base = _any(row)
        ours, theirs = row.source or base, row.target or base
        one = {name: ours[name] if name in half else base[name] for name in FIELDS}
        other = {name: base[name] if name in half else theirs[name] for name in FIELDS}
        return _plainly(row, base, one, other)

    rows = batch.each(parted)
    wanted = [
        {name: (row.source if name in half else row.target)[name] for name in FIELDS}  # type: ignore[index]  # both are rows
        for row in rows.rows
    ]
    for each in (rows, rows.each(Row.mirrored)):
        merged = both_ways(each, policy)
        assert not merged.clashes
        _shows(merged, wanted)


def which_end_is_called_source_does_not_matter(batch: Batch, policy: MergePolicy) -> None:
    """M5: with the policy, and the rule for equal times, turned round as well."""
    one, other = both_ways(batch, policy), both_ways(batch.each(_turned), _mirror(policy))
    (base, source, target), (base_2, target_2, source_2) = _tables(one), _tables(other)
    for place, row in enumerate(batch.rows):
        assert same_rows(base[place], base_2[place]), row
        assert same_rows(source[place], source_2[place]), row
        assert same_rows(target[place], target_2[place]), row
    assert one.to_source == other.to_target
    assert one.to_target == other.to_source
    turned = [(c.row, c.field, _opposite(c.winner)) for c in other.clashes]
    assert [(clash.row, clash.field, clash.winner) for clash in one.clashes] == turned


def nothing_is_invented(batch: Batch, policy: MergePolicy) -> None:
    """M6: a value is the base's or an end's, unless a clash says that it was merged."""
    merged = both_ways(batch, policy)
    clashes = _by_row(merged)
    never = {name: where.to_pylist() for name, where in merged.missing.items()}
    for place, row in enumerate(batch.rows):
        found = clashes.get(place, {})
        made = {name for name, clash in found.items() if clash.winner == "merged"}
        for is_base, table in zip((True, False, False), _tables(merged), strict=True):
            known = [side for side in (row.base, row.source, row.target) if side]
            for name, value in (table[place] or {}).items():
                if name not in made and not (
                    is_base and never.get(name, [False] * (place + 1))[place]
                ):
                    assert any(same(value, each[name]) for each in known), (row, name)


def no_edit_is_lost_silently(batch: Batch, policy: MergePolicy) -> None:
    """M7: an edited value that an end does not show in the end is in a clash, and can be read
    from there, both ways and in one direction."""
    for _, writes_source, writes_target in WAYS:
        merged = merge(
            batch.sides(), policy, writes_source=writes_source, writes_target=writes_target
        )
        clashes = _by_row(merged)
        _, source, target = _tables(merged)
        for place, row in enumerate(batch.rows):
            found = clashes.get(place, {})
            for side, was, now in (
                (Side.SOURCE, row.source, source[place]),
                (Side.TARGET, row.target, target[place]),
            ):
                for name in _edited(row, side):
                    assert was is not None
                    if now is None or not same(was[name], now[name]):
                        _holds(found, side, name, was)


def what_was_applied_is_at_rest(batch: Batch, policy: MergePolicy) -> None:
    """M8: merged again, nothing is written, nothing moves, and only open questions remain."""
    merged = both_ways(batch, policy)
    again = merge(_applied(merged), policy, writes_source=True, writes_target=True)
    assert not _writes(again)
    for before, after in zip(_tables(merged), _tables(again), strict=True):
        assert all(same_rows(a, b) for a, b in zip(before, after, strict=True))
    assert again.missing == merged.missing
    still_open = [clash for clash in merged.clashes if clash.winner is None]
    assert [(c.row, c.field, c.winner) for c in again.clashes] == [
        (c.row, c.field, None) for c in still_open
    ]
    _answered_is_settled(merged, policy)


def deleted_rows_follow_the_rules(batch: Batch, policy: MergePolicy) -> None:
    """M9: gone at both is gone; gone at one and untouched at the other is gone; two ends that
    created a row of one key have one row."""
    merged = both_ways(batch, policy)
    _, source, target = _tables(merged)
    clashes = _by_row(merged)
    for place, row in enumerate(batch.rows):
        shown = source[place], target[place]
        found = clashes.get(place, {})
        if row.base is not None and row.source is None and row.target is None:
            assert shown == (None, None)
            assert not found
        if row.source is not None and row.target is not None:
            assert None not in shown
            assert None not in found
        elif row.base is not None:
            here = Side.SOURCE if row.target is None else Side.TARGET
            assert bool(_edited(row, here)) == (None in found)
            if not _edited(row, here):
                assert shown == (None, None)


def our_clock_does_not_count(batch: Batch, policy: MergePolicy) -> None:
    """M10: both clocks moved by as much change nothing; times that cannot be compared are as good
    as none, and then the source's edit stands."""
    wanted = _spelled(both_ways(batch, policy))
    skew = timedelta(days=Random(batch.seed).randint(-9, 9))

    def skewed_row(row: Row) -> Row:
        ours, theirs = row.times
        return replace(row, times=(ours and ours + skew, theirs and theirs + skew))

    skewed = batch.each(skewed_row)
    assert _spelled(both_ways(skewed, policy)) == wanted
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    without = _spelled(both_ways(_timed(batch, None, None), policy))
    for times in ((noon, None), (None, noon), (noon, noon)):
        assert _spelled(both_ways(_timed(batch, *times), policy)) == without
    sides = replace(batch.sides(), target_time=None)
    untimed = merge(sides, policy, writes_source=True, writes_target=True)
    assert _spelled(untimed) == without
    timeless = MergePolicy(default=Policy.TARGET_WINS, on_delete=policy.on_delete)
    assert _spelled(both_ways(batch, timeless)) == _spelled(both_ways(skewed, timeless))
    assert _spelled(both_ways(batch, timeless)) == _spelled(
        both_ways(_timed(batch, None, None), timeless)
    )


def what_the_target_cannot_hold_stays_at_the_source(batch: Batch, policy: MergePolicy) -> None:
    """Of cells that the target cannot be shown, and that it has the agreed value or nothing in
    place of: an edit of the target's meets them, takes their place only where the target wins,
    and nothing is written to either end while nobody has won."""
    chance = Random(batch.seed)
    apart, rows = _set_apart(chance, batch)
    sides = replace(
        Batch(rows, batch.seed).sides(),
        unfit={name: pa.array([(at, name) in apart for at in range(len(rows))]) for name in FIELDS},
    )
    answers: Answers = {place: Side.SOURCE for place in apart if chance.random() < 0.2}
    merged = merge(sides, policy, answers=answers, writes_source=True, writes_target=True)
    base, source, target = _tables(merged)
    clashes = _by_row(merged)
    for at, name in apart:
        row, clash = rows[at], clashes.get(at, {}).get(name)
        stand_in, theirs = _cell(row.source, name), _cell(row.target, name)
        edited = not same(theirs, _cell(row.shown(Side.TARGET), name))
        if edited and not same(theirs, stand_in):
            assert clash is not None
            assert clash.winner in {None, Side.TARGET}
        if clash is None or clash.winner is None:
            assert same(_cell(source[at], name), stand_in)
        if clash is not None:
            agreed = theirs if clash.winner is Side.TARGET else _cell(row.base, name)
            assert same(_cell(base[at], name), agreed)
            assert same(_cell(target[at], name), theirs)


def _cell(row: Cells | None, name: str) -> Any:
    assert row is not None
    return row[name]


PROPERTIES: tuple[Property, ...] = (
    as_reference_says,
    what_is_the_same_everywhere_stays,
    what_one_end_changed_reaches_the_other,
    the_same_edit_at_both_ends_is_agreed,
    edits_of_other_fields_are_both_kept,
    which_end_is_called_source_does_not_matter,
    nothing_is_invented,
    no_edit_is_lost_silently,
    what_was_applied_is_at_rest,
    deleted_rows_follow_the_rules,
    our_clock_does_not_count,
    what_the_target_cannot_hold_stays_at_the_source,
)


def _set_apart(chance: Random, batch: Batch) -> tuple[set[tuple[int, str]], list[Row]]:
    """Some cells of rows that are at both ends, and those rows with what stands in for them."""
    apart, rows = set(), list(batch.rows)
    for at, row in enumerate(rows):
        if row.base is None or row.source is None or row.target is None:
            continue
        names = [n for n in FIELDS if n not in row.missing and chance.random() < 0.3]
        apart |= {(at, name) for name in names}
        stand_in = {name: row.base[name] if chance.random() < 0.5 else None for name in names}
        rows[at] = replace(row, source={**row.source, **stand_in})
    return apart, rows


def _answers(chance: Random, batch: Batch) -> Answers:
    """A few: a side, a policy, or another value."""
    found: Answers = {}
    for place in range(len(batch.rows)):
        for name in (None, *FIELDS):
            if chance.random() < 0.1:
                some: list[Any] = [*Side, *Policy]
                free: dict[str, list[Any]] = {
                    "name": ["answered", None],
                    "number": [7],
                    "tags": [["c"], None],
                }
                found[place, name] = chance.choice([*some, *free.get(name or "", [])])
    return found


def _tables(merged: Merged) -> tuple[Shown, Shown, Shown]:
    return (
        cells(merged.base, merged.there),
        cells(merged.source, merged.source_there),
        cells(merged.target, merged.target_there),
    )


def _by_row(merged: Merged) -> dict[int, dict[str | None, Clash]]:
    found: dict[int, dict[str | None, Clash]] = {}
    for clash in merged.clashes:
        assert clash.field not in found.setdefault(clash.row, {})
        found[clash.row][clash.field] = clash
    return found


def _writes(merged: Merged) -> bool:
    return any(merged.to_source.to_pylist()) or any(merged.to_target.to_pylist())


def _shows(merged: Merged, wanted: Sequence[Cells | None]) -> None:
    """At both ends, and as agreed."""
    for table in _tables(merged):
        assert all(same_rows(a, b) for a, b in zip(table, wanted, strict=True))


def _any(row: Row) -> Cells:
    found = row.base or row.source or row.target
    assert found is not None
    return found


def _plainly(row: Row, base: Cells | None, source: Cells | None, target: Cells | None) -> Row:
    """A row of ends that do not normalise, with nothing missing."""
    return Row(base, source, target, times=row.times)


def _edited(row: Row, side: Side) -> list[str]:
    """The fields that the end changed; none where the row is not there."""
    now, before = (row.source if side is Side.SOURCE else row.target), row.shown(side)
    if now is None:
        return []
    if before is None:
        return [name for name in FIELDS if now[name] is not None]
    at_both = row.source is not None and row.target is not None
    return [
        name
        for name in FIELDS
        if not same(now[name], before[name])
        or (at_both and name in row.missing and now[name] is not None)
    ]


def _holds(found: Mapping[str | None, Clash], side: Side, name: str, was: Cells) -> None:
    clash = found.get(name) or found.get(None)
    assert clash is not None, (name, was)
    assert clash.reason
    kept = clash.source if side is Side.SOURCE else clash.target
    assert (kept[name] if clash.field is None else kept) == told(name, was[name])


def _applied(merged: Merged) -> Sides:
    """The ends as they are after the writes, with what is now agreed."""
    return Sides(
        base=merged.base,
        source=merged.source,
        target=merged.target,
        had=merged.there,
        in_source=merged.source_there,
        in_target=merged.target_there,
        missing=merged.missing,
        json=JSON,
        source_base=merged.source_base,
        target_base=merged.target_base,
    )


def _answered_is_settled(merged: Merged, policy: MergePolicy) -> None:
    """With an answer to every open question nothing is open, and then it is at rest."""
    answers: Answers = {
        (c.row, c.field): list(Side)[c.row % 2] for c in merged.clashes if c.winner is None
    }
    settled = merge(
        _applied(merged), policy, answers=answers, writes_source=True, writes_target=True
    )
    assert {(c.row, c.field): c.winner for c in settled.clashes} == answers
    rest = merge(_applied(settled), policy, writes_source=True, writes_target=True)
    assert not rest.clashes
    assert not _writes(rest)


def _turned(row: Row) -> Row:
    """Seen from the other end; where no edit is the later one, the target's is made so."""
    ours, theirs = row.times[::-1]
    is_told = ours is not None and theirs is not None and ours != theirs
    early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    return replace(row.mirrored(), times=(ours, theirs) if is_told else (early, late))


def _mirror(policy: MergePolicy) -> MergePolicy:
    turned = {Policy.SOURCE_WINS: Policy.TARGET_WINS, Policy.TARGET_WINS: Policy.SOURCE_WINS}
    fields = {name: turned.get(each, each) for name, each in policy.fields.items()}
    default = turned.get(policy.default, policy.default)
    return replace(policy, default=default, fields=fields)


def _opposite(winner: Any) -> Any:
    return winner.other if isinstance(winner, Side) else winner


def _timed(batch: Batch, ours: datetime | None, theirs: datetime | None) -> Batch:
    return batch.each(lambda row: replace(row, times=(ours, theirs)))


def _spelled(merged: Merged) -> list[str]:
    """Everything in it but the reasons."""
    clashes = [repr(replace(clash, reason="")) for clash in merged.clashes]
    base, source, target = _tables(merged)
    rows = [repr(shown) for shown in zip(base, source, target, strict=True)]
    return rows + clashes
