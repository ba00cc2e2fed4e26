"""Removals that a person has allowed: of these very items, once."""

from __future__ import annotations

from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.unsettled import GONE


def give(connection: Connection, sync_id: str) -> int:
    """Allow the removals that a sync waits for now; returns how many. 0 when it waits for none.

    The next look at the source leads to a run, whatever the source says.
    """
    with connection.transaction():
        use_up(connection, sync_id)
        connection.execute("update livesync.syncs set mark = null where sync_id = %s", (sync_id,))
        return connection.execute(
            "insert into livesync.approvals (sync_id, key) select sync_id, key"
            " from livesync.unsettled where sync_id = %s and kind = 'absent' and reason <> %s",
            (sync_id, GONE),
        ).rowcount


def count(connection: Connection, sync_id: str) -> int:
    """How many items a person has allowed to be removed."""
    found = connection.execute(
        "select count(*) from livesync.approvals where sync_id = %s", (sync_id,)
    ).fetchone()
    return found[0] if found else 0


SETTLED = (
    "(status in ('success', 'waiting_for_approval')"
    " or (status = 'partial' and (counts ->> 'removed')::integer > 0))"
)
"""Operations that settled what was absent."""


def waited(connection: Connection, sync_id: str) -> bool:
    """Whether the sync was waiting for a person when what was absent was last settled."""
    found = connection.execute(
        "select status = 'waiting_for_approval' from livesync.operations where sync_id = %s"
        f" and {SETTLED} order by started_at desc limit 1".encode(),
        (sync_id,),
    ).fetchone()
    return found == (True,)


def cover_all(connection: Connection, sync_id: str) -> bool:
    """Whether every item that is absent now was among those that a person saw and allowed."""
    found = connection.execute(
        "select not exists (select from livesync.unsettled u where u.sync_id = %s"
        " and u.kind = 'absent' and u.reason <> %s and not exists (select from livesync.approvals a"
        " where a.sync_id = u.sync_id and a.key = u.key))",
        (sync_id, GONE),
    ).fetchone()
    return found == (True,)


def use_up(connection: Connection, sync_id: str) -> None:
    """What was allowed has been done, or something else was found."""
    connection.execute("delete from livesync.approvals where sync_id = %s", (sync_id,))
