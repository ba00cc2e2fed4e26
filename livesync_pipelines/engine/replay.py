"""Late stages once more, from what is stored: map again, chunk again, ask nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from livesync_pipelines.core import corridor
from livesync_pipelines.store import shadow
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation


def replay(connection: Connection, operation: Operation, *, now: Callable[[], datetime]) -> None:
    """Write what today's mapping and chunker make of the stored records, where it differs."""
    sync_id, last = operation.sync.sync_id, ""
    while piece := shadow.stored_records(connection, sync_id, after=last):
        batch = Batch()
        for record, known in piece:
            made = corridor.carried(record, known, fields=operation.sync.mapping, scope=sync_id)
            if corridor.is_idle(made, mapping_version=operation.mapping_version):
                operation.counts.unchanged += 1
            else:
                batch.changes.append(made)
        operation.counts.listed += len(piece)
        if not batch.is_empty:
            write(
                connection,
                operation,
                batch,
                now=now(),
                place=operation.place,
            )
        last = piece[-1][0].item_id
