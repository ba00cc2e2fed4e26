"""What Dagster's pages ask of the database, whatever has become of their connections meanwhile."""

from __future__ import annotations

import sqlalchemy

from .conftest import House


def test_sessions_that_were_ended_are_not_noticed_by_pages(postgres: House) -> None:
    instance = postgres.instance
    instance.optimize_for_webserver(statement_timeout=5_000, pool_recycle=3_600, max_overflow=2)

    def asked() -> tuple[int, int, int]:
        schedules = instance.schedule_storage
        assert schedules is not None
        return (
            instance.get_runs_count(),
            len(instance.event_log_storage.all_asset_keys()),
            len(schedules.all_instigator_state()),
        )

    before = asked()
    with postgres.engine.database.connect() as other:
        ended = other.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        ).fetchone()
    assert ended is not None
    assert ended[0] >= 3
    assert asked() == before


def test_a_page_does_not_wait_for_ever(postgres: House) -> None:
    runs = postgres.instance.run_storage
    runs.optimize_for_webserver(statement_timeout=4_321, pool_recycle=3_600, max_overflow=2)
    with runs.connect() as connection:  # type: ignore[attr-defined]  # of those in SQL
        assert connection.scalar(sqlalchemy.text("show statement_timeout")) == "4321ms"
