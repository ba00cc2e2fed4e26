"""Syncs of a pretend Confluence, over a real database: in the end the capsule is what is true."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines_tests.sandbox.served import BEN

from .confluence_house import Followed, a_followed_wiki
from .confluence_world import Gardener
from .histories import live_through, run_somehow


@pytest.fixture
def followed(engine: Engine) -> Iterator[Followed]:
    with a_followed_wiki(engine) as made:
        yield made


def test_a_first_sync_brings_what_is_true_and_a_second_one_nothing(followed: Followed) -> None:
    gardener = Gardener(followed.wiki, 7)
    for _ in range(40):
        gardener.step()
    assert followed.house.run().status is Status.SUCCESS
    followed.assert_true()
    assert followed.house.run().counts.synced_items == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_long_random_history_with_faults_ends_in_what_is_true(
    followed: Followed, seed: int
) -> None:
    wiki, gardener = followed.wiki, Gardener(followed.wiki, seed)
    calls = "GET /confluence/*"
    live_through(followed.house, wiki.sandbox, gardener.step, seed=seed, calls=calls)
    run_somehow(followed.house)
    assert followed.house.run().status is Status.SUCCESS
    followed.assert_true()
    assert followed.house.run().counts.synced_items == 0


def test_a_page_that_moves_to_another_space_stays_the_same_item(followed: Followed) -> None:
    page_id = followed.wiki.page("Ferns")
    followed.house.run()
    before = followed.house.ids()[f"GARDEN/{page_id}"]
    followed.wiki.site.move(page_id, followed.wiki.site.open_space("SHED", "Shed"))
    assert followed.house.run().counts.moved == 1
    assert followed.house.ids() == {f"SHED/{page_id}": before}
    assert followed.attributes(f"SHED/{page_id}")["space"] == "SHED"


def test_pages_that_go_and_come_back_are_followed(followed: Followed) -> None:
    site, house = followed.wiki.site, followed.house
    page_id = followed.wiki.page("Ferns")
    house.run()
    for status in ("trashed", "archived"):
        site.turn(page_id, status)
        assert house.run().counts.removed == 1
        site.turn(page_id, "current")
        assert house.run().counts.added == 1
    site.restrict(page_id, frozenset({BEN}))
    assert house.run().counts.removed == 1
    site.restrict(page_id, None)
    house.run()
    followed.assert_true()
