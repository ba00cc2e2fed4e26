from __future__ import annotations

import pytest

from livesync_pipelines.core.lanes import lane
from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Priority, Trigger


@pytest.mark.parametrize(
    ("trigger", "priority", "full", "first", "meant"),
    [
        (Trigger.WATCH, Priority.LOW, False, False, Lane.LIVE),
        (Trigger.POLL, Priority.NORMAL, False, True, Lane.LIVE),
        (Trigger.POLL, Priority.LOW, False, True, Lane.BACKFILL),
        (Trigger.PERSON, Priority.CRITICAL, True, False, Lane.BACKFILL),
        (Trigger.BACKFILL, Priority.NORMAL, False, False, Lane.BACKFILL),
    ],
)
def test_what_nobody_waits_for_is_a_backfill(
    trigger: Trigger, priority: Priority, full: bool, first: bool, meant: Lane
) -> None:
    assert lane(trigger, priority, full=full, first=first) is meant
