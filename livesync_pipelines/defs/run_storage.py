"""Dagster's runs in Postgres, which are counted and kept without needless questions.

As it comes, the number of runs is found by sorting them all with what they hold, and the columns of
its tables are looked up for each change of a run.
"""

from __future__ import annotations

import dagster as dg
import sqlalchemy
from dagster_postgres.run_storage import PostgresRunStorage

from livesync_pipelines.defs.pages import ForPages

INDEXES = {"livesync_runs_alone": "runs (id) where backfill_id is null"}
"""Those that the list of runs counts."""


class RunStorage(ForPages, PostgresRunStorage):
    """Its tables are of its version, so their columns are known."""

    def has_run_stats_index_cols(self) -> bool:
        return True

    def has_backfill_id_column(self) -> bool:
        return True

    def get_runs_count(self, filters: dg.RunsFilter | None = None) -> int:
        wanted = self._runs_query(filters=filters, columns=["id"]).order_by(None).subquery()
        with self.connect() as conn:
            count = sqlalchemy.select(sqlalchemy.func.count()).select_from(wanted)
            return conn.execute(count).scalar_one()
