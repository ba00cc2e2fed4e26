"""Neither a run nor what a page shows asks the catalogue which tables and columns Dagster has."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
import sqlalchemy

from livesync_pipelines.definitions import defs

from .conftest import SYNC, House, a_sync


@pytest.fixture
def asked(postgres: House) -> Iterator[list[str]]:
    """Every statement that is carried out through SQLAlchemy, once a sync is there."""
    postgres.configure(a_sync())
    statements: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    yield statements
    sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


def of_the_catalogue(statements: list[str]) -> list[str]:
    return [one for one in statements if "pg_catalog" in one]


def test_a_run_does_not(postgres: House, asked: list[str]) -> None:
    job = defs.resolve_job_def("sync_folder")
    assert job.execute_in_process(instance=postgres.instance, partition_key=SYNC).success
    assert any("INSERT INTO event_logs" in one for one in asked)
    assert of_the_catalogue(asked) == []


def test_what_pages_show_does_not(postgres: House, asked: list[str]) -> None:
    instance = postgres.instance
    key = dg.AssetKey(["folder", "source"])
    instance.all_instigator_state()
    instance.get_ticks("nobody", "nothing", limit=5)
    instance.get_asset_records([key])
    instance.get_latest_materialization_events([key])
    instance.get_run_records(limit=5)
    instance.get_runs_count()
    assert len(asked) > 5
    assert of_the_catalogue(asked) == []
