"""A past that a database might have: what months would have left in it, put there in minutes.

Every row is a copy of one that Dagster or we have written, with an id and a time of its own. In the
end the tables are analysed, as they would have been long ago.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

import dagster as dg
import psycopg

from benchmarks import content
from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store import queue

DAYS = 90
_PIECE = 1_000
"""So many runs are copied in one transaction."""

_PATIENCE_S = 120.0

_SPREAD = "(now() - make_interval(secs => %(days)s * 86400.0 * (%(count)s - n) / %(count)s))"
"""When the n-th of them was."""

_NTH_SYNC = "(%(syncs)s::text[])[1 + n %% cardinality(%(syncs)s::text[])]"

_OPERATIONS = f"""
    insert into livesync.operations (operation_id, sync_id, run_id, trigger, mode, status,
        started_at, finished_at, counts, stage_s, cursor_from, cursor_to, listing_digest, error)
    select gen_random_uuid(), {_NTH_SYNC}, gen_random_uuid()::text, o.trigger, o.mode, o.status,
        {_SPREAD}, {_SPREAD} + (o.finished_at - o.started_at), o.counts, o.stage_s,
        o.cursor_from, o.cursor_to, o.listing_digest, o.error
    from generate_series(1, %(count)s) n, (select * from livesync.operations
        where status = 'success' order by started_at desc limit 1) o
"""
_DELIVERIES = f"""
    insert into livesync.webhook_events
        (connection, delivery_id, received_at, last_seen_at, seen, scheme, digest, hints)
    select s.connection, 'old-' || gen_random_uuid(), {_SPREAD}, {_SPREAD}, 1, 'standard',
        sha256(n::text::bytea), '{{}}'
    from generate_series(1, %(count)s) n join livesync.syncs s on s.sync_id = {_NTH_SYNC}
"""
_LIVE = f"""
    insert into livesync.events (at, project_id, sync_id, operation_id, kind, document)
    select {_SPREAD}, s.project_id, s.sync_id, gen_random_uuid(), e.kind, e.document
    from generate_series(1, %(count)s) n join livesync.syncs s on s.sync_id = {_NTH_SYNC},
        (select * from livesync.events where kind = 'operation.completed'
        order by seq desc limit 1) e
"""
_OUTBOX = f"""
    with told as (
        insert into livesync.outbox (at, project_id, sync_id, operation_id, kind, document)
        select {_SPREAD}, s.project_id, s.sync_id, gen_random_uuid(), 'failed',
            jsonb_build_object('sync_id', s.sync_id, 'error', 'old')
        from generate_series(1, %(count)s) n join livesync.syncs s on s.sync_id = {_NTH_SYNC}
        returning seq, at)
    insert into livesync.deliveries (seq, address, state, tries, not_before, waits_since,
        delivered_at)
    select seq, 'https://hooks.example.com/old', 'delivered', 1, at, at, at from told
"""

_TEMPLATES = """
    create temp table old_run as select * from public.runs where run_id = %(run)s;
    create temp table old_tags as select key, value from public.run_tags where run_id = %(run)s;
    create temp table old_logs as
        select row_number() over (order by id) - 1 as place, id, dagster_event_type, timestamp,
            step_key, asset_key, partition, regexp_replace(event, '"timestamp": [0-9.]+',
                '"timestamp": @AT@') as event
        from public.event_logs where run_id = %(run)s;
    create temp table old_labels as
        select l.place, t.asset_key, t.key, t.value
        from public.asset_event_tags t join old_logs l on l.id = t.event_id;
    create temp table old_checks as
        select c.*, l.place, m.place as looked_at from public.asset_check_executions c
        left join old_logs l on l.id = c.evaluation_event_storage_id
        left join old_logs m on m.id = c.materialization_event_storage_id
        where c.run_id = %(run)s;
"""
_NEW = f"""
    create temp table new_runs on commit drop as
    select n, gen_random_uuid()::text as run_id, {_NTH_SYNC} as sync_id,
        {_SPREAD} at time zone 'utc' - r.create_timestamp as later,
        extract(epoch from {_SPREAD} at time zone 'utc' - r.create_timestamp)::float8 as later_s
    from generate_series(%(first)s, %(last)s) n, old_run r
