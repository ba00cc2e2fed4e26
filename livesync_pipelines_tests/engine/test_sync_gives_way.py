"""A backlog lets a critical sync pass, between two of its pages, and then goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store import queue
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, assert_in_step, prose


@pytest.fixture
def busy(house: House) -> House:
    """Six items in three pages, and a critical sync that has waited for a run's place since the
    second page."""
    critical = a_sync("urgent", priority=Priority.CRITICAL, schedule="hourly")
    house.configure(a_sync(schedule="hourly"), critical)
    for key in "abcdef":
        house.source.put(key, prose(key, sections=1))
    house.source.at_page[1] = lambda: ask_for(house, "urgent", Priority.CRITICAL)
    return house


def ask_for(house: House, sync_id: str, priority: Priority) -> None:
    clock = house.engine.now
    assert isinstance(clock, Clock)
    with house.engine.database.pooled() as connection:
        queue.put(connection, sync_id, trigger=Trigger.POLL, priority=priority)
        queue.take(connection, now=clock.now)
    clock.now += timedelta(minutes=1)


def test_a_first_sync_gives_way_and_goes_on_where_it_was(busy: House) -> None:
    result = busy.run(trigger=Trigger.POLL)
    assert result.status is Status.INTERRUPTED
    assert result.error is not None
    assert "'urgent'" in result.error["message"]
    assert sorted(busy.held()) == ["a", "b", "c", "d"]
    (waits,) = busy.rows("select priority from livesync.queue where sync_id = 'docs'")
    assert waits["priority"] == 1
    busy.run("urgent", trigger=Trigger.POLL)
    busy.source.forget()
    assert busy.run(trigger=Trigger.POLL).status is Status.SUCCESS
    assert busy.source.pages == [["e", "f"]]
    (event,) = busy.rows("select document from livesync.outbox where sync_id = 'docs'")
    assert event["document"]["changed"] == 6
    assert sorted(busy.held()) == list("abcdef")


def test_a_full_resync_gives_way_and_goes_on_as_one(busy: House) -> None:
    at_page = busy.source.at_page
    busy.source.at_page = {}
    busy.run(trigger=Trigger.POLL)
    busy.source.at_page = at_page
    assert busy.run(trigger=Trigger.BACKFILL, full=True).status is Status.INTERRUPTED
    busy.run("urgent", trigger=Trigger.POLL)
    busy.source.forget()
    assert busy.run(trigger=Trigger.POLL).status is Status.SUCCESS
    assert busy.source.fetched == ["e", "f"]


def test_a_run_that_a_person_waits_for_does_not_give_way(busy: House) -> None:
    assert busy.run(trigger=Trigger.PERSON).status is Status.SUCCESS


def test_looking_for_what_has_changed_is_no_backlog(busy: House) -> None:
    at_page = busy.source.at_page
    busy.source.at_page = {}
    busy.run(trigger=Trigger.POLL)
    busy.source.at_page = at_page
    busy.source.put("f", prose("edited"))
    assert busy.run(trigger=Trigger.POLL).status is Status.SUCCESS
    assert_in_step(busy, {**busy.source.texts()})


def test_what_is_not_critical_waits_its_turn(busy: House) -> None:
    busy.configure(a_sync(schedule="hourly"), a_sync("other", schedule="hourly"))
    busy.source.at_page[1] = lambda: ask_for(busy, "other", Priority.NORMAL)
    assert busy.run(trigger=Trigger.POLL).status is Status.SUCCESS


def test_how_far_a_listing_is_is_told(busy: House) -> None:
    busy.source.at_page = {}
    first = busy.run(trigger=Trigger.POLL)
    assert first.counts.progress == "6 listed"
    assert busy.run(trigger=Trigger.POLL).counts.progress == "6 of 6 listed"
