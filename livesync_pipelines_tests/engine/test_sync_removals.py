"""Absent is not deleted; and loss asks first."""

from __future__ import annotations

import pytest

from livesync_pipelines.engine import listing
from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.engine.sync import replay_sync
from livesync_pipelines.model.errors import ItemFailure, RateLimited, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Limits
from livesync_pipelines.store import approvals
from livesync_pipelines_tests.engine.fake_source import Fake, fails
from livesync_pipelines_tests.engine.house import House, a_sync, assert_in_step, ops, prose

STRICT = a_sync(limits=Limits(delete_items=1, delete_share=0.3))


def fill(house: House, keys: str) -> dict[str, str]:
    for key in keys:
        house.source.put(key, prose(key, sections=1))
    house.run()
    house.source.forget()
    return house.source.texts()


def approve(house: House) -> int:
    with house.engine.database.pooled() as connection:
        return approvals.give(connection, "docs")


def test_removals_that_wait_are_not_let_go_by_what_comes_later(house: House) -> None:
    house.configure(STRICT)
    fill(house, "abcdef")
    house.source.remove("a", "b", "c")
    assert house.run().status is Status.WAITING
    for key in "ghijkl":
        house.source.put(key, prose(key, sections=1))
        assert house.run().status is Status.WAITING
    assert house.run().counts.removed == 0
    assert approve(house) == 3
    assert house.run().counts.removed == 3
    assert_in_step(house)


def test_what_a_complete_listing_does_not_show_is_removed(house: House) -> None:
    fill(house, "abcd")
    house.source.remove("b")
    result = house.run()
    assert (result.counts.removed, result.counts.chunks_removed) == (1, 1)
    assert ops(house.entries())[-1] == ("removed", "b")
    assert house.entries()[-1]["after"] == {"reason": "not_listed"}
    assert_in_step(house)


@pytest.mark.parametrize("gone", ["a", "d", "ab", "cd", "abcd"])
def test_absence_is_seen_at_either_end_and_on_every_page(house: House, gone: str) -> None:
    fill(house, "abcd")
    house.source.remove(*gone)
    assert house.run().counts.removed == len(gone)
    assert_in_step(house)


def test_an_incomplete_listing_removes_nothing_and_says_that_it_was_partial(house: House) -> None:
    held = fill(house, "abcd")
    house.source.remove("a", "c")
    house.source.put("d", prose("d2", sections=1))
    house.source.complete = False
    result = house.run()
    assert result.status is Status.PARTIAL
    assert result.counts.removed == 0
    assert_in_step(house, {**held, "d": prose("d2", sections=1)})
    house.source.complete = True
    house.run()
    assert_in_step(house)


def test_nothing_below_a_blind_prefix_is_removed(house: House) -> None:
    held = fill(house, "adz") | fill_below(house)
    house.source.remove("d", "m/1", "m/2")
    house.source.blind = {"m/": "m/"}
    house.run()
    del held["d"]
    assert_in_step(house, held)
    house.source.blind = {}
    house.run()
    assert_in_step(house)


def fill_below(house: House) -> dict[str, str]:
    for key in ("m/1", "m/2"):
        house.source.put(key, prose(key, sections=1))
    house.run()
    return house.source.texts()


@pytest.mark.parametrize("told_at", ["a", "zz"])
def test_a_blind_prefix_holds_for_the_whole_listing(house: House, told_at: str) -> None:
    """It may be told on a page before or after the one whose range it lies in."""
    held = fill(house, "aez") | fill_below(house)
    house.source.remove("m/1", "m/2")
    house.source.blind = {told_at: "m/"}
    house.run()
    assert_in_step(house, held)


@pytest.mark.parametrize("key", ["b", "c"])
def test_an_item_that_fails_to_be_listed_is_not_absent(house: House, key: str) -> None:
    held = fill(house, "abcd")
    house.source.failing[key] = ItemFailure(key, "unreadable", "permission denied")
    house.source.remove(key)
    result = house.run()
    assert result.counts.failed == 1
    assert_in_step(house, held)


@pytest.mark.parametrize("place", ["aa", "zz"])
def test_a_failure_told_on_another_page_keeps_its_item_too(house: House, place: str) -> None:
    held = fill(house, "amz")
    house.source.page_items = 1
    house.source.failing[place] = ItemFailure("m", "unreadable", "permission denied")
    house.source.remove("m")
    house.run()
    assert house.held() == held


