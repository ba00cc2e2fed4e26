"""What is told after a listing began is looked at, also where the listing was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from time import sleep

import pytest

from livesync_pipelines.connectors.base import Memory
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_errand
from livesync_pipelines.model.errors import RateLimited
from livesync_pipelines.model.operation import ANEW, Status, SyncResult
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines.model.sync import Priority, Trigger
from livesync_pipelines.store import operations, queue
from livesync_pipelines.store.queue import Request
from livesync_pipelines_tests.engine.fake_source import ORDERED, Fake, Probed, fails
from livesync_pipelines_tests.engine.house import (
    Clock,
    House,
    a_house,
    a_sync,
    assert_in_step,
    prose,
)

REST = [["e", "f"]]
ALL = [["a", "b"], ["c", "d"], ["e", "f"]]


def fill(house: House) -> None:
    house.configure(a_sync(schedule="hourly"))
    for key in "abcdef":
        house.source.put(key, prose(key, sections=1))


def slowed_down_at(house: House, page: int) -> None:
    """What waits is carried out up to this page, which the platform gives out in ten minutes
    only; they pass."""
    house.source.at_page[page] = fails(RateLimited("slow down", after_s=600))
    assert hand_out(house).status is Status.RATE_LIMITED
    house.source.forget()
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=11)


def tell(house: House, *, full: bool = False) -> None:
    with house.engine.database.pooled() as connection:
        queue.put(connection, "docs", trigger=Trigger.WEBHOOK, priority=Priority.NORMAL, full=full)


def waiting(house: House) -> list[Request]:
    with house.engine.database.pooled() as connection:
        return queue.take(connection, now=house.engine.now())


def hand_out(house: House) -> SyncResult:
    """Carry out what the queue hands out, as the sensors do."""
    (request,) = waiting(house)
    return house.run(trigger=request.trigger, full=request.full)


def killed(house: House, *, cancelled: bool = False) -> None:
    house.source.at_page[2] = fails(KeyboardInterrupt())
    errand = Errand(sync_id="docs", trigger=Trigger.WEBHOOK, cancelled=lambda _: cancelled)
    with pytest.raises(KeyboardInterrupt):
        run_errand(house.engine, errand)
    house.source.forget()
    with house.engine.database.pooled() as connection:
        while operations.in_flight(connection):
            sleep(0.01)  # Postgres has not noticed yet


def edit_what_was_passed(house: House) -> None:
    house.source.put("a", prose("edited behind the reader"))
    house.source.put("aa", prose("new behind the reader"))
    house.source.remove("b")
    house.source.rename("c", "bb")


def test_a_run_after_one_that_was_killed_sees_what_was_told_since(house: House) -> None:
    fill(house)
    killed(house)
    edit_what_was_passed(house)
    tell(house)
    assert hand_out(house).status is Status.SUCCESS
    assert_in_step(house)
    assert waiting(house) == []


def test_a_run_after_one_that_was_cancelled_sees_what_was_told_since(house: House) -> None:
    fill(house)
    killed(house, cancelled=True)
    edit_what_was_passed(house)
    tell(house)
    hand_out(house)
    assert_in_step(house)


def test_a_run_that_a_person_asks_for_sees_everything_before_it_says_so(house: House) -> None:
    fill(house)
    killed(house)
    edit_what_was_passed(house)
    house.run()
    assert house.source.pages == [*REST, ["a", "aa"], ["bb", "d"], *REST]
    assert_in_step(house)


def test_the_counts_of_a_run_that_looks_twice_add_up_to_the_items(house: House) -> None:
    fill(house)
    killed(house)
    house.source.put("a", prose("edited behind the reader"))
    tell(house)
    counts = hand_out(house).counts
    assert house.source.pages == REST + ALL
    assert (counts.added, counts.updated, counts.unchanged, counts.listed) == (2, 1, 3, 6)


def test_a_listing_that_is_finished_and_no_more_is_made_once(house: House) -> None:
    """Nobody has told of anything since it began: else a platform that gives out half a listing
    at a time would be listed for ever."""
    fill(house)
    tell(house)
    slowed_down_at(house, 2)
    assert hand_out(house).status is Status.SUCCESS
    assert house.source.pages == REST
    assert waiting(house) == []
    assert_in_step(house)


def test_what_is_told_while_a_platform_is_waited_for_is_looked_at_once_it_goes_on(
    house: House,
) -> None:
    fill(house)
    tell(house)
    slowed_down_at(house, 2)
    edit_what_was_passed(house)
    tell(house)
    hand_out(house)
    assert house.source.pages[0][-1] == "f"
    assert_in_step(house)


def test_a_look_that_is_owed_stays_so_until_it_has_begun(house: House) -> None:
    """Interrupted again before, the next run owes it; interrupted in it, the next one finishes."""
    fill(house)
    killed(house)
    edit_what_was_passed(house)
    tell(house)
    slowed_down_at(house, 0)
    slowed_down_at(house, 2)
    assert house.held()["a"] == prose("edited behind the reader")
    hand_out(house)
    assert len(house.source.pages) == 1
    assert_in_step(house)


def test_what_is_told_while_the_rest_is_listed_needs_no_run_of_its_own(house: House) -> None:
    fill(house)
    killed(house)

    def told() -> None:
        house.source.at_page.clear()
        edit_what_was_passed(house)
        tell(house)

    house.source.at_page[0] = told
    house.run()
    assert waiting(house) == []
    assert_in_step(house)


def test_a_full_resync_that_is_asked_for_meanwhile_is_made(house: House) -> None:
    fill(house)
    killed(house)
    house.source.at_page[0] = lambda: tell(house, full=True)
    house.run()
    house.source.forget()
    hand_out(house)
    assert sorted(house.source.fetched) == list("abcdef")


def test_a_full_resync_that_goes_on_fetches_nothing_twice(house: House) -> None:
    fill(house)
    house.run()
    house.source.at_page[2] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        house.run(full=True)
    house.source.forget()
    result = house.run()
    assert house.source.fetched == ["e", "f"]
    assert house.source.pages == REST + ALL
    assert (result.counts.listed, result.counts.unchanged) == (6, 6)


def test_a_source_that_is_again_as_it_was_before_a_run_broke_off_is_in_step(
    engine: Engine,
) -> None:
    """Its mark is again what it was, and what the broken run has taken in is not."""
    with a_house(engine, kind=Probed) as house:
        fill(house)
        sweep(house.engine)
        hand_out(house)
        before = dict(house.source.items), list(house.source.history)
        house.source.put("a", prose("for a moment"))
        killed(house)
        house.source.items, house.source.history = before
        tell(house)
        hand_out(house)
        assert_in_step(house)


class StartsOver(Fake):
    """Without order, and a listing that breaks off begins anew."""

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        for page in super().listing(memory, None):
            yield replace(page, resume=page.resume and ANEW)


def test_a_listing_that_starts_over_sees_everything_at_once(engine: Engine) -> None:
    spec = replace(ORDERED, ordered=False)
    with a_house(engine, spec=spec, kind=StartsOver) as house:
        fill(house)
        house.run()
        killed(house)
        edit_what_was_passed(house)
        house.run()
        assert len(house.source.pages) == 3
        assert_in_step(house)
