"""A table of a MySQL or MariaDB.

https://mariadb.com/kb/en/information-schema/, https://dev.mysql.com/doc/refman/8.4/en/, and
https://pymysql.readthedocs.io, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b

import pyarrow as pa
import sqlalchemy as sa
from propcache.api import cached_property
from sqlalchemy.exc import DBAPIError

from livesync_pipelines.connectors._sql_base import Chosen
from livesync_pipelines.connectors._sql_cells import Batch, Refusal
from livesync_pipelines.connectors._sql_mysql_errors import error_of, refusal_of
from livesync_pipelines.connectors._sql_mysql_types import (
    LONGEST_KEY,
    Described,
    cell,
    declared,
    marked,
    words_of,
)
from livesync_pipelines.connectors._sql_other import Found, Other, url_of
from livesync_pipelines.connectors._sql_other_cells import batch_of, page_of_rows
from livesync_pipelines.connectors._sql_other_write import Target
from livesync_pipelines.connectors._sql_prepare import Naming, Step
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.model.rows import Column, Holds, Shape

_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO"
_STREAM_S = 3_600
"""For how long a scan may rest between two pages before the server gives it up."""


class MySql(Other):
    """A scan is one statement that is read as it comes, over a connection of its own."""

    naming = Naming("MySQL", str.lower, longest=64)
    holds = Holds(nan=False, infinity=False)

    def __init__(self, url: str, chosen: Chosen, limits: FetchLimits) -> None:
        self._url = url_of(url, "a MySQL")
        database = chosen.schema or self._url.database
        name = f"table {chosen.table} of MySQL {self._url.host}:{self._url.port or 3306}/{database}"
        super().__init__(chosen, limits, name)
        self._url = self._url.set(drivername="mysql+pymysql", database=database)

    @cached_property
    def _engine(self) -> sa.Engine:
        seconds = max(1, int(self._limits.timeout_s))
        return sa.create_engine(
            self._url,
            isolation_level="READ COMMITTED",
            connect_args={
                "connect_timeout": seconds,
                "charset": "utf8mb4",
                "init_command": f"set time_zone = '+00:00', sql_mode = '{_MODE}',"
                f" innodb_lock_wait_timeout = {seconds}, net_write_timeout = {_STREAM_S}",
            },
        )

    def _names(self, connection: sa.Connection) -> list[str]:
        found = connection.exec_driver_sql(
            "select table_name from information_schema.tables"
            " where table_schema = database() order by table_name"
        )
        return [str(name) for (name,) in found]

    def _look(self, connection: sa.Connection) -> Found | None:
        name = {"name": self._chosen.table}
        found = connection.exec_driver_sql(
            "select column_name, data_type, column_type, is_nullable, extra, column_comment,"
            " numeric_precision, numeric_scale, generation_expression"
            " from information_schema.columns"
            " where table_schema = database() and table_name = %(name)s order by ordinal_position",
            name,
        ).fetchall()
        if not found:
            return None
        json = self._json(connection)
        described = [
            Described(
                column=Column(
                    name=row[0], type=None, nullable=row[3] == "YES", writable=not row[8]
                ),
                kind=row[1].lower(),
                full=row[2].lower(),
                comment=row[5] or "",
                precision=int(row[6] or 0),
                scale=int(row[7] or 0),
                json=row[1].lower() == "json" or row[0] in json,
                words=words_of(row[2]),
            )
            for row in found
        ]
        indexes = self._unique(connection)
        return Found(
            cells=tuple(cell(column) for column in described),
            own_key=indexes.get("PRIMARY", ()),
            indexed=tuple(frozenset(columns) for columns in indexes.values()),
        )

    def _json(self, connection: sa.Connection) -> set[str]:
        """The columns that MariaDB, which has no type for it, checks to be JSON."""
        if not getattr(connection.dialect, "is_mariadb", False):
            return set()
        found = connection.exec_driver_sql(
            "select check_clause from information_schema.check_constraints"
            " where constraint_schema = database() and table_name = %(name)s",
            {"name": self._chosen.table},
        )
        told = (re.fullmatch(r"json_valid\(`(.+)`\)", str(clause)) for (clause,) in found)
        return {match[1].replace("``", "`") for match in told if match}

    def _unique(self, connection: sa.Connection) -> dict[str, tuple[str, ...]]:
        """The columns of each unique index over whole columns, in order."""
        found = connection.exec_driver_sql(
            "select index_name, column_name, sub_part from information_schema.statistics"
            " where table_schema = database() and table_name = %(name)s and non_unique = 0"
            " order by index_name, seq_in_index",
            {"name": self._chosen.table},
        ).fetchall()
        parts = {index for index, column, sub_part in found if sub_part or not column}
        return {
            index: tuple(column for other, column, _ in found if other == index)
            for index in dict.fromkeys(row[0] for row in found)
            if index not in parts
        }

    def _batches(
        self, target: Target, names: Sequence[str], after: Sequence[object] | None
    ) -> Iterator[Batch]:
        wanted = [target.cells[name] for name in names]
        key = [target.cells[name] for name in target.shape.key]
        ordered = [part.ordered(target.table.c[part.name]) for part in key]
        query = sa.select(*(c.read(target.table.c[c.name]) for c in wanted)).order_by(*ordered)
        if after is not None:
            place = [part.dump(value) for part, value in zip(key, after, strict=True)]
            query = query.where(sa.tuple_(*ordered) > sa.tuple_(*map(sa.literal, place)))
        with self._reading() as connection:
            stream = connection.execution_options(stream_results=True, max_row_buffer=1_000)
            with stream.execute(query) as result:
                more = True
                while more:
                    rows, more = page_of_rows(result)
                    yield batch_of(wanted, rows, max_bytes=self._limits.max_bytes)

    def widens(self) -> frozenset[str]:
        found = self._found.columns if self._found else ()
        return frozenset(column.name for column in found)

    def prepare(self, wanted: Shape) -> Sequence[str]:
        """A text that is part of the key is as long as an index lets it be."""
        columns = [
            replace(c, max_chars=min(c.max_chars or LONGEST_KEY, LONGEST_KEY))
            if c.name in wanted.key and c.type == pa.string()
            else c
            for c in wanted.columns
        ]
        return super().prepare(replace(wanted, columns=tuple(columns)))

    @contextmanager
    def _alone(self, connection: sa.Connection) -> Iterator[None]:
        """By a lock of the server, for its transactions end with every change of a table."""
        name = f"livesync {blake2b(self.where.encode(), digest_size=16).hexdigest()}"
        held = connection.scalar(sa.select(sa.func.get_lock(name, self._limits.timeout_s)))
        if held != 1:
            raise Unavailable(f"{self.where} is prepared by somebody else", where=self.where)
        try:
            yield
        finally:
            connection.scalar(sa.select(sa.func.release_lock(name)))

    def _created(self, wanted: Shape) -> str:
        columns = [
            f"{self._quoted(c.name)} {declared(c)}"
            f"{' not null' if c.name in wanted.key else ' null'}{marked(c)}"
            for c in wanted.columns
        ]
        key = ", ".join(self._quoted(name) for name in wanted.key)
        mariadb = getattr(self._engine.dialect, "is_mariadb", False)
        collation = "utf8mb4_nopad_bin" if mariadb else "utf8mb4_0900_bin"
        return (
            f"create table if not exists {self._quoted(self._chosen.table)}"
            f" ({', '.join(columns)}, primary key ({key}))"
            f" character set utf8mb4 collate {collation}"
        )

    def _altered(self, connection: sa.Connection, step: Step) -> str:
        table, name = self._quoted(self._chosen.table), self._quoted(step.column.name)
        kind = declared(step.column)
        if step.there is None:
            return f"alter table {table} add column {name} {kind} null{marked(step.column)}"
        return f"alter table {table} modify column {name} {kind}{self._rest(connection, name)}"

    def _rest(self, connection: sa.Connection, name: str) -> str:
        """What else the table says of a column behind its type: it has to be said again."""
        table = self._quoted(self._chosen.table)
        made = str(connection.exec_driver_sql(f"show create table {table}").fetchall()[0][1])
        plain = name.replace("%%", "%")
        line = next(line.strip() for line in made.splitlines() if line.strip().startswith(plain))
        rest = line.removeprefix(plain).strip().rstrip(",")
        said = re.sub(r"^\w+(\([^)]*\))?( unsigned)?( zerofill)?", "", rest)
        return said.replace("%", "%%")

    def _refusal(self, error: DBAPIError) -> Refusal | None:
        return refusal_of(error)

    def _error(self, error: DBAPIError) -> LiveSyncError:
        return error_of(error, self.where)
