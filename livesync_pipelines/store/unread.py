"""Queues into which platforms put what they announce, and that cannot be read at present."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.store.database import Connection, rows


def note(connection: Connection, name: str, error: Mapping[str, str], *, now: datetime) -> None:
    """That of this connection cannot be; since when is known if it could not be before."""
    connection.execute(
        "insert into livesync.unread_queues (connection, error, since) values (%s, %s, %s)"
        " on conflict (connection) do update set error = excluded.error",
        (name, Jsonb(dict(error)), now),
    )


def forget(connection: Connection, name: str) -> None:
    """It was read again."""
    connection.execute("delete from livesync.unread_queues where connection = %s", (name,))


def listed(connection: Connection) -> dict[str, dict[str, Any]]:
    """By connection: message, hint and since when."""
    found = rows(
        connection,
        "select q.connection, error ->> 'message' as message, error ->> 'hint' as hint, since"
        " from livesync.unread_queues q join livesync.connections c on c.name = q.connection"
        " where c.options ? 'queue_url'",
    )
    return {row.pop("connection"): row for row in found}
