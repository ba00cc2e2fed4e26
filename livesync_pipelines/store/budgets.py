"""Call budgets, shared by all processes: a row per budget, one round trip per call.

Time is the database's, so that machines whose clocks differ agree. What the rows mean and how they
change is said in `migrations/0007_budgets.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from livesync_pipelines.model.spec import Budget, Lane, Scope
from livesync_pipelines.net.pace import PATIENCE_S
from livesync_pipelines.store.database import Connection, Database

FOREVER_S = 86_400.0
"""Nobody is told to wait for longer than this before asking again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose calls are counted: one connection's, under these budgets (at least one)."""

    connection: str
    platform: str
    budgets: tuple[Budget, ...]

    def owner(self, scope: Scope) -> str:
        """As whom the database knows what is counted over this scope."""
        mine = scope is Scope.CONNECTION
        return _of_connection(self.connection) if mine else _of_platform(self.platform)

    @property
    def owners(self) -> list[str]:
        """Those of all budgets; the first has the narrowest."""
        return sorted({self.owner(budget.scope) for budget in self.budgets})


def _of_connection(name: str) -> str:
    return f"connection {name}"


def _of_platform(name: str) -> str:
    return f"platform {name}"


def take(
    connection: Connection, account: Account, host: str, lane: Lane, *, at: datetime | None = None
) -> float:
    """Count one call to a host against every budget of the account, or against none.

    0: it may go out now. Else the seconds after which to ask again, rounded up to milliseconds.
    `at`: the time, where it is not the database's.
    """
    buckets = [
        (
            account.owner(budget.scope),
            host if budget.scope is Scope.HOST else "",
            float(budget.per_s),
            budget.burst,
            budget.spacing_s,
        )
        for budget in account.budgets
    ]
    gates = [(owner, host, 0.0, 0, 1.0) for owner in account.owners]
    values = [list(column) for column in zip(*buckets, *gates, strict=True)]
    found = connection.execute(
        "select livesync.take_call(%s::text[], %s::text[], %s::float8[], %s::int[], %s::float8[],"
        " %s, %s)",
        (*values, lane is Lane.BACKFILL, at),
    ).fetchone()
    assert found is not None
    return float(found[0])


def hold(
    connection: Connection, account: Account, host: str, for_s: float, *, at: datetime | None = None
) -> None:
    """Let nobody who shares the account's narrowest budget call this host for so many seconds."""
    connection.execute(
        "insert into livesync.budgets as b (owner, host, per_s, tokens, seen_at, held_until)"
        " select %s, %s, 0, 0, clock, clock + make_interval(secs => %s)"
        " from coalesce(%s, clock_timestamp()) as clock"
        " on conflict (owner, host, per_s) do update set seen_at = excluded.seen_at,"
        " held_until = greatest(b.held_until + least(excluded.seen_at - b.seen_at, '0'),"
        " excluded.held_until)",
        (account.owners[0], host, for_s, at),
    )


@dataclass(frozen=True, slots=True)
class Held:
    """Until when servers want to be left alone, by who obeys and by host."""

    until: Mapping[tuple[str, str], datetime]

    def of(self, connection: str, platform: str) -> Mapping[str, datetime]:
        """The hosts that a connection does not call now, and until when."""
        owners = _of_connection(connection), _of_platform(platform)
        return {host: until for (owner, host), until in self.until.items() if owner in owners}


def held(connection: Connection) -> Held:
    """Every server's wish that is not over yet."""
    found = connection.execute(
        "select owner, host, held_until from livesync.budgets where held_until > clock_timestamp()"
        " order by held_until"
    ).fetchall()
    return Held({(owner, host): until for owner, host, until in found})


def forget_idle(connection: Connection) -> None:
    """Drop the buckets that nobody has taken from for a day, and that a new one equals."""
    connection.execute(
        "delete from livesync.budgets where seen_at < now() - interval '1 day' - make_interval"
        "(secs => per_s) and (held_until is null or held_until < now())"
    )


class SharedPacer:
    """A `net.pace.Pacer` over these rows, on a connection of its own that opens when it is first
    needed: a grant counts even where the caller's transaction is taken back."""

    def __init__(
        self, database: Database, account: Account, lane: Lane, *, patience_s: float = PATIENCE_S
    ) -> None:
        self.patience_s = patience_s
        self._database = database
        self._account = account
        self._lane = lane
        self._connection: Connection | None = None
        self._lock = Lock()

    def take(self, host: str) -> float:
        """A wait too long to be slept through lasts until half of a burst has come back, for one
        call alone would get nobody far."""
        with self._lock:
            wait_s = take(self._opened(), self._account, host, self._lane)
        if wait_s > PATIENCE_S:
            enough = (b.burst * b.spacing_s / 2 for b in self._account.budgets)
            wait_s = min(max(wait_s, *enough), FOREVER_S)
        return wait_s

    def hold(self, host: str, for_s: float) -> None:
        with self._lock:
            hold(self._opened(), self._account, host, for_s)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _opened(self) -> Connection:
        """Nobody waits until a grant is on the disk, which takes longer than the pause between two
        calls: a server that loses its power forgets those of its last half second."""
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect()
            self._connection.execute("set synchronous_commit = off")
        return self._connection
