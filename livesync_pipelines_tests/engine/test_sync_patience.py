"""After a failure: tried again, waited for, or left to a person, and never in a hurry."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.core.patience import TRIES
from livesync_pipelines.engine.difference import changed, difference
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import (
    Broken,
    ItemFailure,
    NeedsPerson,
    NotFound,
    RateLimited,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Connection, Desired, SyncState, Trigger
from livesync_pipelines.store import catalog, letters, queue
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, a_sync, assert_in_step, prose

DAY = timedelta(days=1)


@pytest.fixture
def live(house: House) -> House:
    house.configure(a_sync(schedule="hourly"))
    for key in "abc":
        house.source.put(key, prose(key, sections=1))
    poll(house)
    return house


def poll(house: House, *, full: bool = False) -> SyncResult:
    return run_sync(house.engine, "docs", trigger=Trigger.POLL, full=full)


def later(house: House, by: timedelta) -> None:
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += by


def waiting(house: House) -> dict[str, Any] | None:
    found = house.rows("select * from livesync.queue")
    return found[0] if found else None


def asked(house: House) -> list[str]:
    with house.engine.database.pooled() as connection:
        return [request.sync_id for request in queue.take(connection, now=house.engine.now())]


def state(house: House) -> tuple[SyncState, str | None]:
    with house.engine.database.pooled() as connection:
        return catalog.state(connection, "docs")


def test_a_source_that_is_away_is_asked_again_after_a_while_and_as_fully(live: House) -> None:
    live.source.at_page[0] = fails(Unavailable("away"))
    assert poll(live, full=True).status is Status.FAILED
    row = waiting(live)
    assert row is not None
    assert (row["full_resync"], row["trigger"]) == (True, "poll")
    assert asked(live) == []
    assert sweep(live.engine) == [], "it is queued already"
    later(live, timedelta(seconds=61))
    assert asked(live) == ["docs"]
    live.source.forget()
    assert poll(live, full=True).status is Status.SUCCESS
    assert waiting(live) is None
    assert live.sync_row()["failures_in_row"] == 0


@pytest.mark.parametrize(
    "mended",
    [
        Desired(syncs=(a_sync(schedule="hourly", select={"only": "a"}),)),
        Desired(
            connections=(
                Connection(name="fake", project_id="demo", platform="fake", options={"place": "b"}),
            )
        ),
    ],
)
def test_what_is_mended_is_tried_at_once_and_as_often_as_anew(live: House, mended: Desired) -> None:
    live.source.at_page[0] = fails(Unavailable("away"))
    poll(live)
    poll(live)
    assert asked(live) == []
    with live.engine.database.pooled() as connection:
        catalog.apply(connection, mended)
    assert asked(live) == ["docs"]
    assert live.sync_row()["failures_in_row"] == 0


def test_what_is_applied_as_it_is_waits_on(live: House) -> None:
    live.source.at_page[0] = fails(Unavailable("away"))
    poll(live)
    with live.engine.database.pooled() as connection:
        known = catalog.stored(connection)
        catalog.apply(connection, changed(known, difference(known, known)))
    assert asked(live) == []


def test_after_three_tries_a_source_that_is_away_is_left_to_its_schedule(live: House) -> None:
    live.source.at_page[0] = fails(Unavailable("away"))
    waits: list[float | None] = []
    for _ in range(TRIES):
        poll(live)
        row = waiting(live)
        waits.append((row["not_before"] - live.engine.now()).total_seconds() if row else None)
    first, second, third = waits
    assert first is not None
    assert second is not None
    assert second > 2 * first
    assert third is None
    assert state(live)[0] is SyncState.ACTIVE
    later(live, timedelta(hours=2))
    assert sweep(live.engine) == ["docs"]


def test_a_platform_that_says_slow_down_is_asked_when_it_allows_it(live: House) -> None:
    live.source.at_page[1] = fails(RateLimited("slow down", after_s=600))
    for _ in range(5):
        assert poll(live).status is Status.RATE_LIMITED
    later(live, timedelta(seconds=590))
    assert asked(live) == []
    later(live, timedelta(seconds=11))
    assert asked(live) == ["docs"]


def test_a_run_by_hand_that_is_slowed_down_goes_on_by_itself(house: House) -> None:
    house.source.put("a", prose("a"))
    house.source.at_page[0] = fails(RateLimited("slow down", after_s=600))
    house.run()
    assert waiting(house) is not None
    house.source.at_page[0] = fails(Unavailable("away"))
    house.run()
    assert waiting(house) is None, "what a person runs by hand, a person runs again"


def test_a_person_who_asks_does_not_wait(live: House) -> None:
    live.source.at_page[0] = fails(Unavailable("away"))
    poll(live)
    assert asked(live) == []
    with live.engine.database.pooled() as connection:
        queue.put(
            connection,
            "docs",
            trigger=Trigger.PERSON,
            priority=catalog.sync(connection, "docs").priority,
        )
    assert asked(live) == ["docs"]


@pytest.mark.parametrize("error", [Broken("no such bucket"), ZeroDivisionError("a bug")])
def test_what_stays_broken_is_paused_and_says_why(live: House, error: Exception) -> None:
    live.source.at_page[0] = fails(error)
    for _ in range(TRIES):
        assert state(live)[0] is SyncState.ACTIVE
        if isinstance(error, Broken):
            poll(live)
        else:
            with pytest.raises(ZeroDivisionError):
                poll(live)
    paused, reason = state(live)
    assert paused is SyncState.PAUSED
    assert reason is not None
    assert str(error) in reason
    assert waiting(live) is None
    with pytest.raises(NeedsPerson, match="paused"):
        poll(live)
    with live.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.ACTIVE, None)
    live.source.forget()
    assert poll(live).status is Status.SUCCESS
    assert_in_step(live)


def test_a_lost_authorisation_pauses_and_a_mended_connection_resumes(live: House) -> None:
    live.source.at_page[0] = fails(Reauthorise("the token was revoked"))
    poll(live)
    assert state(live) == (SyncState.PAUSED, "the token was revoked")
    live.configure(a_sync(schedule="hourly"), options={"shelf": "mended"})
    assert state(live) == (SyncState.ACTIVE, None)


def test_what_a_person_paused_is_not_resumed_by_a_mended_connection(live: House) -> None:
    with live.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "a move")
    live.configure(a_sync(schedule="hourly"), options={"shelf": "mended"})
    assert state(live) == (SyncState.PAUSED, "a move")


def test_an_item_that_may_heal_is_read_again_ever_more_rarely(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.unreadable["a"] = ItemFailure("a", "timed_out", "It took too long.")
    poll(live)
    live.source.forget()
    poll(live)
    assert live.source.fetched == [], "its time has not come"
    live.run()
    assert live.source.fetched == ["a"], "a person asks at once"
    later(live, timedelta(minutes=16))
    poll(live)
    assert live.source.fetched == ["a"], "an hour after the second time"
    later(live, timedelta(minutes=50))
    poll(live)
    assert live.source.fetched == ["a", "a"]


def dead(house: House) -> dict[str, dict[str, Any]]:
    with house.engine.database.pooled() as connection:
        return {letter["key"]: letter for letter in letters.listed(connection, sync_id="docs")}


def test_an_item_becomes_a_dead_letter_with_its_bytes_and_leaves_when_it_heals(
    live: House,
) -> None:
    live.source.put_bytes("a", b"%PDF-1.4 not a pdf")
    live.source.put("b", prose("new"))
    live.source.unreadable["b"] = ItemFailure("b", "timed_out", "It took too long.")
    for _ in range(TRIES):
        assert "b" not in dead(live)
        live.run()
    letter = dead(live)["a"]
    assert (letter["tries"], letter["retry_at"]) == (1, None)
    assert dead(live)["b"]["tries"] == TRIES
    assert dead(live)["b"]["first_failed_at"] < dead(live)["b"]["failed_at"]
    with live.engine.database.pooled() as connection:
        assert letters.content(connection, "docs", "a") == b"%PDF-1.4 not a pdf"
        with pytest.raises(NotFound, match="no bytes"):
            letters.content(connection, "docs", "b")
    live.source.put("a", prose("healed"))
    live.source.unreadable.clear()
    live.run()
    assert dead(live) == {}
    assert_in_step(live)


def test_a_released_dead_letter_is_tried_by_the_next_run(live: House) -> None:
    live.source.put("a", prose("new"))
    live.source.unreadable["a"] = ItemFailure("a", "malformed", "It is malformed.")
    poll(live)
    live.source.unreadable.clear()
    assert poll(live).status is Status.PARTIAL, "the same version would fail again"
    with live.engine.database.pooled() as connection:
        assert letters.release(connection, "docs", ["a"]) == 1
        assert letters.release(connection, "docs", ["nothing"]) == 0
    assert poll(live).status is Status.SUCCESS
    assert_in_step(live)
