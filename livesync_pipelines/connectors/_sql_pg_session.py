"""One connection to a Postgres, and its errors named for what comes next.

https://arrow.apache.org/adbc/current/driver/postgresql.html and the SQLSTATE codes of
https://www.postgresql.org/docs/18/errcodes-appendix.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import adbc_driver_manager as adbc
import pyarrow as pa
from adbc_driver_postgresql import dbapi
from propcache.api import cached_property
from psycopg import ProgrammingError, errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)

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
BY_ROW = ("22", "23", "44", "P0", "54")
"""Classes of SQLSTATE that speak of what a row holds."""
_PASSING = ("08", "40", "53", "55", "57", "58")
"""Classes that may be gone later: connection, rollback, resources, locks, operators, I/O."""
_CODES = {
    "23502": "null",
    "23503": "foreign_key",
    "23505": "duplicate",
    "23514": "check",
    "22001": "too_long",
    "22003": "out_of_range",
}
_SHOWN = 300


class Refused(Broken):
    """The database refuses what a row holds; `refusal` has its own short sentence."""

    def __init__(self, state: str, reason: str, *, where: str) -> None:
        super().__init__(f"{where} refuses: {reason}", where=where)
        self.refusal = (reason_code(state), reason)


def reason_code(state: str) -> str:
    """One short word for an SQLSTATE that speaks of a row."""
    return _CODES.get(state, "bad_value" if state.startswith("22") else "refused")


def clipped(message: str) -> str:
    """The first line of what the database said."""
    return message.partition("\n")[0][:_SHOWN]


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
            connection = dbapi.connect(self.conninfo, autocommit=True)
            with connection.cursor() as cursor:
                for setting in (*_SETTINGS, f"set lock_timeout = {self._lock_ms}"):
                    cursor.execute(setting)
        except adbc.Error as error:
            raise _not_connected(str(error), self.where) from error
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
        said = _said(error)
        if state.startswith(BY_ROW) or (state == "42501" and "row-level security" in said):
            raise Refused(state, said, where=self.where) from error
        raise _answered(state, said, self.where) from error

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


def _said(error: adbc.Error) -> str:
    """The database's own sentence, which quotes no row. The names of details are bytes, whatever
    their type says."""
    details = (
        (name.decode() if isinstance(name, bytes) else name, value)
        for name, value in error.details or ()
    )
    found = next((value for name, value in details if name == "PG_DIAG_MESSAGE_PRIMARY"), b"")
    return clipped(bytes(found).decode(errors="replace"))


def place_of(url: str) -> str:
    """Host, port and database, as a person may see them."""
    try:
        info = conninfo_to_dict(url)
    except ProgrammingError:
        return "Postgres"
    host = info.get("host") or info.get("hostaddr") or "localhost"
    return f"Postgres {host}:{info.get('port') or 5432}/{info.get('dbname') or info.get('user')}"


_MISSING = {
    "42P01": "It was there before: was it dropped?",
    "3F000": "Create the schema, or correct its name.",
}


def _answered(state: str, said: str, where: str) -> LiveSyncError:
    name = _name_of(state)
    if state.startswith("28"):
        return Reauthorise(
            f"{where} refuses the login ({name})", hint="Correct user and password in `url`."
        )
    if state == "42501":
        return Reauthorise(
            f"{where} does not let this user do so: {said}",
            hint="Its owner can grant it: select to read; insert, update and delete to write; "
            "create on the schema to make tables. Only the owner of a table can alter it.",
            where=where,
        )
    if state == "25006":
        return BadInput(
            f"{where} takes no writes: it is a replica or read-only",
            hint="Give the url of the primary server.",
            where=where,
        )
    if state in _MISSING:
        return BadInput(f"{where}: {said}", hint=_MISSING[state], where=where)
    if state.startswith(_PASSING):
        return Unavailable(f"{where} could not do it now ({name})", where=where)
    return Broken(f"{where} answered {name}: {said}", where=where)


def _name_of(state: str) -> str:
    try:
        return f"{state} {errors.lookup(state).__name__}"
    except KeyError:
        return state or "an error without a code"


def _not_connected(said: str, where: str) -> LiveSyncError:
    """libpq gives no code where no connection comes about, so its words are looked at; they
    quote the name of the user, never the password."""
    if "password" in said or "no pg_hba.conf entry" in said or 'role "' in said:
        return Reauthorise(
            f"{where} refuses the login",
            hint="Correct user and password in `url`; the server's pg_hba.conf says who may come.",
            where=where,
        )
    if 'database "' in said and "does not exist" in said:
        return BadInput(
            f"{where} is not there: the server has no such database",
            hint="Correct the database in `url`.",
            where=where,
        )
    if "could not translate host name" in said:
        why = "its host name is unknown"
    elif "refused" in said or "No such file" in said:
        why = "nobody listens there"
    elif "timeout" in said or "timed out" in said:
        why = "it did not answer in time"
    elif "SSL" in said or "certificate" in said:
        why = "no encrypted connection came about"
    else:
        why = "it takes no connection now"
    return Unavailable(
        f"{where} cannot be reached: {why}",
        hint="See that the server runs and can be reached from here, and correct `url`.",
        where=where,
    )
