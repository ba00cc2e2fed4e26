"""A source whose change feed is followed is asked for its changes, and run only for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines_tests.connectors.drive_world import FEED, Cabinet, a_cabinet
from livesync_pipelines_tests.connectors.dropbox_world import CHANGES, Cupboard, a_cupboard
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import House, a_sync, looked_at_now, prose

OFTEN = "every_15_minutes"


@pytest.fixture
def polled(told: House) -> House:
    told.configure(a_sync(schedule=OFTEN))
    told.run()
    return told


@pytest.mark.parametrize("trigger", list(Trigger))
def test_whoever_asked_for_the_run_what_it_took_in_costs_no_other(
    polled: House, trigger: Trigger
) -> None:
    polled.source.put("a", prose("edited"))
    polled.run(trigger=trigger)
    asked = len(polled.source.told)
    assert looked_at_now(polled.engine) == []
    assert len(polled.source.told) == asked + 1


def test_what_the_feed_tells_of_costs_a_run(polled: House) -> None:
    polled.source.put("a", prose("edited"))
    assert looked_at_now(polled.engine) == ["docs"]
    polled.run(trigger=Trigger.POLL)
    polled.source.remove("b")
    assert looked_at_now(polled.engine) == ["docs"]
    polled.run(trigger=Trigger.POLL)
    assert looked_at_now(polled.engine) == []


def test_a_feed_that_cannot_tell_costs_a_run(polled: House) -> None:
    polled.source.at_change[0] = fails(Unavailable("away"))
    assert looked_at_now(polled.engine) == ["docs"]
    del polled.source.at_change[0]
    polled.source.forgotten = len(polled.source.history) + 1
    assert looked_at_now(polled.engine) == ["docs"]


def test_after_a_run_that_failed_nothing_is_taken_for_unchanged(polled: House) -> None:
    polled.source.put("a", prose("edited"))
    polled.source.at_change[0] = fails(Unavailable("away"))
    assert polled.run().status is Status.FAILED
    del polled.source.at_change[0]
    asked = len(polled.source.told)
    assert looked_at_now(polled.engine) == ["docs"]
    assert len(polled.source.told) == asked


@pytest.fixture
def cabinet(engine: Engine) -> Iterator[Cabinet]:
    with a_cabinet(engine) as cabinet:
        yield cabinet


@pytest.fixture
def cupboard(engine: Engine) -> Iterator[Cupboard]:
    with a_cupboard(engine) as cupboard:
        yield cupboard


def test_a_drive_in_which_nothing_has_changed_is_asked_for_its_changes_alone(
    cabinet: Cabinet,
) -> None:
    file_id = cabinet.ada.write("plan.md", "one")
    cabinet.configure(schedule=OFTEN)
    cabinet.run()
    calls, asked = cabinet.sandbox.count(), cabinet.sandbox.count(FEED)
    assert looked_at_now(cabinet.engine) == []
    assert (cabinet.sandbox.count(), cabinet.sandbox.count(FEED)) == (calls + 1, asked + 1)
    cabinet.ada.edit(file_id, "two")
    assert looked_at_now(cabinet.engine) == ["drive"]
    assert cabinet.run().counts.updated == 1
    assert looked_at_now(cabinet.engine) == []


def test_a_dropbox_in_which_nothing_has_changed_is_asked_for_its_changes_alone(
    cupboard: Cupboard,
) -> None:
    cupboard.ada.write("/plan.md", "one")
    cupboard.configure(schedule=OFTEN)
    cupboard.run()
    calls, asked = cupboard.sandbox.count(), cupboard.sandbox.count(CHANGES)
    assert looked_at_now(cupboard.engine) == []
    assert (cupboard.sandbox.count(), cupboard.sandbox.count(CHANGES)) == (calls + 1, asked + 1)
    cupboard.ada.delete("/plan.md")
    assert looked_at_now(cupboard.engine) == ["box"]
    assert cupboard.run().counts.removed == 1
    assert looked_at_now(cupboard.engine) == []
