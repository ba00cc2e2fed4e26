"""What a merge of one row should come to, from the rules in `model.merge` and nothing else.

Slow, plain Python: no column, no vector, and no part of the merge that it is held against.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from livesync_pipelines.model.merge import MergePolicy, OnDelete, Policy, Side
from livesync_pipelines_tests.core.row_cases import FIELDS, JSON, Cells, Row, same

NO = object()


@dataclass
class Outcome:
    """As `Merged`, of one row. `clashes`: by field (None: the row), who won."""

    base: Cells | None
    source: Cells | None
    target: Cells | None
    missing: set[str] = field(default_factory=set)
    clashes: dict[str | None, Any] = field(default_factory=dict)


def outcome(
    row: Row, policy: MergePolicy, ruler: Side | None, answers: Mapping[str | None, Any]
) -> Outcome:
    """`ruler` is the end that a sync of one direction reads from; `answers` are this row's."""
    if row.source is None and row.target is None:
        return Outcome(None, None, None)
    if row.source is None or row.target is None:
        return at_one_end(row, policy, ruler, answers.get(None))
    found = Outcome({}, {}, {})
    for name in FIELDS:
        for place, value in zip(
            ("base", "source", "target"),
            of_field(row, name, policy.of(name), (ruler, answers), found),
            strict=True,
        ):
            getattr(found, place)[name] = value
    return found


def at_one_end(row: Row, policy: MergePolicy, ruler: Side | None, answer: Any) -> Outcome:
    here = Side.TARGET if row.source is None else Side.SOURCE
    cells = row.target if row.source is None else row.source
    assert cells is not None
    everywhere, nowhere = Outcome(cells, cells, cells), Outcome(None, None, None)
    if row.base is None:
        return Outcome(None, row.source, row.target) if ruler is here.other else everywhere
    if ruler is here:
        everywhere.clashes[None] = here
        return everywhere
    agreed = row.shown(here)
    assert agreed is not None
    if all(same(cells[name], agreed[name]) for name in FIELDS):
        return nowhere
    winner = ruler if ruler is not None else deletion(here, policy.on_delete, answer)
    found = {here: everywhere, here.other: nowhere}.get(
        winner,  # type: ignore[arg-type]  # a side's name
        Outcome(row.base, row.source, row.target, set(row.missing)),
    )
    found.clashes[None] = winner
    return found


def deletion(editor: Side, rule: OnDelete, answer: Any) -> Side | None:
    if isinstance(answer, Side):
        return answer
    if answer is Policy.SOURCE_WINS:
        return Side.SOURCE
    if answer is Policy.TARGET_WINS:
        return Side.TARGET
    if isinstance(answer, Policy):
        return None if answer is Policy.ASK_PERSON else editor
    by_rule = {
        OnDelete.EDIT_SURVIVES: editor,
        OnDelete.DELETE_WINS: editor.other,
        OnDelete.ASK_PERSON: None,
    }
    return by_rule[rule]


def of_field(
    row: Row,
    name: str,
    policy: Policy,
    rest: tuple[Side | None, Mapping[str | None, Any]],
    found: Outcome,
) -> tuple[Any, Any, Any]:
    """Base, source and target of one field afterwards."""
    assert row.source is not None
    assert row.target is not None
    ruler, answers = rest
    source, target = row.source[name], row.target[name]
    shown = row.shown(Side.SOURCE), row.shown(Side.TARGET)
    fresh = name in row.missing or row.base is None
    base = None if fresh else row.base[name]  # type: ignore[index]  # a row, where not fresh
    ours, theirs = (
        (fresh and value is not None) or not same(value, shows[name] if shows else None)
        for value, shows in zip((source, target), shown, strict=True)
    )
    if not (ours or theirs or fresh):
        return base, source, target
    if same(source, target):
        return source, source, source
    winner: Any = ruler or (Side.SOURCE if not theirs else Side.TARGET)
    value = source if winner is Side.SOURCE else target
    if ruler is None and ours and theirs:
        answer = answers.get(name, NO)
        winner, value = choice(row, name, policy, answer, (base, source, target, fresh))
        found.clashes[name] = winner
    elif ruler and (theirs if ruler is Side.SOURCE else ours):
        found.clashes[name] = winner
    if winner is not None:
        return value, value, value
    if fresh:
        found.missing.add(name)
    return base, source, target


def choice(
    row: Row, name: str, policy: Policy, answer: Any, values: tuple[Any, Any, Any, bool]
) -> tuple[Any, Any]:
    """Who wins, and the value."""
    base, source, target, fresh = values
    if isinstance(answer, Policy):
        policy = answer
    elif answer is not NO and not isinstance(answer, Side):
        return "merged", answer
    ours, theirs = row.times
    later = Side.TARGET if ours and theirs and theirs > ours else Side.SOURCE
    fixed = {Policy.SOURCE_WINS: Side.SOURCE, Policy.TARGET_WINS: Side.TARGET}
    winner: Any = answer if isinstance(answer, Side) else fixed.get(policy, later)
    if policy is Policy.ASK_PERSON and not isinstance(answer, Side):
        return None, None
    if policy in (Policy.FIELD_MERGE, Policy.UNION) and not isinstance(answer, Side):
        if source is None or target is None:
            if fresh:
                winner = Side.TARGET if source is None else Side.SOURCE
        else:
            value = inside(name, policy, later, (base, source, target))
            if value is not NO:
                by_end = Side.TARGET if value == target else "merged"
                return Side.SOURCE if value == source else by_end, value
    return winner, source if winner is Side.SOURCE else target


