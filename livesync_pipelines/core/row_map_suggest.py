"""A first mapping, guessed from names and from some rows of both ends."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from livesync_pipelines.core.row_map_names import likeness
from livesync_pipelines.core.row_map_spelling import spelled
from livesync_pipelines.core.row_map_types import can_cast, family, fate, type_name
from livesync_pipelines.model.row_map import FieldMap, Suggestion
from livesync_pipelines.model.rows import Column, Shape

SAMPLE = 1_000
"""How many rows of each end are looked at, at most."""

_ENOUGH = 0.45
_NAMES, _VALUES, _TYPES = 0.6, 0.3, 0.1


@dataclass(frozen=True, slots=True)
class _Pair:
    source: Column
    target: Column
    key: bool
    names: float
    values: float | None
    types: float

    @property
    def score(self) -> float:
        if self.values is None:
            return (self.names * _NAMES + self.types * _TYPES) / (_NAMES + _TYPES)
        return self.names * _NAMES + self.values * _VALUES + self.types * _TYPES

    @property
    def why(self) -> str:
        said = [f"the names are alike ({self.names:.0%})"]
        if self.names == 1.0:
            said = ["the names are the same"]
        if self.values:
            said.append(f"{self.values:.0%} of the values are at both ends")
        if type_name(self.source) != type_name(self.target):
            said.append(f"{type_name(self.source)} becomes {type_name(self.target)}")
        part = "both tell rows apart; " if self.key else ""
        return f"'{self.source.name}' and '{self.target.name}': {part}{', '.join(said)}."


def suggest(
    source: Shape, sample: pa.Table, target: Shape, target_sample: pa.Table
) -> list[Suggestion]:
    """The keys first, then the surest; no column twice, and none for which nothing speaks."""
    here, there = _values(source, sample), _values(target, target_sample)
    pairs = [
        _pair(one, other, key=_both_keys(one, other, source, target), here=here, there=there)
        for one in source.columns
        for other in target.columns
        if other.writable and can_cast(one, other) and _one_side(one, other, source, target)
    ]
    pairs.sort(key=lambda pair: (not pair.key, -pair.score))
    found: list[Suggestion] = []
    used: set[tuple[str, str]] = set()
    for pair in pairs:
        ends = {("source", pair.source.name), ("target", pair.target.name)}
        if pair.score >= (0.0 if pair.key else _ENOUGH) and not ends & used:
            used |= ends
            found.append(Suggestion(_field(pair), round(pair.score, 3), pair.why))
    return found


def _one_side(one: Column, other: Column, source: Shape, target: Shape) -> bool:
    """A key goes with a key."""
    return (one.name in source.key) == (other.name in target.key)


def _both_keys(one: Column, other: Column, source: Shape, target: Shape) -> bool:
    return one.name in source.key and other.name in target.key


def _pair(
    one: Column, other: Column, *, key: bool, here: dict[str, set[str]], there: dict[str, set[str]]
) -> _Pair:
    mine, theirs = here[one.name], there[other.name]
    shared = len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else None
    what = fate(one, other)
    safe = what.loses is None and what.refuses is None
    types = 1.0 if family(one) == family(other) else 0.6 if safe else 0.2
    return _Pair(one, other, key, likeness(one.name, other.name), shared, types)


def _values(shape: Shape, sample: pa.Table) -> dict[str, set[str]]:
    """The values of each column, as texts that can be compared across types."""
    first = sample.slice(0, SAMPLE)
    return {
        column.name: {
            spelled(value).strip().lower()
            for value in first[column.name].to_pylist()
            if value is not None
        }
        if column.name in first.column_names
        else set()
        for column in shape.columns
    }


def _field(pair: _Pair) -> FieldMap:
    differs = type_name(pair.source) != type_name(pair.target)
    cast = type_name(pair.target) if differs else None
    return FieldMap(target=pair.target.name, sources=(pair.source.name,), cast=cast)
