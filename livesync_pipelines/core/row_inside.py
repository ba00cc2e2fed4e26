"""What is inside two edited values, brought together: members of JSON objects and of lists, lines
of texts. Three ways, and the same whichever end is called which."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

import orjson

from livesync_pipelines.model.merge import Side

from .canon import canonical

MISSING: Final = object()
"""Stands for a member that an object does not have."""

_MOST_PAIRS = 4_000_000
"""Of lines that are compared with one another: above, what is between the first and the last
other line counts as one edit."""


@dataclass(slots=True)
class Inside:
    """Merges values of Python; what both ends edited, and not to the same, is taken from `winner`
    and remembered as `disputed`."""

    winner: Side
    disputed: bool = False

    def part(self, base: Any, source: Any, target: Any) -> Any:
        """Of JSON values, or `MISSING`."""
        if _same(source, target) or _same(base, target):
            return source
        if _same(base, source):
            return target
        match source, target:
            case dict(), dict():
                return self._members(base if isinstance(base, dict) else {}, source, target)
            case list(), list():
                return merged_list(base if isinstance(base, list) else [], source, target)
            case str(), str():
                return self.text(base if isinstance(base, str) else "", source, target)
        return self._of_winner(source, target)

    def text(self, base: str, source: str, target: str) -> str:
        """Line by line; a line is what ends with a line feed."""
        lines, ours, theirs = (text.split("\n") for text in (base, source, target))
        found: list[str] = []
        at = 0
        for low, high, edits in _touching(_edits(lines, ours), _edits(lines, theirs)):
            found += lines[at:low]
            versions = [_applied(lines, low, high, side) for side in edits if side]
            if len(versions) == 1 or versions[0] == versions[1]:
                found += versions[0]
            else:
                found += self._of_winner(*versions)
            at = high
        return "\n".join(found + lines[at:])

    def _members(self, base: dict[str, Any], source: dict[str, Any], target: dict[str, Any]) -> Any:
        names = dict.fromkeys([*base, *source, *target])
        parts = {
            name: self.part(*(side.get(name, MISSING) for side in (base, source, target)))
            for name in names
        }
        return {name: part for name, part in parts.items() if part is not MISSING}

    def _of_winner(self, source: Any, target: Any) -> Any:
        self.disputed = True
        return source if self.winner is Side.SOURCE else target


def merged_json(inside: Inside, base: str | None, source: str, target: str) -> str | None:
    """Of canonical JSON. None for a text that is not what we would write for its value: there,
    parts that nobody has edited would change."""
    old = MISSING if base is None else _parsed(base)
    edited = [_parsed(source), _parsed(target)]
    if any(value is MISSING for value in edited) or (base is not None and old is MISSING):
        return None
    return canonical(inside.part(old, *edited)).decode()


def merged_list(base: Sequence[Any], source: Sequence[Any], target: Sequence[Any]) -> list[Any]:
    """Members are counted. What one end added or took out is added or taken out; what both did
    to the same member counts once. Members of the base keep its order, those added are sorted."""
    counts = [Counter(map(canonical, side)) for side in (base, source, target)]
    wanted = {
        member: _count(*(side[member] for side in counts))
        for member in dict.fromkeys([*counts[0], *sorted(counts[1] | counts[2])])
    }
    found = []
    for member in map(canonical, base):
        if wanted[member]:
            wanted[member] -= 1
            found.append(orjson.loads(member))
    for member, more in wanted.items():
        found += [orjson.loads(member) for _ in range(more)]
    return found


def _count(base: int, source: int, target: int) -> int:
    ours, theirs = source - base, target - base
    if ours * theirs <= 0:
        return base + ours + theirs
    return base + (max(ours, theirs) if ours > 0 else min(ours, theirs))


def _same(a: Any, b: Any) -> bool:
    if a is MISSING or b is MISSING:
        return a is b
    return canonical(a) == canonical(b)


def _parsed(text: str) -> Any:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return MISSING
    return value if canonical(value) == text.encode() else MISSING


class _Edit(NamedTuple):
    """The lines from `low` up to `high` of the base have become `lines`."""

    low: int
    high: int
    lines: list[str]


_Edits = list[_Edit]


def _edits(base: list[str], now: list[str]) -> _Edits:
    first = next(
        (at for at, (a, b) in enumerate(zip(base, now, strict=False)) if a != b),
        min(len(base), len(now)),
    )
    last = 0
    while last < min(len(base), len(now)) - first and base[-1 - last] == now[-1 - last]:
        last += 1
    old, new = base[first : len(base) - last], now[first : len(now) - last]
    if not old and not new:
        return []
    if len(old) * len(new) > _MOST_PAIRS:
        return [_Edit(first, first + len(old), new)]
    matched = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        _Edit(first + low, first + high, new[start:end])
        for tag, low, high, start, end in matched
        if tag != "equal"
    ]


def _touching(ours: _Edits, theirs: _Edits) -> Iterator[tuple[int, int, tuple[_Edits, _Edits]]]:
    """The edits of both, those together that cannot be told apart, with the lines they span."""
    both = [(edit, 0) for edit in ours] + [(edit, 1) for edit in theirs]
    waiting = deque(sorted(both, key=lambda each: each[0][:2]))
    while waiting:
        edit, side = waiting.popleft()
        low, high = edit.low, edit.high
        found: tuple[_Edits, _Edits] = ([], [])
        found[side].append(edit)
        while waiting and (waiting[0][0].low < high or waiting[0][0][:2] == (low, high)):
            edit, side = waiting.popleft()
            high = max(high, edit.high)
            found[side].append(edit)
        yield low, high, found


def _applied(base: list[str], low: int, high: int, edits: _Edits) -> list[str]:
    found, at = [], low
    for edit in edits:
        found += [*base[at : edit.low], *edit.lines]
        at = edit.high
    return found + base[at:high]
