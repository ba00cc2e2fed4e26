"""One connection to a Postgres.

https://arrow.apache.org/adbc/current/driver/postgresql.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import NoReturn, cast

import adbc_driver_manager as adbc
import adbc_driver_postgresql as driver
import pyarrow as pa
from adbc_driver_manager import dbapi
from propcache.api import cached_property
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from livesync_pipelines.connectors._sql_pg_errors import (
    BY_ROW,
    Refused,
    answered,
    not_connected,
    said,
)
from livesync_pipelines.model.errors import BadInput, LiveSyncError, Unavailable

_SETTINGS = (
    "set timezone = 'UTC'",
    "set datestyle = 'ISO'",
    "set intervalstyle = 'iso_8601'",
    "set bytea_output = 'hex'",
    "set client_min_messages = error",
    "set jit = off",  # it costs more than it saves on pages
    "set random_page_cost = 1.1",  # a page of keys is looked up; the whole table is not read for it
    "set standard_conforming_strings = on",
)


class _Database:
    """What the driver has read of a server's types: 40 ms of work, good for any number of
    connections. It ends with the last who holds it."""

    def __init__(self, conninfo: str) -> None:
        self.handle = driver.connect(conninfo)

    def close(self) -> None:
        """What each connection calls at its end, as if it were the only one."""

    def __del__(self) -> None:
        if "handle" in self.__dict__:
            self.handle.close()


@lru_cache(maxsize=32)
def _database(conninfo: str) -> _Database:
    """Each takes a megabyte. No type younger than the server itself is asked of the driver."""
    return _Database(conninfo)


class Session:
    """A connection in autocommit, opened when first used. A transaction is always said."""

    def __init__(self, url: str, *, timeout_s: float, where: str) -> None:
        self.where = where
        try:
            self.conninfo = make_conninfo(
                url, connect_timeout=max(2, int(timeout_s)), fallback_application_name="livesync"
            )
        except ProgrammingError as error:
            raise BadInput(
                f"the url of {where} is none that Postgres knows",
                hint="Write postgresql://user:password@host:5432/database, and %-escape what is "
                "special in the password.",
                where=where,
            ) from error
        self._lock_ms = int(timeout_s * 1000)

    @cached_property
    def _connection(self) -> dbapi.Connection:
        try:
            database = _database(self.conninfo)
            connection = dbapi.Connection(
                cast("adbc.AdbcDatabase", database),
                adbc.AdbcConnection(database.handle),
                autocommit=True,
            )
            with connection.cursor() as cursor:
                for setting in (*_SETTINGS, f"set lock_timeout = {self._lock_ms}"):
                    cursor.execute(setting)
        except adbc.Error as error:
            raise not_connected(str(error), self.where) from error
        return connection

    def another(self) -> Session:
        """A second connection to the same place."""
        session = object.__new__(Session)
        session.where, session.conninfo = self.where, self.conninfo
        session._lock_ms = self._lock_ms
        return session

    def run(self, sql: str) -> int:
        """How many rows it touched; -1 where the database does not say."""
        with self._named(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.rowcount)

    def ask(self, sql: str) -> pa.Table:
        with self._named(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetch_arrow_table()

    def stream(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows while they come; nothing else can be asked until then."""
        with self._named(), self._connection.cursor() as cursor:
            cursor.execute(sql)
            yield from cursor.fetch_record_batch()

    def put(self, rows: pa.Table, table: str, *, schema: str | None = None) -> None:
        """Append the rows by COPY; without a schema, to a temporary table."""
        with self._named(), self._connection.cursor() as cursor:
            if schema is None:
                cursor.adbc_ingest(table, rows, mode="append", temporary=True)
            else:
                cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema)

    @contextmanager
    def transaction(self, kind: str = "") -> Iterator[None]:
        """Raises `Unavailable` where the connection is lost: it may or may not have happened."""
        self.run(f"begin {kind}")
        try:
            yield
        except BaseException:
            self._undo("rollback")
            raise
        self.run("commit")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.run("savepoint livesync")
        try:
            yield
        except LiveSyncError:
            self._undo("rollback to savepoint livesync")
            raise
        self.run("release savepoint livesync")

    def _undo(self, sql: str) -> None:
        """A connection that is lost has undone it already; the first error is the one to tell."""
        with suppress(LiveSyncError):
            self.run(sql)

    def close(self) -> None:
        if "_connection" in self.__dict__:
            with suppress(adbc.Error):  # it is lost, and so closed
                self._connection.close()
            del self.__dict__["_connection"]

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except adbc.Error as error:
            self._raise(error)
        except OSError as error:  # what a stream that breaks off raises
            self._lost(error)

    def _raise(self, error: adbc.Error) -> NoReturn:
        state = error.sqlstate or ""
        if not state and not self._alive():
            self._lost(error)
        words = said(error)
        if state.startswith(BY_ROW) or (state == "42501" and "row-level security" in words):
            raise Refused(state, words, where=self.where) from error
        raise answered(state, words, self.where) from error

    def _alive(self) -> bool:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("select 1")
        except adbc.Error as error:
            return bool(error.sqlstate)
        return True

    def _lost(self, error: Exception) -> NoReturn:
        self.close()
        raise Unavailable(
            f"{self.where} broke off the connection",
            hint="What was under way may or may not have happened.",
            where=self.where,
        ) from error


def place_of(url: str) -> str:
    """Host, port and database, as a person may see them."""
    try:
        info = conninfo_to_dict(url)
    except ProgrammingError:
        return "Postgres"
    host = info.get("host") or info.get("hostaddr") or "localhost"
    return f"Postgres {host}:{info.get('port') or 5432}/{info.get('dbname') or info.get('user')}"
