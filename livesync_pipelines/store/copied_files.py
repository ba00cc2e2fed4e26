"""The state of each file of a sync that copies files, and the bytes that were lost in it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa

from livesync_pipelines.core.copying import Agreed
from livesync_pipelines.model.conflict import LOOP
from livesync_pipelines.store.database import Connection

Versions = tuple[str | None, str | None]
"""Of the source's file and of the target's."""

COPIED = pa.schema(
    [
        ("item_id", pa.string()),
        ("key", pa.string()),
        ("source_version", pa.string()),
        ("target_version", pa.string()),
        ("resolution", pa.string()),
    ]
)


def is_copy(connection: Connection, sync_id: str) -> bool:
    """Whether a sync copies files, and so has neither documents nor rows."""
    found = connection.execute(
        "select coalesce((config ->> 'copies')::boolean, false) from livesync.syncs"
        " where sync_id = %s",
        (sync_id,),
    ).fetchone()
    return found == (True,)


def known(connection: Connection, sync_id: str) -> dict[str, Agreed]:
    """What both ends agreed on last, by name."""
    found = connection.execute(
        "select name, source_version, target_version, apart from livesync.copied_files"
        " where sync_id = %s",
        (sync_id,),
    )
    return {name: Agreed(*rest) for name, *rest in found}


def put(connection: Connection, sync_id: str, states: Mapping[str, Agreed | None]) -> None:
    """Write what both ends agree on now, by name; None where there is no such file any more."""
    connection.execute(
        "delete from livesync.copied_files where sync_id = %s and name = any(%s)",
        (sync_id, list(states)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into livesync.copied_files (sync_id, name, source_version, target_version,"
            " apart) values (%s, %s, %s, %s, %s)",
            [(sync_id, name, *state) for name, state in states.items() if state is not None],
        )


def count(connection: Connection, sync_id: str) -> int:
    found = connection.execute(
        "select count(*) from livesync.copied_files where sync_id = %s", (sync_id,)
    ).fetchone()
    assert found is not None
    return int(found[0])


def in_question(connection: Connection, sync_id: str) -> dict[str, Versions]:
    """The files that wait for an answer, and of which versions it was asked."""
    found = connection.execute(
        "select key, source ->> 'version', target ->> 'version' from livesync.conflicts"
        " where sync_id = %s and state = 'open' and winner is null and policy <> %s",
        (sync_id, LOOP),
    )
    return {name: (source, target) for name, source, target in found}


def untold(connection: Connection, sync_id: str) -> dict[str, tuple[str, int]]:
    """What was kept by an operation that died before it could tell: version and size, by name."""
    found = connection.execute(
        "select name, version, length(content) from livesync.lost_files"
        " where sync_id = %s and not told order by at",
        (sync_id,),
    )
    return {name: (version, size) for name, version, size in found}


def lost(connection: Connection, sync_id: str, name: str, version: str) -> bytes | None:
    """The bytes of a file that was overwritten or removed, where they are kept."""
    found = connection.execute(
        "select content from livesync.lost_files where sync_id = %s and name = %s and version = %s",
        (sync_id, name, version),
    ).fetchone()
    return bytes(found[0]) if found else None


def drop_lost(connection: Connection, sync_id: str, *, before: datetime) -> int:
    """Delete the bytes that were lost before this; returns how many files."""
    return connection.execute(
        "delete from livesync.lost_files where sync_id = %s and told and at < %s",
        (sync_id, before),
    ).rowcount


def table(connection: Connection, sync_id: str, *, limit: int | None) -> pa.Table:
    """What is known of each file, by name."""
    found = connection.execute(
        "select name, name, source_version, target_version,"
        " case when apart then 'apart' else 'agreed' end from livesync.copied_files"
        " where sync_id = %s order by name limit %s",
        (sync_id, limit),
    ).fetchall()
    columns = zip(*found, strict=True) if found else ([] for _ in COPIED)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, COPIED, strict=True)]
    return pa.table(arrays, schema=COPIED)


def of_stage(
    connection: Connection, sync_id: str, stage: str, schema: pa.Schema, *, limit: int | None
) -> pa.Table:
    """One stage's output; `schema` is that of stages that files have in common with documents."""
    if stage == "capsule_chunks":
        return schema.empty_table()
    held = table(connection, sync_id, limit=limit)
    if stage != "source":
        return held
    shared = {"item_id": held["item_id"], "key": held["key"], "version": held["source_version"]}
    empty = {f.name: pa.nulls(len(held), f.type) for f in schema if f.name not in shared}
    return pa.table({**shared, **empty}).select(schema.names)
