"""Connections to the one database, and its migrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from threading import Lock
from typing import Any

import orjson
import psycopg
from psycopg.errors import AdminShutdown, CrashShutdown
from psycopg.rows import TupleRow, dict_row
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool, PoolTimeout

from livesync_pipelines.model.errors import Broken, Unavailable
from livesync_pipelines.store.locks import AdvisoryLock

OLDEST = 14
_LETTING_GO_S = 5.0

Connection = psycopg.Connection[TupleRow]

OF_PROJECT = (
    "(%s::text is null or sync_id in (select sync_id from livesync.syncs where project_id = %s))"
)
"""A condition on `sync_id`: of this project, where one is given (twice)."""


class Gone(Unavailable):
    """The database does not answer, or went away in the middle of something."""


class Database:
    """Where our state lives: schema `livesync` of the Postgres at `url`.

    `connect` and `own` give a connection of one's own, for an operation; `pooled` one of a few that
    are shared, for short questions. All are in autocommit: a transaction is always said.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool: ConnectionPool[Connection] | None = None
        self._opening = Lock()

    def connect(self) -> Connection:
        """A new connection. Raises `Gone` when the database does not answer."""
        try:
            connection = psycopg.connect(self.url, autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise _no_answer(self.url, error) from error
        _read_numbers(connection)
        return connection

    @contextmanager
    def own(self) -> Iterator[Connection]:
        """A new connection. Raises `Gone` when the database does not answer, or goes away
        meanwhile."""
        with self.connect() as held:
            try:
                yield held
            except psycopg.OperationalError as error:
                if _is_lost(held, error):
                    raise _no_answer(self.url, error) from error
                raise

    @contextmanager
    def pooled(self) -> Iterator[Connection]:
        """A shared connection. Raises `Gone` when the database does not answer, or goes away
        meanwhile."""
        held: Connection | None = None
        try:
            with self._opened().connection() as held:
                yield held
        except PoolTimeout as error:
            raise _no_answer(self.url, error) from error
        except psycopg.OperationalError as error:
            if held is not None and _is_lost(held, error):
                raise _no_answer(self.url, error) from error
            raise

    def _opened(self) -> ConnectionPool[Connection]:
        with self._opening:
            if self._pool is None:
                self.connect().close()
                self._pool = _pool(self.url)
            return self._pool

    def close(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def migrate(self) -> int:
        """Bring the schema up to date; returns how many migrations were applied.

        Processes that start together wait for each other. Raises `Broken` for a server that
        is too old, or a schema that a newer version of this program has made.
        """
        with self.connect() as connection, connection.transaction():
            major = connection.info.server_version // 10_000
            if major < OLDEST:
                raise Broken(
                    f"The database is Postgres {major}; LiveSync needs {OLDEST} or newer.",
                    hint="Upgrade it, or unset LIVESYNC_DATABASE_URL to use the embedded one.",
                )
            connection.execute("select pg_advisory_xact_lock(%s)", (AdvisoryLock.MIGRATION,))
            connection.execute("create schema if not exists livesync")
            connection.execute(
                "create table if not exists livesync.migrations"
                " (name text primary key, applied_at timestamptz not null default now())"
            )
            rows = connection.execute("select name from livesync.migrations").fetchall()
            return _apply_missing(connection, {name for (name,) in rows})


def _pool(url: str) -> ConnectionPool[Connection]:
    """One to which a restart of the server goes unseen."""

    def check(connection: Connection) -> None:
        try:
            ConnectionPool.check_connection(connection)
        except psycopg.OperationalError:
            pool.drain()  # or each of the others is found dead in turn, ever more slowly
            raise

    pool: ConnectionPool[Connection] = ConnectionPool(
        url,
        min_size=0,
        max_size=8,
        timeout=10,
        check=check,
        configure=_read_numbers,
        kwargs={"autocommit": True},
        open=True,
    )
    return pool


class OwnConnection:
    """A connection for one who asks again and again, and wants to know at once that the database
    has gone: a pool waits for it. One that broke off is made anew."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: Connection | None = None

    @contextmanager
    def used(self) -> Iterator[Connection]:
        """Raises `Gone` when the database does not answer, or goes away meanwhile."""
        with answering(self._database):
            yield self._living()

    def _living(self) -> Connection:
        if self._held is not None:
            with suppress(psycopg.OperationalError):
                self._held.execute("select 1")
                return self._held
            self.close()
        self._held = self._database.connect()
        return self._held

    def close(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def _apply_missing(connection: Connection, applied: set[str]) -> int:
    folder = files("livesync_pipelines.store") / "migrations"
    known = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    if newer := applied - set(known):
        raise Broken(
            f"The database was made by a newer LiveSync (it knows {min(newer)}).",
            hint="Upgrade this installation, or point LIVESYNC_DATABASE_URL elsewhere.",
        )
    missing = [name for name in known if name not in applied]
    for name in missing:
        connection.execute((folder / name).read_bytes())
        connection.execute("insert into livesync.migrations (name) values (%s)", (name,))
    return len(missing)


def _read_numbers(connection: Connection) -> None:
    """A float that is stored in JSON comes back as one: JSON of Postgres spells 1e20 in digits."""
    set_json_loads(orjson.loads, connection)


def _is_lost(connection: Connection, error: psycopg.OperationalError) -> bool:
    """Whether the connection is no more; what ended it may be told before it is closed."""
    return connection.closed or isinstance(error, (AdminShutdown, CrashShutdown))


def _no_answer(url: str, error: Exception) -> Gone:
    info = psycopg.conninfo.conninfo_to_dict(url)
    place = f"{info.get('host', 'localhost')}:{info.get('port', 5432)}/{info.get('dbname', '')}"
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
    password = info.get("password")
    reason = first_line.replace(str(password), "***") if password else first_line
    return Gone(
        f"The database at {place} does not answer: {reason}",
        hint="Start it, correct LIVESYNC_DATABASE_URL, or unset it to use the embedded one.",
    )


def rows(
    connection: Connection, query: str, values: Sequence[Any] | Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """All rows of a query, as dictionaries, for what a person or a program will read."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def let_go(connection: Connection) -> None:
    """End a connection in whatever state it is, with its transaction and its locks."""
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_LETTING_GO_S)
    connection.close()


@contextmanager
def answering(database: Database) -> Iterator[None]:
    """Turn a database that stops answering in the middle into `Gone`."""
    try:
        yield
    except psycopg.OperationalError as error:
        raise _no_answer(database.url, error) from error
