"""What can be done to a column on its way, beside a cast. A step that can be undone has an
`inverse`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.canon import storable
from livesync_pipelines.core.row_holding import unheld
from livesync_pipelines.core.row_map_cast import Bad, Cells, one_by_one
from livesync_pipelines.core.row_map_spelling import shown
from livesync_pipelines.core.row_map_types import LIST
from livesync_pipelines.core.row_map_values import Unfit
from livesync_pipelines.model.rows import Holds


class Step(Protocol):
    """One column in, one of the same length out."""

    def __call__(self, array: pa.Array) -> Cells: ...


def through(steps: Sequence[Step], cells: Cells) -> Cells:
    """One step after the other; a cell is bad once."""
    for step in steps:
        after = step(cells.values)
        cells = Cells(after.values, (*cells.bad, *after.bad))
    return cells


@dataclass(frozen=True, slots=True)
class Held:
    """The same values, without those that an end does not take."""

    holds: Holds
    json: bool

    def __call__(self, array: pa.Array) -> Cells:
        found = dict(unheld(array, self.holds, json=self.json))
        if not found:
            return Cells(array)
        rows = pa.array(list(found), pa.int64())
        values = zip(found.items(), array.take(rows).to_pylist(), strict=True)
        bad = (
            Bad(row, f"holds {what}, and the end it goes to takes none", shown(value))
            for (row, what), value in values
        )
        gone = pc.is_in(pa.array(range(len(array)), pa.int64()), rows)
        return Cells(pc.if_else(gone, pa.scalar(None, array.type), array), tuple(bad))


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value that stands at the place of the key; for another one `otherwise` (an array of one,
    or none: then it does not fit)."""

    keys: pa.Array
    values: pa.Array
    otherwise: pa.Array

    def __call__(self, array: pa.Array) -> Cells:
        place = pc.index_in(array, self.keys)
        found = self.values.take(place)
        if place.null_count == array.null_count:
            return Cells(found)
        unknown = pc.and_(array.is_valid(), place.is_null())
        if len(self.otherwise):
            return Cells(pc.if_else(unknown, self.otherwise[0], found))
        rows = pc.indices_nonzero(unknown)
        values = zip(rows.to_pylist(), array.take(rows).to_pylist(), strict=True)
        return Cells(
            found, tuple(Bad(row, "is not in the lookup", shown(value)) for row, value in values)
        )

    @property
    def inverse(self) -> Lookup | None:
        """None where two keys have one value, or other keys have one too."""
        if len(self.otherwise) or self.values.null_count or twice(self.values):
            return None
        return Lookup(self.values, self.keys, self.otherwise)


def twice(values: pa.Array) -> list[Any]:
    """The values that are there more than once."""
    counts = pc.value_counts(values).to_pylist()
    return [one["values"] for one in counts if one["counts"] > 1]


@dataclass(frozen=True, slots=True)
class Split:
    """A text as the list of its parts; an empty text has none."""

    separator: str

    def __call__(self, array: pa.Array) -> Cells:
        parts = pc.split_pattern(array, pattern=self.separator).cast(LIST)
        empty = pc.equal(array, "")
        if not pc.any(empty).as_py():
            return Cells(parts)
        none = pa.array([[]], LIST).take(pa.array([0] * len(array)))
        return Cells(pc.if_else(empty, none, parts))

    @property
    def inverse(self) -> Unsplit:
        return Unsplit(self.separator)


@dataclass(frozen=True, slots=True)
class Unsplit:
    """The text that was split into a list. A list that no text is split into does not fit."""

    separator: str

    def __call__(self, array: pa.Array) -> Cells:
        return one_by_one(array, self._whole, pa.string())

    def _whole(self, members: list[str | None]) -> str:
        there = [member for member in members if member is not None]
        text = self.separator.join(there)
        if (text.split(self.separator) if text else []) != members:
            raise Unfit(f"is no list that a text split at {self.separator!r} can be")
        return text


@dataclass(frozen=True, slots=True)
class Join:
    """The members of a list as one text; those that are null are left out."""

    separator: str

    def __call__(self, array: pa.Array) -> Cells:
        joined = pc.binary_join(array, self.separator)
        if joined.null_count == array.null_count:
            return Cells(joined)
        return one_by_one(array, self._known, pa.string(), joined)

    def _known(self, members: list[str | None]) -> str:
        return self.separator.join(member for member in members if member is not None)

    @property
    def inverse(self) -> Split:
        return Split(self.separator)


_PART = re.compile(r"([^.\[\]]+)|\[([0-9]{1,9})\]")


def path_parts(path: str) -> list[str | int]:
    """`a.b[0].c` as its parts. Raises ValueError."""
    parts: list[str | int] = []
    place = 0
    for found in _PART.finditer(path):
        between = path[place : found.start()]
        if between != ("." if found[1] and place else ""):
            raise ValueError(path)
        parts.append(found[1] or int(found[2]))
        place = found.end()
    if not parts or place != len(path):
        raise ValueError(path)
    return parts


@dataclass(frozen=True, slots=True)
class Path:
    """What stands at a place within JSON: text as it is, numbers as they are spelled there, an
    object or a list as JSON, null where there is nothing. With `as_json`, text too stays JSON."""

    parts: tuple[str | int, ...]
    as_json: bool

    def __call__(self, array: pa.Array) -> Cells:
        return one_by_one(array, self._found, pa.string())

    def _found(self, text: str) -> str | None:
        try:
            here = json.loads(text, parse_int=_Number, parse_float=_Number)
            for part in self.parts:
                here = _step_into(here, part)
            found = self._spelled(here)
        except RecursionError as error:
            raise Unfit("is JSON within JSON, too deep") from error
        except ValueError as error:
            raise Unfit("is not JSON") from error
        if found is not None and storable(found) != found:
            raise Unfit("holds a character that no text can have")
        return found

    def _spelled(self, here: Any) -> str | None:
        if here is None or isinstance(here, _Number):
            return here
        return here if isinstance(here, str) and not self.as_json else _json(here)


class _Number(str):
    """A number as it was spelled, so that no digit of it is lost."""

    __slots__ = ()


def _step_into(here: Any, part: str | int) -> Any:
    if isinstance(part, str):
        return here.get(part) if isinstance(here, dict) else None
    return here[part] if isinstance(here, list) and part < len(here) else None


def _json(value: Any) -> str:
    """Canonical JSON, numbers as they were spelled."""
    match value:
        case _Number():
            return str(value)
        case dict():
            members = (f"{_json(name)}:{_json(value[name])}" for name in sorted(value))
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(_json(member) for member in value) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class NoDefault:
    """Null takes the place of the default, on the way back."""

    value: pa.Scalar

    def __call__(self, array: pa.Array) -> Cells:
        return Cells(pc.if_else(pc.equal(array, self.value), pa.scalar(None, array.type), array))
