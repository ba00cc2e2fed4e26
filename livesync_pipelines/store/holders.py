"""Signs of life of processes: a lock for as long as one of them lives, however it ends."""

from __future__ import annotations

from secrets import randbelow

from livesync_pipelines.store.database import Connection

_CLASS = 7_340_004


def hold(connection: Connection) -> int:
    """A number that is held for as long as this connection lives."""
    number = randbelow(2**31)
    connection.execute("select pg_advisory_lock(%s, %s)", (_CLASS, number))
    return number


def is_held(connection: Connection, number: int) -> bool:
    """Whether the process that holds this number lives."""
    found = connection.execute(
        "select exists (select from pg_locks where locktype = 'advisory' and classid = %s"
        " and objid = %s and objsubid = 2"
        " and database = (select oid from pg_database where datname = current_database()))",
        (_CLASS, number),
    ).fetchone()
    return found == (True,)
