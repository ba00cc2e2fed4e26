"""The databases that SQL tables live in: one of each kind for a session."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from livesync_pipelines_tests.connectors.sql_worlds import (
    MariaDb,
    MariaDbWorld,
    PostgresWorld,
    SqliteWorld,
    World,
)

MUST_HAVE = "TEST_MARIADB"
"""Set to `required` where the tests must not be skipped for want of a server."""


@pytest.fixture(scope="session")
def sql_postgres_url(server_url: str, worker_id: str) -> str:
    """A database of this worker, for tables of the tests' own."""
    name = f"things_{worker_id}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
    place = conninfo_to_dict(server_url)
    if str(place.get("host", "")).startswith("/"):
        return f"postgresql://{place['user']}@/{name}?host={place['host']}"
    return f"postgresql://{place['user']}@{place['host']}:{place['port']}/{name}"


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    if MariaDb.program("mariadbd") is None:
        why = "no mariadbd on this machine; on Debian or Ubuntu: apt-get install mariadb-server"
        if os.environ.get(MUST_HAVE) == "required":
            pytest.fail(why)
        pytest.skip(why)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MariaDb(tmp_path_factory.mktemp("mariadb"), port)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def postgres(sql_postgres_url: str) -> Iterator[PostgresWorld]:
    world = PostgresWorld(sql_postgres_url)
    yield world
    world.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteWorld]:
    world = SqliteWorld(tmp_path / "things.db")
    yield world
    world.close()


@pytest.fixture
def maria(mariadb: MariaDb) -> Iterator[MariaDbWorld]:
    world = MariaDbWorld(mariadb.url)
    yield world
    world.close()


@pytest.fixture(params=["postgres", "sqlite", "maria"])
def world(request: pytest.FixtureRequest) -> World:
    """Each database in turn."""
    found: World = request.getfixturevalue(request.param)
    return found
