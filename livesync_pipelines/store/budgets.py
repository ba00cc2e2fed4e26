"""Call budgets, shared by all processes: a row per budget, one round trip per call.

Time is the database's, so that machines whose clocks differ agree. What the rows mean and how they
change is said in `migrations/0007_budgets.sql`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

from livesync_pipelines.model.spec import Budget, Lane, Scope
from livesync_pipelines.net.pace import PATIENCE_S
from livesync_pipelines.store.database import Connection, Database, rows

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
        if scope is Scope.CONNECTION:
            return f"connection {self.connection}"
        return f"platform {self.platform}"

    @property
    def gate_owner(self) -> str:
        """Who obeys when a host says wait: those that share the narrowest budget."""
        scopes = {budget.scope for budget in self.budgets}
        return self.owner(Scope.CONNECTION if Scope.CONNECTION in scopes else Scope.HOST)


def take(
    connection: Connection, account: Account, host: str, lane: Lane, *, at: datetime | None = None
) -> float:
    """Count one call to a host against every budget of the account, or against none.

    0: it may go out now. Else the seconds after which to ask again, rounded up to milliseconds.
    `at`: the time, where it is not the database's.
    """
    places = [
        (account.owner(budget.scope), host if budget.scope is Scope.HOST else "", budget)
        for budget in account.budgets
    ]
    values = [
        [*(owner for owner, _, _ in places), account.gate_owner],
        [*(place for _, place, _ in places), host],
        [*(float(budget.per_s) for _, _, budget in places), 0.0],
        [*(budget.burst for _, _, budget in places), 0],
        [*(budget.spacing_s for _, _, budget in places), 1.0],
    ]
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
    """Let nobody who shares the account's budget call this host for so many seconds."""
    connection.execute(
        "insert into livesync.budgets as b (owner, host, per_s, tokens, seen_at, held_until)"
        " select %s, %s, 0, 0, clock, clock + make_interval(secs => %s)"
        " from coalesce(%s, clock_timestamp()) as clock"
        " on conflict (owner, host, per_s) do update set seen_at = excluded.seen_at,"
        " held_until = greatest(b.held_until + least(excluded.seen_at - b.seen_at, '0'),"
        " excluded.held_until)",
        (account.gate_owner, host, for_s, at),
    )


def standing(connection: Connection) -> list[dict[str, Any]]:
    """Every budget that was ever used: `owner`, `host` (empty: all), `per_s` (0: none, only a
    server's wish), `taken` calls in all, and `held_until`, where that is still to come."""
    return rows(
        connection,
        "select owner, host, per_s, taken,"
        " case when held_until > clock_timestamp() then held_until end as held_until"
        " from livesync.budgets order by owner, host, per_s",
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
        if self._connection is None or self._connection.closed:
            self._connection = self._database.connect()
        return self._connection
