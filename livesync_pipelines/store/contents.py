"""The texts of records, each kept once in a sync under its hash."""

from __future__ import annotations

from collections.abc import Mapping

from livesync_pipelines.core.canon import content_hash
from livesync_pipelines.store.database import Connection

_NAMED = "livesync.contents where sync_id = %s and content_hash = any(%s)"


def keep(
    connection: Connection, sync_id: str, texts: Mapping[bytes, str], *, doubting: bool
) -> None:
    """Write those of these texts (by hash) that are not stored yet; `doubting`, also those of
    which something else is stored than their hash says. Of a sync that is gone nothing is kept."""
    if not texts:
        return
    look = _sound if doubting else _stored
    copy = "copy livesync.contents (sync_id, content_hash, text) from stdin (format binary)"
    with connection.transaction(), connection.cursor() as cursor:
        alive = "select from livesync.syncs where sync_id = %s for key share"
        if cursor.execute(alive, (sync_id,)).rowcount != 1:
            return
        stored = look(connection, sync_id, texts)
        with cursor.copy(copy) as out:
            out.set_types(("text", "bytea", "text"))  # nothing to escape: half the time
            for name, text in texts.items():
                if name not in stored:
                    out.write_row((sync_id, name, text))


def _stored(connection: Connection, sync_id: str, texts: Mapping[bytes, str]) -> set[bytes]:
    query = f"select content_hash from {_NAMED}".encode()
    return {name for (name,) in connection.execute(query, (sync_id, list(texts)))}


def _sound(connection: Connection, sync_id: str, texts: Mapping[bytes, str]) -> set[bytes]:
    """Those that are stored as they are named; the others are taken away."""
    query = f"select content_hash, text from {_NAMED}".encode()
    found = connection.execute(query, (sync_id, list(texts))).fetchall()
    sound = {name for name, text in found if content_hash(text) == name}
    if altered := [name for name, _ in found if name not in sound]:
        connection.execute(f"delete from {_NAMED}".encode(), (sync_id, altered))
    return sound
