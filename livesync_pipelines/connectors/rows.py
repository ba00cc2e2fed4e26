"""What an end of a row sync is: a shape, a scan by key, rows by key. What else it can do is found
on its class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import pyarrow as pa

from livesync_pipelines.connectors.base import Platform
from livesync_pipelines.model.rows import (
    ANYTHING,
    Holds,
    KeyPage,
    RowPage,
    RowReceipt,
    RowWrites,
    Shape,
)

PAGE_ROWS = 20_000
"""How many rows a page holds at most."""
SHOWN = 200
"""So many characters are told of a cell that cannot be read."""


class RowEnd(Platform):
    """A table of a platform."""

    rows_per_write: int = PAGE_ROWS
    """How many rows it would be given in one `write`, at most: more, where each has its price."""

    @classmethod
    def unwritable(cls, selection: Mapping[str, object]) -> str | None:
        """Why a table that is so selected can only be read, as what is said of it; None where it
        can be written to."""
        return None if issubclass(cls, WritesRows) else f"{cls.spec.name} can only be read"

    @classmethod
    def tells(cls, selection: Mapping[str, object]) -> bool:
        """Whether a table that is so selected tells which of its rows have changed."""
        return issubclass(cls, FollowsRows)

    def holds(self) -> Holds:
        """What a table takes that is yet to be made."""
        return ANYTHING

    @abstractmethod
    def shape(self) -> Shape | None:
        """What the table looks like now; None where there is none, or `NotFound` where more can be
        said of that. Raises `BadInput` where it has no usable key (names the columns it has), a
        `LiveSyncError` where nobody answers."""

    @abstractmethod
    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        """These columns of all rows, or of those whose key comes after `after` (one value for each
        key column), in pages of at most `PAGE_ROWS`, ascending by key."""

    @abstractmethod
    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        """These columns of the rows with these keys as they are now, in any order; a row that is
        not there is left out, one that is there and cannot be read is a failure."""


@runtime_checkable
class WritesRows(Protocol):
    """An end that can be written to."""

    def prepare(self, wanted: Shape) -> Sequence[str]:
        """Make the table where there is none, add columns it lacks and its key's index; nothing is
        ever narrowed or dropped. Returns what was done, a sentence each. Raises `BadInput` where
        a column is there with a type that does not hold what is wanted."""

    def write(self, writes: RowWrites) -> RowReceipt:
        """Carry out all of these in one transaction where the end has such; rows that are not as
        expected, or that the end refuses, are left out and told of. An upsert sent twice leaves
        one row. Raises `Unavailable` where it may or may not have happened."""


@runtime_checkable
class BoundsNames(Protocol):
    """An end that does not take every name for a column."""

    def misnamed(self, names: Sequence[str]) -> Sequence[str]:
        """Why these cannot be columns of one table here, a clause each."""


@runtime_checkable
class WidensColumns(Protocol):
    """An end that can make columns wider which are there."""

    def widens(self) -> frozenset[str]:
        """The columns for which `prepare` does so, as `shape` found them."""


@runtime_checkable
class MarksRows(Protocol):
    """An end that says cheaply whether any of its rows may have changed."""

    def mark(self) -> str | None:
        """A mark of the table's present state, for which no row is read; the same mark means that
        nothing changed. None where this table has none."""


@runtime_checkable
class InfersTypes(Protocol):
    """An end whose columns have the types that their values look like."""

    def remember(self, before: Shape) -> None:
        """What the table looked like before, said before its `shape` is asked: a column whose type
        is not declared keeps the one it has here while every value of it still fits; of a property
        that holds dates only, a value that does not fit fails its row."""

    def hold(self, written: Shape) -> None:
        """What a sync has written here, said before `shape` is asked: a column whose type is not
        declared keeps the one it has here, and a value that does not fit fails its row."""


@runtime_checkable
class FollowsRows(Protocol):
    """An end that tells which rows have changed since a place in its change feed."""

    def cursor(self) -> str | None:
        """The place in the feed now; None where this table has no feed."""

    def changed(self, cursor: str) -> Iterator[KeyPage]:
        """Keys changed since, at least one page. Raises `CursorExpired`: scan instead."""
