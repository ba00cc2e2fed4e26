"""Where a chunk or a row comes from."""

from __future__ import annotations

import pytest

from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import capsules
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, a_sync, prose


def test_a_chunk_is_explained_by_its_source_its_run_and_its_changes(
    house: House, connection: Connection
) -> None:
    house.source.put("a", prose("a"), attributes={"who": "Ada"})
    run_sync(house.engine, "docs", trigger=Trigger.POLL, run_id="run-1")
    house.source.put("a", prose("a") + "\n\n" + prose("b", sections=1))
    second = run_sync(house.engine, "docs", trigger=Trigger.WEBHOOK, run_id="run-2")
    first_chunk, *_, last_chunk = house.chunks("a")
    told = capsules.explain(connection, last_chunk)
    assert told["chunk"]["chunk_id"] == last_chunk
    assert told["chunk"]["heading_path"] == ["b 1"]
    assert told["chunk"]["written_by"] == second.operation_id
    assert told["source"]["platform"] == "fake"
    assert told["source"]["version"] == house.source.items["a"].version
    assert (told["trigger"], told["run_id"]) == ("webhook", "run-2")
    assert told["operation_id"] == second.operation_id
    assert (told["mapping_version"], told["chunker_version"]) == ("identity", CHUNKER_VERSION)
    assert [change["op"] for change in told["changes"]] == ["updated", "added"]
    kept = capsules.explain(connection, first_chunk)["chunk"]
    assert kept["written_by"] == house.history()[0]["operation_id"]
    text = house.held()["a"]
    assert [text[p["start"] : p["end"]] for p in kept["places"]] == [kept["text"]]


def test_a_chunk_that_stands_twice_has_two_places(house: House, connection: Connection) -> None:
    once = prose("a", sections=1)
    house.source.put("a", f"{once}\n\n{prose('b', sections=1)}\n\n{once}")
    house.run()
    places = capsules.explain(connection, house.chunks("a")[0])["chunk"]["places"]
    assert len(places) == 2
    assert {house.held()["a"][p["start"] : p["end"]] for p in places} == {once}


@pytest.mark.parametrize("name", ["a", "docs:a"])
def test_a_row_is_explained_by_its_id_with_or_without_its_sync(
    house: House, connection: Connection, name: str
) -> None:
    house.source.put("a", prose("a"))
    house.run()
    told = capsules.explain(connection, name)
    assert told["row"]["item_id"] == "a"
    assert told["row"]["chunks"] == house.chunks("a")
    assert told["capsule"] == "handbook"


def test_a_row_is_found_by_its_key_after_a_rename(house: House, connection: Connection) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.rename("a", "b")
    house.run()
    assert capsules.explain(connection, "b")["row"]["item_id"] == "a"


def test_where_an_id_is_also_the_name_of_another_item_the_id_is_meant(
    house: House, connection: Connection
) -> None:
    house.source.put("a", prose("first"))
    house.run()
    house.source.rename("a", "b")
    house.run()
    house.source.put("a", prose("second"))
    house.run()
    second = house.ids()["a"]
    assert capsules.explain(connection, "a")["source"]["key"] == "b"
    assert capsules.explain(connection, "docs:a")["source"]["key"] == "b"
    assert capsules.explain(connection, second)["source"]["key"] == "a"
    assert capsules.explain(connection, f"docs:{second}")["source"]["key"] == "a"


def test_a_name_in_several_syncs_asks_which(house: House, connection: Connection) -> None:
    house.configure(a_sync(), a_sync("twin"))
    house.source.put("a", prose("a"))
    house.run()
    house.run("twin")
    with pytest.raises(BadInput) as raised:
        capsules.explain(connection, "a")
    assert raised.value.hint == "Say which: docs:a, twin:a."
    assert capsules.explain(connection, "twin:a")["row"]["sync_id"] == "twin"


@pytest.mark.parametrize(
    "name", ["nothing", "", "\0", "docs:\0", "\ud800", "00000000-0000-0000-0000-000000000000", ":"]
)
def test_what_is_not_there_is_not_found(house: House, connection: Connection, name: str) -> None:
    with pytest.raises(NotFound):
        capsules.explain(connection, name)


def test_a_row_that_was_touched_tells_the_version_that_was_seen_last(
    house: House, connection: Connection
) -> None:
    house.source.put("a", prose("a"))
    house.run()
    house.source.touch("a")
    house.run()
    told = capsules.explain(connection, "a")
    assert told["source"]["version"] == house.source.items["a"].version
    assert [change["op"] for change in told["changes"]] == ["added"]
