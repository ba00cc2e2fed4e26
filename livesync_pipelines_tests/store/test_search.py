"""Finding words in a capsule, whatever words they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from livesync_pipelines.model.errors import BadInput, NotFound
from livesync_pipelines.model.sync import SyncConfig
from livesync_pipelines.store import capsules
from livesync_pipelines.store.capsules import Filters
from livesync_pipelines.store.database import Connection
from livesync_pipelines_tests.engine.house import House, a_sync

SHELF = {
    "shoes": "# Running shoes\n\nThe red shoes run far. Shoes, shoes, and again shoes.",
    "boots": "# Winter boots\n\nA boot is warmer than a shoe, and it does not run.",
    "songs": "# Songs\n\nRunning water, a river song of the mountain.",
    "tables": "# Prices\n\n| item | price |\n|---|---|\n| boots | 80 |\n| laces | 3 |",
}


@pytest.fixture
def shelf(house: House) -> House:
    for key, text in SHELF.items():
        house.source.put(key, text, attributes={"kind": "text", "key": key})
    house.run()
    return house


@pytest.fixture
def connection(shelf: House) -> Iterator[Connection]:
    with shelf.engine.database.connect() as connection:
        yield connection


def hits(connection: Connection, words: str, **more: Any) -> list[str]:
    return [h["item_id"] for h in capsules.search(connection, "handbook", words, **more)]


def test_the_best_hit_comes_first(connection: Connection) -> None:
    assert hits(connection, "shoes") == ["shoes", "boots"]


def test_a_word_is_found_in_its_other_forms(connection: Connection) -> None:
    assert set(hits(connection, "run")) == {"shoes", "boots", "songs"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ('"river song"', {"songs"}),
        ('"song river"', set()),
        ("shoe -red", {"boots"}),
        ("river or laces", {"songs", "tables"}),
        ('"river song" laces', set()),
        ("river laces -song", set()),
        ("-shoe -river", {"tables"}),
        ("RUNNING", {"shoes", "boots", "songs"}),
        ("winter", {"boots"}),
    ],
)
def test_phrases_or_and_not_work_as_on_the_web(
    connection: Connection, words: str, found: set[str]
) -> None:
    assert set(hits(connection, words)) == found


def test_where_no_passage_has_all_words_those_with_some_are_found(connection: Connection) -> None:
    question = "which boots were the warmer ones on the mountain?"
    found = capsules.search(connection, "handbook", question)
    assert {hit["item_id"] for hit in found} == {"boots", "songs", "tables"}
    assert found[0]["item_id"] == "boots", "it has two of them"
    assert {hit["matched"] for hit in found} == {"any"}
    assert {h["matched"] for h in capsules.search(connection, "handbook", "boots warmer")} == {
        "all"
    }


def test_neighbouring_marks_become_one(house: House) -> None:
    house.source.put("order", "The order HB-0034 was sent.")
    house.run()
    with house.engine.database.pooled() as connection:
        (hit,) = capsules.search(connection, "handbook", "HB-0034")
    assert "**HB-0034**" in hit["snippet"]


@pytest.mark.parametrize(
    "words",
    [
        "",
        " ",
        "the and of",
        "\0",
        "\ud800",
        "'; drop table livesync.chunks; --",
        '"unclosed',
        '""" "" "',
        "a & b | !c <-> (d",
        "%s %(words)s {}",
        "\\",
        "-" * 50,
        "- " * 50,
        '-\n"-" ' * 50,
        "(" * 500,
        "or " * 500,
        "\n\t\r",
        "🜁",
        ":*",
        "x" * 100_000,
        "word " * 20_000,
        " ".join(f"w{number}" for number in range(20_000)),
    ],
    ids=lambda words: repr(words[:12]),
)
def test_hostile_words_find_nothing_and_break_nothing(connection: Connection, words: str) -> None:
    assert hits(connection, words) == []


def test_a_nul_between_words_is_a_blank(connection: Connection) -> None:
    assert hits(connection, "river\0song") == ["songs"]


def test_a_snippet_marks_the_hits(connection: Connection) -> None:
    (hit,) = capsules.search(connection, "handbook", "mountain")
    assert "**mountain**" in hit["snippet"]
    (hit,) = capsules.search(connection, "handbook", "mountain", marks=("\x02", "\x03"))
    assert "\x02mountain\x03" in hit["snippet"]


def test_a_hit_tells_where_it_stands(connection: Connection) -> None:
    (hit,) = capsules.search(connection, "handbook", "mountain")
    assert hit["text"] == SHELF["songs"]
    assert (hit["start"], hit["end"]) == (0, len(SHELF["songs"]))
    assert (hit["title"], hit["url"], hit["sync_id"]) == ("Songs", "fake://songs", "docs")
    assert hit["heading_path"] == ["Songs"]
    assert 0 < hit["score"] <= 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(), {"shoes", "boots"}),
        (Filters(sync_id="docs"), {"shoes", "boots"}),
        (Filters(sync_id="other"), set()),
        (Filters(url_prefix="fake://sh"), {"shoes"}),
        (Filters(url_prefix="%"), set()),
        (Filters(media_type="text/markdown"), {"shoes", "boots"}),
        (Filters(media_type="text/html"), set()),
        (Filters(attributes={"kind": "text", "key": "boots"}), {"boots"}),
        (Filters(attributes={"kind": "other"}), set()),
        (Filters(attributes={"\0": "\0"}), set()),
        (Filters(modified_since=datetime(2020, 1, 1, tzinfo=UTC)), set()),
        (Filters(sync_id="\0", media_type="\0", url_prefix="\0"), set()),
    ],
)
def test_filters_leave_only_what_has_all_of_them(
    connection: Connection, filters: Filters, found: set[str]
) -> None:
    assert set(hits(connection, "shoe", filters=filters)) == found


def test_no_more_than_the_limit(connection: Connection) -> None:
    assert len(hits(connection, "run", limit=2)) == 2


def test_a_capsule_sees_only_its_own(shelf: House) -> None:
    shelf.configure(a_sync(), SyncConfig(**{**_fields(a_sync("two")), "capsule": "other"}))
    shelf.run("two")
    with shelf.engine.database.pooled() as connection:
        assert len(capsules.search(connection, "other", "mountain")) == 1
        assert len(capsules.search(connection, "handbook", "mountain")) == 1


def _fields(sync: SyncConfig) -> dict[str, Any]:
    return {name: getattr(sync, name) for name in sync.__slots__}


def test_two_syncs_with_the_same_words_are_two_hits(shelf: House) -> None:
    shelf.configure(a_sync(), a_sync("twin"))
    shelf.run("twin")
    with shelf.engine.database.pooled() as connection:
        found = capsules.search(connection, "handbook", "mountain")
    assert sorted(hit["sync_id"] for hit in found) == ["docs", "twin"]


def test_what_was_removed_is_not_found_and_what_is_new_is(shelf: House) -> None:
    shelf.source.remove("songs")
    shelf.source.put("hills", "A hill is no mountain.")
    shelf.run()
    with shelf.engine.database.pooled() as connection:
        assert hits(connection, "mountain") == ["hills"]


def test_a_capsule_that_is_not_there_is_named_with_those_that_are(connection: Connection) -> None:
    with pytest.raises(NotFound) as raised:
        capsules.search(connection, "handbok", "x")
    assert raised.value.hint == "Configured: handbook."


def test_an_index_that_is_switched_off_says_so(shelf: House) -> None:
    shelf.configure(language="none")
    with shelf.engine.database.pooled() as connection, pytest.raises(BadInput, match="index"):
        capsules.search(connection, "handbook", "x")
