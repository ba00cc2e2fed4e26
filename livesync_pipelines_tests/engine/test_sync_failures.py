"""One item that cannot be read costs one line with a reason, and nothing else."""

from __future__ import annotations

import psycopg
import pytest

from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import House, assert_in_step, assert_sound, prose


def fill(house: House, keys: str = "abc") -> None:
    for key in keys:
        house.source.put(key, prose(key, sections=1))


def refuse(house: House, key: str, code: str) -> None:
    house.source.unreadable[key] = ItemFailure(key, code, f"{key} is {code}.")


def test_an_item_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(house: House) -> None:
    fill(house)
    refuse(house, "b", "encrypted")
    result = house.run()
    assert result.status is Status.PARTIAL
    assert (result.counts.failed, result.counts.added) == (1, 2)
    (failure,) = house.rows("select key, version, code, reason from livesync.item_failures")
    assert failure == {
        "key": "b",
        "version": house.source.items["b"].version,
        "code": "encrypted",
        "reason": "b is encrypted.",
    }
    assert sorted(house.held()) == ["a", "c"]
    assert_sound(house)


def test_a_poisoned_item_is_not_read_again_while_its_version_stays(house: House) -> None:
    fill(house)
    refuse(house, "b", "encrypted")
    house.run()
    house.source.forget()
    before = house.written()
    result = house.run()
    assert (result.status, result.counts.failed) == (Status.PARTIAL, 1)
    assert house.source.fetched == []
    assert house.written() == before


def test_a_failure_that_may_pass_is_tried_again_by_every_run(house: House) -> None:
    fill(house)
    refuse(house, "b", "timed_out")
    house.run()
    house.source.forget()
    house.run()
    assert house.source.fetched == ["b"]
    house.source.unreadable.clear()
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_a_poisoned_item_is_healed_by_a_new_version(house: House) -> None:
    fill(house)
    refuse(house, "b", "malformed")
    house.run()
    house.source.unreadable.clear()
    house.source.put("b", prose("healed"))
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_a_full_resync_tries_the_poisoned_item_too(house: House) -> None:
    fill(house)
    refuse(house, "b", "malformed")
    house.run()
    house.source.unreadable.clear()
    house.run(full=True)
    assert house.failures() == {}
    assert_in_step(house)


def test_a_poisoned_item_that_goes_takes_its_failure_along(house: House) -> None:
    fill(house)
    refuse(house, "b", "malformed")
    house.run()
    house.source.remove("b")
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_an_item_that_turns_bad_keeps_its_last_good_version(house: House) -> None:
    fill(house)
    house.run()
    held = house.held()
    house.source.put("b", "new words")
    refuse(house, "b", "malformed")
    result = house.run()
    assert (result.counts.failed, result.counts.removed) == (1, 0)
    assert house.held() == held
    house.source.forget()
    house.run()
    assert house.source.fetched == []
    house.source.unreadable.clear()
    house.source.remove("b")
    house.run()
    assert (house.failures(), sorted(house.held())) == ({}, ["a", "c"])
    assert_sound(house)


def test_a_bad_version_that_is_taken_back_is_healed(house: House) -> None:
    fill(house)
    house.run()
    good = house.source.items["b"]
    house.source.put("b", "bad")
    refuse(house, "b", "malformed")
    house.run()
    house.source.items["b"] = good
    house.source.unreadable.clear()
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_what_the_extractor_cannot_read_fails_with_its_reason(house: House) -> None:
    fill(house)
    house.source.put_bytes("b", bytes(range(256)) * 20)
    house.run()
    assert list(house.failures()) == ["b"]
    assert_sound(house)


def test_a_kind_without_text_is_skipped_and_no_failure_of_the_run(house: House) -> None:
    fill(house)
    refuse(house, "b", "unsupported")
    for _ in range(2):
        result = house.run()
        assert result.status is Status.SUCCESS
        assert (result.counts.skipped, result.counts.failed) == (1, 0)
    assert house.source.fetched.count("b") == 1


def test_a_connector_that_does_not_answer_for_an_item_is_told_of(house: House) -> None:
    fill(house)
    house.source.unreadable["b"] = ItemFailure("nobody-asked", "odd", "Odd.")
    house.run()
    assert house.failures() == {"b": "unanswered"}
    house.source.unreadable.clear()
    house.run()
    assert_in_step(house)


def test_a_second_answer_for_an_item_is_not_taken(house: House) -> None:
    fill(house)
    house.source.unreadable["b"] = ItemFailure("a", "odd", "Of another.")
    house.run()
    assert house.failures() == {"b": "unanswered"}
    assert_sound(house)


def test_an_item_that_vanishes_before_it_is_fetched_is_gone_by_the_next_run(house: House) -> None:
    fill(house)
    house.source.at_fetch["b"] = lambda: house.source.remove("b")
    assert house.run().counts.failed == 1
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_a_listing_failure_is_written_once_and_goes_when_it_is_healed(house: House) -> None:
    fill(house)
    house.run()
    house.source.failing["b"] = ItemFailure("b", "unreadable", "permission denied")
    assert house.run().status is Status.PARTIAL
    before = house.written()
    house.run()
    assert house.written() == before
    house.source.failing.clear()
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


@pytest.mark.parametrize("resumed_fails", [False, True])
def test_failures_of_the_first_half_survive_a_resumed_listing(
    house: House, resumed_fails: bool
) -> None:
    fill(house, "abcdef")
    refuse(house, "a", "malformed")
    house.source.at_page[1] = fails(Unavailable("away"))
    house.run()
    house.source.forget()
    if resumed_fails:
        refuse(house, "f", "malformed")
    house.run()
    assert sorted(house.failures()) == ["a", "f"][: 1 + resumed_fails]
    house.source.unreadable.clear()
    for key in "af":
        house.source.touch(key)
    house.run()
    assert house.failures() == {}
    assert_in_step(house)


def test_the_counts_of_a_page_that_did_not_land_are_not_told(house: House) -> None:
    """What is in the result is in the ledger; `assert_sound` adds both up."""
    fill(house, "abcd")

    def overtaken() -> None:
        house.wait_until_written(2)
        house.execute("update livesync.syncs set fence = fence + 1")

    house.source.at_fetch["d"] = overtaken
    result = house.run()
    assert result.status is Status.FAILED
    assert result.counts.added == 2
    assert_sound(house)


def test_a_page_that_the_database_refuses_counts_for_nothing(house: House) -> None:
    """Neither in the counts nor in the ledger's chain, which goes on from the page before."""
    house.execute(
        "create function livesync.refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'The disk is full.'; end $$;"
        "create trigger refuse before update of resume on livesync.syncs for each row"
        " when (new.resume = 'd') execute function livesync.refuse()"
    )
    try:
        fill(house, "abcdef")
        with pytest.raises(psycopg.errors.RaiseException, match="disk is full"):
            house.run()
        assert_sound(house)
    finally:
        house.execute("drop trigger refuse on livesync.syncs; drop function livesync.refuse()")
    assert house.run().status is Status.SUCCESS
    assert_in_step(house)
