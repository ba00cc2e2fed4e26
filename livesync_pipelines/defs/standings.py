"""How each sync stands in each check, kept by Postgres as Dagster writes what checks have found.

Dagster makes it up from all that a check has ever found, so that it costs more with every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dagster as dg
import sqlalchemy
from dagster import AssetCheckKey
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionResolvedStatus as Outcome,
)
from dagster._core.storage.asset_check_state import AssetCheckState

from livesync_pipelines.defs.promises import PROMISES, partition_set

_TABLE = "livesync_check_standings"
_SQL = f"""
create table {_TABLE} (
    asset_key    text not null,
    check_name   text not null,
    partition    text not null,
    execution_id bigint not null,  -- the newest that Dagster has of them
    status       text not null,
    run_id       text not null,
    evaluated    bigint not null,  -- the event in which it was planned, or found
    about        bigint,           -- the materialisation that was looked at
    primary key (asset_key, check_name, partition)
);
create function livesync_check_stands() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        delete from {_TABLE} where asset_key = old.asset_key and check_name = old.check_name
            and partition = old.partition and execution_id = old.id;
    elsif new.partition is not null and new.evaluation_event_storage_id is not null then
        insert into {_TABLE} as s values (new.asset_key, new.check_name, new.partition, new.id,
            new.execution_status, coalesce(new.run_id, ''), new.evaluation_event_storage_id,
            new.materialization_event_storage_id)
        on conflict (asset_key, check_name, partition) do update
            set execution_id = excluded.execution_id, status = excluded.status,
                run_id = excluded.run_id, evaluated = excluded.evaluated, about = excluded.about
            where s.execution_id <= excluded.execution_id;
    end if;
    return null;
end $$;
create trigger livesync_check_stands after insert or update or delete on asset_check_executions
    for each row execute function livesync_check_stands();
insert into {_TABLE} select distinct on (asset_key, check_name, partition) asset_key, check_name,
    partition, id, execution_status, coalesce(run_id, ''), evaluation_event_storage_id,
    materialization_event_storage_id from asset_check_executions
    where partition is not null and evaluation_event_storage_id is not null
    order by asset_key, check_name, partition, id desc;
"""
_TOLD = sqlalchemy.text(f"""
    select c.at, s.status, case s.status when 'PLANNED' then s.run_id end as run_id,
        m.id is null as is_current, array_agg(s.partition) as partitions,
        max(greatest(s.evaluated, s.about, m.id)) as newest
    from unnest(cast(:assets as text[]), cast(:names as text[]), cast(:syncs as text[]))
        with ordinality c (asset_key, check_name, syncs, at)
    join {_TABLE} s on s.asset_key = c.asset_key and s.check_name = c.check_name
    join dynamic_partitions p on p.partitions_def_name = c.syncs and p.partition = s.partition
    left join lateral (select id from event_logs e where e.asset_key = s.asset_key
        and e.dagster_event_type = 'ASSET_MATERIALIZATION' and e.partition = s.partition
        and e.id > coalesce(s.about, 0) order by e.id desc limit 1) m on true
    group by 1, 2, 3, 4
""")

Standings = Mapping[AssetCheckKey, Sequence[sqlalchemy.RowMapping]]
"""Of each check: the syncs that stand alike, together."""


def prepare(connection: sqlalchemy.Connection) -> None:
    """Let Postgres keep them from here on, and make them up from what is there."""
    if connection.scalar(sqlalchemy.text(f"select to_regclass('{_TABLE}') is null")):
        connection.exec_driver_sql(_SQL)


def is_ours(key: AssetCheckKey) -> bool:
    """Whether the check is one of a stage of a platform."""
    promise = PROMISES.get(key.name)
    return promise is not None and key.asset_key.path[1:] == [promise.stage]


def told(connection: sqlalchemy.Connection, keys: Sequence[AssetCheckKey]) -> Standings:
    """How the syncs stand in these checks of ours."""
    asked = {
        "assets": [key.asset_key.to_string() for key in keys],
        "names": [key.name for key in keys],
        "syncs": [partition_set(key.asset_key.path[0]) for key in keys],
    }
    found: dict[AssetCheckKey, list[sqlalchemy.RowMapping]] = {key: [] for key in keys}
    for row in connection.execute(_TOLD, asked).mappings():
        found[keys[row["at"] - 1]].append(row)
    return found


def state(
    key: AssetCheckKey,
    partitions: dg.PartitionsDefinition,
    standings: Standings,
    ended: Mapping[str, dg.DagsterRunStatus],
) -> AssetCheckState:
    """What Dagster would make of it; `ended`: the runs that have left checks undone."""

    def subset(syncs: Iterable[str]) -> SerializableEntitySubset[AssetCheckKey]:
        return SerializableEntitySubset(key, partitions.empty_subset().with_partition_keys(syncs))

    syncs: dict[Outcome | None, list[str]] = {outcome: [] for outcome in (*Outcome, None)}
    at_work = {}
    for row in standings[key]:
        outcome = _outcome(row, ended)
        syncs[outcome] += row["partitions"]
        if outcome is Outcome.IN_PROGRESS:
            at_work[row["run_id"]] = subset(row["partitions"])
    return AssetCheckState(
        latest_storage_id=max((row["newest"] for row in standings[key]), default=0),
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
