"""Dagster's event log in Postgres, where what checks have found neither grows for ever nor slows
the pages that ask for the last of it.

As it comes, deleting a run leaves what its checks have found, and asking for the newest of a check
reads all that it has ever found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy
from dagster import AssetCheckKey
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster_postgres.event_log import PostgresEventLogStorage

_INDEXES = {
    "livesync_checks_newest": "asset_check_executions (asset_key, check_name, id)",
    "livesync_checks_of_run": "asset_check_executions (run_id)",
}
_FORGET = sqlalchemy.text(
    "delete from asset_check_executions e where e.run_id = :run_id and exists ("
    "select from asset_check_executions n where n.asset_key = e.asset_key"
    " and n.check_name = e.check_name and n.partition is not distinct from e.partition"
    " and n.id > e.id)"
)


class EventLogs(PostgresEventLogStorage):
    """What a check found last is kept, whatever becomes of its run."""

    def delete_events_for_run(self, conn: sqlalchemy.Connection, run_id: str) -> None:
        super().delete_events_for_run(conn, run_id)
        conn.execute(_FORGET, {"run_id": run_id})

    def get_latest_asset_check_execution_by_key(
        self,
        check_keys: Sequence[AssetCheckKey],
        partition_filter: PartitionKeyFilter | None = None,
    ) -> Mapping[AssetCheckKey, AssetCheckExecutionRecord]:
        newest = {
            key: self.get_asset_check_execution_history(
                key, limit=1, partition_filter=partition_filter
            )
            for key in set(check_keys)
        }
        return {key: found[0] for key, found in newest.items() if found}


def index(connection: sqlalchemy.Connection) -> None:
    """Put the indexes there that these questions need, where they are not."""
    missing = sqlalchemy.text("select to_regclass(:name) is null")
    for name, columns in _INDEXES.items():
        if connection.scalar(missing, {"name": name}):
            connection.exec_driver_sql(f"create index {name} on {columns}")
