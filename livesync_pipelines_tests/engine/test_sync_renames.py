"""A renamed item stays the item it was, wherever the source can tell."""

from __future__ import annotations

from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.engine.house import House, assert_in_step, ops, prose


def test_a_rename_keeps_the_item_and_every_chunk(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    ids, chunks, stored = house.ids(), house.chunks("a"), house.written()["chunks"]
    house.source.rename("a", "b")
    result = house.run()
    assert (result.counts.moved, result.counts.removed, result.counts.added) == (1, 0, 0)
    assert result.counts.chunks_written == 0
    assert house.ids() == {"b": ids["a"]}
    assert house.chunks("b") == chunks
    assert house.written()["chunks"] == stored
    assert house.entries()[-1]["before"]["key"] == "a"
    assert house.entries()[-1]["after"]["key"] == "b"
    assert_in_step(house)


def test_a_rename_backwards_over_a_page_edge_keeps_the_item_too(house: House) -> None:
    for key in ("m", "n", "x", "z"):
        house.source.put(key, prose(key))
    house.run()
    house.source.rename("z", "a")
    assert house.run().counts.moved == 1
    assert house.ids()["a"] == "z"
    assert_in_step(house)


def test_after_a_rename_a_new_item_under_the_old_name_is_another_item(house: House) -> None:
    house.source.put("a", prose("first"))
    house.run()
    house.source.rename("a", "b")
    house.run()
    house.source.put("a", prose("second"))
    house.run()
    assert house.ids()["b"] == "a"
    assert house.ids()["a"] != "a"
    assert_in_step(house)


def test_item_ids_never_collide_however_often_a_name_is_used_again(house: House) -> None:
    """Here the third item under the name has the identity that the second one had, too."""
    house.source.put("a", prose("first"))
    house.run()
    for turn in range(3):
        house.source.rename("a", f"b{turn}")
        house.run()
        house.source.put("a", prose(f"next {turn}"), identity="reused")
        house.run()
        assert_in_step(house)
    assert len(set(house.ids().values())) == 4


def test_renamed_and_replaced_in_one_go_both_are_there(house: House) -> None:
    house.source.put("a", prose("first"))
    house.run()
    house.source.rename("a", "b")
    house.source.put("a", prose("second"))
    house.run()
    assert_in_step(house)


def test_two_items_that_swap_their_names_both_show_their_own_words(house: House) -> None:
    house.source.put("a", prose("a"))
    house.source.put("b", prose("b"))
    house.run()
    house.source.swap("a", "b")
    house.run()
    assert_in_step(house)
    house.source.forget()
    assert house.run().counts.unchanged == 2
    assert house.source.fetched == []


def test_a_chain_of_renames_ends_in_the_right_words(house: House) -> None:
    for key in "abc":
        house.source.put(key, prose(key))
    house.run()
    for old, new in (("c", "d"), ("b", "c"), ("a", "b")):
        house.source.rename(old, new)
    house.run()
    assert_in_step(house)
    house.source.forget()
    assert house.run().counts.unchanged == 3


def test_a_renamed_folder_moves_every_item_and_removes_none(house: House) -> None:
    """More than a batch of them, past the breaker, in pages of a hundred."""
    house.source.page_items = 100
    count = BATCH_ITEMS + 50
    for number in range(count):
        house.source.put(f"old/{number:04}", f"# Note {number}\n\nIt says {number}.")
    house.run()
    ids = sorted(house.ids().values())
    for number in range(count):
        house.source.rename(f"old/{number:04}", f"new/{number:04}")
    result = house.run()
    assert result.counts.moved == count
    assert (result.counts.removed, result.counts.chunks_written) == (0, 0)
    assert sorted(house.ids().values()) == ids
    assert_in_step(house)


def test_renamed_and_edited_at_once_is_a_new_item_with_the_new_words(house: House) -> None:
    """An identity may be used again, so the words must agree before a rename is believed."""
    house.source.put("a", prose("a"))
    house.run()
    house.source.rename("a", "b")
    house.source.put("b", prose("b"))
    result = house.run()
    assert (result.counts.added, result.counts.removed, result.counts.moved) == (1, 1, 0)
    assert_in_step(house)


def test_a_reused_identity_does_not_make_two_items_one(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    identity = house.source.items["a"].identity
    house.source.remove("a")
    house.source.put("z", prose("z"), identity=identity)
    house.run()
    assert ops(house.entries())[1:] == [("added", "z"), ("removed", "a")]
    assert_in_step(house)


def test_two_names_of_one_file_are_two_items(house: House) -> None:
    house.source.put("a", prose("a"))
    house.source.put("b", prose("a"), identity="i1")
    house.run()
    house.source.put("c", prose("a"), identity="i1")
    house.source.put("d", prose("a"), identity="i1")
    assert house.run().counts.added == 2
    assert_in_step(house)
    house.source.rename("a", "e")
    house.source.remove("c")
    house.run()
    assert_in_step(house)


def test_a_second_name_for_a_renamed_file_is_an_item_of_its_own(house: House) -> None:
    """The name is known, and so is the identity, each of another item."""
    house.source.put("a", prose("a"))
    house.run()
    house.source.rename("a", "b")
    house.run()
    house.source.put("a", prose("x"))
    house.run()
    identity = house.source.items["a"].identity
    house.source.rename("a", "c")
    house.run()
    house.source.put("a", prose("x"), identity=identity)
    house.run()
    assert_in_step(house)


def test_a_rename_that_cannot_be_read_stays_a_failure_and_takes_nothing(house: House) -> None:
    house.source.put("a", prose("a"))
    house.source.put("b", prose("b"))
    house.run()
    house.source.rename("a", "c")
    house.source.at_fetch["c"] = lambda: house.source.remove("c")
    result = house.run()
    assert result.counts.failed == 1
    assert_in_step(house, {"a": prose("a"), "b": prose("b")})
    assert house.run().counts.failed == 0
    assert house.failures() == {}
    assert_in_step(house)


def test_a_renamed_item_that_cannot_be_read_stays_as_it_was_until_it_can(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    before = house.ids()["a"]
    house.source.rename("a", "c")
    house.source.unreadable["c"] = ItemFailure("c", "timed_out", "c is slow.")
    for _ in range(2):
        assert house.run().status is Status.PARTIAL
        assert_in_step(house, {"a": prose("a")})
    house.source.unreadable.clear()
    assert house.run().counts.moved == 1
    assert house.ids() == {"c": before}
    assert_in_step(house)


def test_without_a_complete_listing_a_rename_is_an_addition(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.rename("a", "b")
    house.source.complete = False
    house.run()
    assert_in_step(house, {"a": prose("a"), "b": prose("a")})
    house.source.complete = True
    house.run()
    assert_in_step(house)


def test_a_rename_with_new_attributes_says_both(house: House) -> None:
    house.source.put("a", prose("a"), attributes={"who": "Ada"})
    house.run()
    house.source.rename("a", "b")
    house.source.put("b", prose("a"), attributes={"who": "Bob"})
    assert house.run().counts.moved == 1
    assert house.entries()[-1]["after"]["fields"] == ["key", "url", "attributes"]
    assert_in_step(house)
