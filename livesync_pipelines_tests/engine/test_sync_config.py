"""What a changed configuration does to what is held: mapping, capsule, language, two syncs."""

from __future__ import annotations

import pytest

from livesync_pipelines.core import mapping
from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.engine.sync import replay_sync
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.operation import Counts, Status
from livesync_pipelines.model.sync import FieldMapping, Priority, Trigger
from livesync_pipelines.store import capsules, queue
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import (
    House,
    a_sync,
    assert_in_step,
    assert_sound,
    ops,
    prose,
)

MAPPING = (FieldMapping("author", source="who"), FieldMapping("origin", value="fake"))


def fill(house: House) -> None:
    for key in ("a", "b"):
        house.source.put(key, prose(key), attributes={"who": f"{key.upper()}da", "page": "1"})


def fields(house: House) -> list[dict[str, str]]:
    found = house.rows("select attributes from livesync.documents order by item_id")
    return [row["attributes"] for row in found]


def found(house: House, capsule: str, words: str) -> list[str]:
    with house.engine.database.pooled() as connection:
        return sorted(hit["item_id"] for hit in capsules.search(connection, capsule, words))


def test_a_replay_after_a_mapping_change_rewrites_documents_and_asks_nobody(house: House) -> None:
    fill(house)
    house.run()
    before = house.written()
    house.configure(a_sync(mapping=MAPPING))
    house.source.forget()
    result = replay_sync(house.engine, "docs", run_id="run-1")
    assert (result.status, result.run_id) == (Status.SUCCESS, "run-1")
    assert (result.counts.updated, result.counts.chunks_kept) == (2, 6)
    assert (house.source.pages, house.source.fetched) == ([], [])
    assert fields(house) == [
        {"author": "Ada", "origin": "fake"},
        {"author": "Bda", "origin": "fake"},
    ]
    after = house.written()
    assert before["chunks"] == after["chunks"]
    assert before["contents"] == after["contents"]
    versions = house.rows("select distinct mapping_version from livesync.documents")
    assert versions == [{"mapping_version": mapping.version(MAPPING)}]
    assert_in_step(house)


def test_a_replay_of_what_is_as_it_should_be_writes_nothing(house: House) -> None:
    fill(house)
    house.configure(a_sync(mapping=MAPPING))
    house.run()
    before = house.written()
    result = replay_sync(house.engine, "docs")
    assert result.counts == Counts(listed=2, unchanged=2)
    assert house.written() == before
    assert house.history()[-1]["trigger"] == "replay"


def test_a_replay_goes_through_more_than_one_piece(house: House) -> None:
    house.source.page_items = 10_000
    for number in range(1_050):
        house.source.put(f"{number:04}", f"Note {number}.", attributes={"who": "x"})
    house.run()
    house.configure(a_sync(mapping=MAPPING))
    assert replay_sync(house.engine, "docs").counts.updated == 1_050
    assert replay_sync(house.engine, "docs").counts.unchanged == 1_050
    assert_sound(house)


def test_a_replay_leaves_a_half_done_listing_where_it_is(house: House) -> None:
    fill(house)
    house.source.put("c", prose("c"))
    house.source.at_page[1] = fails(Unavailable("away"))
    house.run()
    house.configure(a_sync(mapping=MAPPING))
    replay_sync(house.engine, "docs")
    house.source.forget()
    house.run()
    assert house.source.pages[0] == ["c"]
    assert_in_step(house)


def test_a_replay_takes_no_request_and_no_turn_away(house: House) -> None:
    """Somebody asked for a look at the source, and a replay looks at nothing."""
    house.configure(a_sync(schedule="daily"))
    fill(house)
    house.run()
    house.execute("update livesync.syncs set mark = 'm', next_due_at = '2026-01-01'")
    before = house.sync_row()
    with house.engine.database.pooled() as connection:
        queue.put(connection, "docs", trigger=Trigger.WEBHOOK, priority=Priority.NORMAL)
        replay_sync(house.engine, "docs")
        assert queue.depth(connection)[0] == 1
    after = house.sync_row()
    assert {name for name in before if before[name] != after[name]} <= {"fence"}


