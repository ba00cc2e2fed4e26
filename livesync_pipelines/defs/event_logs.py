"""Dagster's event log in Postgres, where what checks have found does not grow for ever, and pages
that ask for the last of it do not read it all.

As it comes, deleting a run leaves what its checks have found, and asking for the newest of a check,
or for that of each partition, reads all that it has ever found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg
import sqlalchemy
from dagster import AssetCheckKey
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
    AssetCheckPartitionInfo,
)
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionResolvedStatus as Outcome,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster_postgres.event_log import PostgresEventLogStorage

from livesync_pipelines.defs.promises import PROMISES, partition_set

_INDEXES = {
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
_BY_SYNC = sqlalchemy.text("""
    select k.at, p.partition, c.*, m.id as materialised
    from unnest(cast(:assets as text[]), cast(:names as text[]), cast(:syncs as text[]))
        with ordinality k (asset_key, check_name, syncs, at)
    join dynamic_partitions p on p.partitions_def_name = k.syncs
    cross join lateral (select run_id, execution_status, evaluation_event_storage_id,
            materialization_event_storage_id from asset_check_executions e
        where e.asset_key = k.asset_key and e.check_name = k.check_name
        and e.partition = p.partition and evaluation_event_storage_id is not null
        order by e.id desc limit 1) c
    left join lateral (select id from event_logs e where e.asset_key = k.asset_key
        and e.dagster_event_type = 'ASSET_MATERIALIZATION' and e.partition = p.partition
        order by e.id desc limit 1) m on true
    where (cast(:only as text[]) is null or p.partition = any(cast(:only as text[])))
    and greatest(c.evaluation_event_storage_id, m.id) > coalesce(:after, 0)
""")


class EventLogs(PostgresEventLogStorage):
    """What a check found last of a sync is kept, whatever becomes of its run."""

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

    def get_asset_check_partition_info(
        self,
        keys: Sequence[AssetCheckKey],
        after_storage_id: int | None = None,
        partition_keys: Sequence[str] | None = None,
    ) -> Sequence[AssetCheckPartitionInfo]:
        ours = [key for key in keys if _is_ours(key)]
        others = [key for key in keys if not _is_ours(key)]
        told = super().get_asset_check_partition_info(others, after_storage_id, partition_keys)
        asked = {
            "assets": [key.asset_key.to_string() for key in ours],
            "names": [key.name for key in ours],
            "syncs": [partition_set(key.asset_key.path[0]) for key in ours],
            "only": None if partition_keys is None else list(partition_keys),
            "after": after_storage_id,
        }
        with self.index_connection() as conn:
            found = conn.execute(_BY_SYNC, asked).mappings().all()
        return [*told, *(_of_sync(ours[row["at"] - 1], row) for row in found)]

    def get_asset_check_state(
        self, keys: Sequence[tuple[AssetCheckKey, dg.PartitionsDefinition | None]]
    ) -> Mapping[AssetCheckKey, AssetCheckState]:
        """As Dagster's own, which asks and copies anew for every partition of ours."""
        ours = {key: of for key, of in keys if of is not None and _is_ours(key)}
        told = dict(super().get_asset_check_state([one for one in keys if one[0] not in ours]))
        found: dict[AssetCheckKey, list[AssetCheckPartitionInfo]] = {key: [] for key in ours}
        for each in self.get_asset_check_partition_info(list(ours)):
            found[each.check_key].append(each)
        ended = self._ended([each for infos in found.values() for each in infos])
        return told | {key: _state(key, of, found[key], ended) for key, of in ours.items()}

    def _ended(self, infos: Sequence[AssetCheckPartitionInfo]) -> Mapping[str, dg.DagsterRunStatus]:
        """How the runs went that have left checks undone."""
        planned = {one.latest_planned_run_id for one in infos if _is_planned(one)}
        if not planned:
            return {}
        wanted = dg.RunsFilter(run_ids=list(planned), statuses=FINISHED_STATUSES)
        return {run.run_id: run.status for run in self._instance.get_runs(wanted)}


def _state(
    key: AssetCheckKey,
    partitions: dg.PartitionsDefinition,
    infos: Sequence[AssetCheckPartitionInfo],
    ended: Mapping[str, dg.DagsterRunStatus],
) -> AssetCheckState:
    syncs: dict[Outcome, set[str]] = {outcome: set() for outcome in Outcome}
    at_work: dict[str, set[str]] = {}
    for each in infos:
        outcome, sync = _outcome(each, ended), each.partition_key
        assert sync is not None
        if outcome is not None:
            syncs[outcome].add(sync)
        if outcome is Outcome.IN_PROGRESS:
            at_work.setdefault(each.latest_planned_run_id, set()).add(sync)

    def subset(of: set[str]) -> SerializableEntitySubset[AssetCheckKey]:
        return SerializableEntitySubset(key, partitions.empty_subset().with_partition_keys(of))

    newest = [(e.latest_check_event_storage_id, e.latest_materialization_storage_id) for e in infos]
    return AssetCheckState(
        latest_storage_id=max((max(check, made or 0) for check, made in newest), default=0),
        subsets={outcome: subset(of) for outcome, of in syncs.items()},
        in_progress_runs={run_id: subset(of) for run_id, of in at_work.items()},
    )


def _outcome(
    info: AssetCheckPartitionInfo, ended: Mapping[str, dg.DagsterRunStatus]
) -> Outcome | None:
    """None where what was looked at has been made anew since."""
    if _is_planned(info):
        status = ended.get(info.latest_planned_run_id)
        if status is None:
            return Outcome.IN_PROGRESS
        has_failed = status is dg.DagsterRunStatus.FAILURE
        return Outcome.EXECUTION_FAILED if has_failed else Outcome.SKIPPED
    if not info.is_current:
        return None
    return Outcome(info.latest_execution_status.value)


def _is_planned(info: AssetCheckPartitionInfo) -> bool:
    return info.latest_execution_status is AssetCheckExecutionRecordStatus.PLANNED


def _is_ours(key: AssetCheckKey) -> bool:
    """Whether the check is one of a stage of a platform."""
    promise = PROMISES.get(key.name)
    return promise is not None and key.asset_key.path[1:] == [promise.stage]


def _of_sync(key: AssetCheckKey, row: sqlalchemy.RowMapping) -> AssetCheckPartitionInfo:
    return AssetCheckPartitionInfo(
        check_key=key,
        partition_key=row["partition"],
        latest_execution_status=AssetCheckExecutionRecordStatus(row["execution_status"]),
        latest_planned_run_id=row["run_id"],
        latest_check_event_storage_id=row["evaluation_event_storage_id"],
        latest_materialization_storage_id=row["materialised"],
        latest_target_materialization_storage_id=row["materialization_event_storage_id"],
    )


def index(connection: sqlalchemy.Connection) -> None:
    """Put the indexes there that these questions need, where they are not."""
    missing = sqlalchemy.text("select to_regclass(:name) is null")
    for name, columns in _INDEXES.items():
        if connection.scalar(missing, {"name": name}):
            connection.exec_driver_sql(f"create index {name} on {columns}")
