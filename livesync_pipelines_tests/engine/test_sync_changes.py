"""What a run makes of a source that was added to, edited, touched, or left alone."""

from __future__ import annotations

import pytest

from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Counts, Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines_tests.engine.house import House, assert_in_step, ops, prose


def test_a_first_sync_brings_everything_in(house: House) -> None:
    for key in ("a", "b", "c"):
        house.source.put(key, prose(key))
    result = house.run()
    assert result.status is Status.SUCCESS
    assert result.counts == Counts(
        listed=3,
        added=3,
        chunks_written=9,
        pages=2,
        fetched=3,
        bytes=sum(map(len, house.source.texts().values())),
    )
    assert ops(house.entries()) == [("added", "a"), ("added", "b"), ("added", "c")]
    assert_in_step(house)


def test_an_empty_source_is_a_success_with_nothing_in_it(house: House) -> None:
    assert house.run().status is Status.SUCCESS
    assert_in_step(house, {})


def test_when_nothing_changed_nothing_is_fetched_and_no_row_is_written(house: House) -> None:
    for key in "abcde":
        house.source.put(key, prose(key))
    house.run()
    house.source.forget()
    before = house.written()
    result = house.run()
    assert result.counts == Counts(listed=5, expected=5, unchanged=5, pages=3)
    assert house.source.fetched == []
    assert house.written() == before
    assert_in_step(house)


def test_an_edit_writes_only_the_chunks_whose_words_changed(house: House) -> None:
    parts = prose("a", sections=5).split("\n\n## ")
    house.source.put("a", "\n\n## ".join(parts))
    house.source.put("b", prose("b"))
    house.run()
    before, untouched = house.chunks("a"), house.written()["chunks"]
    parts[2] += " And a new sentence."
    house.source.put("a", "\n\n## ".join(parts))
    result = house.run()
    after = house.chunks("a")
    assert [place for place in range(5) if before[place] != after[place]] == [2]
    assert result.counts.updated == 1
    assert result.counts.chunks_written == 1
    assert result.counts.chunks_removed == 1
    assert result.counts.chunks_kept == 4
    rewritten = [row for row in house.written()["chunks"] if row not in untouched]
    assert len(rewritten) == 1
    assert house.entries()[-1]["after"]["fields"] == ["text"]
    assert_in_step(house)


