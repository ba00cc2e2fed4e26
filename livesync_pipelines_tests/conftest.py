"""What the tests of every room may ask for: a database of their own, and an engine over it.

One embedded Postgres serves the whole session, shared by the xdist workers. Each worker has
one migrated database, emptied before each test that asks for it (1 ms; a new one takes 300 ms).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings
from psycopg.conninfo import conninfo_to_dict

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import embedded
from livesync_pipelines.store.database import Database

_ROOM = pytest.StashKey[Path]()

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    """Name one folder for the session, which user `pgserver` can reach when we are root."""
    told = getattr(config, "workerinput", {}).get("livesync_room")
    room = Path(told) if told else Path(tempfile.gettempdir(), f"livesync-tests-{uuid4().hex[:8]}")
    config.stash[_ROOM] = room


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker the session's folder."""
    node.workerinput["livesync_room"] = str(node.config.stash[_ROOM])


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the session takes the server and its folder away."""
    room = config.stash[_ROOM]
    if hasattr(config, "workerinput") or not room.exists():
        return
    if (room / "postgres" / "postmaster.pid").exists():
        embedded.stop(room)
    shutil.rmtree(room)


@pytest.fixture(scope="session")
def server_url(pytestconfig: pytest.Config) -> str:
    """The session's server, its database `postgres`. What it holds need not survive a crash."""
    room = pytestconfig.stash[_ROOM]
    room.mkdir(mode=0o755, exist_ok=True)
    url = embedded.start(room)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(1)")  # two workers must not alter it at once
        connection.execute("alter system set fsync = off")
        connection.execute("select pg_reload_conf()")
    return url


@pytest.fixture(scope="session")
def _workers_database_url(server_url: str) -> str:
    url = created(server_url)
    Database(url).migrate()
    return url


@pytest.fixture
def database_url(_workers_database_url: str) -> str:
    """A migrated, empty database that nothing else uses while the test runs."""
    with psycopg.connect(_workers_database_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        connection.execute("set session_replication_role = replica")  # foreign keys look away
        tables = connection.execute(
            "select tablename from pg_tables where schemaname = 'livesync'"
            " and tablename <> 'migrations'"
        ).fetchall()
        connection.execute("; ".join(f"delete from livesync.{name}" for (name,) in tables).encode())
    return _workers_database_url


@pytest.fixture
def bare_database_url(server_url: str) -> str:
    """A new database without our schema, for a test of migrations or of the schema itself."""
    return created(server_url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine over an empty database, with the real platforms, switched on."""
    database = Database(database_url)
    yield Engine(database=database, enabled=True)
    database.close()


def created(server_url: str) -> str:
    """The address of a new, empty database of this server."""
    name = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    place = conninfo_to_dict(server_url)
    if str(place.get("host", "")).startswith("/"):
        return f"postgresql://{place['user']}@/{name}?host={place['host']}"
    return f"postgresql://{place['user']}@{place['host']}:{place['port']}/{name}"
