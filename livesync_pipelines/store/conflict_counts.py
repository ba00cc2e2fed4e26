"""How many conflicts there are, and whose time is over, for those who do not show them."""

from __future__ import annotations

from datetime import datetime

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


def counts(connection: Connection, sync_id: str, *, now: datetime) -> tuple[int, int]:
    """How many are open, and of how many of these the deadline has passed."""
    found = connection.execute(
        "select count(*), count(*) filter (where deadline <= %s) from livesync.conflicts"
        " where sync_id = %s and state <> 'settled'",
        (now, sync_id),
    ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def overdue(connection: Connection, *, now: datetime) -> list[str]:
    """The syncs with a question whose deadline has passed since they began to run last, and that
    nobody has asked to run."""
    found = connection.execute(
        "select distinct sync_id from livesync.conflicts c join livesync.syncs s using (sync_id)"
        " where s.state = 'active' and c.state = 'open' and c.policy <> 'loop' and c.deadline <= %s"
        " and not exists (select from livesync.queue q where q.sync_id = c.sync_id)"
        " and not exists (select from livesync.operations o"
        " where o.sync_id = c.sync_id and o.started_at > c.deadline) order by sync_id",
        (now,),
    )
    return [sync_id for (sync_id,) in found]