@pytest.mark.parametrize("blind", [True, False])
def test_what_was_not_seen_before_a_listing_broke_off_is_not_absent_after(
    house: House, blind: bool
) -> None:
    """The second half of the listing does not know what the first half could not see."""
    for key in ("a", "a/1", "b", "y", "z"):
        house.source.put(key, prose(key, sections=1))
    house.run()
    held = house.source.texts()
    house.source.remove("a/1")
    if blind:
        house.source.blind = {"a": "a/"}
    else:
        house.source.failing["a/1"] = ItemFailure("a/1", "unreadable", "permission denied")
    house.source.put("a", prose("a2"))
    house.source.at_page[1] = fails(Unavailable("the line is dead"))
    assert house.run().status is Status.FAILED
    house.source.forget()
    assert house.run().counts.removed == 0
    assert house.source.pages[0][0] != "a"
    assert_in_step(house, {**held, "a": prose("a2")})


def test_what_comes_back_before_the_listing_ends_is_not_removed(house: House) -> None:
    """It went, half of its page was committed, the source failed; it came back, and its page is
    listed once more."""
    held = fill(house, "abcd")
    house.source.page_items = 1_000
    fresh = [f"a{number:03}" for number in range(BATCH_ITEMS + 1)]
    for key in fresh:
        house.source.put(key, f"Note {key}.")
    b = house.source.items.pop("b")
    house.source.at_fetch[fresh[-1]] = fails(Unavailable("the line is dead"))
    assert house.run().status is Status.FAILED
    house.source.forget()
    house.source.items["b"] = b
    assert house.run().counts.removed == 0
    assert set(house.held()) == {*held, *fresh}
    assert_in_step(house)


def test_what_the_source_calls_gone_is_removed_even_without_a_complete_listing(
    house: House,
) -> None:
    held = fill(house, "abcd")
    house.source.remove("a", "b")
    house.source.gone = {"a": "trashed", "never-known": "deleted"}
    house.source.complete = False
    house.run()
    del held["a"]
    assert_in_step(house, held)
    assert house.entries()[-1]["after"] == {"reason": "trashed"}


def test_too_many_removals_wait_and_everything_else_goes_on(house: House) -> None:
    house.configure(STRICT)
    held = fill(house, "abcdef")
    house.source.remove("a", "b", "c")
    house.source.put("d", prose("d2", sections=1))
    house.source.put("g", prose("g", sections=1))
    house.source.rename("e", "h")
    result = house.run()
    assert result.status is Status.WAITING
    assert result.error is not None
    assert result.error["code"] == "needs_person"
    assert "3 of 6 items (50%)" in result.error["message"]
    assert (result.counts.removed, result.counts.moved, result.counts.added) == (0, 1, 1)
    assert_in_step(house, {key: held[key] for key in "abc"} | house.source.texts())


def test_after_an_approval_the_next_run_removes(house: House) -> None:
    house.configure(STRICT)
    fill(house, "abcdef")
    house.source.remove("a", "b", "c")
    house.run()
    assert approve(house) == 3
    result = house.run()
    assert (result.status, result.counts.removed) == (Status.SUCCESS, 3)
    assert_in_step(house)


def test_an_approval_is_for_what_was_gone_and_for_nothing_else(house: House) -> None:
    house.configure(STRICT)
    held = fill(house, "abcdef")
    house.source.remove("a", "b", "c")
    house.run()
    approve(house)
    for key in "abc":
        house.source.put(key, held[key])
    house.source.remove("d", "e", "f")
    assert house.run().status is Status.WAITING
    assert house.held() == held


def test_with_one_more_item_gone_a_person_is_asked_again(house: House) -> None:
    house.configure(STRICT)
    fill(house, "abcdefgh")
    house.source.remove("a", "b", "c")
    house.run()
    approve(house)
    house.source.remove("d")
    assert house.run().status is Status.WAITING
    assert approve(house) == 4
    assert house.run().counts.removed == 4
    assert_in_step(house)


def test_an_approval_is_used_once(house: House) -> None:
    house.configure(STRICT)
    fill(house, "abcdefgh")
    house.source.remove("a", "b", "c")
    house.run()
    approve(house)
    house.run()
    house.source.remove("d", "e", "f")
    assert house.run().status is Status.WAITING


