"""How many conflicts a run has left, for the line that tells of it."""

from __future__ import annotations

from livesync_pipelines.store.database import Connection


def after(connection: Connection, sync_id: str, operation_id: str) -> tuple[int, int]:
    """How many of a sync wait for an answer, and how many that operation settled by policy."""
    found = connection.execute(
        "select count(*) filter (where state = 'open'), count(*) filter (where settled_by ="
        " 'policy' and operation_id = %s) from livesync.conflicts where sync_id = %s",
        (operation_id, sync_id),
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])
