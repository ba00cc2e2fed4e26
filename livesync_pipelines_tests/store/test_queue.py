"""One line per sync, however many hints there were, until an operation begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from livesync_pipelines.model.sync import Priority, SyncState, Trigger
from livesync_pipelines.store import catalog, queue, sweeps
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, a_sync

HINT = {"trigger": Trigger.WEBHOOK, "priority": Priority.NORMAL}


def put(connection: Connection, sync_id: str = "docs", **more: object) -> None:
    queue.put(connection, sync_id, **{**HINT, **more})  # type: ignore[arg-type]  # by name


def now(house: House) -> datetime:
    return house.engine.now()


def test_many_hints_are_one_request(house: House, connection: Connection) -> None:
    for _ in range(5):
        put(connection)
    (request,) = queue.take(connection, now=now(house))
    assert (request.sync_id, request.platform, request.full) == ("docs", "fake", False)
    assert request.trigger is Trigger.WEBHOOK
    assert house.rows("select hints from livesync.queue") == [{"hints": 5}]
    assert queue.depth(connection)[0] == 1


def test_the_most_that_was_asked_for_counts(house: House, connection: Connection) -> None:
    """Once full is full, and once critical is critical."""
    put(connection, priority=Priority.LOW)
    put(connection, full=True, priority=Priority.CRITICAL)
    put(connection)
    (request,) = queue.take(connection, now=now(house))
    assert request.full
    assert house.rows("select priority from livesync.queue") == [{"priority": 0}]


def test_the_most_urgent_come_first_and_of_these_the_oldest(
    house: House, connection: Connection
) -> None:
    ranks = [Priority.LOW, Priority.NORMAL, Priority.CRITICAL]
    names = [f"sync{number:02}" for number in range(30)]
    house.configure(*(a_sync(name) for name in names))
    for number, name in enumerate(names):
        put(connection, name, priority=ranks[number % 3])
    taken = [request.sync_id for request in queue.take(connection, now=now(house))]
    assert taken == [*names[2::3], *names[1::3], *names[0::3]]


def test_a_limit_takes_the_first_and_leaves_the_rest(house: House, connection: Connection) -> None:
    house.configure(a_sync("one"), a_sync("two"), a_sync("three"))
    for name in ("one", "two", "three"):
        put(connection, name)
    first = queue.take(connection, now=now(house), limit=2)
    second = queue.take(connection, now=now(house), limit=2)
    assert [r.sync_id for r in first] == ["one", "two"]
    assert [r.sync_id for r in second] == ["three"]


def test_a_request_is_handed_out_once_and_again_when_it_was_lost(
    house: House, connection: Connection
) -> None:
    put(connection)
    (first,) = queue.take(connection, now=now(house))
    assert queue.take(connection, now=now(house) + timedelta(days=1)) == []
    queue.ask_again(connection, "docs")
    (second,) = queue.take(connection, now=now(house))
    assert first.key != second.key


def test_the_more_often_a_request_is_lost_the_later_it_is_made_again(
    house: House, connection: Connection
) -> None:
    put(connection)
    waits = []
    for _ in range(8):
        at = now(house)
        queue.take(connection, now=at)
        waits.append(
            next(
                seconds
                for seconds in range(15, 2_000, 15)
                if queue.unanswered(connection, now=at + timedelta(seconds=seconds, microseconds=1))
            )
        )
        queue.ask_again(connection, "docs")
    assert waits == [15, 30, 60, 120, 240, 480, 960, 960]


def test_waiting_makes_urgent(house: House, connection: Connection) -> None:
    house.configure(a_sync("low"), a_sync("normal"), a_sync("critical"))
    put(connection, "low", priority=Priority.LOW)
    put(connection, "normal")
    put(connection, "critical", priority=Priority.CRITICAL)
    connection.execute(
        "update livesync.queue set queued_at = queued_at - %s where sync_id = 'low'",
        (queue.AGES_IN * 1.5,),
    )
    taken = [request.sync_id for request in queue.take(connection, now=now(house))]
    assert taken == ["critical", "low", "normal"]


def test_what_may_take_long_comes_after_what_is_quick_if_it_is_not_critical(
    house: House, connection: Connection
) -> None:
    live = replace(a_sync("live"), schedule="realtime")
    house.configure(*map(a_sync, ("quick", "low", "slow", "critical", "new")), live)
    for name, takes_long in (("quick", False), ("low", False), ("slow", True), ("critical", True)):
        connection.execute(
            "update livesync.syncs set takes_long = %s where sync_id = %s", (takes_long, name)
        )
    put(connection, "critical", priority=Priority.CRITICAL)
    put(connection, "low", priority=Priority.LOW)
    for name in ("quick", "slow", "new", "live"):
        put(connection, name)
    first = queue.take(connection, now=now(house), down_to=queue.LONG - 1)
    known = [(r.sync_id, r.takes_long) for r in first]
    assert known == [("critical", True), ("quick", False), ("live", False), ("low", False)]
    connection.execute("update livesync.queue set queued_at = %s", (now(house) - queue.AGES_IN,))
    aged = queue.take(connection, now=now(house), down_to=queue.LONG - 1)
    assert [(r.sync_id, r.takes_long) for r in aged] == [("new", None), ("slow", True)]


def test_one_at_a_time_watches(house: House, connection: Connection) -> None:
    with house.engine.database.connect() as other:
        assert queue.watch(other)
        assert not queue.watch(connection)
        other.execute("select pg_advisory_unlock_all()")
        assert queue.watch(connection)


def test_the_line_goes_when_the_operation_begins(house: House, connection: Connection) -> None:
    put(connection)
    queue.take(connection, now=now(house))
    house.run()
    assert queue.depth(connection) == (0, None)
    put(connection)
    (again,) = queue.take(connection, now=now(house))
    assert again.sync_id == "docs"


def test_a_hint_during_a_run_is_kept_for_the_next_one(house: House, connection: Connection) -> None:
    house.source.put("a", "Words.")

    def hinted() -> None:
        put(connection)
        assert queue.take(connection, now=now(house)) == []
        assert sweeps.due(connection, now=now(house)) == []

    house.source.at_page[0] = hinted
    with house.engine.database.connect() as other:
        queue.listen(other)
        house.run()
        told = list(other.notifies(timeout=0.1))
    assert len(told) == 2, "one when it is asked for, one when it is free"
    assert [r.sync_id for r in queue.take(connection, now=now(house))] == ["docs"]


def test_a_paused_sync_waits_in_the_queue(house: House, connection: Connection) -> None:
    put(connection)
    catalog.set_state(connection, "docs", SyncState.PAUSED, None)
    assert queue.take(connection, now=now(house)) == []
    catalog.set_state(connection, "docs", SyncState.ACTIVE, None)
    assert len(queue.take(connection, now=now(house))) == 1


def test_two_that_take_at_once_do_not_take_the_same(house: House, connection: Connection) -> None:
    put(connection)
    with connection.transaction(), house.engine.database.connect() as other:
        assert len(queue.take(connection, now=now(house))) == 1
        assert queue.take(other, now=now(house)) == []


def test_a_hint_wakes_whoever_waits(house: House, connection: Connection) -> None:
    assert not queue.wait(connection, timeout_s=0.01)
    with house.engine.database.connect() as other:
        put(other)
    assert queue.wait(connection, timeout_s=5)


def test_other_platforms_are_left_alone(house: House, connection: Connection) -> None:
    put(connection)
    assert queue.take(connection, now=now(house), platform="s3") == []
    assert len(queue.take(connection, now=now(house), platform="fake")) == 1


@pytest.mark.parametrize(
    ("schedule", "is_due"), [("manual", False), ("realtime", True), ("daily", True)]
)
def test_a_sync_that_never_ran_is_due_unless_a_person_runs_it(
    house: House, connection: Connection, schedule: str, is_due: bool
) -> None:
    house.configure(a_sync(schedule=schedule))
    due = [sync_id for sync_id, _, _ in sweeps.due(connection, now=now(house))]
    assert due == ["docs"] * is_due


def test_after_a_run_a_sync_is_due_at_its_next_time(house: House, connection: Connection) -> None:
    house.configure(a_sync(schedule="hourly"))
    house.run()
    assert sweeps.due(connection, now=now(house)) == []
    due = sweeps.due(connection, now=now(house) + timedelta(hours=2))
    assert due == [("docs", "hourly", None)]


def test_what_is_paused_or_queued_is_not_due(house: House, connection: Connection) -> None:
    house.configure(a_sync(schedule="hourly"))
    put(connection)
    assert sweeps.due(connection, now=now(house)) == []
    connection.execute("delete from livesync.queue")
    assert len(sweeps.due(connection, now=now(house))) == 1
    catalog.set_state(connection, "docs", SyncState.PAUSED, None)
    assert sweeps.due(connection, now=now(house)) == []


def test_realtime_and_what_is_new_are_asked_for_apart_from_the_rest(
    house: House, connection: Connection
) -> None:
    house.configure(a_sync("live", schedule="realtime"), a_sync("slow", schedule="daily"))

    def due(realtime: bool | None) -> list[str]:
        return sorted(s for s, _, _ in sweeps.due(connection, now=now(house), realtime=realtime))

    assert (due(True), due(False), due(None)) == (["live", "slow"], ["slow"], ["live", "slow"])
    connection.execute("update livesync.syncs set next_due_at = %s", (now(house),))
    assert (due(True), due(False), due(None)) == (["live"], ["slow"], ["live", "slow"])


def test_while_one_has_the_house_to_itself_nobody_sweeps(
    house: House, connection: Connection
) -> None:
    with house.engine.database.connect() as other:
        with sweeps.alone(other), sweeps.sweeping(connection) as mine:
            assert not mine
        with sweeps.sweeping(other) as theirs, sweeps.sweeping(connection) as mine:
            assert (theirs, mine) == (True, True)
