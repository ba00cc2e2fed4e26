"""Items that a person has restored: kept, though the source no longer shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from livesync_pipelines.store.database import Connection


def keep(connection: Connection, sync_id: str, item_id: str, key: str, now: datetime) -> None:
    """From now on, that this item is not at the source is no reason to remove it."""
    connection.execute(
        "insert into livesync.kept (sync_id, item_id, key, restored_at) values (%s, %s, %s, %s)"
        " on conflict (sync_id, item_id) do nothing",
        (sync_id, item_id, key, now),
    )


def among(connection: Connection, sync_id: str, keys: Sequence[str]) -> set[str]:
    """Which of these keys are kept."""
    found = connection.execute(
        "select key from livesync.kept where sync_id = %s and key = any(%s)", (sync_id, list(keys))
    )
    return {key for (key,) in found}


def release(connection: Connection, sync_id: str, keys: Sequence[str]) -> int:
    """These are as all others again: the source shows them, or a person lets them go."""
    return connection.execute(
        "delete from livesync.kept where sync_id = %s and (key = any(%s) or item_id = any(%s))",
        (sync_id, list(keys), list(keys)),
    ).rowcount
