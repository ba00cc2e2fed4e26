"""Dagster's event log in Postgres, where what checks have found does not grow for ever, and pages
that ask for the last of it do not read it all.

As it comes, deleting a run leaves what its checks have found, asking for the newest of a check
reads all that it has ever found, and questions begin with which tables and columns there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import dagster as dg
import sqlalchemy
from dagster import AssetCheckKey
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import (
    AssetKeyTable,
    ConcurrencyLimitsTable,
    SqlEventLogStorageMetadata,
)
from dagster_postgres.event_log import PostgresEventLogStorage
from propcache.api import cached_property

from livesync_pipelines.defs import standings
from livesync_pipelines.defs.pages import ForPages
from livesync_pipelines.store.locks import AdvisoryLock

INDEXES = {
    "livesync_checks_newest": "asset_check_executions (asset_key, check_name, id)",
    "livesync_checks_of_sync": "asset_check_executions (asset_key, check_name, partition, id)",
    "livesync_checks_of_run": "asset_check_executions (run_id)",
}
_NEWER = (
    "exists (select from asset_check_executions n where n.asset_key = e.asset_key"
    " and n.check_name = e.check_name and n.id > e.id and n.partition"
)
_FORGET = sqlalchemy.text(
    "delete from asset_check_executions e where e.run_id = :run_id and case"
    f" when e.partition is null then {_NEWER} is null) else {_NEWER} = e.partition) end"
)


class EventLogs(ForPages, PostgresEventLogStorage):
    """What a check found last of a sync is kept, whatever becomes of its run."""

    def has_table(self, table_name: str) -> bool:
        """Dagster asks this, and for columns, for each event and some twenty times for a page; its
        tables are of its version."""
        return table_name in SqlEventLogStorageMetadata.tables

    @cached_property
    def has_default_pool_limit_col(self) -> bool:
        return True

    def _has_asset_key_col_on_connection(
        self, conn: sqlalchemy.Connection, column_name: str
    ) -> bool:
        return column_name in AssetKeyTable.c

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """As Dagster's own, which with Postgres fails where the pool is there already: for one of
        two runs that are the first of their platform, or for each after the default was changed.

        https://github.com/dagster-io/dagster, `SqlEventLogStorage` of 1.13.27, read 2026-11-23.
        """
        serially = self._engine.execution_options(isolation_level="READ COMMITTED")
        with serially.begin() as alone:
            alone.exec_driver_sql(f"select pg_advisory_xact_lock({AdvisoryLock.DAGSTER_STORAGE})")
            pool = {one.name: one for one in self.get_pool_limits()}.get(concurrency_key)
            wanted = self._instance.global_op_concurrency_default_limit
            if pool is None or wanted is None:
                return super().initialize_concurrency_limit_to_default(concurrency_key)
            if pool.from_default and pool.limit != wanted:
                self._limit(concurrency_key, wanted)
        return True

    def _limit(self, pool: str, places: int) -> None:
        changed = ConcurrencyLimitsTable.update().where(
            ConcurrencyLimitsTable.c.concurrency_key == pool
        )
        with self.index_transaction() as conn:
            conn.execute(changed.values(limit=places))
            given = self._allocate_concurrency_slots(conn, pool, places)
        self.assign_pending_steps(given)

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

    def get_asset_check_state(
        self, keys: Sequence[tuple[AssetCheckKey, dg.PartitionsDefinition | None]]
    ) -> Mapping[AssetCheckKey, AssetCheckState]:
        """As Dagster's own, which asks and copies anew for every partition of ours."""
        ours = {key: of for key, of in keys if of is not None and standings.is_ours(key)}
        others = super().get_asset_check_state([one for one in keys if one[0] not in ours])
        with self.index_connection() as conn:
            told = standings.told(conn, list(ours))
        ended = self._ended({row["run_id"] for rows in told.values() for row in rows} - {None})
        return {**others, **{key: standings.state(key, ours[key], told, ended) for key in ours}}

    def _ended(self, run_ids: Set[str]) -> Mapping[str, dg.DagsterRunStatus]:
        """How those of these runs went that are over."""
        if not run_ids:
            return {}
        wanted = dg.RunsFilter(run_ids=list(run_ids), statuses=FINISHED_STATUSES)
        return {run.run_id: run.status for run in self._instance.get_runs(wanted)}
