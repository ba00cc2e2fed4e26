"""What is stored of each stage of the corridor, as tables for people and downstream assets."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from livesync_pipelines.core.canon import listing_mark
from livesync_pipelines.model.records import CHUNKS, DELTAS, UTC_TIME
from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.store import copied_files, row_base, row_stages
from livesync_pipelines.store.database import Connection, rows

SOURCE = pa.schema(
    [
        ("item_id", pa.string()),
        ("key", pa.string()),
        ("version", pa.string()),
        ("size", pa.int64()),
        ("modified_at", UTC_TIME),
        ("fetched_at", UTC_TIME),
    ]
)
STORED_RECORDS = pa.schema(
    [
        ("item_id", pa.string()),
        ("key", pa.string()),
        ("version", pa.string()),
        ("title", pa.string()),
        ("text", pa.large_string()),
        ("url", pa.string()),
        ("media_type", pa.string()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("modified_at", UTC_TIME),
        ("content_hash", pa.binary()),
        ("fingerprint", pa.binary()),
    ]
)
ROWS = pa.schema(
    [
        ("item_id", pa.string()),
        ("title", pa.string()),
        ("url", pa.string()),
        ("media_type", pa.string()),
        ("attributes", pa.map_(pa.string(), pa.string())),
        ("mapping_version", pa.string()),
    ]
)
RESOLVED = ROWS.append(pa.field("resolution", pa.string()))

SCHEMAS = dict(zip(STAGES, (SOURCE, STORED_RECORDS, DELTAS, ROWS, RESOLVED, CHUNKS), strict=True))
"""The published schema of each stage."""

_QUERIES = {
    "source": "select item_id, key, version, size, modified_at, fetched_at"
    " from livesync.shadow where sync_id = %(sync_id)s order by key",
    "records": "select s.item_id, s.key, s.version, r.title, c.text, r.url, r.media_type,"
    " r.attributes, s.modified_at, s.content_hash, s.fingerprint from livesync.shadow s"
    " join livesync.records r using (sync_id, item_id)"
    " join livesync.contents c using (sync_id, content_hash)"
    " where sync_id = %(sync_id)s order by s.key",
    "deltas": "select item_id, coalesce(after ->> 'key', before ->> 'key') as key, op,"
    " coalesce(after -> 'fields', '[]') as changed_fields,"
    " decode(before ->> 'fingerprint', 'hex') as before,"
    " decode(after ->> 'fingerprint', 'hex') as after from livesync.ledger"
    " where sync_id = %(sync_id)s and op <> 'conflict'"
    " and operation_id = (select operation_id from livesync.operations"
    " where sync_id = %(sync_id)s"
    " and status in ('success', 'partial', 'waiting_for_approval')"
    " order by started_at desc limit 1) order by seq",
    "mapped_rows": "select item_id, title, url, media_type, attributes, mapping_version"
    " from livesync.documents where sync_id = %(sync_id)s order by item_id",
    "resolved_rows": "select item_id, title, url, media_type, attributes, mapping_version,"
    " 'source_wins' as resolution"
    " from livesync.documents where sync_id = %(sync_id)s order by item_id",
    "capsule_chunks": "select c.chunk_id::text, c.item_id, (place.ordinality - 1)::int as ordinal,"
    " c.text, place.value -> 'headings' as heading_path, (place.value ->> 'start')::int as start,"
    " (place.value ->> 'end')::int as end, c.tokens, d.url from livesync.documents d,"
    " jsonb_array_elements(d.layout) with ordinality place"
    " join livesync.chunks c on c.chunk_id = (place.value ->> 'id')::uuid"
    " where d.sync_id = %(sync_id)s order by d.item_id, ordinal",
}


def table(
    connection: Connection, sync_id: str, stage: str, *, limit: int | None = None
) -> pa.Table:
    """One stage's stored output for one sync, in its published schema; `limit` rows at most. Of a
    sync of rows, records and what follows them have the columns of the target; of one that copies
    files, the versions of both ends."""
    copies = copied_files.is_copy(connection, sync_id)
    if copies and stage != "deltas":
        return copied_files.of_stage(connection, sync_id, stage, SCHEMAS[stage], limit=limit)
    if not copies and row_stages.is_of_rows(connection, sync_id):
        return row_stages.table(connection, sync_id, stage, SCHEMAS[stage], limit=limit)
    query = _QUERIES[stage] + (" limit %(limit)s" if limit is not None else "")
    found = rows(connection, query, {"sync_id": sync_id, "limit": limit})
    schema = SCHEMAS[stage]
    columns = [
        pa.array([_shaped(row[name]) for row in found], schema.field(name).type)
        for name in schema.names
    ]
    return pa.table(columns, schema=schema)


def _shaped(value: Any) -> Any:
    return list(value.items()) if isinstance(value, dict) else value


def shadow_digest(connection: Connection, sync_id: str) -> str:
    """The digest of all items in step that neither fail now (under their name, or a newer one)
    nor are kept though they are gone: what a listing's digest must equal."""
    digest = 0
    with connection.transaction(), connection.cursor("shadow_walk") as cursor:
        cursor.execute(
            "select key, version from livesync.shadow s where sync_id = %s and not exists"
            " (select from livesync.item_failures f where f.sync_id = s.sync_id and f.key = s.key)"
            " and not exists (select from livesync.kept k where k.sync_id = s.sync_id"
            " and k.item_id = s.item_id)"
            " and not exists (select from livesync.unsettled u where u.sync_id = s.sync_id"
            " and u.key = s.key and u.kind = 'absent')",
            (sync_id,),
        )
        for key, version in cursor:
            digest ^= listing_mark(key, version)
    return f"{digest:016x}"


def listing_digest(connection: Connection, operation_id: str) -> str | None:
    """The digest of a complete listing, where the operation made one."""
    row = connection.execute(
        "select listing_digest from livesync.operations where operation_id = %s::uuid",
        (operation_id,),
    ).fetchone()
    return row[0] if row else None


def stage_counts(connection: Connection, sync_id: str) -> dict[str, int]:
    """How many items each stage holds, and how many chunks a document lacks or does not place."""
    row = rows(
        connection,
        "select (select count(*) from livesync.shadow where sync_id = %(s)s) as source,"
        " (select count(*) from livesync.records where sync_id = %(s)s) as records,"
        " (select count(*) from livesync.documents where sync_id = %(s)s) as resolved_rows,"
        " (select count(*) from livesync.chunks where sync_id = %(s)s) as capsule_chunks,"
        " (select coalesce(sum(chunk_count), 0) from livesync.documents"
        " where sync_id = %(s)s) as placed_chunks,"
        " (select coalesce(sum(abs(coalesce(c.n, 0) - coalesce(d.chunk_count, 0))), 0) from"
        " (select item_id, count(*) as n from livesync.chunks where sync_id = %(s)s"
        " group by item_id) c full join (select item_id, chunk_count from livesync.documents"
        " where sync_id = %(s)s) d using (item_id)) as misplaced_chunks",
        {"s": sync_id},
    )[0]
    counts = {name: int(value) for name, value in row.items()}
    if copied_files.is_copy(connection, sync_id):
        held = copied_files.count(connection, sync_id)
        counts |= dict.fromkeys(("source", "records", "resolved_rows"), held)
    elif row_stages.is_of_rows(connection, sync_id):
        counts |= dict.fromkeys(
            ("source", "records", "resolved_rows"), row_base.count(connection, sync_id)
        )
    return counts
