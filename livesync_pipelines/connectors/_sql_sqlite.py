"""A table of an SQLite file.

https://www.sqlite.org/lang_transaction.html, pragma.html and rescode.html, read 2026-11-21.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from propcache.api import cached_property
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from livesync_pipelines.connectors import _disk as disk
from livesync_pipelines.connectors._sql_base import Chosen
from livesync_pipelines.connectors._sql_cells import Batch, Refusal
from livesync_pipelines.connectors._sql_other import Found, Other, url_of
from livesync_pipelines.connectors._sql_other_cells import batch_of, page_of_rows
from livesync_pipelines.connectors._sql_other_write import Target
from livesync_pipelines.connectors._sql_prepare import Naming, Step, spelled
from livesync_pipelines.connectors._sql_sqlite_types import cell, declared
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.model.errors import BadInput, Broken, LiveSyncError, Unavailable
from livesync_pipelines.model.rows import Column, Holds, Shape

_SHOWN = 300
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
"""The case of other letters does count in names."""
_OF_ROWS = {
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "null",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "duplicate",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "duplicate",
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
}
_MENDED: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_NOTADB: ("is no SQLite file", "Correct the path in `url`."),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "See who may read the file and its folder."),
    sqlite3.SQLITE_READONLY: ("takes no writes", "See who may write the file and its folder."),
    sqlite3.SQLITE_PERM: ("may not be used", "See who may read and write the file."),
}
_LATER: dict[int, str] = {
    sqlite3.SQLITE_BUSY: "another program holds its lock",
    sqlite3.SQLITE_LOCKED: "another program holds its lock",
    sqlite3.SQLITE_FULL: "its disk is full",
    sqlite3.SQLITE_IOERR: "its disk cannot be read or written",
}


class Sqlite(Other):
    """Scans ask page by page, so that a writer of the same file need not wait for a whole scan."""

    naming = Naming("SQLite", lambda name: name.translate(_ASCII_LOWER))
    holds = Holds(nan=False)

    def __init__(self, url: str, chosen: Chosen, limits: FetchLimits) -> None:
        self._path = Path(url_of(url, "a SQLite file").database or "").absolute()
        super().__init__(chosen, limits, f"table {chosen.table} of SQLite {self._path}")
        self._start = "begin"

    @cached_property
    def _engine(self) -> sa.Engine:
        if not self._path.is_file():
            raise BadInput(
                f"there is no file {self._path}",
                hint="Correct the path in `url`: four slashes begin an absolute one. A new, empty "
                "database is made by `sqlite3 FILE vacuum`.",
                where=self.where,
            )
        engine = sa.create_engine("sqlite://", creator=self._connected, poolclass=sa.QueuePool)
        event.listen(engine, "begin", lambda c: c.exec_driver_sql(self._start))
        return engine

    def mark(self) -> str | None:
        """Of the file and of its write-ahead log, an empty one of which holds nothing. A change of
        any table of the file is one."""
        try:
            found = disk.version(os.stat(self._path))
        except FileNotFoundError:
            return None
        try:
            log = os.stat(f"{self._path}-wal")
        except FileNotFoundError:
            return found
        return f"{found} {disk.version(log)}" if log.st_size else found

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(self._path))}?mode=rw",
            uri=True,
            timeout=self._limits.timeout_s,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.text_factory = _text
        connection.execute("pragma foreign_keys = on")
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        self._start = "begin immediate"
        try:
            with super()._writing() as connection:
                yield connection
        finally:
            self._start = "begin"

    def _names(self, connection: sa.Connection) -> list[str]:
        found = connection.exec_driver_sql(
            "select name from sqlite_master where type in ('table', 'view')"
            " and name not like 'sqlite\\_%' escape '\\' order by name"
        )
        return [str(name) for (name,) in found]

    def _look(self, connection: sa.Connection) -> Found | None:
        if connection.exec_driver_sql("pragma encoding").scalar() != "UTF-8":
            raise BadInput(
                f"{self.where} stores its texts in UTF-16, and so sorts them in another order",
                hint="Copy it into a new database: their default is UTF-8.",
                where=self.where,
            )
        name = (self._chosen.table,)
        found = connection.exec_driver_sql(
            'select name, type, "notnull", pk, hidden from pragma_table_xinfo(?)'
            " where hidden <> 1 order by cid",
            name,
        ).fetchall()
        if not found:
            return None
        own_key = tuple(row[0] for row in sorted(found, key=lambda row: row[3]) if row[3])
        key = self._chosen.key or own_key
        return Found(
            cells=tuple(cell(_column(row), row[1], of_key=row[0] in key) for row in found),
            own_key=own_key,
            indexed=(frozenset(own_key), *self._unique(connection, name)),
        )

    def _unique(self, connection: sa.Connection, name: tuple[str]) -> Iterator[frozenset[str]]:
        found = connection.exec_driver_sql(
            "select i.name, c.name from pragma_index_list(?) i, pragma_index_info(i.name) c"
            ' where i."unique" and not i.partial',
            name,
        ).fetchall()
        for index in {index for index, _ in found}:
            columns = [column for i, column in found if i == index]
            if None not in columns:
                yield frozenset(columns)

    def _batches(
        self, target: Target, names: Sequence[str], after: Sequence[object] | None
    ) -> Iterator[Batch]:
        wanted = [target.cells[name] for name in names]
        key = [target.cells[name] for name in target.shape.key]
        parts = [target.table.c[part.name] for part in key]
        ordered = [part.ordered(column) for part, column in zip(key, parts, strict=True)]
        query = sa.select(*(target.table.c[name] for name in names), *parts)
        place = (
            None
            if after is None
            else tuple(part.dump(value) for part, value in zip(key, after, strict=True))
        )
        more = True
        while more:
            page = query.where(*(part.is_not(None) for part in parts)).order_by(*ordered)
            if place is not None:
                page = page.where(sa.tuple_(*ordered) > sa.tuple_(*map(sa.literal, place)))
            with self._reading() as connection:
                rows, more = page_of_rows(connection.execute(page.limit(PAGE_ROWS + 1)))
            if more:
                rows = _whole(rows, len(names))
            if rows:
                place = tuple(rows[-1][len(names) :])
                yield batch_of(wanted, rows, max_bytes=self._limits.max_bytes)
        if after is None:
            empty = query.where(sa.or_(*(part.is_(None) for part in parts))).limit(PAGE_ROWS)
            with self._reading() as connection:
                rows = list(connection.execute(empty))
            yield batch_of(wanted, rows, max_bytes=self._limits.max_bytes)

    def _created(self, wanted: Shape) -> str:
        columns = [
            f"{self._quoted(c.name)} {declared(c)}{' not null' if c.name in wanted.key else ''}"
            for c in wanted.columns
        ]
        key = ", ".join(self._quoted(name) for name in wanted.key)
        return (
            f"create table {self._quoted(self._chosen.table)}"
            f" ({', '.join(columns)}, primary key ({key}))"
        )

    def _altered(self, connection: sa.Connection, step: Step) -> str:
        if step.there is not None:
            raise BadInput(
                f"{self.where} holds {step.column.name!r} as {spelled(step.there)}, and SQLite "
                f"cannot widen it to {spelled(step.column)}",
                hint="Map the field to a new column.",
                where=self.where,
            )
        name = self._quoted(step.column.name)
        table = self._quoted(self._chosen.table)
        return f"alter table {table} add column {name} {declared(step.column)}"

    def _refusal(self, error: DBAPIError) -> Refusal | None:
        code = _code(error)
        if code & 0xFF in {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}:
            return _OF_ROWS.get(code, "refused"), str(error.orig)[:_SHOWN]
        if code & 0xFF == sqlite3.SQLITE_TOOBIG:
            return "too_long", str(error.orig)
        return None

    def _error(self, error: DBAPIError) -> LiveSyncError:
        code = _code(error) & 0xFF
        if code in _MENDED:
            what, hint = _MENDED[code]
            return BadInput(f"{self.where} {what}", hint=hint, where=self.where)
        if code in _LATER:
            return Unavailable(f"{self.where} could not be used: {_LATER[code]}", where=self.where)
        said = str(error.orig)[:_SHOWN]
        return Broken(f"{self.where} answered {code}: {said}", where=self.where)


def _code(error: DBAPIError) -> int:
    return int(getattr(error.orig, "sqlite_errorcode", 0))


def _text(raw: bytes) -> str | bytes:
    """Bytes that are no UTF-8 stay bytes, and so are no text."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _column(row: Sequence[Any]) -> Column:
    name, _, not_null, of_key, hidden = row
    return Column(
        name=name,
        type=None,
        nullable=not not_null and not of_key,
        writable=hidden not in {2, 3},
    )


def _whole(rows: list[sa.Row[Any]], key_at: int) -> list[sa.Row[Any]]:
    """Without the last key, of which more rows may follow; unless there is no other."""
    last = rows[-1][key_at:]
    kept = [row for row in rows if row[key_at:] != last]
    return kept or rows