def test_a_new_paragraph_in_front_moves_no_chunk_id(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    before = house.chunks("a")
    house.source.put("a", prose("preface", sections=1) + "\n\n" + prose("a"))
    house.run()
    assert house.chunks("a")[1:] == before
    assert_in_step(house)


def test_a_touched_item_is_read_and_only_its_version_is_noted(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    before = house.written()
    house.source.touch("a")
    result = house.run()
    assert result.counts.unchanged == 1
    assert result.counts.synced_items == 0
    after = house.written()
    assert {table for table in before if before[table] != after[table]} == {"shadow"}
    house.source.forget()
    house.run()
    assert house.source.fetched == []
    assert_in_step(house)


def test_a_changed_title_or_attribute_is_an_update_that_keeps_every_chunk(house: House) -> None:
    house.source.put("a", prose("a"), title="One", attributes={"author": "Ada"})
    house.run()
    chunks = house.written()["chunks"]
    house.source.put("a", prose("a"), title="Two", attributes={"author": "Bob"})
    result = house.run()
    assert (result.counts.updated, result.counts.chunks_written) == (1, 0)
    assert house.entries()[-1]["after"]["fields"] == ["title", "attributes"]
    assert house.written()["chunks"] == chunks
    assert_in_step(house)


def test_two_items_with_the_same_words_share_the_words_and_no_chunk(house: House) -> None:
    house.source.put("a", prose("same"))
    house.source.put("b", prose("same"))
    house.run()
    assert len(house.rows("select 1 from livesync.contents")) == 1
    assert set(house.chunks("a")).isdisjoint(house.chunks("b"))
    house.source.remove("a")
    house.run()
    assert_in_step(house)


def test_the_same_section_twice_is_one_chunk_with_two_places(house: House) -> None:
    twice = "\n\n".join([prose("a", sections=1), prose("b", sections=1), prose("a", sections=1)])
    house.source.put("a", twice)
    result = house.run()
    first, _, third = house.chunks("a")
    assert first == third
    assert result.counts.chunks_written == 2
    house.source.put("a", twice[: twice.rindex("## ")])
    assert house.run().counts.chunks_removed == 0
    assert_in_step(house)


def test_an_item_that_becomes_empty_stays_without_chunks_and_fills_again(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.put("a", "\n \n")
    house.run()
    assert_in_step(house)
    house.source.put("a", prose("a"))
    house.run()
    assert_in_step(house)


def test_what_was_deleted_and_made_anew_between_two_runs_is_an_update(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.remove("a")
    house.source.put("a", prose("other"))
    result = house.run()
    assert (result.counts.updated, result.counts.removed) == (1, 0)
    assert_in_step(house)


def test_what_was_deleted_and_later_made_anew_is_removed_and_added(house: House) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.remove("a")
    house.run()
    house.source.put("a", prose("a"))
    house.run()
    assert [op for op, _ in ops(house.entries())] == ["added", "removed", "added"]
    assert_in_step(house)


def test_what_changes_between_listing_and_fetch_is_taken_as_it_is_then(house: House) -> None:
    """The version that is kept is that of the bytes, so the next run finds nothing to do."""
    house.source.put("a", prose("old"))
    house.source.at_fetch["a"] = lambda: house.source.put("a", prose("new"))
    house.run()
    assert_in_step(house)
    house.source.forget()
    assert house.run().counts.unchanged == 1
    assert house.source.fetched == []


def test_what_changes_after_its_page_is_found_by_the_next_run(house: House) -> None:
    for key in "abcd":
        house.source.put(key, prose(key))
    house.source.at_page[1] = lambda: house.source.put("a", prose("later"))
    house.run()
    house.source.forget()
    assert house.run().counts.updated == 1
    assert_in_step(house)


def test_a_full_resync_reads_everything_and_writes_nothing_where_nothing_differs(
    house: House,
) -> None:
    for key in "abc":
        house.source.put(key, prose(key))
    house.run()
    house.source.forget()
    before = house.written()
    result = house.run(full=True)
    assert house.source.fetched == ["a", "b", "c"]
    assert (result.counts.unchanged, result.counts.synced_items) == (3, 0)
    after = house.written()
    assert {table for table in before if before[table] != after[table]} <= {"shadow"}
    assert [op["mode"] for op in house.history()] == ["pull", "full"]
    assert_in_step(house)


def test_a_full_resync_finds_a_change_that_no_version_shows(house: House) -> None:
    house.source.put("a", prose("old"))
    house.run()
    house.source.put("a", prose("new"), version=house.source.items["a"].version)
    assert house.run().counts.updated == 0
    assert house.run(full=True).counts.updated == 1
    assert_in_step(house)


def test_the_result_and_the_history_tell_the_same(house: House) -> None:
    house.source.put("a", prose("a"))
    result = run_sync(house.engine, "docs", trigger=Trigger.POLL, run_id="run-7")
    (told,) = house.history()
    assert told["operation_id"] == result.operation_id
    assert told["counts"] == result.counts.as_dict()
    assert (told["trigger"], told["run_id"], told["status"]) == ("poll", "run-7", "success")
    assert told["finished_at"] == result.last_sync
    assert house.entries()[0]["cause"] == "poll"
    assert house.entries()[0]["operation_id"] == result.operation_id


@pytest.mark.parametrize("page_items", [1, 2, 3, 1000])
def test_the_size_of_a_page_changes_nothing(house: House, page_items: int) -> None:
    house.source.page_items = page_items
    for key in "abcdef":
        house.source.put(key, prose(key, sections=1))
    house.run()
    house.source.remove("b", "f")
    house.source.put("c", prose("c2", sections=1))
    result = house.run()
    assert (result.counts.removed, result.counts.updated, result.counts.unchanged) == (2, 1, 3)
    assert_in_step(house)
