"""The share of changes that nobody told of, and what follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.model.sync import Desired, Trigger, Webhook
from livesync_pipelines.store import announced, catalog, webhooks
from livesync_pipelines.store.announced import Share
from livesync_pipelines.store.webhooks import Event
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, prose


@pytest.fixture
def called(house: House) -> House:
    """Its sync looks once a day, and somebody may call for it."""
    house.configure(a_sync(schedule="daily"))
    with house.engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "fake")
        source = replace(source, webhook=Webhook(scheme="standard", secret="${KEY}"))
        catalog.apply(connection, Desired(connections=(source,)))
    house.run()
    return house


def change(house: House, number: int, *, told: bool, trigger: Trigger = Trigger.POLL) -> None:
    house.source.put("a", prose(f"text {number}", sections=1))
    if told:
        event = Event(
            connection="fake",
            delivery_id=f"msg_{number}",
            received_at=house.engine.now(),
            scheme="standard",
            digest=b"",
        )
        with house.engine.database.pooled() as connection:
            webhooks.note(connection, [event])
    house.run(trigger=trigger)


def share(house: House) -> Share:
    """Of the house's connection, which is as it is among all; of another there is none."""
    now = house.engine.now()
    with house.engine.database.pooled() as connection:
        found = announced.shares(connection, now=now)
        assert announced.shares(connection, now=now, of="fake") == found
        assert announced.shares(connection, now=now, of="another") == {}
    return found.get("fake", Share())


def test_a_change_that_polling_found_first_was_told_if_somebody_called_meanwhile(
    called: House,
) -> None:
    assert share(called) == Share()
    assert share(called).missed_share is None
    change(called, 1, told=True, trigger=Trigger.WEBHOOK)
    change(called, 2, told=True, trigger=Trigger.POLL)
    change(called, 3, told=False, trigger=Trigger.POLL)
    called.run(trigger=Trigger.POLL)  # nothing has changed
    change(called, 4, told=False, trigger=Trigger.PERSON)  # who did not wait for either
    assert share(called) == Share(told=2, missed=1)
    clock = called.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(days=4)
    assert share(called) == Share()


def test_of_a_realtime_sync_which_looks_before_anybody_calls_it_says_nothing(
    called: House,
) -> None:
    called.configure(a_sync(schedule="realtime"))
    for number in range(3):
        change(called, number, told=False, trigger=Trigger.WATCH)
        change(called, number + 3, told=False, trigger=Trigger.POLL)
    assert share(called) == Share()


def due(house: House) -> datetime:
    found: datetime = house.sync_row()["next_due_at"]
    return found


def far_off(house: House) -> datetime:
    """The next look is in half a day."""
    at = house.engine.now() + timedelta(hours=12)
    house.execute("update livesync.syncs set next_due_at = %s", at)
    return due(house)


def test_where_too_much_comes_untold_polling_tightens_by_itself(called: House) -> None:
    for number in range(3):
        change(called, number, told=False)
    far_off(called)
    sweep(called.engine, realtime=False)
    left = due(called) - called.engine.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=16)
    again = due(called)
    sweep(called.engine, realtime=False)
    assert due(called) == again


@pytest.mark.parametrize("schedule", ["daily", "0 6 * * *"])
def test_where_calls_come_or_a_person_named_the_hours_it_does_not(
    called: House, schedule: str
) -> None:
    called.execute(
        "update livesync.syncs set config = jsonb_set(config, '{schedule}', to_jsonb(%s::text))",
        schedule,
    )
    for number in range(20):
        change(called, number, told=schedule == "daily" and number > 2)
    expected = far_off(called)
    sweep(called.engine, realtime=False)
    assert due(called) == expected
