"""What every SQL database is asked for, and what is the same in all of them."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import pyarrow as pa

from livesync_pipelines.connectors._sql_prepare import Naming
from livesync_pipelines.core.row_keys import usable
from livesync_pipelines.model.errors import BadInput, CursorExpired
from livesync_pipelines.model.rows import (
    Column,
    Holds,
    KeyPage,
    RowPage,
    RowReceipt,
    RowWrites,
    Shape,
)

_NAMED = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which table, and what of it. `key` and `columns` are empty where the table itself says;
    `feed`: its owner agrees to triggers and a log of changed keys beside it."""

    table: str
    schema: str | None = None
    key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    modified: str | None = None
    actor: str | None = None
    feed: bool = False


class SqlDatabase(ABC):
    """One table of one database; the methods of `RowEnd` and of its abilities, and `tables`."""

    naming: ClassVar[Naming]
    holds: ClassVar[Holds]

    def __init__(self, where: str) -> None:
        self.where = where

    @abstractmethod
    def tables(self) -> list[str]:
        """The names of the tables and views that there are."""

    @abstractmethod
    def shape(self) -> Shape | None: ...

    @abstractmethod
    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]: ...

    @abstractmethod
    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage: ...

    def widens(self) -> frozenset[str]:
        """None, unless the database can alter a column that is there."""
        return frozenset()

    @abstractmethod
    def prepare(self, wanted: Shape) -> Sequence[str]: ...

    @abstractmethod
    def write(self, writes: RowWrites) -> RowReceipt: ...

    def mark(self) -> str | None:
        """None: nothing cheaper than a scan can be relied on. Postgres counts changes in statistics
        that come late and are lost in a crash; MySQL forgets when a table was changed as it is
        restarted, and for InnoDB may never have known."""
        return None

    def cursor(self) -> str | None:
        """None: there is no feed."""
        return None

    def changed(self, cursor: str) -> Iterator[KeyPage]:
        raise CursorExpired(
            f"{self.where} has no change feed", hint="It is scanned instead.", where=self.where
        )

    def wait(self, timeout_s: float) -> bool:
        raise BadInput(
            f"{self.where} has no change feed to wait for",
            hint="`feed: trigger` makes one, in Postgres.",
            where=self.where,
        )

    @abstractmethod
    def close(self) -> None: ...


def chosen_shape(
    columns: Sequence[Column], own_key: Sequence[str], chosen: Chosen, holds: Holds, *, where: str
) -> Shape:
    """The shape of a table that has these columns and this primary key, as far as it was chosen.
    Raises `BadInput` for columns that it lacks, and where it has no key."""
    names = [column.name for column in columns]
    asked = [*chosen.key, *chosen.columns, *filter(None, (chosen.modified, chosen.actor))]
    for name in asked:
        if name not in names:
            raise BadInput(
                f"{where} has no column {name!r}", hint=_named("columns", name, names), where=where
            )
    key = chosen.key or tuple(own_key)
    if not key:
        raise BadInput(
            f"{where} has no primary key",
            hint=f"Name the columns that tell its rows apart in `key`; it has {_some(names)}.",
            where=where,
        )
    for column in columns:
        if column.name in key and not usable(column.type):
            raise BadInput(
                f"column {column.name!r} of {where} cannot be part of a key",
                hint="A key is made of whole numbers, texts, dates and times. Its columns: "
                f"{_some(names)}.",
                where=where,
            )
    kept = set(asked) | set(key) if chosen.columns else set(names)
    return Shape(
        columns=tuple(column for column in columns if column.name in kept),
        key=key,
        modified=chosen.modified,
        actor=chosen.actor,
        holds=holds,
    )


def no_table(name: str, tables: Iterable[str], *, where: str) -> NoReturn:
    raise BadInput(
        f"{where} is not there", hint=_named("tables", name, sorted(tables)), where=where
    )


def no_column(name: str, names: Iterable[str], *, where: str) -> NoReturn:
    raise BadInput(
        f"{where} has no column {name!r}", hint=_named("columns", name, list(names)), where=where
    )


def _named(what: str, word: str, names: Sequence[str]) -> str:
    """A hint with the names there are, the closest of them first."""
    by_lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    meant = f"Did you mean {by_lower[close[0]]}? " if close else ""
    return f"{meant}Its {what}: {_some(names)}."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return (", ".join(names[:_NAMED]) or "none") + more
