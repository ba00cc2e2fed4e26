"""Two tables of a real Postgres, in schemas of their own, and connections to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Connection, Desired
from livesync_pipelines.store import catalog

URL = "PAIR_URL"


@dataclass(frozen=True, slots=True)
class Pair:
    """`crm.contacts` with two rows, and the empty `shop.customers`; `url` is their database's."""

    url: str

    def execute(self, query: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(query.encode())

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(f"select * from {table} order by 1".encode()).fetchall()


@contextmanager
def a_pair(engine: Engine, url: str) -> Iterator[Pair]:
    """The tables, and the connections `crm` and `shop` of the project `demo`, which find their
    address in the variable `PAIR_URL`."""
    pair = Pair(url)
    for schema, table in (("crm", "contacts"), ("shop", "customers")):
        pair.execute(f"create schema {schema}")
        pair.execute(f"create table {schema}.{table} (id int primary key, name text, phone text)")
    pair.execute("insert into crm.contacts values (1, 'Ada', '11'), (2, 'Grace', '22')")
    wanted = Desired(
        connections=tuple(
            Connection(
                name=name,
                project_id="demo",
                platform="sql_table",
                options={"url": f"${{{URL}}}", "schema": name},
            )
            for name in ("crm", "shop")
        )
    )
    with engine.database.pooled() as connection:
        catalog.apply(connection, wanted)
    yield pair
