"""Signs of life of processes: a lock for as long as one of them lives, however it ends."""

from __future__ import annotations

from secrets import randbelow

from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.locks import AdvisoryLock

_HELD = (
    "from pg_locks where locktype = 'advisory' and classid = %s and objsubid = 2"
    " and database = (select oid from pg_database where datname = current_database())"
)


def hold(connection: Connection) -> int:
    """A number that is held for as long as this connection lives: one place for a run."""
    number = randbelow(2**31)
    connection.execute("select pg_advisory_lock(%s, %s)", (AdvisoryLock.PLACE, number))
    return number


def is_held(connection: Connection, number: int) -> bool:
    """Whether the process that holds this number lives."""
    found = connection.execute(
        f"select exists (select {_HELD} and objid = %s)", (AdvisoryLock.PLACE, number)
    )
    return found.fetchone() == (True,)


def places(connection: Connection) -> int:
    """How many runs living processes can carry out at once, on all machines together."""
    found = connection.execute(f"select count(*) {_HELD}", (AdvisoryLock.PLACE,)).fetchone()
    assert found is not None
    return int(found[0])


def hold_run(connection: Connection, run_id: str) -> bool:
    """Take this run for as long as this connection lives; False where somebody has it."""
    found = connection.execute(
        "select pg_try_advisory_lock(%s, hashtext(%s))", (AdvisoryLock.RUN, run_id)
    )
    return found.fetchone() == (True,)


def is_run_held(connection: Connection, run_id: str) -> bool:
    """Whether a living process is carrying out this run."""
    found = connection.execute(
        f"select exists (select {_HELD} and objid::int = hashtext(%s))", (AdvisoryLock.RUN, run_id)
    )
    return found.fetchone() == (True,)
