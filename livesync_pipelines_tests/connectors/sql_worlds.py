"""The databases that the SQL tables are tested with, each real, and looked at by its own driver."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pandas as pd
import psycopg
import pyarrow as pa
import pymysql
from sqlalchemy import make_url

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.sql_table import SqlTable, SqlTableConnection, SqlTableSelection
from livesync_pipelines.model.rows import Column, RowWrites, Shape


class World(ABC):
    """One database. `types`: how it spells the types of the tests."""

    name: str
    url: str
    types: ClassVar[dict[str, str]]
    quote = '"'

    def __init__(self) -> None:
        self._ends: list[SqlTable] = []
        self._tables: list[str] = []

    @abstractmethod
    def connect(self) -> Any:
        """A connection of the database's own driver, in autocommit."""

    def run(self, *statements: str) -> None:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            return [tuple(row) for row in cursor.fetchall()]

    def frame(self, query: str) -> pd.DataFrame:
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(query)
            names = [column[0] for column in cursor.description]
            return pd.DataFrame(
                [tuple(row) for row in cursor.fetchall()], columns=names, dtype=object
            )

    def new_table(self, columns: str | None = None) -> str:
        """A name that no other test uses; with columns (types in braces), the table too."""
        name = f"contacts_{uuid4().hex[:8]}"
        self._tables.append(name)
        if columns is not None:
            self.run(f"create table {name} ({columns.format(**self.types)})")
        return name

    def end(
        self,
        table: str | None,
        *,
        timeout_s: float = 5.0,
        max_bytes: int = 50_000_000,
        url: str | None = None,
        schema: str | None = None,
        **selection: Any,
    ) -> SqlTable:
        connection = SqlTableConnection.model_validate({"url": url or self.url, "schema": schema})
        chosen = SqlTableSelection.model_validate({"table": table, **selection})
        end = SqlTable(connection, chosen, FetchLimits(timeout_s=timeout_s, max_bytes=max_bytes))
        self._ends.append(end)
        return end

    def close(self) -> None:
        for end in self._ends:
            end.close()
        for table in reversed(self._tables):
            self.run(f"drop table if exists {table}")


class PostgresWorld(World):
    name = "postgres"
    types: ClassVar = {
        "bool": "boolean",
        "int": "bigint",
        "small": "smallint",
        "float": "double precision",
        "text": "text",
        "key_text": "text",
        "short": "varchar(5)",
        "bytes": "bytea",
        "date": "date",
        "time": "time",
        "naive": "timestamp",
        "utc": "timestamptz",
        "decimal": "numeric(12,2)",
        "json": "jsonb",
    }

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, options="-c timezone=UTC")


class SqliteWorld(World):
    name = "sqlite"
    types: ClassVar = {
        "bool": "boolean",
        "int": "bigint",
        "small": "smallint",
        "float": "double",
        "text": "text",
        "key_text": "text",
        "short": "varchar(5)",
        "bytes": "blob",
        "date": "date",
        "time": "time",
        "naive": "datetime",
        "utc": "timestamptz",
        "decimal": "decimal(12,2)",
        "json": "text_json",
    }

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.url = f"sqlite:///{path}"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("vacuum")

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=10)
        connection.execute("pragma foreign_keys = on")
        return connection


class MariaDbWorld(World):
    name = "mariadb"
    quote = "`"
    types: ClassVar = {
        "bool": "boolean",
        "int": "bigint",
        "small": "smallint",
        "float": "double",
        "text": "text",
        "key_text": "varchar(200) character set utf8mb4",
        "short": "varchar(5)",
        "bytes": "blob",
        "date": "date",
        "time": "time(6)",
        "naive": "datetime(6)",
        "utc": "timestamp(6) null",
        "decimal": "decimal(12,2)",
        "json": "json",
    }

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def connect(self) -> Any:
        url = make_url(self.url)
        return pymysql.connect(
            host=url.host,
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
            charset="utf8mb4",
            autocommit=True,
            init_command="set time_zone = '+00:00'",
        )


