"""A table of an SQL database: Postgres in full; SQLite, MySQL and MariaDB through SQLAlchemy.

The vendors' pages are named where they are followed: `_sql_pg_*` and `_sql_other*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Literal

import pyarrow as pa
from propcache.api import cached_property
from pydantic import AfterValidator, Field, SecretStr

from livesync_pipelines.connectors._sql_base import Chosen, SqlDatabase
from livesync_pipelines.connectors.base import FetchLimits, Options
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.core.row_place import schema_and_table
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Holds, KeyPage, RowPage, RowReceipt, RowWrites, Shape
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec

_DATABASES = {
    "postgresql": "_sql_postgres.Postgres",
    "postgres": "_sql_postgres.Postgres",
    "sqlite": "_sql_sqlite.Sqlite",
    "mysql": "_sql_mysql.MySql",
    "mariadb": "_sql_mysql.MySql",
}

_Kind = Callable[[str, Chosen, FetchLimits], SqlDatabase]


def _known(url: SecretStr) -> SecretStr:
    """Without the driver that SQLAlchemy is told after a plus (`mysql+pymysql://`): ours is set."""
    scheme, _, rest = url.get_secret_value().partition("://")
    database = scheme.partition("+")[0]
    if database not in _DATABASES or not rest:
        raise ValueError(f"give the url of a database; it begins with {_schemes()}")
    return SecretStr(f"{database}://{rest}")


def _schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in _DATABASES if scheme != "postgres")


Name = Annotated[str, Field(min_length=1, max_length=128)]
Names = Annotated[list[Name], Field(max_length=1_600)]


class SqlTableConnection(Options):
    """`url`: postgresql://user:password@host/database, sqlite:////absolute/path.db,
    mysql://user:password@host/database or mariadb://...; a driver (`mysql+pymysql://`) may be
    named, and does not count. `table`, `key` and `schema` hold for all syncs of the connection that
    do not say their own; `key` is the primary key unless said. A Postgres without `schema` takes
    `SCHEMA.TABLE` for both."""

    url: Annotated[SecretStr, AfterValidator(_known)]
    table: Name | None = None
    key: Names = Field(default=[])
    schema_: Name | None = Field(default=None, alias="schema")


class SqlTableSelection(Options):
    """`columns`: which of them, all unless said. `modified`, `actor`: the columns that say when
    and by whom a row was last changed. `feed: trigger`: the owner of the table agrees to
    triggers and a log of changed keys beside it (Postgres only)."""

    table: Name | None = None
    key: Names = Field(default=[])
    columns: Names = Field(default=[])
    modified: Name | None = None
    actor: Name | None = None
    feed: Literal["none", "trigger"] = "none"


class SqlTable(RowEnd):
    """One table or view. Tables can be written to, views as far as their database lets them."""

    spec = PlatformSpec(
        name="sql_table",
        title="SQL table",
        clock=Clock(granularity_s=0.0, trusted=False),
        absence=Absence.DELETED,
        ordered=True,
        docs=(
            "https://www.postgresql.org/docs/18/ (2026-11-21)",
            "https://arrow.apache.org/adbc/current/driver/postgresql.html (2026-11-21)",
            "https://www.sqlite.org/lang.html and datatype3.html (2026-11-21)",
            "https://mariadb.com/kb/en/documentation/ (2026-11-21)",
            "https://dev.mysql.com/doc/refman/8.4/en/ (2026-11-21)",
        ),
        quirks=(
            "`modified` is as good as whoever sets it: what has changed is found by a scan, or by "
            "the feed of a Postgres",
            "a scan of Postgres is one statement: it sees one moment, and holds back vacuum until "
            "it ends",
            "a scan of SQLite or MySQL is one question per page: rows that change meanwhile are "
            "seen before or after",
            "rows whose values no type of ours holds (infinite dates, NaN in a numeric, years "
            "beyond 9999, JSON numbers of more than 17 digits) fail one by one",
            "a numeric without a precision is read with 20 decimals, and a row where it reaches "
            "10^18 fails: declare a precision",
            "a feed, or an SQLite file's time and size, says cheaply whether anything has changed; "
            "every other table is scanned whenever it is due",
            "rows written while the triggers of a feed are switched off are found by a scan only",
        ),
    )
    Connection = SqlTableConnection
    Selection = SqlTableSelection

    def __init__(
        self, connection: SqlTableConnection, selection: SqlTableSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._url = connection.url
        schema, table = connection.schema_, selection.table or connection.table or ""
        if self._of_postgres:
            schema, table = schema_and_table(schema, table)
        self._chosen = Chosen(
            table=table,
            schema=schema,
            key=tuple(selection.key or connection.key),
            columns=tuple(selection.columns),
            modified=selection.modified,
            actor=selection.actor,
            feed=selection.feed == "trigger",
        )

    @classmethod
    def tells(cls, selection: Mapping[str, object]) -> bool:
        return selection.get("feed") == "trigger"

    @classmethod
    def watched(cls, selection: Mapping[str, object]) -> bool:
        return cls.tells(selection)

    @property
    def _of_postgres(self) -> bool:
        return self._url.get_secret_value().startswith("postgres")

    @cached_property
    def _any(self) -> SqlDatabase:
        url = self._url.get_secret_value()
        module, _, name = _DATABASES[url.partition("://")[0]].partition(".")
        kind: _Kind = getattr(import_module(f"{__package__}.{module}"), name)
        return kind(url, self._chosen, self.limits)

    @property
    def _database(self) -> SqlDatabase:
        if not self._chosen.table:
            tables = self._any.tables()
            raise BadInput(
                "no table is named",
                hint=f"Say `table` in the selection; there are: {', '.join(tables) or 'none'}.",
                where=self._any.where,
            )
        return self._any

    def holds(self) -> Holds:
        return self._database.holds

    def shape(self) -> Shape | None:
        return self._database.shape()

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        return self._database.scan(columns, after)

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        return self._database.read(columns, keys)

    def widens(self) -> frozenset[str]:
        return self._database.widens()

    def misnamed(self, names: Sequence[str]) -> Sequence[str]:
        return list(self._database.naming.faults(names))

    def prepare(self, wanted: Shape) -> Sequence[str]:
        return self._database.prepare(wanted)

    def write(self, writes: RowWrites) -> RowReceipt:
        return self._database.write(writes)

    def cursor(self) -> str | None:
        """Puts the triggers of the feed there where it was agreed to and they are not."""
        return self._database.cursor()

    def changed(self, cursor: str) -> Iterator[KeyPage]:
        return self._database.changed(cursor)

    def mark(self) -> str | None:
        return self._database.mark()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the feed has something new, at most so long; whether it has. What happens
        between two calls is not missed."""
        return self._database.wait(timeout_s)

    def close(self) -> None:
        if "_any" in self.__dict__:
            self._any.close()
