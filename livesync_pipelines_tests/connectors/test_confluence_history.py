"""Syncs of a pretend Confluence, over a real database: in the end the capsule is what is true."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from livesync_pipelines.connectors.confluence import Confluence
from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines_tests.engine.house import House, assert_sound
from livesync_pipelines_tests.sandbox.served import ADA, BEN

from .confluence_world import SITE, Gardener, Wiki, a_wiki
from .histories import a_follower, live_through, run_somehow


@dataclass(frozen=True, slots=True)
class Followed:
    """A wiki, and a house with a sync of all of it."""

    wiki: Wiki
    house: House

    def assert_true(self) -> None:
        truth = self.wiki.truth().items()
        wanted = {
            key: normalise_text(_words(one)) for key, one in truth if one["type"] != "comment"
        }
        assert self.house.held() == wanted
        assert_sound(self.house)

    def attributes(self, key: str) -> Mapping[str, str]:
        query = (
            "select d.attributes from livesync.documents d join livesync.shadow s"
            " using (sync_id, item_id) where s.key = %s"
        )
        (row,) = self.house.rows(query, key)
        found: Mapping[str, str] = row["attributes"]
        return found


def _words(told: Mapping[str, Any]) -> str:
    """The gardener writes paragraphs only."""
    if told["type"] == "attachment":
        return b64decode(told["data"]).decode()
    return str(told["storage"]).removeprefix("<p>").removesuffix("</p>")


@pytest.fixture
def followed(engine: Engine) -> Iterator[Followed]:
    options = {"url": SITE, "email": ADA, "api_token": "${WIKI_TOKEN}"}
    with a_wiki() as wiki:
        environ = {"WIKI_TOKEN": API_TOKEN, "CONFLUENCE_API_URL": wiki.endpoint}
        with a_follower(engine, Confluence, options, environ) as house:
            yield Followed(wiki, house)


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
