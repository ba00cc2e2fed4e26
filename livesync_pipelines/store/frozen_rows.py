"""What is told of rows that are frozen, because their ends kept rewriting them."""

from __future__ import annotations

from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.model.conflict import LOOP
from livesync_pipelines.store.database import Connection


def show(
    connection: Connection,
    sync_id: str,
    key: str,
    *,
    source: dict[str, Any] | None,
    target: dict[str, Any] | None,
) -> None:
    """Note what both ends hold now, by field; None where an end has no such row."""
    connection.execute(
        "update livesync.conflicts set source = %(source)s, target = %(target)s"
        " where sync_id = %(sync_id)s and key = %(key)s and policy = %(loop)s and state = 'open'"
        " and (source, target) is distinct from (%(source)s, %(target)s)",
        {
            "sync_id": sync_id,
            "key": key,
            "source": Jsonb(source),
            "target": Jsonb(target),
            "loop": LOOP,
        },
    )
