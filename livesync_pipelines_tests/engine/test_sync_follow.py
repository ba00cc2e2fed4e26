"""A source with a change feed is listed once, and followed from then on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import repeat
from typing import Any

import pytest

from livesync_pipelines.core.patience import TRIES
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import ItemFailure, RateLimited, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Limits, Trigger
from livesync_pipelines.store import approvals, operations, queue
from livesync_pipelines_tests.engine.fake_source import ORDERED, Told, fails
from livesync_pipelines_tests.engine.house import (
    Clock,
    House,
    a_house,
    a_sync,
    assert_in_step,
    assert_sound,
    begin_following,
    ops,
    prose,
)


def proof(house: House) -> dict[str, Any]:
    with house.engine.database.pooled() as connection:
        last = operations.one(connection, house.history()[-1]["operation_id"])
    found: dict[str, Any] = last["proof"]
    return found


def test_only_what_has_changed_is_asked_for(told: House) -> None:
    told.source.put("b", prose("edited"))
    told.source.put("f", prose("new"))
    told.source.remove("d")
    result = told.run()
    assert (result.counts.updated, result.counts.added, result.counts.removed) == (1, 1, 1)
    assert (told.source.pages, sorted(told.source.fetched)) == ([], ["b", "f"])
    assert proof(told)["told_by"] == "change feed"
    assert_in_step(told)


def test_when_nothing_has_happened_nothing_is_written(told: House) -> None:
    before = told.written()
    result = told.run()
    assert (result.status, result.counts.synced_items) == (Status.SUCCESS, 0)
    assert told.written() == before


def test_what_happens_while_it_is_listed_for_the_first_time_is_seen_next(told: House) -> None:
    """Its cursor is from before the listing, so an item whose page is past is not missed."""
    told.source.at_page[2] = lambda: told.source.put("a", prose("edited behind the reader"))
    told.run(full=True)
    assert told.held()["a"] != prose("edited behind the reader")
    told.source.forget()
    told.run()
    assert told.source.pages == []
    assert_in_step(told)


def test_an_expired_cursor_costs_a_listing_and_nothing_else(told: House) -> None:
    told.source.put("b", prose("edited"))
    told.source.remove("c")
    told.source.forgotten = len(told.source.history)
    result = told.run()
    assert (result.status, result.counts.updated, result.counts.removed) == (Status.SUCCESS, 1, 1)
    assert "expired" in proof(told)["told_by"]
    assert_in_step(told)
    told.source.forget()
    told.source.put("g", prose("after"))
    told.run()
    assert told.source.pages == []
    assert_in_step(told)


def test_a_cursor_that_expires_on_the_way_loses_nothing(told: House) -> None:
    for key in "abcd":
        told.source.put(key, prose(f"{key} edited"))

    def forgets() -> None:
        told.source.forgotten = len(told.source.history)

    told.source.at_change[1] = forgets
    told.run()
    assert_in_step(told)
    assert [op for op, _ in ops(told.entries())].count("updated") == 4


def test_a_feed_that_breaks_off_is_followed_on_from_its_last_page(told: House) -> None:
    for key in "abcd":
        told.source.put(key, prose(f"{key} edited"))
    told.source.at_change[1] = fails(Unavailable("away"))
    assert told.run().status is Status.FAILED
    told.source.forget()
    told.run()
    assert told.source.told == [["c", "d"]]
    assert_in_step(told)


def test_a_page_that_could_not_be_read_is_told_again(told: House) -> None:
    told.source.put("a", prose("edited"))
    told.source.put("b", prose("edited too"))
    told.source.at_fetch = dict.fromkeys("ab", fails(Unavailable("away")))
    assert told.run().status is Status.FAILED
    told.source.forget()
    told.run()
    assert_in_step(told)


def test_an_item_that_is_renamed_keeps_its_identity(told: House) -> None:
    before = told.ids()["b"]
    told.source.rename("b", "z")
    result = told.run()
    assert (result.counts.moved, result.counts.added, result.counts.removed) == (1, 0, 0)
    assert told.ids()["z"] == before
    assert_in_step(told)


def test_a_renamed_item_that_cannot_be_read_stays_as_it_was_until_it_can(told: House) -> None:
    before = told.ids()["b"]
    told.source.rename("b", "z")
    told.source.unreadable["z"] = ItemFailure("z", "timed_out", "z is slow.")
    for _ in range(2):
        assert told.run().status is Status.PARTIAL
        assert "b" in told.held()
    told.source.unreadable.clear()
    assert told.run().counts.moved == 1
    assert told.ids()["z"] == before
    assert_in_step(told)


def test_what_goes_and_comes_back_was_never_away(told: House) -> None:
    text = told.source.texts()["b"]
    told.source.remove("b")
    told.source.put("x", prose("x"))
    told.source.put("y", prose("y"))
    told.source.at_change[1] = lambda: told.source.put("b", text)
    told.run()
    assert "removed" not in [op for op, _ in ops(told.entries())]
    assert_in_step(told)


def test_what_comes_and_goes_again_never_comes_back(told: House) -> None:
    told.source.put("x", prose("x"))
    told.source.remove("x")
    told.source.put("y", prose("y"))
    told.run()
    assert_in_step(told)


def test_an_event_that_is_told_twice_counts_once(told: House) -> None:
    for _ in range(5):
        told.source.put("b", prose("edited"))
    told.run()
    assert ops(told.entries())[5:] == [("updated", told.ids()["b"])]
    assert_in_step(told)


@pytest.mark.parametrize("reason", ["deleted", "trashed", "out_of_scope", "access_lost"])
def test_the_ledger_says_in_the_words_of_the_source_why_an_item_went(
    told: House, reason: str
) -> None:
    told.source.remove("b")
    told.source.reasons["b"] = reason
    told.run()
    assert told.entries()[-1]["after"]["reason"] == reason


def test_many_deletions_wait_for_a_person_while_the_rest_goes_on(told: House) -> None:
    limits = Limits(delete_items=1, delete_share=0.1)
    told.configure(a_sync(limits=limits))
    told.source.remove("a", "b", "c")
    told.source.put("f", prose("new"))
    result = told.run()
    assert (result.status, result.counts.added) == (Status.WAITING, 1)
    assert sorted(told.held()) == ["a", "b", "c", "d", "e", "f"]
    assert told.run().status is Status.WAITING
    told.source.put("c", prose("back again"))
    with told.engine.database.pooled() as connection:
        assert approvals.give(connection, "docs") == 3
    assert told.run().status is Status.SUCCESS
    assert_in_step(told)


def test_what_failed_is_read_again_though_no_feed_tells_of_it(told: House) -> None:
    told.source.put("b", prose("edited"))
    told.source.unreadable["b"] = ItemFailure("b", "timed_out", "b is slow.")
    assert told.run().status is Status.PARTIAL
    told.source.forget()
    assert told.run().counts.failed == 1
    assert told.source.fetched == ["b"]
    told.source.unreadable.clear()
    assert told.run().status is Status.SUCCESS
    assert told.failures() == {}
    assert_in_step(told)
    told.source.forget()
    told.run()
    assert told.source.fetched == []


def test_what_failed_in_the_first_listing_is_owed_too(told: House) -> None:
    told.source.unreadable["b"] = ItemFailure("b", "timed_out", "b is slow.")
    told.source.put("b", prose("edited"))
    assert told.run(full=True).counts.failed == 1
    told.source.unreadable.clear()
    told.source.forget()
    assert told.run().status is Status.SUCCESS
    assert told.source.pages == []
    assert_in_step(told)


def test_a_poisoned_item_counts_as_failing_until_it_heals(told: House) -> None:
    told.source.unreadable["b"] = ItemFailure("b", "malformed", "b is broken.")
    told.source.put("b", prose("edited"))
    for _ in range(TRIES + 1):
        assert told.run().counts.failed == 1
    assert told.source.fetched == ["b"]
    told.source.unreadable.clear()
    told.source.put("b", prose("mended"))
    assert told.run().status is Status.SUCCESS
    assert_in_step(told)


def test_the_failure_of_an_item_that_has_gone_leaves_with_it(told: House) -> None:
    told.source.put("x", prose("x"))
    told.source.unreadable["x"] = ItemFailure("x", "malformed", "x is broken.")
    told.run()
    assert told.failures() == {"x": "malformed"}
    told.source.remove("x")
    assert told.run().status is Status.SUCCESS
    assert told.failures() == {}
    assert_in_step(told)


def test_a_feed_that_names_a_page_twice_is_refused(told: House) -> None:
    for key in "abcdefghij":
        told.source.put(key, prose(f"{key} edited"))
    told.source.tokens = repeat("again")
    result = told.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "named before" in result.error["message"]
    told.source.tokens = None
    told.run()
    assert_in_step(told)


def test_after_an_incomplete_listing_the_feed_is_not_trusted_yet(told: House) -> None:
    """What that listing did not show must not be taken for deleted by the run that follows it."""
    told.source.complete = False
    told.source.remove("e")
    assert told.run(full=True).status is Status.PARTIAL
    assert "e" in told.held()
    told.source.complete = True
    told.source.forget()
    told.run()
    assert told.source.pages != []
    assert_in_step(told)


def test_a_listing_that_breaks_off_goes_on_with_the_cursor_from_before_it(told: House) -> None:
    told.source.at_page[2] = fails(Unavailable("away"))
    assert told.run(full=True).status is Status.FAILED
    told.source.put("a", prose("edited behind the reader"))
    told.source.forget()
    told.run()
    told.run()
    assert_in_step(told)
    assert told.source.pages == [["e"]]


def test_another_selection_is_listed_anew(told: House) -> None:
    told.configure(a_sync(select={"shelf": "upper"}))
    told.run()
    assert told.source.pages != []


def test_items_that_wait_for_their_time_are_left_alone_by_a_poll(told: House) -> None:
    clock = told.engine.now
    assert isinstance(clock, Clock)
    told.configure(a_sync(schedule="hourly"))
    told.source.put("b", prose("edited"))
    told.source.unreadable["b"] = ItemFailure("b", "timed_out", "b is slow.")
    poll = Trigger.POLL
    told.run(trigger=poll)
    told.source.forget()
    assert told.run(trigger=poll).counts.failed == 1
    assert told.source.fetched == []
    clock.now += timedelta(days=1)
    told.run(trigger=poll)
    assert told.source.fetched == ["b"]
    assert_sound(told)


def test_a_listing_without_order_that_went_on_in_the_middle_is_made_once_more(
    engine: Engine,
) -> None:
    """It cannot tell what was absent before; the feed is followed only after one that can."""
    spec = replace(ORDERED, ordered=False)
    with a_house(engine, spec=spec, kind=Told) as told:
        begin_following(told)
        told.source.remove("d")
        told.source.put("a", prose("edited"))
        told.source.forgotten = len(told.source.history)
        told.source.at_page[1] = fails(RateLimited("slow down", after_s=60))
        assert told.run().status is Status.RATE_LIMITED
        assert told.sync_row()["resume"] is not None
        told.source.forget()
        with engine.database.pooled() as connection:
            queue.take(connection, now=told.engine.now() + timedelta(hours=1))
        told.run()
        assert "d" in told.held()
        told.run()
        assert_in_step(told)
