"""What has changed without any listing showing it is found by looking, and put right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.core.bound import upper_bound
from livesync_pipelines.engine import report
from livesync_pipelines.engine.drift import sample
from livesync_pipelines.model.errors import ItemFailure, NeedsPerson, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.store import catalog
from livesync_pipelines.store.samples import Sample
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import Clock, House, assert_in_step, prose

STATE = ("syncs", "operations", "kept", "unsettled")


@pytest.fixture
def filled(house: House) -> House:
    """Twelve items, in step."""
    for key in "abcdefghijkl":
        house.source.put(key, prose(key, sections=1))
    house.source.page_items = 5
    house.run()
    return house


def look(house: House, items: int = 20) -> dict[str, tuple[str, str | None]]:
    """What is found today, by key: outcome and finding; then a day passes."""
    found = {
        one.key: (one.outcome, one.finding) for one in sample(house.engine, "docs", items=items)
    }
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(days=1)
    return found


def odd(found: Mapping[str, tuple[str, str | None]]) -> dict[str, tuple[str, str | None]]:
    return {key: said for key, said in found.items() if said != ("same", None)}


def told(house: House) -> dict[str, Any]:
    with house.engine.database.pooled() as connection:
        return report.drift(house.engine, connection, "docs")


def drifted(house: House) -> dict[str, str]:
    return {f["key"]: f["finding"] for f in told(house)["findings"] if f["outcome"] == "drift"}


def queued(house: House) -> list[tuple[str, bool]]:
    found = house.rows("select trigger, full_resync from livesync.queue")
    return [(row["trigger"], row["full_resync"]) for row in found]


def change_secretly(house: House, key: str, text: str) -> None:
    """Other words under the same version, as no source should and some do."""
    house.source.items[key] = replace(house.source.items[key], content=text.encode())


def test_where_nothing_drifted_the_bound_falls_with_every_day(filled: House) -> None:
    assert told(filled)["upper_bound"] is None
    assert odd(look(filled)) == {}
    assert told(filled)["upper_bound"] == upper_bound(0, 12)
    look(filled)
    assert (told(filled)["samples"], told(filled)["upper_bound"]) == (24, upper_bound(0, 24))
    assert queued(filled) == []


def test_words_that_changed_under_the_same_version_are_drift_and_are_brought_in(
    filled: House,
) -> None:
    change_secretly(filled, "d", prose("other", sections=1))
    assert filled.run().counts.updated == 0
    assert odd(look(filled)) == {"d": ("drift", "content")}
    assert drifted(filled) == {"d": "content"}
    assert told(filled)["upper_bound"] == upper_bound(1, 12)
    assert queued(filled) == [("drift", True)]
    assert filled.run(full=True).counts.updated == 1
    assert_in_step(filled)
    assert odd(look(filled)) == {}


def test_nothing_is_written_but_what_was_found(filled: House) -> None:
    filled.source.put("new", prose("new"))
    filled.source.put("c", prose("c again"))
    change_secretly(filled, "d", prose("other"))
    filled.source.remove("e")
    before = filled.written(), _rows(filled, STATE), filled.history(), filled.sync_row()
    look(filled)
    assert (filled.written(), _rows(filled, STATE), filled.history(), filled.sync_row()) == before
    assert len(filled.rows("select 1 from livesync.drift_samples")) >= 12


def _rows(house: House, tables: tuple[str, ...]) -> list[list[dict[str, Any]]]:
    return [house.rows(f"select ctid::text, xmin::text from livesync.{t}") for t in tables]


def test_a_change_that_the_next_run_brings_in_was_only_late(filled: House) -> None:
    filled.source.put("c", prose("c again"))
    filled.source.remove("e")
    assert odd(look(filled)) == {"c": ("lag", "content"), "e": ("lag", "gone")}
    assert (told(filled)["lagging"], told(filled)["divergent"]) == (2, 0)
    filled.run()
    look(filled)
    assert (told(filled)["lagging"], told(filled)["divergent"]) == (0, 0)
    assert queued(filled) == []


def test_a_change_lags_as_long_as_no_complete_run_has_begun_since(filled: House) -> None:
    filled.source.put("c", prose("c again"))
    look(filled)
    filled.source.at_page[0] = fails(Unavailable("away"))
    assert filled.run().status is Status.FAILED
    filled.source.forget()
    assert odd(look(filled)) == {"c": ("lag", "content")}
    assert (told(filled)["lagging"], told(filled)["divergent"]) == (2, 0)


class _Blind:
    """Makes a source list what it listed before, whatever has changed since."""

    def __init__(self, house: House) -> None:
        self.house, self.now = house, dict(house.source.items)

    def __enter__(self) -> None:
        self.later, self.house.source.items = self.house.source.items, self.now

    def __exit__(self, *_: object) -> None:
        self.house.source.items = self.later


@pytest.mark.parametrize(
    ("edit", "key", "finding"),
    [
        (lambda source: source.put("c", prose("c again")), "c", "content"),
        (lambda source: source.remove("c"), "c", "gone"),
        (lambda source: source.put("cc", prose("cc")), "cc", "unknown"),
    ],
)
def test_what_a_complete_run_should_have_brought_in_and_did_not_is_drift(
    filled: House, edit: Any, key: str, finding: str
) -> None:
    """The listing is stale: it keeps showing what it showed before the edit."""
    filled.source.page_items = 50
    blind = _Blind(filled)
    filled.source.items = dict(filled.source.items)
    edit(filled.source)
    found: dict[str, tuple[str, str | None]] = {}
    for _ in range(40):  # until the page of a day begins before the new item
        found = look(filled)
        if key in found:
            break
    assert found[key] == ("lag", finding)
    with blind:
        filled.run()
    look(filled)
    assert drifted(filled)[key] == finding
    assert queued(filled) == [("drift", True)]
    filled.run(full=True)
    assert_in_step(filled)
    filled.execute("delete from livesync.drift_samples")
    assert odd(look(filled)) == {}


def test_a_new_item_lags_and_counts_for_nothing_until_it_is_drift(filled: House) -> None:
    filled.source.page_items = 50
    filled.source.put("zz", prose("zz"))
    for _ in range(40):
        if "zz" in look(filled):
            break
    document = told(filled)
    assert document["lagging"] == 1
    assert document["samples"] % 12 == 0
    filled.run()
    look(filled)
    assert (told(filled)["lagging"], told(filled)["divergent"]) == (0, 0)


def test_the_items_of_a_day_are_random_and_always_the_same(filled: House) -> None:
    first = [one.key for one in sample(filled.engine, "docs", items=4)]
    assert [one.key for one in sample(filled.engine, "docs", items=4)] == first
    assert told(filled)["samples"] == 4
    days = {tuple(sorted(look(filled, 4))) for _ in range(6)}
    assert len(days) > 1


def test_items_that_cannot_be_read_count_for_nothing(filled: House) -> None:
    filled.source.unreadable["c"] = ItemFailure("c", "timed_out", "It took too long.")
    assert odd(look(filled)) == {"c": ("unread", None)}
    assert (told(filled)["samples"], told(filled)["unread"]) == (11, 1)


def test_items_that_are_known_to_fail_and_restored_ones_are_not_drawn(filled: House) -> None:
    filled.source.put("c", "later")
    filled.source.unreadable["c"] = ItemFailure("c", "timed_out", "It took too long.")
    filled.run()
    assert "c" not in look(filled)


def test_a_feed_that_shows_an_item_no_more_has_said_nothing(feed: House) -> None:
    feed.source.put("a", prose("a"))
    feed.source.put("b", prose("b"))
    feed.run()
    feed.source.remove("a")
    assert look(feed) == {"a": ("unread", None), "b": ("same", None)}
    change_secretly(feed, "b", prose("other"))
    assert look(feed)["b"] == ("drift", "content")


def test_a_source_that_is_away_leaves_no_sample(filled: House) -> None:
    for key in filled.source.items:
        filled.source.at_fetch[key] = fails(Unavailable("away"))
    with pytest.raises(Unavailable):
        sample(filled.engine, "docs", items=3)
    assert told(filled)["samples"] == 0
    assert filled.source.closed == 2


def test_a_paused_sync_is_left_alone(filled: House) -> None:
    with filled.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "holiday")
    with pytest.raises(NeedsPerson, match="holiday"):
        sample(filled.engine, "docs", items=3)


def test_samples_of_a_month_count_and_older_ones_go(filled: House) -> None:
    for _ in range(40):
        look(filled, 2)
    assert told(filled)["samples"] in {58, 60}
    assert len(filled.rows("select distinct sampled_on from livesync.drift_samples")) == 30


def test_a_run_that_works_meanwhile_is_no_drift(filled: House) -> None:
    """The item changes and is brought in after it was drawn and before it is fetched."""

    def run() -> None:
        filled.source.at_fetch.clear()
        filled.source.put("c", prose("c again"))
        filled.run()

    filled.source.at_fetch["c"] = run
    assert odd(look(filled)) == {}


def test_a_sync_without_items_has_no_samples(house: House) -> None:
    assert sample(house.engine, "docs", items=5) == []
    house.source.put("a", prose("a"))
    assert sample(house.engine, "docs", items=5) == [
        Sample(key="a", outcome="lag", finding="unknown", seen="v1")
    ]