def test_an_approval_is_not_lost_to_a_run_that_could_not_use_it(house: House) -> None:
    """A source that fails, a source that is busy, half a listing, and a replay."""
    house.configure(STRICT)
    fill(house, "abcdef")
    house.source.remove("a", "b", "c")
    house.run()
    approve(house)
    house.source.at_page[0] = fails(Unavailable("away"))
    assert house.run().status is Status.FAILED
    house.source.at_page[0] = fails(RateLimited("busy", after_s=60))
    assert house.run().status is Status.RATE_LIMITED
    house.source.forget()
    house.source.complete = False
    assert house.run().status is Status.PARTIAL
    replay_sync(house.engine, "docs")
    house.source.complete = True
    assert house.run().counts.removed == 3
    assert_in_step(house)


def test_without_a_waiting_run_there_is_nothing_to_approve(house: House) -> None:
    fill(house, "ab")
    assert approve(house) == 0


def test_a_source_that_brings_things_back_ends_the_waiting(house: House) -> None:
    house.configure(STRICT)
    held = fill(house, "abcdef")
    lost = {key: house.source.items[key] for key in "abc"}
    house.source.remove(*lost)
    house.run()
    house.source.items.update(lost)
    result = house.run()
    assert result.status is Status.SUCCESS
    assert house.held() == held
    assert approve(house) == 0


def test_what_came_and_went_within_one_run_counts_as_all_of_it(house: House) -> None:
    """On a first sync nothing was in step before; that is no reason to divide by zero."""
    house.configure(a_sync(limits=Limits(delete_items=5)))
    for number in range(20):
        house.source.put(f"{number:02}", f"Note {number}.")
    house.source.page_items = 10
    house.source.gone = {f"{number:02}": "deleted" for number in range(10)}
    result = house.run()
    assert result.status is Status.WAITING
    assert result.error is not None
    assert "10 of 10 items (100%)" in result.error["message"]
    assert_in_step(house)


def test_few_removals_or_a_small_share_need_no_approval(house: House) -> None:
    house.configure(a_sync(limits=Limits(delete_items=1, delete_share=0.5)))
    fill(house, "abcd")
    house.source.remove("a", "b")
    assert house.run().status is Status.SUCCESS
    house.source.remove("c")
    assert house.run().status is Status.SUCCESS
    assert_in_step(house)


@pytest.mark.parametrize("gone", ["", "bcdef", "abcdefgh", "abc", "fgh", "aceg"])
def test_a_block_that_goes_is_held_against_its_page_in_pieces(
    house: House, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SHADOW_ITEMS", 2)
    fill(house, "abcdefgh")
    house.source.remove(*gone)
    house.source.put("dd", prose("dd", sections=1))
    result = house.run()
    assert (result.counts.removed, result.counts.added) == (len(gone), 1)
    assert result.counts.listed == len(house.source.items)
    assert_in_step(house)


def test_a_failure_on_a_page_that_is_taken_in_pieces_keeps_its_item(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SHADOW_ITEMS", 2)
    held = fill(house, "abcdefgh")
    house.source.remove("b", "c", "d", "e", "f", "g")
    house.source.failing["g"] = ItemFailure("g", "unreadable", "It cannot be read.")
    assert house.run().counts.removed == 5
    assert_in_step(house, {key: held[key] for key in "agh"})


def test_a_part_of_the_selection_that_has_gone_as_a_whole_waits_for_a_person(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "root", lambda _, key: key.partition("/")[0])
    house.configure(a_sync(limits=Limits(delete_items=1, delete_share=0.5)))
    small, large = ["s/1", "s/2"], [f"l/{n}" for n in range(9)]
    for key in (*small, *large):
        house.source.put(key, prose(key, sections=1))
    house.run()
    house.source.remove(*small)
    result = house.run()
    assert result.status is Status.WAITING
    assert result.error is not None
    assert "2 of 2 items of 's'" in result.error["message"]
    assert set(small) <= house.held().keys()


def test_a_listing_that_shows_less_than_the_source_counts_is_not_complete(house: House) -> None:
    held = fill(house, "abc")
    house.source.remove("c")
    house.source.total = 3
    assert house.run().status is Status.PARTIAL
    assert house.held() == held
    house.source.total = 2
    assert house.run().status is Status.SUCCESS
    assert_in_step(house)
