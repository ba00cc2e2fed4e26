"""Syncs of a pretend Notion, over a real database: in the end the capsule is what is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from livesync_pipelines.connectors.notion import SPEC, Notion
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Status
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines_tests.engine.house import House, assert_sound

from .histories import a_follower, live_through, run_somehow
from .notion_world import Desk, Gardener, a_desk


class Unhurried(Notion):
    """As often as it likes: three calls a second are a long time for a history."""

    spec = replace(SPEC, budgets=())


@dataclass(frozen=True, slots=True)
class Followed:
    """A workspace, and a house with a sync of all that is shared of it."""

    desk: Desk
    house: House

    def assert_true(self) -> None:
        """What is held of each page has its words, in their order, and no others."""
        truth, held = self.desk.truth(), self.house.held()
        assert {key: _bare(text) for key, text in held.items()} == {
            key: _wanted(one) for key, one in truth.items()
        }
        assert_sound(self.house)


def _wanted(told: Mapping[str, Any]) -> list[str]:
    height = told["properties"].get("Height")
    named = [] if height is None else [f"**Height**: {height['number']}"]
    return [*named, *told["lines"]]


def _bare(text: str) -> list[str]:
    lines = (line.strip().removeprefix("- ") for line in text.splitlines())
    return [line for line in lines if line]


@pytest.fixture
def followed(engine: Engine) -> Iterator[Followed]:
    options = {"token": "${NOTES_TOKEN}"}
    with a_desk() as desk:
        environ = {"NOTES_TOKEN": SECRET, "NOTION_API_URL": desk.endpoint}
        with a_follower(engine, Unhurried, options, environ) as house:
            yield Followed(desk, house)


def test_a_first_sync_brings_what_is_true_and_a_second_one_nothing(followed: Followed) -> None:
    gardener = Gardener(followed.desk, 7)
    for _ in range(40):
        gardener.step()
    followed.desk.space.shared.add(followed.desk.home.id)
    assert followed.house.run().status is Status.SUCCESS
    followed.assert_true()
    assert followed.house.run().counts.synced_items == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_long_random_history_with_faults_ends_in_what_is_true(
    followed: Followed, seed: int
) -> None:
    """Search is a minute and a half behind, all the way."""
    desk, gardener = followed.desk, Gardener(followed.desk, seed)
    desk.space.index_lag_s = 90.0
    calls = "* /notion/*"
    live_through(followed.house, desk.sandbox, gardener.step, seed=seed, calls=calls)
    desk.later()
    run_somehow(followed.house)
    assert followed.house.run().status is Status.SUCCESS
    followed.assert_true()
    assert followed.house.run().counts.synced_items == 0
