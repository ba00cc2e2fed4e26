"""What is shown of many syncs at once: how many are how, and which come first."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from livesync_pipelines.engine import report
from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.sync import run_errand
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import SyncState, Trigger
from livesync_pipelines.store import catalog, operations, overview
from livesync_pipelines_tests.engine.fake_source import fails
from livesync_pipelines_tests.engine.house import House, a_sync, assert_sound, prose

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("failing", "new", "refused", "resting", "well", "well-too", "working")


def configure(house: House) -> None:
    """Seven syncs, one of which was never run, and nothing fails yet."""
    house.source.put("a", prose("a", sections=1))
    house.configure(*(a_sync(name) for name in NAMES))
    house.execute("delete from livesync.syncs where sync_id = 'docs'")
    for name in NAMES:
        if name != "new":
            house.run(name)


def states(house: House) -> dict[str, int]:
    with house.engine.database.pooled() as connection:
        found: dict[str, int] = overview.stats(connection, now=NOW)["syncs"]
    return found


def shown(house: House, most: int | None) -> list[str]:
    with house.engine.database.pooled() as connection:
        found = report.status(house.engine, connection, most=most)["syncs"]
    return [row["sync_id"] for row in found]


def test_syncs_are_counted_by_how_their_last_operation_that_ended_went(house: House) -> None:
    configure(house)
    assert states(house) == {"active": 6, "new": 1}
    house.source.at_page[0] = fails(Unavailable("down"))
    assert house.run("failing").status is Status.FAILED
    with house.engine.database.pooled() as connection:
        catalog.set_state(connection, "resting", SyncState.PAUSED, None)
        for name in ("refused", "new"):
            operations.note_refused(
                connection, name, run_id=None, trigger=Trigger.PERSON, error={}, now=NOW
            )
    assert states(house) == {"active": 4, "failed": 1, "new": 1, "paused": 1}
    house.source.at_page.clear()
    house.run("failing")
    assert states(house) == {"active": 5, "new": 1, "paused": 1}
    house.source.at_page[0] = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run_errand(
            house.engine,
            Errand(sync_id="well", trigger=Trigger.POLL, cancelled=lambda _: True),
        )
    assert states(house) == {"active": 4, "cancelled": 1, "new": 1, "paused": 1}
    for name in NAMES:
        assert_sound(house, name)


def test_those_that_are_at_work_new_paused_or_not_well_come_first(house: House) -> None:
    configure(house)
    house.source.at_page[0] = fails(Unavailable("down"))
    house.run("failing")
    with house.engine.database.pooled() as connection:
        catalog.set_state(connection, "resting", SyncState.PAUSED, None)
    house.execute(
        "insert into livesync.operations (operation_id, sync_id, trigger, mode, status, started_at)"
        " values (gen_random_uuid(), 'working', 'person', 'pull', 'running', now())"
    )
    ill = ["failing", "new", "resting", "working"]
    assert shown(house, 4) == ill
    assert shown(house, 6) == [*ill, "refused", "well"]
    assert shown(house, None) == sorted(NAMES)
