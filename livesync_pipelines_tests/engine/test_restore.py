"""What was removed can come back, and a full resync that broke off goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livesync_pipelines.engine.restoring import let_go, restore
from livesync_pipelines.model.errors import BadInput, NotFound, Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.store import operations, stages
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import (
    Clock,
    House,
    assert_in_step,
    assert_sound,
    ops,
    prose,
)


@pytest.fixture
def lost(house: House) -> House:
    """A sync whose item `b` was removed at the source, and so here."""
    for key in "abc":
        house.source.put(key, prose(key))
    house.run()
    house.source.remove("b")
    house.run()
    return house


def test_a_removed_item_comes_back_as_it_was_and_stays(lost: House) -> None:
    assert restore(lost.engine, "docs", "b").status is Status.SUCCESS
    assert lost.held()["b"] == prose("b")
    assert ops(lost.entries())[-1] == ("added", "b")
    assert lost.entries()[-1]["cause"] == "restore"
    for _ in range(2):
        result = lost.run()
        assert result.counts.removed == 0
        with lost.engine.database.pooled() as connection:
            digest = stages.listing_digest(connection, result.operation_id)
            assert digest == stages.shadow_digest(connection, "docs")
    assert_sound(lost)
    assert sorted(lost.held()) == ["a", "b", "c"]


def test_a_restored_item_that_its_source_shows_again_follows_it_again(lost: House) -> None:
    restore(lost.engine, "docs", "b")
    lost.source.put("b", prose("b again"))
    lost.run()
    assert lost.held()["b"] == prose("b again")
    lost.source.remove("b")
    assert lost.run().counts.removed == 1
    assert_in_step(lost)


def test_a_restored_item_that_is_let_go_is_removed(lost: House) -> None:
    restore(lost.engine, "docs", "b")
    with lost.engine.database.pooled() as connection:
        let_go(connection, "docs", "b")
        with pytest.raises(NotFound):
            let_go(connection, "docs", "b")
    assert lost.run().counts.removed == 1
    assert_in_step(lost)


def test_only_what_was_removed_can_be_restored(lost: House) -> None:
    with pytest.raises(BadInput, match="is there"):
        restore(lost.engine, "docs", "a")
    with pytest.raises(NotFound, match="knows no item"):
        restore(lost.engine, "docs", "x")
    lost.execute("delete from livesync.contents")
    with pytest.raises(NotFound, match="text"):
        restore(lost.engine, "docs", "b")


def test_a_removal_tells_what_was_seen_before_it(lost: House) -> None:
    with lost.engine.database.pooled() as connection:
        last = lost.history()[-1]["operation_id"]
        proof = operations.one(connection, last)["proof"]
    assert proof == {
        "told_by": "listing",
        "last_page_seen": True,
        "resumed": False,
        "pages": 1,
        "listed": 2,
        "failed": 0,
        "unseen_below": [],
        "known_before": 3,
        "absent": 1,
        "approved": 0,
    }


def test_a_full_resync_that_broke_off_goes_on_as_one(house: House) -> None:
    for key in "abcdef":
        house.source.put(key, prose(key))
    house.run()
    house.source.at_page[2] = fails(Unavailable("away"))
    house.run(full=True)
    house.source.forget()
    house.run()
    assert house.source.fetched == ["e", "f"]
    assert house.history()[-1]["mode"] == "full"
    house.source.forget()
    house.run()
    assert house.source.fetched == []
    assert_in_step(house)


def test_a_full_resync_that_broke_off_long_ago_begins_anew(house: House) -> None:
    for key in "abcdef":
        house.source.put(key, prose(key))
    house.run()
    house.source.at_page[2] = fails(Unavailable("away"))
    house.run(full=True)
    clock = house.engine.now
    assert isinstance(clock, Clock)
    clock.now += timedelta(days=2)
    house.source.forget()
    house.run(full=True)
    assert house.source.fetched == list("abcdef")