def test_a_plain_run_leaves_a_full_resync_in_the_queue(house: House) -> None:
    fill(house)
    with house.engine.database.pooled() as connection:
        queue.put(connection, "docs", trigger=Trigger.PERSON, priority=Priority.NORMAL, full=True)
        house.run()
        assert queue.depth(connection)[0] == 1
        house.run(full=True)
        assert queue.depth(connection)[0] == 0


def test_the_first_run_after_a_mapping_change_maps_everything_anew(house: House) -> None:
    fill(house)
    house.run()
    house.configure(a_sync(mapping=MAPPING))
    house.source.touch("a")
    assert house.run().counts.unchanged == 2
    assert fields(house)[1] == {"author": "Bda", "origin": "fake"}
    assert [o["trigger"] for o in house.history()] == ["person", "replay", "person"]
    house.run()
    assert [o["trigger"] for o in house.history()][-1:] == ["person"]
    assert_in_step(house)


def test_what_an_older_chunker_has_cut_is_cut_anew_by_the_next_run(house: House) -> None:
    fill(house)
    house.run()
    house.execute("update livesync.documents set chunker_version = '0'")
    house.execute("update livesync.syncs set chunker_version = '0'")
    house.run()
    versions = house.rows("select distinct chunker_version from livesync.documents")
    assert versions == [{"chunker_version": CHUNKER_VERSION}]
    assert len(house.history()) == 3
    house.run()
    assert len(house.history()) == 4
    assert_in_step(house)


def test_two_syncs_of_one_capsule_do_not_touch_each_other(house: House) -> None:
    house.configure(a_sync(), a_sync("twin"))
    fill(house)
    house.run()
    house.run("twin")
    assert house.held() == house.held("twin")
    assert set(house.chunks("a")).isdisjoint(house.chunks("a", "twin"))
    house.source.remove("a")
    house.run("twin")
    assert sorted(house.held()) == ["a", "b"]
    assert sorted(house.held("twin")) == ["b"]
    house.run()
    assert_in_step(house)
    assert_sound(house, "twin")
    assert ops(house.entries("twin")) == [("added", "a"), ("added", "b"), ("removed", "a")]


def test_a_sync_with_another_capsule_moves_what_it_brought_in(house: House) -> None:
    house.source.put("a", "Running shoes.")
    house.run()
    house.configure(a_sync(capsule="other"))
    assert found(house, "handbook", "shoes") == []
    assert found(house, "other", "shoes") == ["a"]
    house.source.put("b", "Another shoe.")
    house.run()
    assert found(house, "other", "shoe") == ["a", "b"]
    assert_in_step(house)


def test_a_new_language_is_that_of_every_chunk_old_and_new(house: House) -> None:
    house.source.put("a", "Die Häuser stehen leer.")
    house.run()
    assert found(house, "handbook", "Haus") == []
    house.configure(language="german")
    assert found(house, "handbook", "Haus") == ["a"]
    house.source.put("b", "Ein Haus.")
    house.run()
    assert found(house, "handbook", "Häuser") == ["a", "b"]
    house.configure(language="none")
    with pytest.raises(BadInput, match="no search index"):
        found(house, "handbook", "Haus")
    house.source.put("c", "Noch ein Haus.")
    house.run()
    house.configure(language="german")
    assert found(house, "handbook", "Haus") == ["a", "b", "c"]


def test_a_language_that_changes_under_a_run_leaves_no_chunk_in_the_old_one(house: House) -> None:
    for key in ("a", "b", "c", "d"):
        house.source.put(key, f"Ein Haus, {key}.")
    house.source.at_page[1] = lambda: house.configure(language="german")
    house.run()
    house.source.forget()
    house.run()
    assert found(house, "handbook", "Häuser") == ["a", "b", "c", "d"]
    assert_in_step(house)


def test_a_language_that_this_server_does_not_know_is_refused_with_those_it_does(
    house: House,
) -> None:
    with pytest.raises(BadInput) as raised:
        house.configure(language="klingon")
    assert "english" in raised.value.hint
