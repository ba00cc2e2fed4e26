"""What is said of how the rows of one end become the rows of the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self

import pyarrow as pa

Scalar = str | int | float | bool | None
"""What a person writes as one value. Decimals and times are written as text and read as what the
column is."""


class OnError(StrEnum):
    """What becomes of a cell that does not fit: it is null, it stays as it was, or its row becomes
    a dead letter."""

    NULL = "null"
    KEEP = "keep"
    DEAD_LETTER = "dead_letter"


@dataclass(frozen=True, slots=True)
class Unit:
    """From one unit of measure to another, by any name that pint knows."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldMap:
    """How one field of the target is made.

    Where it comes from is one of: `sources` (one column, or several to `join`), the constant
    `value`, `template`, `expression`. What one column holds can be taken apart by `path` (a place
    within JSON) and then go through one of `split`, `join`, `lookup`, `unit`.

    - `cast`: a type by name (`core.row_map_types`); without, that of the target's column.
    - `zone`: in which times are told at the end that names none.
    - `default`: for where the source says nothing (null), not for what does not fit.
    - `otherwise`: of a lookup, for a value that it does not have, as a tuple of one; without, such
      a value does not fit.
    - `lossy`: what goes over need not come back the same, and decimals beyond the scale are
      rounded, half to even.
    """

    target: str
    sources: tuple[str, ...] = ()
    value: Scalar = None
    template: str | None = None
    expression: str | None = None
    path: str | None = None
    split: str | None = None
    join: str | None = None
    lookup: tuple[tuple[Scalar, Scalar], ...] = ()
    otherwise: tuple[Scalar, ...] = ()
    unit: Unit | None = None
    cast: str | None = None
    zone: str | None = None
    default: Scalar = None
    on_error: OnError = OnError.NULL
    lossy: bool = False

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold, without what was not said; `from_json` reads it."""
        said = {one.name: one.default for one in fields(self) if one.name != "target"}
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in said or value != said[name]
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Of what `to_json` gave, or `dataclasses.asdict` after its way through JSON."""
        given = dict(raw)
        unit = given.get("unit")
        given["sources"] = tuple(given.get("sources", ()))
        given["lookup"] = tuple((one, other) for one, other in given.get("lookup", ()))
        given["otherwise"] = tuple(given.get("otherwise", ()))
        given["unit"] = Unit(**unit) if unit else None
        given["on_error"] = OnError(given.get("on_error", OnError.NULL))
        return cls(**given)


@dataclass(frozen=True, slots=True)
class BadCell:
    """One cell that does not fit. `row` counts from 0 within the table that was mapped; `field` is
    the target's name of it, whichever way it went; `value` is the start of what was there."""

    row: int
    field: str
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class MappedRows:
    """`rows` has one row for each that came, in order; the cells of `bad_cells` are null in it."""

    rows: pa.Table
    bad_cells: tuple[BadCell, ...] = ()


@dataclass(frozen=True, slots=True)
class Unlike:
    """A cell that went there and back and is not what it was."""

    row: int
    field: str
    went: str
    came: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A first guess: `score` is from 0 to 1, `why` one sentence for a person."""

    field: FieldMap
    score: float
    why: str


class DriftKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    WIDENED = "widened"
    NARROWED = "narrowed"
    RETYPED = "retyped"
    REKEYED = "rekeyed"


@dataclass(frozen=True, slots=True)
class Drift:
    """What has become of one column of a table. `column` is its old name, or the new one of one
    that was added; a sync stops at what is `breaking`."""

    kind: DriftKind
    column: str
    breaking: bool
    sentence: str
