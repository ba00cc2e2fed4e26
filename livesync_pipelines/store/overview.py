"""What the doors show of the whole installation."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from livesync_pipelines.store import approvals, looks
from livesync_pipelines.store.database import OF_PROJECT, Connection, rows
from livesync_pipelines.store.operations import STATUS

_STATES = """
select case when state = 'paused' then 'paused'
            when last_status in ('failed', 'cancelled', 'rate_limited', 'waiting_for_approval')
              then last_status
            when last_status is null then 'new'
            else 'active' end as state, count(*) as syncs
from livesync.syncs
where state <> 'removed'
group by 1 order by 1
"""

_TOTALS = """
select (select count(*) from livesync.shadow) + (select count(*) from livesync.row_base)
         + (select count(*) from livesync.copied_files) as items,
       (select count(*) from livesync.chunks) as chunks,
       (select count(*) from livesync.item_failures where code <> 'unsupported') as failed_items
"""

_STATUS = f"""
with shown as materialized (
    select s.sync_id, %(most)s::integer is not null and s.state = 'active'
        and s.last_status is not distinct from 'success' and not exists (
            select from livesync.operations o where o.sync_id = s.sync_id and o.status = 'running'
        ) as is_well
    from livesync.syncs s
    where s.state <> 'removed' and (%(project)s::text is null or s.project_id = %(project)s)
      and (%(sync_id)s::text is null or s.sync_id = %(sync_id)s)
    order by is_well, s.sync_id limit %(most)s
)
select s.sync_id, c.platform, s.project_id, s.state, s.state_reason, s.connection, s.capsule,
       s.looked_at,
       s.target, s.config -> 'target' -> 'select' as target_select, s.config ->> 'mode' as mode,
       s.config ->> 'schedule' as schedule, coalesce(
         (select not_before from livesync.queue q where q.sync_id = s.sync_id), s.next_due_at
       ) as next_sync, s.paused_by,
       (select greatest(queued_at, not_before) from livesync.queue q where q.sync_id = s.sync_id)
         as queued_since,
       (select finished_at from livesync.operations o
         where o.sync_id = s.sync_id and o.status in ('success', 'partial')
         order by started_at desc limit 1) as last_sync,
       last.status as last_status, last.error as last_error, last.counts as progress,
       last.operation_id::text as last_operation_id,
       case when settled.status = 'waiting_for_approval' then settled.error end as waits_for,
       (select count(*) from livesync.approvals a where a.sync_id = s.sync_id) as approved,
       (select count(*) from livesync.shadow x where x.sync_id = s.sync_id)
         + (select count(*) from livesync.row_base x where x.sync_id = s.sync_id)
         + (select count(*) from livesync.copied_files x where x.sync_id = s.sync_id) as items,
       (select count(*) from livesync.chunks x where x.sync_id = s.sync_id) as chunks,
       (select count(*) from livesync.item_failures f
         where f.sync_id = s.sync_id and f.code <> 'unsupported') as failed_items,
       (select count(*) from livesync.bad_cells b where b.sync_id = s.sync_id) as bad_cells,
       (select count(*) from livesync.item_failures f
         where f.sync_id = s.sync_id and f.code = 'unsupported') as skipped_items,
       (select count(*) from livesync.conflicts x
         where x.sync_id = s.sync_id and x.state <> 'settled') as open_conflicts,
       (select count(*) from livesync.conflicts x where x.sync_id = s.sync_id
         and x.state = 'open' and x.policy = 'loop') as frozen_rows
from shown join livesync.syncs s using (sync_id)
join livesync.connections c on c.name = s.connection
left join lateral (select status, error, counts, operation_id from livesync.operations o
    where o.sync_id = s.sync_id and status <> 'refused'
    order by started_at desc limit 1) last on true
left join lateral (select status, error from livesync.operations o where o.sync_id = s.sync_id
    and {approvals.SETTLED} order by started_at desc limit 1) settled on true
order by shown.is_well, s.sync_id
"""

_LISTED = (
    f"operation_id::text, sync_id, run_id, trigger, mode, started_at, finished_at, {STATUS},"
    " counts, stage_s, error"
)

_CAPSULES = """
select c.name, c.project_id, c.language,
       (select count(*) from livesync.syncs s
         where s.capsule = c.name and s.state <> 'removed') as syncs,
       (select count(*) from livesync.documents d where d.capsule = c.name) as documents,
       (select count(*) from livesync.chunks k join livesync.syncs s using (sync_id)
         where s.capsule = c.name) as chunks
from livesync.capsules c order by c.name
"""


def status(
    connection: Connection,
    project_id: str | None = None,
    *,
    sync_id: str | None = None,
    most: int | None = None,
) -> list[dict[str, Any]]:
    """How every sync is: the `syncs` of DESIGN's status document. `most`: no more than so many,
    those first that are at work, new, paused or not well."""
    values = {"project": project_id, "sync_id": sync_id, "most": most}
    return rows(connection, _STATUS, values)


def stats(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Totals: syncs by state, what is held, and the operations of the last 24 hours by status."""
    recent = rows(
        connection,
        f"select {STATUS}, count(*) as operations from livesync.operations where started_at > %s"
        " group by 1 order by 1",
        (now - timedelta(hours=24),),
    )
    return {
        "syncs": {row["state"]: row["syncs"] for row in rows(connection, _STATES)},
        **rows(connection, _TOTALS)[0],
        "looks_24h": looks.since(connection, now - timedelta(hours=24)),
        "operations_24h": {row["status"]: row["operations"] for row in recent},
    }


def count_syncs(connection: Connection) -> int:
    """How many are configured."""
    query = "select count(*) as syncs from livesync.syncs where state <> 'removed'"
    return int(rows(connection, query)[0]["syncs"])


def operations(
    connection: Connection,
    *,
    sync_id: str | None = None,
    project_id: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The operations of all syncs, of one, or of those of a project, newest first."""
    return rows(
        connection,
        f"select {_LISTED} from livesync.operations where (%s::text is null or sync_id = %s)"
        f" and {OF_PROJECT} order by started_at desc limit %s",
        (sync_id, sync_id, project_id, project_id, limit),
    )


def failures(connection: Connection, sync_id: str, *, limit: int = 100) -> list[dict[str, Any]]:
    """The items of a sync that cannot be read now, each with the reason; not those of a kind
    that has no text."""
    return rows(
        connection,
        "select key, code, reason, failed_at from livesync.item_failures where sync_id = %s"
        " and code <> 'unsupported' order by key limit %s",
        (sync_id, limit),
    )


def capsules(connection: Connection) -> list[dict[str, Any]]:
    """Every capsule, and how much it holds."""
    return rows(connection, _CAPSULES)


def paused(connection: Connection) -> set[str]:
    """The syncs that rest."""
    found = connection.execute("select sync_id from livesync.syncs where state = 'paused'")
    return {sync_id for (sync_id,) in found}
