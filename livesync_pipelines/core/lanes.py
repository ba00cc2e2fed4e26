"""In which lane an operation calls its source."""

from __future__ import annotations

from livesync_pipelines.model.spec import Lane
from livesync_pipelines.model.sync import Priority, Trigger


def lane(trigger: Trigger, priority: Priority, *, full: bool, first: bool) -> Lane:
    """Backfill for what nobody waits for: a full resync, and the first sync of low priority.

    `first`: the sync holds nothing yet.
    """
    if full or trigger is Trigger.BACKFILL or (first and priority is Priority.LOW):
        return Lane.BACKFILL
    return Lane.LIVE
