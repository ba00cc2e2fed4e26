"""The state of each row of a sync: what both ends last showed, and where the agreed values are."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pyarrow as pa

from livesync_pipelines.store import binary_copy
from livesync_pipelines.store.database import Connection

MARK = pa.binary(16)
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("source_mark", MARK),
        ("target_mark", MARK),
        ("block", pa.int64()),
        ("turns", pa.int16()),
        ("went_to", pa.string()),
    ]
)
"""`source_mark` and `target_mark` are fingerprints, null where the end showed no such row."""

_COLUMNS = ", ".join(SCHEMA.names)
_FOUND = (
    "select coalesce(array_agg(key), '{}'), coalesce(array_agg(source_mark), '{}'),"
    " coalesce(array_agg(target_mark), '{}'), coalesce(array_agg(block), '{}'),"
    " coalesce(array_agg(turns), '{}'), coalesce(array_agg(went_to), '{}')"
)


def after(connection: Connection, sync_id: str, key: str | None, *, limit: int) -> pa.Table:
    """The next rows by key."""
    beyond = "" if key is None else "and key > %s"
    query = (
        f"{_FOUND} from (select {_COLUMNS} from livesync.row_base"
        f" where sync_id = %s {beyond} order by key limit %s) x"
    )
    values = (sync_id, limit) if key is None else (sync_id, key, limit)
    return _table(connection.execute(query.encode(), values, binary=True).fetchone())


def by_key(connection: Connection, sync_id: str, keys: Sequence[str]) -> pa.Table:
    """Those of these rows that are known, by key."""
    return _table(
        connection.execute(
            f"{_FOUND} from (select {_COLUMNS} from livesync.row_base"
            " where sync_id = %s and key = any(array(select jsonb_array_elements_text(%s)))"
            " order by key) x".encode(),
            (sync_id, orjson.dumps(keys).decode()),
            binary=True,
        ).fetchone()
    )


def count(connection: Connection, sync_id: str) -> int:
    found = connection.execute(
        "select count(*) from livesync.row_base where sync_id = %s", (sync_id,)
    ).fetchone()
    assert found is not None
    return int(found[0])


TABLE = "livesync.row_base"
_WAITING = "livesync_rows_waiting"


def change(connection: Connection, sync_id: str, rows: pa.Table, *, block: int) -> None:
    """Write the state of rows of which another is stored; their values stand in `block`."""
    if not len(rows):
        return
    connection.execute(
        f"create temp table if not exists {_WAITING} (like {TABLE}) on commit delete rows".encode()
    )
    put(connection, sync_id, rows, block=block, table=_WAITING)
    given = ", ".join(f"{name} = w.{name}" for name in SCHEMA.names if name != "key")
    connection.execute(
        f"update {TABLE} b set {given} from {_WAITING} w"
        " where b.sync_id = w.sync_id and b.key = w.key".encode()
    )


def put(
    connection: Connection, sync_id: str, rows: pa.Table, *, block: int, table: str = TABLE
) -> None:
    """Write the state of rows of which none is stored; their values stand in `block`."""
    if not len(rows):
        return
    lines = {
        "sync_id": pa.repeat(sync_id, len(rows)),
        **{name: rows[name] for name in SCHEMA.names if name != "block"},
        "block": pa.repeat(block, len(rows)),
    }
    binary_copy.put(connection, table, pa.table(lines))


def forget(connection: Connection, sync_id: str, keys: Sequence[str]) -> None:
    connection.execute(
        "delete from livesync.row_base where sync_id = %s and key = any(%s)", (sync_id, list(keys))
    )


def _table(found: tuple[list[object], ...] | None) -> pa.Table:
    assert found is not None
    columns = [pa.array(c, f.type) for c, f in zip(found, SCHEMA, strict=True)]
    return pa.table(columns, schema=SCHEMA)
