"""The columns of a sync's ends, as they were when it was last carried out."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, LiteralString

import pyarrow as pa
from psycopg.types.json import Jsonb

from livesync_pipelines.model.rows import TYPES, Column, Shape
from livesync_pipelines.store.database import Connection

_NAMED = {str(kind): kind for kind in TYPES}


def noted(connection: Connection, sync_id: str) -> Shape | None:
    """What the source has. None: it has not been read yet, or a person has said to take it as it
    is."""
    return _found(connection, "source_shape", sync_id)


def written(connection: Connection, sync_id: str) -> Shape | None:
    """What the sync keeps in step at the target, by its last operation."""
    return _found(connection, "target_shape", sync_id)


def note(connection: Connection, sync_id: str, source: Shape, target: Shape) -> None:
    """Note the columns that the source has, and those that the sync writes at the target."""
    connection.execute(
        "update livesync.syncs set source_shape = %(source)s, target_shape = %(target)s"
        " where sync_id = %(sync)s and (source_shape is distinct from %(source)s"
        " or target_shape is distinct from %(target)s)",
        {"source": Jsonb(_said(source)), "target": Jsonb(_said(target)), "sync": sync_id},
    )


def forget(connection: Connection, sync_id: str) -> None:
    """Take the columns as they will be found."""
    connection.execute(
        "update livesync.syncs set source_shape = null where sync_id = %s", (sync_id,)
    )


def _found(connection: Connection, which: LiteralString, sync_id: str) -> Shape | None:
    found = connection.execute(
        f"select {which} from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    return _shape(found[0]) if found and found[0] else None


def _said(shape: Shape) -> dict[str, Any]:
    columns = [_told(column) for column in shape.columns]
    return asdict(replace(shape, columns=())) | {"columns": columns}


def _told(column: Column) -> dict[str, Any]:
    names = ("name", "nullable", "json", "writable", "bits", "unsigned", "max_chars")
    held = {name: getattr(column, name) for name in (*names, "several", "cased")}
    return held | {"type": str(column.type), "words": list(column.words)}


def _shape(told: dict[str, Any]) -> Shape:
    columns = tuple(map(_column, told["columns"]))
    return Shape(
        columns=columns, key=tuple(told["key"]), modified=told["modified"], actor=told["actor"]
    )


def _column(told: dict[str, Any]) -> Column:
    words = tuple(told.get("words", ()))
    return Column(**{**told, "type": _type(told["type"]), "words": words})


def _type(name: str) -> pa.DataType:
    if name.startswith("decimal128"):
        precision, scale = name[len("decimal128(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return _NAMED[name]
