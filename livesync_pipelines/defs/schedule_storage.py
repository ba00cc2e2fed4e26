"""What Dagster knows of sensors and schedules in Postgres, without asking at each tick and for each
sensor of a page which tables there are."""

from __future__ import annotations

import sqlalchemy
from dagster_postgres.schedule_storage import PostgresScheduleStorage

from livesync_pipelines.defs.pages import ForPages


class ScheduleStorage(ForPages, PostgresScheduleStorage):
    """Its tables are of its version, so they are known."""

    def _has_instigators_table(self, conn: sqlalchemy.Connection) -> bool:
        return True

    def has_secondary_index_table(self) -> bool:
        return True
