"""A platform without order whose items age out of it, and which can say "nothing new"."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.connectors.base import Memory, listing_table
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines_tests.engine.fake_source import FEED, Fake, fails
from livesync_pipelines_tests.engine.house import (
    House,
    a_house,
    a_sync,
    assert_in_step,
    assert_sound,
    prose,
)


class Conditional(Fake):
    """Answers "nothing new" to the note that it gave, as a feed does to its ETag."""

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        self.source.note = f"etag {len(self.source.history)}"
        if resume is None and memory.note == self.source.note:
            self.source.pages.append([])
            yield ListingPage(entries=listing_table(()), complete=True)
        else:
            yield from super().listing(memory, resume)


@pytest.fixture
def conditional(engine: Engine) -> Iterator[House]:
    with a_house(engine, spec=FEED, kind=Conditional) as house:
        house.source.with_bodies = True
        yield house


def fill(house: House, keys: str = "abcd") -> dict[str, str]:
    for key in keys:
        house.source.put(key, prose(key, sections=1))
    return house.source.texts()


def test_contents_that_come_along_are_not_fetched(feed: House) -> None:
    fill(feed)
    assert feed.run().counts.added == 4
    assert feed.source.fetched == []
    assert_in_step(feed)


def test_what_leaves_the_feed_is_kept(feed: House) -> None:
    held = fill(feed)
    feed.run()
    feed.source.remove("a", "b", "c")
    feed.source.put("e", prose("e"))
    result = feed.run()
    assert (result.counts.removed, result.counts.added) == (0, 1)
    assert result.status is Status.SUCCESS
    assert_in_step(feed, {**held, "e": prose("e")})


def test_what_the_feed_calls_gone_is_removed(feed: House) -> None:
    fill(feed)
    feed.run()
    feed.source.remove("a")
    feed.source.gone = {"a": "deleted"}
    assert feed.run().counts.removed == 1
    assert_in_step(feed)
    assert feed.run().counts.removed == 0


def test_what_the_same_page_lists_is_not_gone(feed: House) -> None:
    fill(feed)
    feed.run()
    feed.source.gone = {"a": "deleted", "d": "deleted"}
    assert feed.run().counts.removed == 1
    assert sorted(feed.held()) == ["b", "c", "d"]


def test_an_item_that_is_renamed_to_a_later_page_shows_under_both_names_and_stays(
    feed: House,
) -> None:
    fill(feed)

    def renamed() -> None:
        feed.source.rename("b", "z")

    feed.source.at_page[1] = renamed
    assert feed.run().counts.added == 5
    assert sorted(feed.held()) == ["a", "b", "c", "d", "z"]
    assert_sound(feed)


def test_nothing_new_costs_no_row(conditional: House) -> None:
    held = fill(conditional)
    conditional.run()
    conditional.source.forget()
    before = conditional.written()
    result = conditional.run()
    assert conditional.source.pages == [[]]
    assert (result.status, result.counts.listed) == (Status.SUCCESS, 0)
    assert conditional.written() == before
    assert_in_step(conditional, held)


def test_the_note_is_kept_only_with_all_that_it_covers(conditional: House) -> None:
    """Killed between two batches of one page, the next run must not be told "nothing new"."""
    source = conditional.source
    source.page_items, source.with_bodies = 10_000, False
    for number in range(BATCH_ITEMS + 10):
        source.put(f"{number:04}", f"Note {number}.")
    source.at_fetch[f"{BATCH_ITEMS + 5:04}"] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        conditional.run()
    assert len(conditional.held()) == BATCH_ITEMS
    source.forget()
    conditional.run()
    assert_in_step(conditional)


def test_an_item_that_may_heal_is_asked_for_although_nothing_is_new(conditional: House) -> None:
    conditional.source.with_bodies = False
    fill(conditional)
    conditional.source.unreadable["b"] = ItemFailure("b", "timed_out", "It took too long.")
    assert conditional.run().counts.failed == 1
    conditional.source.unreadable.clear()
    assert conditional.run().counts.added == 1
    assert conditional.failures() == {}
    assert_in_step(conditional)


def test_a_poisoned_item_stays_known_while_nothing_is_new(conditional: House) -> None:
    conditional.source.with_bodies = False
    fill(conditional)
    conditional.source.unreadable["b"] = ItemFailure("b", "malformed", "Not for us.")
    conditional.run()
    conditional.source.forget()
    conditional.run()
    assert conditional.source.pages == [[]]
    assert conditional.failures() == {"b": "malformed"}


def test_a_full_resync_is_not_told_that_nothing_is_new(conditional: House) -> None:
    fill(conditional)
    conditional.run()
    conditional.source.forget()
    result = conditional.run(full=True)
    assert (result.counts.listed, result.counts.unchanged) == (4, 4)
    assert conditional.source.notes == [None]


def test_another_selection_is_not_told_that_nothing_is_new(conditional: House) -> None:
    fill(conditional)
    conditional.run()
    conditional.configure(a_sync(select={"shelf": "other"}))
    assert conditional.run().counts.listed == 4


def test_a_resumed_listing_of_a_feed_goes_on_and_ends_with_its_note(conditional: House) -> None:
    fill(conditional)
    conditional.source.at_page[1] = fails(Unavailable("away"))
    conditional.run()
    assert conditional.sync_row()["note"] is None
    conditional.source.forget()
    conditional.run()
    assert conditional.source.pages == [["c", "d"], []]
    assert conditional.sync_row()["note"] == "etag 4"
    assert_in_step(conditional)


def states(house: House) -> dict[str, str | None]:
    found = house.rows("select key, state from livesync.shadow")
    return {row["key"]: row["state"] for row in found}


def test_the_memory_of_an_item_stays_as_it_was_until_something_new_is_told(feed: House) -> None:
    fill(feed, "abc")
    for key in "abc":
        feed.source.put(key, prose(key), state=f"{key} 1")
    feed.run()
    feed.source.put("a", prose("new"), state=None)
    feed.source.put("b", prose("b"), state=None)
    feed.run()
    feed.run(full=True)
    assert states(feed) == {"a": "a 1", "b": "b 1", "c": "c 1"}


def test_a_new_memory_of_an_unchanged_item_is_kept_and_nothing_else_written(feed: House) -> None:
    fill(feed, "ab")
    feed.source.put("a", prose("a"), state="one")
    feed.run()
    before = feed.written()
    version = feed.source.items["a"].version
    feed.source.put("a", prose("a"), state="two", version=version)
    assert feed.run().counts.unchanged == 2
    assert states(feed) == {"a": "two", "b": None}
    after = feed.written()
    assert {table for table in before if before[table] != after[table]} == {"shadow"}
    assert feed.run().counts.unchanged == 2
    assert feed.written() == after
