"""What `dagster.yaml` names in place of Dagster's own: its storage and its logs, both cheaper."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import sqlalchemy
from dagster._core.execution.compute_logs import redirect_to_file
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData
from dagster_postgres.storage import DagsterPostgresStorage
from dagster_postgres.utils import pg_url_from_config

from livesync_pipelines.defs import event_logs, run_storage, standings
from livesync_pipelines.defs.event_logs import EventLogs
from livesync_pipelines.defs.run_storage import RunStorage
from livesync_pipelines.defs.schedule_storage import ScheduleStorage
from livesync_pipelines.store.locks import AdvisoryLock

_KEPT, _MORE = 4, 16
"""Connections that a process keeps, and how many more it may open for a moment."""


class PooledStorage(DagsterPostgresStorage):
    """Dagster's storage in Postgres, with a few connections that a process keeps and shares.

    The one it comes with opens a connection for every event, a third of what a small run costs. A
    connection is asked whether it lives before it is used, so a restart of Postgres goes unseen.
    """

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        engine = _engine(postgres_url, os.getpid())
        super().__init__(postgres_url, should_autocreate_tables=False, inst_data=inst_data)
        self._run_storage = RunStorage(postgres_url, should_autocreate_tables=False)
        self._event_log_storage = EventLogs(postgres_url, should_autocreate_tables=False)
        self._schedule_storage = ScheduleStorage(postgres_url, should_autocreate_tables=False)
        for part in (self._run_storage, self._event_log_storage, self._schedule_storage):
            part._engine = engine

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> PooledStorage:
        return cls(pg_url_from_config(config_value), inst_data)


@cache
def _engine(url: str, process: int) -> sqlalchemy.Engine:
    """One for each process: a connection must not be used on both sides of a fork. Makes
    Dagster's tables where they are not there; those who start together wait for each other."""
    engine = sqlalchemy.create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=_KEPT,
        max_overflow=_MORE,
        pool_pre_ping=True,
    )
    with engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        connection.exec_driver_sql(f"select pg_advisory_xact_lock({AdvisoryLock.DAGSTER_STORAGE})")
        DagsterPostgresStorage(url)
        _index(connection)
        standings.prepare(connection)
    return engine


def _index(connection: sqlalchemy.Connection) -> None:
    """Put the indexes there that our questions need, where they are not."""
    missing = sqlalchemy.text("select to_regclass(:name) is null")
    for name, columns in {**event_logs.INDEXES, **run_storage.INDEXES}.items():
        if connection.scalar(missing, {"name": name}):
            connection.exec_driver_sql(f"create index {name} on {columns}")


class FileLogs(LocalComputeLogManager):
    """What a run prints goes into files that the UI shows, and is not copied to the terminal of
    its process too: that costs four processes a run. They are where Dagster's own would be, in
    `storage` of DAGSTER_HOME."""

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> Self:
        return cls(os.path.join(os.environ["DAGSTER_HOME"], "storage"), inst_data=inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        out, err = (self.get_captured_local_path(log_key, end) for end in ("out", "err"))
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with redirect_to_file(sys.stdout, out), redirect_to_file(sys.stderr, err):
            yield CapturedLogContext(log_key)
        Path(self.get_captured_local_path(log_key, "complete")).touch()
