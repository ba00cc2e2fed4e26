"""Real tables of Postgres and of SQLite, that a test edits by SQL as people do."""

from __future__ import annotations

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import psycopg
from psycopg.types.json import Jsonb

PERSON = "a person"
"""The name under which people are connected to a database: no fault closes their connection."""
Row = dict[str, Any]
Key = Any


@dataclass(slots=True)
class Table(ABC):
    """One table at one end. `columns`: types by name, as Postgres calls them."""

    url: str
    name: str
    columns: dict[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ("id",)

    mark: ClassVar[str]

    def create(
        self, columns: Mapping[str, str], key: Sequence[str], normalises: Mapping[str, str]
    ) -> None:
        """Make it anew, empty. `normalises`: by column an expression of `{}`, to which the table
        itself turns whatever is written there."""
        self.columns, self.key = dict(columns), tuple(key)
        told = ", ".join(f'"{name}" {self.kind(kind)}' for name, kind in columns.items())
        names = ", ".join(f'"{name}"' for name in key)
        self.drop()
        self.sql(f"create table {self.place} ({told}, primary key ({names}))")
        if normalises:
            self.normalise(normalises)

    def insert(self, row: Row) -> None:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join([self.mark] * len(row))
        self.sql(f"insert into {self.place} ({names}) values ({marks})", *self._cells(row))

    def update(self, row: Row) -> None:
        """`row` has the key, and what is changed."""
        told = {name: value for name, value in row.items() if name not in self.key}
        setting = ", ".join(f'"{name}" = {self.mark}' for name in told)
        where, key = self._where(tuple(row[name] for name in self.key))
        self.sql(f"update {self.place} set {setting} where {where}", *self._cells(told), *key)

    def delete(self, key: Key) -> None:
        where, values = self._where(key if isinstance(key, (tuple, list)) else (key,))
        self.sql(f"delete from {self.place} where {where}", *values)

    def rows(self) -> dict[Key, Row]:
        """All of them by key, values as a story spells them."""
        found = {}
        names = self.names()
        for cells in self.sql(f"select * from {self.place}"):
            shown = zip(names, cells, strict=True)
            row = {n: spelled(self.columns.get(n, "text"), v) for n, v in shown}
            found[self.key_of(row)] = row
        return found

    def key_of(self, row: Mapping[str, Any]) -> Key:
        key = tuple(row[name] for name in self.key)
        return key[0] if len(key) == 1 else key

    def _where(self, key: Sequence[Any]) -> tuple[str, Sequence[Any]]:
        return " and ".join(f'"{name}" = {self.mark}' for name in self.key), key

    def _cells(self, row: Row) -> list[Any]:
        return [self.cell(self.columns.get(name, "text"), value) for name, value in row.items()]

    @property
    @abstractmethod
    def place(self) -> str: ...
    @abstractmethod
    def kind(self, kind: str) -> str: ...
    @abstractmethod
    def cell(self, kind: str, value: Any) -> Any: ...
    @abstractmethod
    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]: ...
    @abstractmethod
    def names(self) -> list[str]: ...
    @abstractmethod
    def drop(self) -> None: ...
    @abstractmethod
    def normalise(self, normalises: Mapping[str, str]) -> None: ...
    @abstractmethod
    def written(self) -> Any:
        """Another value after anybody has written anything."""

    @abstractmethod
    def close(self) -> None: ...
    @abstractmethod
    def options(self) -> dict[str, Any]:
        """What a configuration says of the connection, beside the platform and the url."""


@dataclass(slots=True)
class PostgresTable(Table):
    mark: ClassVar[str] = "%s"
    connection: psycopg.Connection[tuple[Any, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self.connection = psycopg.connect(
            self.url, autocommit=True, application_name=PERSON, prepare_threshold=None
        )
        self.sql(f"drop schema if exists {self.schema} cascade")
        self.sql(f"create schema {self.schema}")

    @property
    def schema(self) -> str:
        return f"of_{self.name}"

    @property
    def place(self) -> str:
        return f'{self.schema}."{self.name}"'

    def kind(self, kind: str) -> str:
        return kind

    def cell(self, kind: str, value: Any) -> Any:
        return Jsonb(value) if kind == "jsonb" and value is not None else value

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(text.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def names(self) -> list[str]:
        cursor = self.connection.execute(f"select * from {self.place} limit 0".encode())
        return [column.name for column in cursor.description or ()]

    def drop(self) -> None:
        self.sql(f"drop table if exists {self.place} cascade")

    def normalise(self, normalises: Mapping[str, str]) -> None:
        does = " ".join(
            f'new."{name}" := {made.format(f"""new."{name}" """)};'
            for name, made in normalises.items()
        )
        self.sql(
            f"create or replace function {self.schema}.normalise() returns trigger language"
            f" plpgsql as $$ begin {does} return new; end $$"
        )
        self.sql(
            f"create trigger normalises before insert or update on {self.place}"
            f" for each row execute function {self.schema}.normalise()"
        )

    def written(self) -> Any:
        return self.sql(f"select ctid::text, xmin::text from {self.place} order by 1")

    def close(self) -> None:
        self.sql(f"drop schema {self.schema} cascade")
        self.connection.close()

    def options(self) -> dict[str, Any]:
        return {"schema": self.schema}


_SQLITE = {
    "timestamptz": "TIMESTAMPTZ",
    "jsonb": "TEXT_JSON",
    "text[]": "TEXT_LIST",
    "bigint": "INTEGER",
}


@dataclass(slots=True)
class SqliteTable(Table):
    mark: ClassVar[str] = "?"
    connection: sqlite3.Connection = field(init=False)

    def __post_init__(self) -> None:
        path = self.url.removeprefix("sqlite:///")
        self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    @property
    def place(self) -> str:
        return f'"{self.name}"'

    def kind(self, kind: str) -> str:
        return _SQLITE.get(kind, kind.replace("numeric", "decimal")).upper()

    def cell(self, kind: str, value: Any) -> Any:
        if value is None:
            return None
        if kind == "timestamptz":
            return value.astimezone(UTC).isoformat(" ")
        if isinstance(value, date):
            return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
        if isinstance(value, (list, dict)) or kind == "jsonb":
            return json.dumps(value)
        return float(value) if isinstance(value, Decimal) else value

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(text, values).fetchall()

    def names(self) -> list[str]:
        found = self.connection.execute(f"select * from {self.place} limit 0").description
        return [column[0] for column in found]

    def drop(self) -> None:
        self.sql(f"drop table if exists {self.place}")

    def normalise(self, normalises: Mapping[str, str]) -> None:
        does = ", ".join(
            f'"{name}" = {made.format(f"""new."{name}" """)}' for name, made in normalises.items()
        )
        same = " and ".join(f'"{name}" = new."{name}"' for name in self.key)
        for what in ("insert", "update"):
            self.sql(
                f"create trigger normalises_{what} after {what} on {self.place} begin"
                f" update {self.place} set {does} where {same}; end"
            )

    def written(self) -> Any:
        return self.sql("pragma data_version"), self.connection.total_changes

    def close(self) -> None:
        self.connection.close()

    def options(self) -> dict[str, Any]:
        return {}


def spelled(kind: str, value: Any) -> Any:
    """A value of a column of this type, the same from either database and from a story."""
    if value is None:
        return None
    if kind.startswith("numeric"):
        return Decimal(str(value))
    if kind == "timestamptz":
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    if kind in {"jsonb", "text[]"}:
        return json.loads(value) if isinstance(value, str) else value
    return bool(value) if kind == "boolean" else value
