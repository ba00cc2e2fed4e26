"""Syncs of a pretend Notion, over a real database: in the end the capsule is what is true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from livesync_pipelines.connectors.notion import SPEC, Notion
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Connection, Desired, Limits
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.fake_source import Source
from livesync_pipelines_tests.engine.house import Clock, House, a_house, a_sync, assert_sound

from .notion_world import Desk, Gardener, a_desk

_STEPS = 90
_FAULTS = ("500", "503", "reset", "truncated")
_ANY = Limits(delete_items=1_000, delete_share=1.0)


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


def _run_somehow(house: House) -> None:
    """It may fail: its source does."""
    with suppress(LiveSyncError):
        house.run()


@pytest.fixture
def followed(engine: Engine) -> Iterator[Followed]:
    with a_desk() as desk, a_house(engine):
        environ = {"NOTES_TOKEN": SECRET, "NOTION_API_URL": desk.endpoint}
        known = replace(engine, registry={"notion": Unhurried}, environ=environ)
        house = House(replace(known, now=Clock()), Source())
        options = {"token": "${NOTES_TOKEN}"}
        place = Connection(name="fake", project_id="demo", platform="notion", options=options)
        wanted = Desired(connections=(place,), syncs=(a_sync(limits=_ANY),))
        with engine.database.pooled() as connection:
            catalog.apply(connection, wanted)
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
    gardener, chance = Gardener(followed.desk, seed), Random(seed)
    followed.desk.space.index_lag_s = 90.0
    for step in range(_STEPS):
        gardener.step()
        if step % 9 == 8:
            kind, after, times = chance.choice(_FAULTS), chance.randrange(12), chance.choice((1, 3))
            followed.desk.sandbox.fault("* /notion/*", kind, after=after, times=times)
            _run_somehow(followed.house)
    followed.desk.sandbox.control("DELETE", "/faults")
    followed.desk.later()
    _run_somehow(followed.house)
    assert followed.house.run().status is Status.SUCCESS
    followed.assert_true()
    assert followed.house.run().counts.synced_items == 0
