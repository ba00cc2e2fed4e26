"""Names, versions and pages such as no source should give, and some source does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from livesync_pipelines.connectors.base import Memory, listing_table
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import ListingPage
from livesync_pipelines_tests.engine.fake_source import Fake, fails
from livesync_pipelines_tests.engine.house import (
    House,
    a_house,
    assert_in_step,
    assert_sound,
    prose,
)

SURROGATE = "\ud800"
NAMES = [
    "ordinary.md",
    "with space/and 'quotes' \"double\".md",
    "tab\there",
    "line\nbreak",
    "\x01\x7f",
    "back\\slash\\N",
    "\\N",
    "percent%s%(x)s",
    "{brace}",
    "ünïcödé",
    "u\u0308 decomposed",
    "\u202eright to left",
    "日本語/ファイル",
    "🜁🜂",
    "#hash",
    " ",
    "\ufffd",
    "\U0010ffff",
]


def test_any_name_that_can_be_stored_is_a_name(house: House) -> None:
    for name in NAMES:
        house.source.put(name, f"Words of {name!r}.")
    house.source.page_items = 5
    assert house.run().counts.added == len(NAMES)
    assert_in_step(house)
    house.source.forget()
    assert house.run().counts.unchanged == len(NAMES)
    assert house.source.fetched == []
    house.source.remove(*NAMES[::2])
    house.run()
    assert_in_step(house)


@pytest.mark.parametrize("page_items", [1, 2, 3, 100])
def test_a_name_with_a_nul_is_one_failure_wherever_it_stands(house: House, page_items: int) -> None:
    """Also at the edge of a page, where it is the cursor too."""
    house.source.page_items = page_items
    good = {key: prose(key, sections=1) for key in ("a", "b", "b1", "c")}
    for key, text in good.items():
        house.source.put(key, text)
    for key in ("\0", "b\0", "b\0b", "z\0"):
        house.source.put(key, "unspeakable")
    result = house.run()
    assert (result.status, result.counts.failed) == (Status.PARTIAL, 4)
    assert set(house.failures().values()) == {"bad_name"}
    assert_in_step(house, good)
    before = house.written()
    assert house.run().counts.unchanged == 4
    assert house.written() == before
    house.source.remove("b", "b\0", "b\0b", "z\0", "\0")
    assert house.run().status is Status.SUCCESS
    assert house.failures() == {}
    assert_in_step(house)


def test_a_listing_is_resumed_behind_a_name_with_a_nul(house: House) -> None:
    for key in ("a", "b\0", "c", "d"):
        house.source.put(key, prose(key, sections=1))
    house.source.at_page[1] = fails(Unavailable("away"))
    house.run()
    house.source.forget()
    house.run()
    assert house.source.pages[0][-1] == "c"
    assert sorted(house.held()) == ["a", "c", "d"]
    assert_sound(house)


@pytest.mark.parametrize(
    "more", [{"version": "v\0"}, {"identity": "i\0"}, {"state": "s\0"}, {"identity": "i" * 9_000}]
)
def test_a_nul_in_what_is_kept_of_an_item_is_one_failure(
    house: House, more: dict[str, str]
) -> None:
    house.source.put("a", prose("a"))
    house.source.put("b", prose("b"), **more)
    assert house.run().counts.failed == 1
    assert_in_step(house, {"a": prose("a")})


def test_a_name_too_long_for_an_index_is_one_failure(house: House) -> None:
    """Postgres indexes no more than 2,704 bytes of a row; random ones, for it compresses."""
    long = prose("long", sections=5)
    house.source.put("a", prose("a"))
    house.source.put(long[:1_990], prose("fits"))
    house.source.put(long[:2_100], prose("too long"))
    house.source.put("é" * 1_001, prose("too long in bytes"))
    assert house.run().counts.failed == 2
    assert_in_step(house, {"a": prose("a"), long[:1_990]: prose("fits")})
    before = house.written()
    house.run()
    assert house.written() == before


@pytest.mark.parametrize("odd", ["\0", SURROGATE, "a\0b" + SURROGATE])
def test_odd_characters_in_titles_and_attributes_are_replaced(house: House, odd: str) -> None:
    house.source.put("a", prose("a"), title=f"One {odd}", attributes={odd: odd, "plain": "x"})
    assert house.run().status is Status.SUCCESS
    (row,) = house.rows("select title, attributes from livesync.documents")
    assert "\ufffd" in row["title"]
    assert "\ufffd" in "".join(row["attributes"].values())
    assert_in_step(house)


def test_a_nul_in_the_words_is_replaced(house: House) -> None:
    house.source.put("a", "Before\0after.")
    house.run()
    assert_sound(house)


@pytest.mark.parametrize("odd", ["\0", SURROGATE])
def test_odd_characters_in_a_failure_are_replaced(house: House, odd: str) -> None:
    house.source.put("a", prose("a"))
    house.source.failing["b"] = ItemFailure(f"b{odd}", "unreadable", f"What {odd} is this?")
    house.source.unreadable["a"] = ItemFailure("a", "unreadable", odd)
    assert house.run().counts.failed == 2
    assert sorted(house.failures()) == ["a", "b\ufffd"]
    before = house.rows("select xmin from livesync.item_failures where key <> 'a'")
    house.run()
    assert house.rows("select xmin from livesync.item_failures where key <> 'a'") == before


class Unruly(Fake):
    """Lists its pages as they are told to it, resumed or not."""

    script: ClassVar[list[list[str]]] = []
    gone: ClassVar[dict[str, str]] = {}

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        for keys in self.script:
            last = keys is self.script[-1]
            entries = [self.source.entry(key) for key in keys]
            yield ListingPage(
                entries=listing_table(entries),
                bodies={key: self.source.body(key) for key in keys},
                gone=self.gone if keys is self.script[0] else {},
                resume=None if last else max(keys),
                complete=last,
            )


@pytest.fixture
def unruly(engine: Engine) -> Iterator[House]:
    with a_house(engine, kind=Unruly) as house:
        for key in "abcd":
            house.source.put(key, prose(key, sections=1))
        Unruly.script, Unruly.gone = [["a", "b"], ["c", "d"]], {}
        house.run()
        yield house


@pytest.mark.parametrize(
    "script",
    [
        [["b", "a"], ["c", "d"]],
        [["a", "b"], ["a", "b"], ["c", "d"]],
        [["a", "d"], ["b", "c"]],
        [["a", "b"], ["b", "c", "d"]],
    ],
    ids=["within a page", "a page again", "across pages", "an item on two pages"],
)
def test_a_listing_out_of_order_fails_and_takes_nothing(
    unruly: House, script: list[list[str]]
) -> None:
    Unruly.script = script
    result = unruly.run()
    assert result.status is Status.FAILED
    assert result.error is not None
    assert "out of order" in result.error["message"]
    assert_in_step(unruly)


def test_an_item_twice_on_one_page_is_one_item(unruly: House) -> None:
    unruly.source.put("b", prose("new"))
    Unruly.script = [["a", "b", "b"], ["c", "d"]]
    result = unruly.run()
    assert result.counts.updated == 1
    assert_in_step(unruly)


def test_a_listing_that_ends_without_a_last_page_is_not_complete(unruly: House) -> None:
    Unruly.script = []
    result = unruly.run()
    assert result.status is Status.PARTIAL
    assert_in_step(unruly)


def test_what_a_later_page_shows_is_not_gone(unruly: House) -> None:
    Unruly.gone = {"d": "deleted"}
    assert unruly.run().counts.removed == 0
    assert_in_step(unruly)
