"""Dagster's event log in Postgres, where what checks have found does not grow for ever, and pages
that ask for the last of it do not read it all.

As it comes, deleting a run leaves what its checks have found, and asking for the newest of a check,
or for that of each partition, reads all that it has ever found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg
import sqlalchemy
from dagster import AssetCheckKey
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionResolvedStatus as Outcome,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log.schema import AssetKeyTable
from dagster_postgres.event_log import PostgresEventLogStorage

from livesync_pipelines.defs.promises import PROMISES, partition_set

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
_STANDINGS = sqlalchemy.text("""
    with checks as (select * from unnest(cast(:assets as text[]), cast(:names as text[]),
        cast(:syncs as text[])) with ordinality c (asset_key, check_name, syncs, at)),
    made as materialized (select a.asset_key, p.partition, m.id
        from (select distinct asset_key, syncs from checks) a
        join dynamic_partitions p on p.partitions_def_name = a.syncs
        cross join lateral (select id from event_logs e where e.asset_key = a.asset_key
            and e.dagster_event_type = 'ASSET_MATERIALIZATION' and e.partition = p.partition
            order by e.id desc limit 1) m)
    select c.at, f.status, f.run_id, coalesce(f.about = m.id, m.id is null) as is_current,
        array_agg(p.partition) as partitions, max(greatest(f.evaluated, m.id)) as newest
    from checks c join dynamic_partitions p on p.partitions_def_name = c.syncs
    cross join lateral (select execution_status as status,
            case execution_status when 'PLANNED' then run_id end as run_id,
            evaluation_event_storage_id as evaluated, materialization_event_storage_id as about
        from asset_check_executions e where e.asset_key = c.asset_key
        and e.check_name = c.check_name and e.partition = p.partition
        and evaluation_event_storage_id is not null order by e.id desc limit 1) f
    left join made m on m.asset_key = c.asset_key and m.partition = p.partition
    group by 1, 2, 3, 4
""")


class EventLogs(PostgresEventLogStorage):
    """What a check found last of a sync is kept, whatever becomes of its run."""

    def _has_asset_key_col_on_connection(
        self, conn: sqlalchemy.Connection, column_name: str
    ) -> bool:
        """Dagster asks the catalogue for each event and some twenty times for a page; its tables
        are of its version."""
        return column_name in AssetKeyTable.c

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
        ours = {key: of for key, of in keys if of is not None and _is_ours(key)}
        told = super().get_asset_check_state([one for one in keys if one[0] not in ours])
        standings = self._standings(list(ours))
        ended = self._ended(standings.values())
        return {**told, **{key: _state(key, ours[key], standings[key], ended) for key in ours}}

    def _standings(
        self, keys: Sequence[AssetCheckKey]
    ) -> Mapping[AssetCheckKey, Sequence[sqlalchemy.RowMapping]]:
        """How the syncs stand in each check: those that stand alike together."""
        asked = {
            "assets": [key.asset_key.to_string() for key in keys],
            "names": [key.name for key in keys],
            "syncs": [partition_set(key.asset_key.path[0]) for key in keys],
        }
        told: dict[AssetCheckKey, list[sqlalchemy.RowMapping]] = {key: [] for key in keys}
        with self.index_connection() as conn:
            for row in conn.execute(_STANDINGS, asked).mappings():
                told[keys[row["at"] - 1]].append(row)
        return told

    def _ended(
        self, standings: Iterable[Sequence[sqlalchemy.RowMapping]]
    ) -> Mapping[str, dg.DagsterRunStatus]:
        """How the runs went that have left checks undone."""
        left = {row["run_id"] for rows in standings for row in rows if row["run_id"]}
        if not left:
            return {}
        wanted = dg.RunsFilter(run_ids=list(left), statuses=FINISHED_STATUSES)
        return {run.run_id: run.status for run in self._instance.get_runs(wanted)}


def _state(
    key: AssetCheckKey,
    partitions: dg.PartitionsDefinition,
    standings: Sequence[sqlalchemy.RowMapping],
    ended: Mapping[str, dg.DagsterRunStatus],
) -> AssetCheckState:
    def subset(syncs: Iterable[str]) -> SerializableEntitySubset[AssetCheckKey]:
        return SerializableEntitySubset(key, partitions.empty_subset().with_partition_keys(syncs))

    syncs: dict[Outcome | None, list[str]] = {outcome: [] for outcome in (*Outcome, None)}
    at_work = {}
    for row in standings:
        outcome = _outcome(row, ended)
        syncs[outcome] += row["partitions"]
        if outcome is Outcome.IN_PROGRESS:
            at_work[row["run_id"]] = subset(row["partitions"])
    return AssetCheckState(
        latest_storage_id=max((row["newest"] for row in standings), default=0),
        subsets={outcome: subset(syncs[outcome]) for outcome in Outcome},
        in_progress_runs=at_work,
    )


def _outcome(
    standing: sqlalchemy.RowMapping, ended: Mapping[str, dg.DagsterRunStatus]
) -> Outcome | None:
    """None where what was looked at has been made anew since."""
    run_id = standing["run_id"]
    if run_id is None:
        return Outcome(standing["status"]) if standing["is_current"] else None
    if run_id not in ended:
        return Outcome.IN_PROGRESS
    has_failed = ended[run_id] is dg.DagsterRunStatus.FAILURE
    return Outcome.EXECUTION_FAILED if has_failed else Outcome.SKIPPED


def _is_ours(key: AssetCheckKey) -> bool:
    """Whether the check is one of a stage of a platform."""
    promise = PROMISES.get(key.name)
    return promise is not None and key.asset_key.path[1:] == [promise.stage]
