"""What became of single rows, out of the blocks that the ledger vouches for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import plain
from livesync_pipelines.store import row_apart, row_blocks
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.row_commit import GONE
from livesync_pipelines.store.row_names import RowNames, told

_HEAD = ("key", "op", "before")


def of_block(
    connection: Connection, sync_id: str, block: int, *, limit: int
) -> list[dict[str, Any]]:
    """What one page did to its first rows: `key`, `op`, `fields` (those that changed), and the
    agreed values `before` and `after`, None where there is no row. Where what was before is too old
    to be kept, `before_kept` is false, `before` None, and `fields` empty."""
    for _, data in row_blocks.of(connection, sync_id, [block]):
        return list(_told(connection, sync_id, row_blocks.unpacked(data).slice(0, limit)))
    return []


def of_row(connection: Connection, sync_id: str, key: str, *, limit: int) -> list[dict[str, Any]]:
    """The newest changes of one row, newest first, each with the ledger entry that tells of it
    (`seq`, `at`, `cause`, `operation_id`, `run_id`, `policy`), as far back as they are kept (see
    `of_block`). One that is gone has none."""
    found = connection.execute(
        "select block from livesync.row_base where sync_id = %s and key = %s", (sync_id, key)
    ).fetchone()
    block, changes = (found[0] if found else None), list[dict[str, Any]]()
    while block is not None and len(changes) < limit:
        ((_, data),) = row_blocks.of(connection, sync_id, [block])
        lines = row_blocks.unpacked(data)
        line = lines.filter(pc.equal(lines["key"], key))
        (change,) = _told(connection, sync_id, line)
        changes.append({**_entry(connection, sync_id, block), **change})
        block = line["before"][0].as_py() if change["before_kept"] else None
    return changes


def _entry(connection: Connection, sync_id: str, seq: int) -> Mapping[str, Any]:
    (found,) = rows(
        connection,
        "select seq, at, cause, operation_id::text, run_id, page, policy,"
        " after ->> 'mapping_version' as mapping_version,"
        " encode(prev_hash, 'hex') as prev_hash, encode(hash, 'hex') as hash"
        " from livesync.ledger where sync_id = %s and seq = %s",
        (sync_id, seq),
    )
    return found


def _told(connection: Connection, sync_id: str, lines: pa.Table) -> Iterator[dict[str, Any]]:
    schema = row_blocks.schema_of(lines)
    known = lines.filter(pc.is_valid(lines["before"]))
    held = pa.table({"key": known["key"], "block": known["before"]})
    agreed, are_kept = row_blocks.kept(connection, sync_id, held, schema)
    was = _rows(row_blocks.values(agreed.filter(are_kept), schema))
    before = dict(zip(known["key"].filter(are_kept).to_pylist(), was, strict=True))
    after = _rows(row_blocks.values(lines, schema))
    for head, now in zip(lines.select(_HEAD).to_pylist(), after, strict=True):
        old = before.get(head["key"])
        new = None if head["op"] in GONE else now
        is_kept = head["before"] is None or old is not None
        changed = [n for n in schema.names if old is None or new is None or old[n] != new[n]]
        fields = changed if is_kept else []
        yield {**head, "fields": fields, "before": old, "before_kept": is_kept, "after": new}


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = {name: plain(table[name]) for name in table.column_names}
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def explained(connection: Connection, name: str, *, limit: int) -> dict[str, Any] | None:
    """Where a row of a sync of rows comes from; None where there is no such row.

    `name` is the key of a row, as it stands in a ledger or as people write it, or `SYNC:KEY`
    where several syncs have it.
    """
    names = RowNames(connection)
    held = _held(connection, names, name)
    if held is None:
        return None
    key, platform = names.shown(held["sync_id"], held["key"]), held["platform"]
    changes = of_row(connection, held["sync_id"], held["key"], limit=limit)
    last = changes[0]
    version = (held["source_mark"] or b"").hex()
    source = {"platform": platform, "item_id": key, "key": key, "version": version, "url": ""}
    return {
        "row": {"sync_id": held["sync_id"], "item_id": key, "values": last["after"]},
        "title": f"row {key} of {held['sync_id']}",
        "capsule": None,
        "source": {**source, "modified_at": None, "fetched_at": last["at"], "size": None},
        "trigger": last["cause"],
        "operation_id": last["operation_id"],
        "run_id": last["run_id"],
        "mapping_version": last["mapping_version"],
        "chunker_version": "",
        "bad_cells": bad_cells(connection, held["sync_id"], key=held["key"]),
        "asked": _asked(connection, held["sync_id"], held["key"]),
        "differs": list(row_apart.of_row(connection, held["sync_id"], held["key"])),
        "changes": [{**change, "key": key, "item_id": key} for change in changes],
    }


def _held(connection: Connection, names: RowNames, name: str) -> dict[str, Any] | None:
    """The row that is meant by a name, with its sync and platform."""
    first, colon, rest = name.partition(":")
    of_rows = connection.execute(
        "select sync_id from livesync.syncs where target is not null order by sync_id"
    ).fetchall()
    meant = [(one, key) for (one,) in of_rows for key in names.meant(one, name)]
    meant += [(first, key) for key in names.meant(first, rest)] if colon else []
    found = rows(
        connection,
        "select b.sync_id, b.key, b.source_mark, c.platform from livesync.row_base b"
        " join livesync.syncs s using (sync_id)"
        " join livesync.connections c on c.name = s.connection where (b.sync_id, b.key) in"
        " (select * from unnest(%s::text[], %s::text[])) order by b.sync_id limit 1",
        ([one for one, _ in meant], [key for _, key in meant]),
    )
    return found[0] if found else None


def _asked(connection: Connection, sync_id: str, key: str) -> list[dict[str, Any]]:
    """What both ends say where they differ and somebody is asked."""
    return rows(
        connection,
        "select conflict_id, field, source, target from livesync.conflicts where sync_id = %s"
        " and key = %s and state <> 'settled' order by field",
        (sync_id, key),
    )


def bad_cells(
    connection: Connection, sync_id: str, *, key: str | None = None, limit: int = 1_000
) -> list[dict[str, Any]]:
    """Cells that do not fit at the other end, as they were last seen, of one row or of all."""
    found = rows(
        connection,
        "select key, field, side, value, reason, operation_id::text, at from livesync.bad_cells"
        " where sync_id = %s and (%s::text is null or key = %s) order by key, field, side limit %s",
        (sync_id, key, key, limit),
    )
    return told(connection, found, sync_id=sync_id)


def count_bad_cells(connection: Connection, sync_id: str, operation_id: str) -> int:
    """How many of them an operation has found, or found anew."""
    found = connection.execute(
        "select count(*) from livesync.bad_cells where sync_id = %s and operation_id = %s",
        (sync_id, operation_id),
    ).fetchone()
    assert found is not None
    return int(found[0])
