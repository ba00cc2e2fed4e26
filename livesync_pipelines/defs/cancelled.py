"""Runs that somebody has cancelled before they began, however he told Dagster.

Its UI marks a run that is about to begin as cancelled and asks neither coordinator nor launcher,
so they are found by looking.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from livesync_pipelines.defs.requests import keys_of
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import cancelling
from livesync_pipelines.store.database import Connection

_CLOCKS_APART = timedelta(minutes=1)
"""So much the clocks of the machines that run Dagster may differ."""


def withdraw_cancelled(instance: dg.DagsterInstance, engine: Engine, connection: Connection) -> int:
    """Take back what cancelled runs were to answer; returns how many requests."""
    since = cancelling.asked_since(connection)
    if since is None:
        return 0
    cancelled = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.CANCELED], updated_after=since - _CLOCKS_APART
    )
    return sum(
        cancelling.withdraw(
            connection,
            keys_of(record.dagster_run),
            run_id=record.dagster_run.run_id,
            cancelled_at=datetime.fromtimestamp(record.end_time, UTC),
            now=engine.now(),
        )
        for record in instance.get_run_records(cancelled)
        if record.end_time is not None
    )
