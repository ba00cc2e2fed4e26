"""What is to be carried out of the questions about rows, before anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.sync import Mode, SyncConfig
from livesync_pipelines.store import conflicts
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.overruled import close_unmapped, overrule

_RULERS = {Mode.PULL: Side.SOURCE, Mode.PUSH: Side.TARGET}


def due(
    connection: Connection, sync: SyncConfig, fields: Sequence[str], now: datetime
) -> Mapping[tuple[str, str | None], Answer]:
    """What people have answered, and what has waited for them long enough; in a sync that went both
    ways and goes one way now, all that was open: its ruler wins. Nobody is asked of other than
    these `fields`."""
    close_unmapped(connection, sync.sync_id, fields, now=now)
    ruler = _RULERS.get(sync.mode)
    if ruler is not None:
        overruled = overrule(connection, sync.sync_id, ruler=ruler, mode=sync.mode)
        return {**conflicts.due(connection, sync.sync_id, now=now, otherwise=None), **overruled}
    side = Side.TARGET if sync.policy.otherwise is Policy.TARGET_WINS else Side.SOURCE
    answers = conflicts.due(connection, sync.sync_id, now=now, otherwise=side)
    conflicts.note_deadline(connection, sync.sync_id, now=now, side=side)
    return answers
