"""Requests that wait long while nothing of their platform begins."""

from __future__ import annotations

from datetime import timedelta

from livesync_pipelines.model.sync import Priority, SyncState, Trigger
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.stalled import LONG, stalled
from livesync_pipelines_tests.engine.house import House, a_sync

LONGER = LONG + timedelta(minutes=1)


def ask(house: House, connection: Connection) -> None:
    """Put the sync `docs` into the queue, by the clock of the house."""
    queue.put(connection, "docs", trigger=Trigger.WEBHOOK, priority=Priority.NORMAL)
    connection.execute("update livesync.queue set queued_at = %s", (house.engine.now(),))


def test_a_request_that_waits_long_is_told_and_one_that_has_just_come_is_not(
    house: House, connection: Connection
) -> None:
    ask(house, connection)
    assert stalled(connection, now=house.engine.now()) == []
    (found,) = stalled(connection, now=house.engine.now() + LONGER)
    assert (found.platform, found.waiting) == ("fake", 1)


def test_while_another_sync_of_the_platform_has_its_turn_nothing_is_stalled(
    house: House, connection: Connection
) -> None:
    house.configure(a_sync("docs"), a_sync("other"))
    ask(house, connection)
    house.run("other")
    later = house.engine.now() + LONGER
    assert stalled(connection, now=later)
    connection.execute("update livesync.operations set started_at = %s", (later,))
    assert stalled(connection, now=later) == []


def test_who_rests_or_waits_for_a_later_time_is_not_stalled(
    house: House, connection: Connection
) -> None:
    ask(house, connection)
    later = house.engine.now() + LONGER
    connection.execute("update livesync.queue set not_before = %s", (later,))
    assert stalled(connection, now=later) == []
    assert stalled(connection, now=later + LONGER)
    catalog.set_state(connection, "docs", SyncState.PAUSED, None)
    assert stalled(connection, now=later + LONGER) == []
