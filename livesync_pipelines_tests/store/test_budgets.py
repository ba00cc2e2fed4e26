"""Budgets hold in every window, whoever calls; live calls come first; a server's "wait" counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import count
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livesync_pipelines.model.spec import Budget, Lane, Scope
from livesync_pipelines.net.pace import PATIENCE_S
from livesync_pipelines.store.budgets import Account, SharedPacer, hold, take
from livesync_pipelines.store.database import Connection, Database
from livesync_pipelines_tests.store.grants import most_in_a_window

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIVE = Budget(5, 1.0)
HUNDRED = Budget(100, 60.0)
LIVE, BACKFILL = Lane.LIVE, Lane.BACKFILL


@dataclass
class Bench:
    """Takes at times that a test decides; `s` is seconds since it began."""

    connection: Connection
    s: float = 0.0

    @property
    def at(self) -> datetime:
        return START + timedelta(seconds=self.s)

    def take(self, account: Account, host: str = "a.example", lane: Lane = LIVE) -> float:
        return take(self.connection, account, host, lane, at=self.at)

    def hold(self, account: Account, for_s: float, host: str = "a.example") -> None:
        hold(self.connection, account, host, for_s, at=self.at)

    def greedy(self, account: Account, *, until_s: float, lane: Lane = LIVE) -> list[float]:
        """The times at which one who never rests is let through."""
        granted = []
        while self.s < until_s:
            wait_s = self.take(account, lane=lane)
            if not wait_s:
                granted.append(self.s)
            self.s += wait_s
        return granted

    def drain(self, account: Account, host: str = "a.example", lane: Lane = LIVE) -> int:
        """How many calls are let through at once."""
        return next(n for n in count() if self.take(account, host, lane))


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with Database(database_url).connect() as connection:
        yield connection


@pytest.fixture
def bench(connection: Connection) -> Bench:
    return Bench(connection)


def account(*of: Budget, connection: str = "docs") -> Account:
    return Account(connection=connection, platform="website", budgets=of)


@pytest.mark.parametrize("budget", [Budget(1, 1.0), Budget(3, 1.0), FIVE, HUNDRED])
def test_no_window_holds_more_calls_than_declared_and_a_long_one_holds_most_of_them(
    bench: Bench, budget: Budget
) -> None:
    granted = bench.greedy(account(budget), until_s=5 * budget.per_s)
    assert most_in_a_window(granted, budget.per_s) <= budget.calls
    assert len(granted) >= 0.85 * 5 * budget.calls


def test_of_several_budgets_all_hold(bench: Bench) -> None:
    granted = bench.greedy(account(Budget(3, 1.0), Budget(100, 60.0)), until_s=150)
    assert most_in_a_window(granted, 1.0) == 3
    assert 85 <= most_in_a_window(granted, 60.0) <= 100


def test_a_call_that_one_budget_refuses_is_counted_by_none(bench: Bench) -> None:
    both = account(Budget(1, 1.0), HUNDRED)
    bench.drain(both)
    for _ in range(50):
        bench.take(both)
    assert bench.drain(account(HUNDRED)) == HUNDRED.burst - 1


def test_the_wait_that_is_told_is_as_long_as_needed_and_no_longer(bench: Bench) -> None:
    bench.drain(account(FIVE))
    wait_s = bench.take(account(FIVE))
    bench.s += wait_s - 0.002
    assert bench.take(account(FIVE)) > 0
    bench.s += 0.002
    assert bench.take(account(FIVE)) == 0


def test_what_lay_idle_for_long_has_one_burst_and_no_more(bench: Bench) -> None:
    bench.drain(account(HUNDRED))
    bench.s += 1_000_000
    assert bench.drain(account(HUNDRED)) == HUNDRED.burst


def test_connections_do_not_use_up_each_others_budget(bench: Bench) -> None:
    bench.drain(account(FIVE))
    assert bench.take(account(FIVE, connection="other")) == 0


def test_a_budget_per_host_counts_all_connections_to_it_and_no_other_host(bench: Bench) -> None:
    per_host = Budget(5, 1.0, Scope.HOST)
    bench.drain(account(per_host))
    assert bench.take(account(per_host, connection="other")) > 0
    assert bench.take(account(per_host), host="b.example") == 0


def test_a_budget_per_platform_counts_everything(bench: Bench) -> None:
    of_all = Budget(5, 1.0, Scope.PLATFORM)
    bench.drain(account(of_all))
    assert bench.take(account(of_all, connection="other"), host="b.example") > 0


def test_a_clock_that_goes_back_gives_nothing_away_and_does_not_stall(bench: Bench) -> None:
    mine = account(FIVE)
    bench.drain(mine)
    bench.s -= 3_600
    assert bench.take(mine) > 0
    before = bench.s
    granted = bench.greedy(mine, until_s=before + 10)
    assert granted[0] - before <= FIVE.spacing_s + 0.001
    assert most_in_a_window(granted, 1.0) <= 5


def test_a_held_host_is_left_alone_by_all_who_share_the_budget(bench: Bench) -> None:
    bench.hold(account(FIVE), 30)
    assert bench.take(account(FIVE)) == 30
    assert bench.take(account(FIVE), lane=BACKFILL) == 30
    assert bench.take(account(FIVE), host="b.example") == 0
    assert bench.take(account(FIVE, connection="other")) == 0
    bench.s += 30
    assert bench.take(account(FIVE)) == 0


def test_a_host_with_a_budget_of_its_own_is_held_for_every_connection(bench: Bench) -> None:
    per_host = Budget(5, 1.0, Scope.HOST)
    bench.hold(account(per_host), 30)
    assert bench.take(account(per_host, connection="other")) == 30
    assert bench.take(account(per_host, FIVE, connection="third")) == 30


def test_of_two_holds_the_longer_one_counts(bench: Bench) -> None:
    bench.hold(account(FIVE), 30)
    bench.hold(account(FIVE), 10)
    assert bench.take(account(FIVE)) == 30


def test_a_hold_lasts_no_longer_when_the_clock_goes_back(bench: Bench) -> None:
    bench.hold(account(FIVE), 30)
    bench.s -= 3_600
    assert bench.take(account(FIVE)) == 30


def test_a_refused_call_does_not_use_up_what_a_held_host_will_have(bench: Bench) -> None:
    bench.hold(account(HUNDRED), 30)
    for _ in range(50):
        bench.take(account(HUNDRED))
    bench.s += 30
    assert bench.drain(account(HUNDRED)) == HUNDRED.burst


def test_a_backfill_leaves_a_fifth_of_a_burst_where_no_live_call_came_of_late(
    bench: Bench,
) -> None:
    assert bench.drain(account(HUNDRED), lane=BACKFILL) == 8
    assert bench.drain(account(HUNDRED)) == 2


def test_a_backfill_leaves_more_the_more_live_calls_came_of_late(bench: Bench) -> None:
    for _ in range(60):
        bench.take(account(HUNDRED))
        bench.s += 1
    bench.s += 10
    assert bench.drain(account(HUNDRED), lane=BACKFILL) <= 6
    bench.s += 3_600
    assert bench.drain(account(HUNDRED), lane=BACKFILL) == 8


def test_while_a_live_call_waits_no_backfill_is_let_through(bench: Bench) -> None:
    mine = account(FIVE)
    bench.drain(mine)
    wait_s = bench.take(mine)
    bench.s += wait_s + 0.5
    assert bench.take(mine, lane=BACKFILL) > 0
    assert bench.take(mine) == 0


def test_a_live_call_that_never_came_back_does_not_shut_backfills_out(bench: Bench) -> None:
    mine = account(FIVE)
    bench.drain(mine)
    bench.take(mine)
    assert len(bench.greedy(mine, until_s=bench.s + 10, lane=BACKFILL)) >= 40


@pytest.mark.parametrize("budget", [Budget(1, 1.0), Budget(3, 1.0), Budget(25, 5.0), HUNDRED])
def test_live_never_waits_behind_a_backfill_by_more_than_one_call(
    bench: Bench, budget: Budget
) -> None:
    """A backfill that never rests, and a live call every ten seconds."""
    mine, waits = account(budget), []
    for _ in range(12):
        bench.greedy(mine, until_s=bench.s + 10, lane=BACKFILL)
        came_s = bench.s
        while wait_s := bench.take(mine):
            bench.s += wait_s
            assert bench.take(mine, lane=BACKFILL) > 0, "the backfill asks first"
        waits.append(bench.s - came_s)
    assert max(waits) <= budget.spacing_s + 0.001


def test_a_backfill_gets_the_rest_and_live_as_much_as_if_it_were_alone(bench: Bench) -> None:
    """Live wants 1 call a second, of 5. Both ask whenever they may."""
    mine, live, rest, backfill_at = account(FIVE), [], [], 0.0
    for second in range(60):
        due = float(second)
        while bench.s < second + 1:
            if bench.s >= due:
                wait_s = bench.take(mine)
                live += [bench.s] if not wait_s else []
                due = second + 1.0 if not wait_s else bench.s + wait_s
            if bench.s >= backfill_at:
                wait_s = bench.take(mine, lane=BACKFILL)
                rest += [bench.s] if not wait_s else []
                backfill_at = bench.s + wait_s
            bench.s = min(due, max(backfill_at, bench.s + 0.001))
    assert len(live) == 60
    assert len(rest) >= 60, "and the backfill gets on"
    assert most_in_a_window(live + rest, 1.0) <= 5


@dataclass
class Plain:
    """A bucket in exact numbers; its clock is what passed, without the steps back."""

    budget: Budget
    tokens: Fraction = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = Fraction(self.budget.burst)

    def passes(self, micros: int) -> None:
        rate = Fraction(self.budget.calls + 1 - self.budget.burst) / Fraction(self.budget.per_s)
        self.tokens = min(
            Fraction(self.budget.burst), self.tokens + rate * max(micros, 0) / 1_000_000
        )


BUDGETS = st.builds(
    Budget, st.integers(1, 200), st.sampled_from([0.5, 1.0, 7.0, 60.0, 3_600.0, 86_400.0])
)
STEPS = st.lists(
    st.tuples(
        st.integers(-5_000_000, 20_000_000) | st.sampled_from([-(10**12), 10**12, 0, 1]),
        st.integers(1, 30),
        st.sampled_from([LIVE, BACKFILL]),
    ),
    max_size=30,
)


@given(budget=BUDGETS, steps=STEPS)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_time_does_a_bucket_gives_what_a_plain_one_would(
    connection: Connection, budget: Budget, steps: list[tuple[int, int, Lane]]
) -> None:
    """Live is let through when, and only when, a call is left; a backfill only then."""
    mine, plain = account(budget, connection=str(uuid4())), Plain(budget)
    at, passed, granted = START, 0, list[float]()
    for step, calls, lane in steps:
        at += timedelta(microseconds=step)
        passed += max(step, 0)
        plain.passes(step)
        for _ in range(calls):
            wait_s = take(connection, mine, "a.example", lane, at=at)
            near = abs(plain.tokens - 1) < Fraction(1, 10**6)
            if lane is LIVE and not near:
                assert (wait_s == 0) == (plain.tokens >= 1)
            if wait_s == 0:
                assert plain.tokens >= 1 or near
                plain.tokens -= 1
                granted.append(passed / 1e6)
    assert most_in_a_window(granted, budget.per_s) <= budget.calls


def test_who_must_wait_for_long_waits_until_there_is_enough_to_get_on_with(
    database_url: str,
) -> None:
    """For one call of a small daily budget alone nobody sets out."""
    daily = account(Budget(1_000, 86_400.0))
    database = Database(database_url)
    pacer = SharedPacer(database, daily, LIVE)
    assert [pacer.take("a.example") for _ in range(100)] == [0.0] * 100
    half_s = 50 * daily.budgets[0].spacing_s
    assert half_s > PATIENCE_S
    assert pacer.take("a.example") == half_s
    pacer.close()
