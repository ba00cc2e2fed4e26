"""Runs that do not begin: one is in flight, a person paused it, all is switched off."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livesync_pipelines.engine.house import Disabled
from livesync_pipelines.engine.sync import replay_sync, run_sync
from livesync_pipelines.model.errors import NeedsPerson, NotFound
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import SyncState, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.operations import Busy
from livesync_pipelines_tests.engine.house import House, a_sync, assert_in_step, assert_sound, prose


def fill(house: House, keys: str = "abcdef") -> None:
    for key in keys:
        house.source.put(key, prose(key, sections=1))


def test_while_one_runs_a_second_is_told_to_wait(house: House) -> None:
    fill(house)
    told: list[Busy] = []

    def meanwhile() -> None:
        with pytest.raises(Busy) as raised:
            house.run()
        told.append(raised.value)

    house.source.at_page[1] = meanwhile
    assert house.run().status is Status.SUCCESS
    assert told[0].code == "busy"
    assert [row["status"] for row in house.history()] == ["success"]


def test_another_sync_may_run_meanwhile(house: House) -> None:
    house.configure(a_sync(), a_sync("other"))
    fill(house)

    def meanwhile() -> None:
        house.source.at_page.clear()
        assert house.run("other").status is Status.SUCCESS

    house.source.at_page[1] = meanwhile
    assert house.run().status is Status.SUCCESS
    assert_in_step(house)
    assert_sound(house, "other")


def test_a_paused_sync_does_not_run_until_it_is_resumed(house: House) -> None:
    fill(house)
    with house.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "moving house")
    with pytest.raises(NeedsPerson, match="moving house"):
        house.run()
    assert (house.history(), house.source.pages) == ([], [])
    with house.engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.ACTIVE, None)
    assert house.run().status is Status.SUCCESS


def test_where_external_syncs_are_switched_off_nothing_is_asked(house: House) -> None:
    off = replace(house.engine, enabled=False)
    with pytest.raises(Disabled):
        run_sync(off, "docs", trigger=Trigger.POLL)
    with pytest.raises(Disabled):
        replay_sync(off, "docs")
    assert (house.history(), house.source.pages) == ([], [])


def test_a_sync_that_is_not_there_is_named_with_those_that_are(house: House) -> None:
    with pytest.raises(NotFound) as raised:
        house.run("dosc")
    assert raised.value.hint == "Configured: docs."
