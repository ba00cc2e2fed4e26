"""A run whose database goes away in the middle of it goes on when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from livesync_pipelines.model.spec import STAGES
from livesync_pipelines.store import operations
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines_tests.engine.house import wait_until_free

from .conftest import SYNC, House
from .test_corridor import run

CUTS = """
create sequence livesync.cuts;
create function livesync.cut() returns trigger language plpgsql as $$ begin
    if nextval('livesync.cuts') <= {times} then
        perform pg_terminate_backend(pid) from pg_locks
          where locktype = 'advisory' and classid = {lock} and pid <> pg_backend_pid()
            and database = (select oid from pg_database where datname = current_database());
        perform pg_terminate_backend(pg_backend_pid());
    end if;
    return new; end $$;
create trigger cut before insert on livesync.{table} for each row execute function livesync.cut();
"""
"""The server ends the sessions of an operation that writes there, so many times."""


Cut = Callable[..., None]


@pytest.fixture
def cut(house: House) -> Iterator[Cut]:
    def cut(table: str, *, times: int) -> None:
        cuts = CUTS.format(times=times, lock=int(AdvisoryLock.SYNC), table=table)
        with house.engine.database.connect() as connection:
            connection.execute(cuts.encode())

    yield cut
    with house.engine.database.connect() as connection:
        connection.execute("drop function livesync.cut cascade")
        connection.execute("drop sequence livesync.cuts")


def statuses(house: House) -> list[str]:
    """Of the operations, the first one first."""
    with house.engine.database.connect() as connection:
        return [row["status"] for row in reversed(operations.history(connection, SYNC))]


@pytest.mark.parametrize("table", ["operations", "ledger", "outbox"])
def test_a_run_goes_on_once_the_database_is_back(house: House, cut: Cut, table: str) -> None:
    cut(table, times=1)
    assert run(house).success
    assert statuses(house)[-1] == "success"
    assert set(statuses(house)[:-1]) <= {"interrupted"}


def test_so_does_a_replay_of_late_stages(house: House, cut: Cut) -> None:
    assert run(house).success
    cut("operations", times=1)
    assert run(house, STAGES[2:]).success


def test_a_sync_that_brings_the_database_down_is_given_up(house: House, cut: Cut) -> None:
    cut("ledger", times=100)
    result = run(house)
    assert not result.success
    wait_until_free(house.engine)
    assert statuses(house) == ["interrupted"] * 3
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert "does not answer" in str(failure.step_failure_data.error)
