"""Runs of one sync that come at the same time: one works, the other waits for its turn."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import sleep

import pytest

from livesync_pipelines.defs import assets
from livesync_pipelines.defs.assets import BACKFILL_TAG
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import catalog, database, operations, tenure

from .conftest import SYNC, House
from .test_corridor import run


@contextmanager
def working(house: House) -> Iterator[database.Connection]:
    """While another process works on the sync; closing the connection is its end."""
    with house.engine.database.connect() as connection:
        tenure.begin(
            connection,
            catalog.sync(connection, SYNC),
            trigger=Trigger.WATCH,
            full=False,
            run_id=None,
            now=house.engine.now(),
        )
        yield connection


def waits(house: House) -> bool:
    """Whether a run has told that it waits for its turn."""
    return any(
        "another operation is in flight" in entry.user_message
        for run in house.instance.get_runs()
        for entry in house.instance.all_logs(run.run_id)
    )


def test_a_backfill_of_a_busy_sync_begins_once_the_other_run_has_ended(house: House) -> None:
    with working(house) as other, ThreadPoolExecutor() as beside:
        backfill = beside.submit(run, house, **{BACKFILL_TAG: "again"})
        while not waits(house):
            assert not backfill.done()
            sleep(0.05)
        other.close()
        assert backfill.result().success
    with house.engine.database.connect() as connection:
        last, before = operations.history(connection, SYNC)
    assert (last["trigger"], last["mode"], last["status"]) == ("backfill", "full", "success")
    assert before["status"] == "interrupted"


@pytest.mark.parametrize("stage", ["source", "capsule_chunks"])
def test_a_run_whose_turn_does_not_come_fails_and_says_why(
    house: House, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setattr(assets, "TURN_S", 0.0)
    with working(house):
        result = run(house, [stage])
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert told.description == (
        f"Another operation of sync '{SYNC}' is in flight. It sees what has changed before it "
        "lists. For what comes later, or for a full resync, run again once it has ended: "
        "`livesync status` tells."
    )
