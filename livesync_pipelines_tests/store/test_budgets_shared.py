"""Real processes, one budget, the database's clock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from livesync_pipelines.model.spec import Budget, Lane
from livesync_pipelines.store.budgets import Account, hold, take
from livesync_pipelines.store.database import Database
from livesync_pipelines_tests.store.grants import Grants, most_in_a_window, watched

BUDGET = Budget(40, 1.0)
ACCOUNT = Account(connection="docs", platform="website", budgets=(BUDGET,))

Taker = subprocess.Popen[str]
Start = Callable[..., Taker]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture
def grants(database: Database) -> Iterator[Grants]:
    with watched(database) as grants:
        yield grants


@pytest.fixture
def start(database_url: str) -> Iterator[Start]:
    """Starts takers; each is ready when its first line is read, and gone when the test ends."""
    with ExitStack() as running:

        def one(calls: int, lane: Lane = Lane.LIVE) -> Taker:
            words = (lane, calls, BUDGET.calls, BUDGET.per_s)
            module = "livesync_pipelines_tests.store.taker"
            taker = subprocess.Popen(
                [sys.executable, "-m", module, database_url, *map(str, words)],
                stdout=subprocess.PIPE,
                text=True,
            )
            running.enter_context(taker)
            running.callback(taker.kill)
            return taker

        yield one


def line(taker: Taker) -> str:
    assert taker.stdout is not None
    return taker.stdout.readline().strip()


def test_processes_that_call_at_once_stay_within_the_budget_together(
    start: Start, grants: Grants
) -> None:
    takers = [start(30) for _ in range(4)]
    assert [line(taker) for taker in takers] == ["ready"] * 4
    assert [line(taker) for taker in takers] == ["done"] * 4
    times = grants.times()
    assert len(times) == 120
    assert most_in_a_window(times, BUDGET.per_s) <= BUDGET.calls


def test_a_process_that_is_killed_and_started_again_gets_nothing_extra(
    start: Start, grants: Grants
) -> None:
    for _ in range(3):
        first = start(10_000)
        while line(first) != "ready":
            pass
        begun = len(grants.times())
        while len(grants.times()) < begun + 15:
            pass
        first.kill()
        first.wait()
    last = start(20)
    assert (line(last), line(last)) == ("ready", "done")
    times = grants.times()
    assert len(times) >= 65
    assert most_in_a_window(times, BUDGET.per_s) <= BUDGET.calls


def test_a_live_process_comes_to_its_end_beside_a_backfill_that_never_rests(
    start: Start, grants: Grants
) -> None:
    fill = start(10_000, Lane.BACKFILL)
    assert line(fill) == "ready"
    live = start(60)
    assert (line(live), line(live)) == ("ready", "done")
    fill.kill()
    fill.wait()
    times = grants.times()
    assert most_in_a_window(times, BUDGET.per_s) <= BUDGET.calls
    assert len(grants.times("live")) == 60


def test_a_hold_is_obeyed_by_another_process_and_by_one_that_starts_later(
    start: Start, database: Database
) -> None:
    with database.connect() as connection:
        hold(connection, ACCOUNT, "a.example", 600)
        for _ in range(2):
            taker = start(1)
            assert line(taker) == "ready"
            assert 500 < int(line(taker)) <= 600
        assert take(connection, ACCOUNT, "a.example", Lane.LIVE) > 0