_SMALL = ("--innodb-buffer-pool-size=32M", "--innodb-use-native-aio=0")
"""Some servers at once on one machine: how much native I/O a kernel grants is little."""


class MariaDb:
    """A private server in a folder of its own, on a port of loopback."""

    def __init__(self, home: Path, port: int) -> None:
        self.url = f"mariadb://tester:p%40ss@127.0.0.1:{port}/things"
        self._home, self._port = home, port
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def program(name: str) -> str | None:
        return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

    def start(self) -> None:
        server, install = self.program("mariadbd"), self.program("mariadb-install-db")
        assert server is not None
        assert install is not None
        user = ["--user=root"] if os.geteuid() == 0 else []
        data = self._home / "data"
        setup = self._home / "setup.sql"
        setup.write_text(
            "create database if not exists things character set utf8mb4;\n"
            "create user tester@'127.0.0.1' identified by 'p@ss';\n"
            "grant all on things.* to tester@'127.0.0.1';\n"
            "create user owner@'127.0.0.1' identified by 'p@ss';\n"
            "grant all on *.* to owner@'127.0.0.1' with grant option;\n"
        )
        passing = self._home / "passing"  # a server that starts clears /tmp of what others have
        passing.mkdir(exist_ok=True)
        own = [f"--datadir={data}", f"--tmpdir={passing}", *_SMALL, *user]
        made = subprocess.run(
            [install, "--no-defaults", "--skip-test-db", *own],
            check=False,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stdout + made.stderr
        with (self._home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    server,
                    "--no-defaults",
                    f"--socket={self._home}/socket",
                    f"--init-file={setup}",
                    f"--port={self._port}",
                    "--bind-address=127.0.0.1",
                    "--skip-log-bin",
                    "--skip-name-resolve",
                    "--innodb-flush-log-at-trx-commit=0",
                    *own,
                ],
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            assert self._process.poll() is None, (self._home / "log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            MariaDbWorld(self.url).connect().close()
        except pymysql.err.OperationalError:
            return False
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


def column_of(shape: Shape, name: str) -> Column:
    """One that is there."""
    found = shape.column(name)
    assert found is not None, name
    return found


def scanned(end: SqlTable, columns: Sequence[str] | None = None, after: Any = None) -> pa.Table:
    """All rows of a table, which must have no failures."""
    shape = end.shape()
    assert shape is not None
    names = columns or [column.name for column in shape.columns]
    pages = list(end.scan(names, after))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert not [failure for page in pages for failure in page.failures]
    return pa.concat_tables(page.rows for page in pages)


def writes(
    end: SqlTable,
    upserts: Sequence[dict[str, Any]] = (),
    expected: Sequence[dict[str, Any] | None] | None = None,
    deletes: Sequence[dict[str, Any]] = (),
) -> RowWrites:
    """What to write, in the types of the table. Without `expected` no row is there yet."""
    shape = end.shape()
    assert shape is not None
    names = list(upserts[0]) if upserts else list(shape.key)
    gone = list(deletes[0]) if deletes else list(shape.key)
    kinds = {column.name: column.type for column in shape.columns}
    before = expected or [None] * len(upserts)
    keyed = [{**{k: row[k] for k in shape.key}} for row in upserts]
    old = [{**key, **(row or {})} for key, row in zip(keyed, before, strict=True)]
    schema = pa.schema([(name, kinds[name]) for name in names])
    there = pa.array([row is not None for row in before], pa.bool_())
    return RowWrites(
        upserts=pa.Table.from_pylist(list(upserts), schema),
        expected=pa.Table.from_pylist(old, schema),
        there=there,
        deletes=pa.Table.from_pylist(list(deletes), pa.schema([(n, kinds[n]) for n in gone])),
    )
