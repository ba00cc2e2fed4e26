"""The reference model of two tables: what people have written, and what may have become of it.

Written from the contracts alone, and naive. Every edit has a value of its own. Who edits a cell has
seen the value that stood there, so that one may go; who deletes a row has seen all of its values.
Every other value that was ever written stands at both ends, or is kept in a conflict. A value that
was written more than once may be what was agreed already, and then it is no edit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

Rows = Mapping[Any, Mapping[str, Any]]
"""By key; values by field, fields by the target's names."""
Spot = tuple[Any, str, Any]
"""Key, field, value."""
SIDES = ("source", "target")


@dataclass(slots=True)
class RowReference:
    """`fields`: what is mapped, without the key. `ruler`: the end that always wins, or None."""

    fields: tuple[str, ...]
    ruler: str | None
    made: dict[Spot, str] = field(default_factory=dict)
    seen: set[Spot] = field(default_factory=set)
    again: set[Spot] = field(default_factory=set)
    deleted: set[Any] = field(default_factory=set)
    born: dict[str, set[Any]] = field(default_factory=lambda: {side: set() for side in SIDES})
    counts: Counter[str] = field(default_factory=Counter)

    def insert(self, side: str, key: Any, row: Mapping[str, Any]) -> None:
        self.counts["inserts"] += 1
        self.born[side].add(key)
        self._write(side, key, row)

    def update(self, side: str, key: Any, shown: Mapping[str, Any], to: Mapping[str, Any]) -> None:
        self.counts["updates"] += 1
        self.seen |= {(key, name, shown[name]) for name in to if name in self.fields}
        self._write(side, key, to)

    def delete(self, side: str, key: Any, shown: Mapping[str, Any]) -> None:
        self.counts["deletes"] += 1
        self.born[side].discard(key)
        if self.ruler in {None, side}:
            self.deleted.add(key)
        self.seen |= {(key, name, shown[name]) for name in self.fields}

    def _write(self, side: str, key: Any, row: Mapping[str, Any]) -> None:
        for name, value in row.items():
            if name in self.fields:
                if (key, name, value) in self.made:
                    self.again.add((key, name, value))
                self.made[key, name, value] = side
                self.seen.discard((key, name, value))

    def in_step(
        self,
        source: Rows,
        target: Rows,
        conflicts: Sequence[Mapping[str, Any]],
        apart: Set[tuple[Any, str]],
    ) -> None:
        """In quiet: both ends show the same, or an open conflict names the difference, or it is
        told that one end cannot hold what the other has (`apart`: key and field)."""
        open_at = {(c["key"], c["field"]) for c in conflicts if c["state"] != "settled"}
        for key in source.keys() | target.keys():
            if (key, None) in open_at:
                continue
            here, there = source.get(key), target.get(key)
            if here is None or there is None:
                self._may_stand_alone(key, "target" if here is None else "source")
                continue
            for name in self.fields:
                same = here[name] == there[name] or (key, name) in open_at | apart
                assert same, f"{key}.{name}: {here[name]!r} is not {there[name]!r}"

    def _may_stand_alone(self, key: Any, side: str) -> None:
        """One end rules, and the other has a row of its own."""
        alone = self.ruler is not None and side != self.ruler and key in self.born[side]
        assert alone, f"row {key} is at the {side} only, and no conflict says so"

    def nothing_is_lost(
        self, source: Rows, target: Rows, conflicts: Sequence[Mapping[str, Any]]
    ) -> None:
        """Each last edit of a cell is visible, or kept."""
        kept = set(_kept(conflicts))
        for (key, name, value), side in self.made.items():
            if (key, name, value) in self.seen | self.again:
                continue
            visible = [rows.get(key, {}).get(name) == value for rows in (source, target)]
            self.counts["visible" if any(visible) else "kept"] += 1
            assert any(visible) or (key, name, value) in kept, (
                f"lost: {name} of {key} was made {value!r} at the {side}; it is now"
                f" {source.get(key)} and {target.get(key)}, and no conflict has kept it"
            )

    def nothing_comes_back(self, source: Rows, target: Rows) -> None:
        """A row that somebody deleted is there only where somebody else had another edit of it."""
        for key in self.deleted & (source.keys() | target.keys()):
            shown = [rows[key] for rows in (source, target) if key in rows]
            spots = {(key, n, row[n]) for row in shown for n in self.fields}
            new = (spots & self.made.keys()) - self.seen
            assert new, f"row {key} was deleted, and is back: {shown}"

    def the_later_wins(self, conflicts: Sequence[Mapping[str, Any]]) -> None:
        """Where both ends tell times, the policy goes by these and by nothing else; or nobody has
        won, for what is later does not fit."""
        for c in conflicts:
            here, there = c["source_time"], c["target_time"]
            if c["policy"] != "latest_wins" or not here or not there or c["field"] is None:
                continue
            later = "target" if there > here else "source"
            if c["winner"] is None or c["settled_by"] != "policy":
                continue
            assert c["winner"] == later, f"{c['winner']} has won; {here} against {there}"
            self.counts["clocked"] += 1


def changed(before: Sequence[Rows], after: Sequence[Rows]) -> set[Any]:
    """The keys of rows that are not as they were, at either end."""
    return {
        key
        for was, now in zip(before, after, strict=True)
        for key in was.keys() | now.keys()
        if was.get(key) != now.get(key)
    }


def _kept(conflicts: Sequence[Mapping[str, Any]]) -> Iterator[Spot]:
    for conflict in conflicts:
        for side in SIDES:
            value = conflict[side]
            if conflict["field"] is not None:
                yield conflict["key"], conflict["field"], value
            elif value is not None:
                yield from ((conflict["key"], name, each) for name, each in value.items())
