"""Shared connections, after the server has ended them."""

from __future__ import annotations

from contextlib import ExitStack

from livesync_pipelines.store.database import Database


def test_when_all_shared_connections_were_ended_the_next_question_is_answered(
    database_url: str,
) -> None:
    database = Database(database_url)
    with ExitStack() as held:
        for _ in range(8):
            held.enter_context(database.pooled())
    with database.connect() as other:
        ended = other.execute(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where pid <> pg_backend_pid() and datname = current_database()"
        ).fetchone()
    assert ended == (8,)
    with database.pooled() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    database.close()
