"""Rows on their way between two ends: what a table looks like, its pages, what is written to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from .errors import ItemFailure

CLOCK = pa.timestamp("us", tz="UTC")
"""Times of edits can be compared between two ends where both are of this type."""

TYPES: tuple[pa.DataType, ...] = (
    pa.bool_(),
    pa.int64(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.date32(),
    pa.time64("us"),
    pa.timestamp("us"),
    CLOCK,
    pa.list_(pa.string()),
)
"""The types that values have between two ends, beside `decimal128(p, s)`. Narrower integers are
`int64`, a time with a zone is told in UTC, and what else there is (JSON, nested values) is
`string`: canonical JSON, its column marked `json`."""

OPS: tuple[str, ...] = ("added", "updated", "removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table, as an end knows it.

    - `type`: one of `TYPES`, or a decimal.
    - `json`: the text is canonical JSON, compared as such.
    - `writable`: False for what the end computes itself (generated, formulas, rollups).
    - `bits`: of an integer, 64 unless the end stores less; `unsigned`: it takes none below zero.
    - `max_chars`: the longest text it takes. `words`: the only texts it takes, whatever their case
      unless it is `cased`, and with `several` also more than one with commas between; empty where
      it takes any.
    - `typed`: False where nothing at the end says the type yet (a file without values): `type` is
      a stand-in, and whoever writes there says it. It is no part of what a column is.
    """

    name: str
    type: pa.DataType
    nullable: bool = True
    json: bool = False
    writable: bool = True
    bits: int = 64
    unsigned: bool = False
    max_chars: int | None = None
    words: tuple[str, ...] = ()
    several: bool = False
    cased: bool = False
    typed: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Which values of the types that it has a table takes: a NUL character in a text, a float that
    is not a number, one that is infinite."""

    nul: bool = True
    nan: bool = True
    infinity: bool = True


ANYTHING = Holds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the table at one end looks like.

    `key` names the columns that tell rows apart, in order. `modified` and `actor` name those that
    say when and by whom a row was last changed, where there are such.
    """

    columns: tuple[Column, ...]
    key: tuple[str, ...]
    modified: str | None = None
    actor: str | None = None
    holds: Holds = field(default=ANYTHING, compare=False)

    @property
    def schema(self) -> pa.Schema:
        """Of the pages of such a table."""
        return pa.schema([pa.field(c.name, c.type, c.nullable) for c in self.columns])

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Unfit:
    """A cell that cannot be read as its column's type: the start of its value, and why not."""

    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Rows of which only cells cannot be read: these are null in `rows`, and told in `unfit`, row
    by row."""

    rows: pa.Table
    unfit: tuple[tuple[Unfit, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPage:
    """One bounded piece of a table.

    - `rows`: whole rows, ascending by key (see `core.row_keys`), each key once.
    - `failures`: rows that cannot be read or have no usable key. Their key is the encoded one, or
      says where the row stands (`line 17`). None of them is ever absent.
    - `partial`: those among `failures` that are usable but for some cells, if there are any.
    - `last`: nothing follows, and everything up to here was seen: only then is anything absent.
    """

    rows: pa.Table
    failures: tuple[ItemFailure, ...] = ()
    partial: Partial | None = None
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPage:
    """One bounded piece of a change feed: `keys` (a table of the key columns) of rows that have
    changed or are gone, each once, and the `cursor` after them."""

    keys: pa.Table
    cursor: str
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWrites:
    """What one end is to be given, in one go.

    - `upserts`: rows with the key columns and the columns to set; others are left as they are.
    - `expected`: how these very rows, in this order, were when it was decided: the same columns.
      `there`: for each of them a boolean, False for a row that must not exist yet.
    - `deletes`: rows to take out (the key columns and, to compare, what else they held).
    """

    upserts: pa.Table
    expected: pa.Table
    there: pa.Array
    deletes: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReceipt:
    """What became of `RowWrites`.

    - `stored`: rows that the end now shows otherwise than they were sent, because it normalises
      (the columns of `upserts`); an empty table where all are as sent.
    - `moved`: keys (the key columns) of which the row was no longer as expected; nothing of these
      was written.
    - `failures`: rows that the end refuses, by encoded key; nothing of these was written.
    """

    stored: pa.Table
    moved: pa.Table
    failures: tuple[ItemFailure, ...] = field(default=())