"""
_COPIES = (
    "insert into public.runs (run_id, snapshot_id, pipeline_name, mode, status, run_body,"
    " partition, partition_set, create_timestamp, update_timestamp, start_time, end_time)"
    " select n.run_id, r.snapshot_id, r.pipeline_name, r.mode, r.status,"
    " replace(replace(r.run_body, r.run_id, n.run_id), %(sync)s, n.sync_id), n.sync_id,"
    " r.partition_set, r.create_timestamp + n.later, r.update_timestamp + n.later,"
    " r.start_time + n.later_s, r.end_time + n.later_s from new_runs n, old_run r order by n.n",
    "insert into public.run_tags (run_id, key, value)"
    " select n.run_id, t.key, replace(t.value, %(sync)s, n.sync_id)"
    " from new_runs n, old_tags t order by n.n",
    "insert into public.event_logs (id, run_id, event, dagster_event_type, timestamp, step_key,"
    " asset_key, partition) select %(base)s + (n.n - %(first)s) * %(events)s + l.place, n.run_id,"
    " replace(replace(replace(l.event, %(run)s, n.run_id), %(sync)s, n.sync_id), '@AT@',"
    " extract(epoch from l.timestamp + n.later)::text), l.dagster_event_type,"
    " l.timestamp + n.later, l.step_key, l.asset_key,"
    " case when l.partition is not null then n.sync_id end"
    " from new_runs n, old_logs l order by n.n, l.place",
    "insert into public.asset_event_tags (event_id, asset_key, key, value, event_timestamp)"
    " select %(base)s + (n.n - %(first)s) * %(events)s + t.place, t.asset_key, t.key, t.value,"
    " r.create_timestamp + n.later from new_runs n, old_labels t, old_run r",
    "insert into public.asset_check_executions (asset_key, check_name, partition, run_id,"
    " execution_status, evaluation_event, evaluation_event_timestamp, evaluation_event_storage_id,"
    " materialization_event_storage_id, create_timestamp) select c.asset_key, c.check_name,"
    " case when c.partition is not null then n.sync_id end, n.run_id, c.execution_status,"
    " replace(replace(c.evaluation_event, %(run)s, n.run_id), %(sync)s, n.sync_id),"
    " c.evaluation_event_timestamp + n.later,"
    " %(base)s + (n.n - %(first)s) * %(events)s + c.place,"
    " %(base)s + (n.n - %(first)s) * %(events)s + c.looked_at, c.create_timestamp + n.later"
    " from new_runs n, old_checks c",
)


def add_ours(connection: psycopg.Connection[Any], syncs: Sequence[str], count: int) -> None:
    """So many operations, webhook deliveries, live events, and notifications that were delivered,
    spread over these syncs and the last months."""
    values = {"count": count, "days": DAYS, "syncs": list(syncs)}
    with psycopg.ClientCursor(connection) as cursor:
        for query in (_OPERATIONS, _DELIVERIES, _LIVE, _OUTBOX):
            cursor.execute(query.encode(), values)


def one_run(connection: psycopg.Connection[Any], sync_id: str) -> str:
    """A run of this sync alone, from the queue to its end, while `livesync up` works there."""
    queue.put(connection, sync_id, trigger=Trigger.PERSON, priority=Priority.NORMAL)
    until = monotonic() + _PATIENCE_S
    while monotonic() < until:
        found = connection.execute(
            "select run_id from public.runs where partition = %s and status = 'SUCCESS'"
            " order by id desc limit 1",
            (sync_id,),
        ).fetchone()
        if found:
            return str(found[0])
        sleep(0.2)
    raise SystemExit(f"The run of {sync_id} has not ended well.")


def add_runs(
    connection: psycopg.Connection[Any], syncs: Sequence[str], count: int, *, like: str
) -> None:
    """So many runs that are like this one of one sync, with their tags and event logs, spread in
    the same way. Nobody else may write event logs meanwhile."""
    with psycopg.ClientCursor(connection) as cursor:  # several statements at once, with values
        cursor.execute(_TEMPLATES, {"run": like})
        sync, events = _one(
            cursor.execute("select partition, (select count(*) from old_logs) from old_run")
        )
        values = {"run": like, "sync": sync, "events": events, "syncs": list(syncs)}
        for first in range(1, count + 1, _PIECE):
            last = min(count, first + _PIECE - 1)
            base = _reserved(cursor, (last - first + 1) * events)
            span = {"first": first, "last": last, "count": count, "days": DAYS, "base": base}
            with connection.transaction():
                for query in (_NEW, *_COPIES):
                    cursor.execute(query.encode(), {**values, **span})
            if last % (10 * _PIECE) == 0:
                content.say(f"{last:,} old runs")
        cursor.execute("drop table old_run, old_tags, old_logs, old_labels, old_checks")


def _reserved(cursor: psycopg.ClientCursor[Any], count: int) -> int:
    """The first of so many ids of event logs."""
    sequence = "public.event_logs_id_seq"
    query = f"select setval('{sequence}', nextval('{sequence}') + %s)"
    return int(_one(cursor.execute(query.encode(), (count,)))[0]) - count


def _one(cursor: psycopg.ClientCursor[Any]) -> Sequence[Any]:
    row: Sequence[Any] | None = cursor.fetchone()
    assert row is not None
    return row


def settle(connection: psycopg.Connection[Any]) -> None:
    """What the server would have done by itself in these months."""
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")


def check(
    instance: dg.DagsterInstance, syncs: Sequence[str], *, like: str, known: int, count: int
) -> None:
    """Raises `AssertionError` where Dagster does not read the copies as it reads the original."""
    assert instance.get_runs_count() == known + count
    model = instance.all_logs(like)
    kinds = [entry.dagster_event_type for entry in model]
    records = instance.get_run_records(limit=min(count, 200))
    for record in random.Random(7).sample(records, min(5, len(records))):
        run = record.dagster_run
        entries = instance.all_logs(run.run_id)
        assert run.status is dg.DagsterRunStatus.SUCCESS
        assert run.tags["dagster/partition"] in syncs
        assert [entry.dagster_event_type for entry in entries] == kinds
        assert {entry.run_id for entry in entries} == {run.run_id}
        assert record.start_time is not None
        assert abs(entries[-1].timestamp - record.start_time) < 3_600
    platform = str(instance.get_run_records(limit=1)[0].dagster_run.job_name).partition("_")[2]
    stored = instance.get_materialized_partitions(dg.AssetKey([platform, "source"]))
    assert count < len(syncs) or set(syncs) <= stored
