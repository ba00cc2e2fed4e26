"""What a merge of rows takes, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from livesync_pipelines.model.merge import OnDelete, Policy

from .row_choices import Winner

Answers = Mapping[tuple[int, str | None], object]
"""By row and field (None: whether the row stays): a `Side`; a `Policy`, as when a deadline has
passed; or the value itself, told plainly (`row_values.plain`). One to which there is no question
is not looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """n rows, aligned. The three tables have the same columns, the mapped fields; where a row is
    not there, they hold nulls.

    - `had`: the row was agreed, and `base` says how; `in_source`, `in_target`: it is there now.
    - `source_time`, `target_time`: when a row was last edited there, `timestamp[us, UTC]`; None,
      or null: not known, or not by clocks that can be compared.
    - `source_base`, `target_base`: how that end showed what was agreed, where it normalises.
    - `missing`: by field, the agreed rows in which that field was never agreed upon.
    - `defaults`: by field, those of them in which the source shows what it shows in every row: that
      is no edit of a row which the other end has deleted.
    - `unfit`: by field, the rows whose value at the source the target cannot hold. `source` has
      there what the target has in its place, and null is what the source showed of it in
      `source_base`.
    - `json`: the fields that hold canonical JSON.
    """

    base: pa.Table
    source: pa.Table
    target: pa.Table
    had: pa.BooleanArray
    in_source: pa.BooleanArray
    in_target: pa.BooleanArray
    source_time: pa.Array | None = None
    target_time: pa.Array | None = None
    source_base: pa.Table | None = None
    target_base: pa.Table | None = None
    missing: Mapping[str, pa.BooleanArray] = field(default_factory=dict)
    defaults: Mapping[str, pa.BooleanArray] = field(default_factory=dict)
    unfit: Mapping[str, pa.BooleanArray] = field(default_factory=dict)
    json: Set[str] = frozenset()

    def __post_init__(self) -> None:
        tables = (self.base, self.source, self.target, self.source_base, self.target_base)
        shapes = {
            (t.num_rows, tuple((f.name, f.type) for f in t.schema)) for t in tables if t is not None
        }
        flags = (
            self.had,
            self.in_source,
            self.in_target,
            *self.missing.values(),
            *self.defaults.values(),
            *self.unfit.values(),
        )
        if len(shapes) > 1 or any(len(each) != self.base.num_rows for each in flags):
            raise ValueError("what is merged must have the same rows and columns at both ends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Two edits of which at most one stands as it is.

    `field` is None where one end deleted the row and the other edited it; the values are then
    rows, by field, and None where there is no row. Values are plain (`row_values.plain`).
    `winner`: whose value, or state of the row, stands; `merged`: neither's as a whole; None: that
    is still open, and both ends keep theirs.
    """

    row: int
    field: str | None
    base: Any
    source: Any
    target: Any
    winner: Winner
    policy: Policy | OnDelete
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What comes of it, row by row as in `Sides`.

    - `base`, `there`: what is agreed afterwards, and `missing` as in `Sides`. A field that waits
      for an answer keeps what was agreed before.
    - `source_base`, `target_base`: as in `Sides`, where they were given there. An end that shows
      again otherwise what is written to it has to be asked.
    - `source`, `target`, `source_there`, `target_there`: what each end is to show. Where a row is
      not there, its cells are null.
    - `to_source`, `to_target`: rows that must be written there, or deleted.
    - `clashes`: by row; that of the row itself first, then by field.
    - `unsent`: by field, the rows whose value at the target cannot be written to the source. It is
      an edit for as long as it stands there.
    """

    base: pa.Table
    there: pa.BooleanArray
    missing: Mapping[str, pa.BooleanArray]
    source: pa.Table
    target: pa.Table
    source_there: pa.BooleanArray
    target_there: pa.BooleanArray
    to_source: pa.BooleanArray
    to_target: pa.BooleanArray
    clashes: Sequence[Clash]
    source_base: pa.Table | None = None
    target_base: pa.Table | None = None
    unsent: Mapping[str, pa.BooleanArray] = field(default_factory=dict)