def inside(name: str, policy: Policy, later: Side, values: tuple[Any, Any, Any]) -> Any:
    base, source, target = values
    if name == "tags":
        return members(base or [], source, target)
    if name in JSON:
        parsed = [NO if text is None else orjson.loads(text) for text in values]
        lists = isinstance(parsed[1], list) and isinstance(parsed[2], list)
        if policy is Policy.UNION and not lists:
            return NO
        return orjson.dumps(part(later, *parsed), option=orjson.OPT_SORT_KEYS).decode()
    if name == "notes" and policy is Policy.FIELD_MERGE:
        return lines(later, base or "", source, target)
    if name == "name" and policy is Policy.FIELD_MERGE:
        return lines(later, base or "", source, target)
    return NO


def alike(a: Any, b: Any) -> bool:
    """JSON tells 1 from 1.0 and from true; Python does not."""
    if a is NO or b is NO:
        return a is b
    return orjson.dumps(a, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        b, option=orjson.OPT_SORT_KEYS
    )


def part(later: Side, base: Any, source: Any, target: Any) -> Any:
    if alike(source, target) or alike(base, target):
        return source
    if alike(base, source):
        return target
    kinds = type(source), type(target)
    if kinds == (dict, dict):
        old = base if type(base) is dict else {}
        found = {}
        for name in {*old, *source, *target}:
            value = part(later, *(side.get(name, NO) for side in (old, source, target)))
            if value is not NO:
                found[name] = value
        return found
    if kinds == (list, list):
        return members(base if type(base) is list else [], source, target)
    if kinds == (str, str):
        return lines(later, base if type(base) is str else "", source, target)
    return source if later is Side.SOURCE else target


def members(base: list[Any], source: list[Any], target: list[Any]) -> list[Any]:
    """One count per member: a change of one end counts, the same change of both counts once."""
    spelled = [[orjson.dumps(m) for m in side] for side in (base, source, target)]
    old, ours, theirs = (Counter(side) for side in spelled)
    left: Counter[bytes] = Counter()
    for member in {*old, *ours, *theirs}:
        up = max(0, ours[member] - old[member], theirs[member] - old[member])
        down = max(0, old[member] - ours[member], old[member] - theirs[member])
        left[member] = old[member] + up - down
    found = []
    for member in spelled[0]:
        if left[member] > 0:
            left[member] -= 1
            found.append(member)
    fresh = [m for m in left.elements() if m in old]
    fresh.sort(key=spelled[0].index)
    found += fresh + sorted(m for m in left.elements() if m not in old)
    return [orjson.loads(member) for member in found]


def lines(later: Side, base: str, source: str, target: str) -> str:
    """For texts whose common lines stand in the same order everywhere, each once."""
    old = base.split("\n")
    edits = [
        (side, *edit) for side, text in enumerate((source, target)) for edit in edited(old, text)
    ]
    groups: list[list[Any]] = []
    for edit in edits:
        joined = [group for group in groups if any(touch(edit, other) for other in group)]
        groups = [group for group in groups if group not in joined]
        groups.append([edit, *(other for group in joined for other in group)])
    changes = []
    for group in groups:
        low, high = min(e[1] for e in group), max(e[2] for e in group)
        versions = [
            version(old, low, high, [e for e in group if e[0] == side])
            for side in (0, 1)
            if any(e[0] == side for e in group)
        ]
        pick = versions[-1] if later is Side.TARGET else versions[0]
        changes.append((low, high, pick))
    return "\n".join(version(old, 0, len(old), [(0, *change) for change in changes]))


def edited(old: list[str], text: str) -> list[tuple[int, int, list[str]]]:
    """What stands between two lines that were kept, where it is another than before."""
    new = text.split("\n")
    kept = [(old.index(line), new.index(line)) for line in old if line in new]
    found, low, start = [], 0, 0
    for high, end in [*kept, (len(old), len(new))]:
        if old[low:high] != new[start:end]:
            found.append((low, high, new[start:end]))
        low, start = high + 1, end + 1
    return found


def touch(a: Any, b: Any) -> bool:
    """Two edits cannot be told apart: they share a line, one lies within the other, or both put
    something into the same place."""
    (_, low, high, _), (_, other_low, other_high, _) = a, b
    if (low, high) == (other_low, other_high):
        return True
    return bool(low < other_high and other_low < high)


def version(old: list[str], low: int, high: int, edits: list[Any]) -> list[str]:
    found: list[str] = []
    at = low
    for _, start, end, new in sorted(edits, key=lambda edit: edit[1:3]):
        found += old[at:start] + new
        at = end
    return found + old[at:high]
