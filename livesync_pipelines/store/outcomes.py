"""How the runs of a sync went, as far as a caller wants to know.

An operation is told as `operation_id`, `status`, `counts`, `error`, and `last_sync`: when one of
the same sync last went well.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store.database import Connection, rows

_OTHER_WORK = [Trigger.REPLAY, Trigger.RESTORE, Trigger.DRIFT]
_TOLD = (
    "select operation_id::text, status, counts, error,"
    " (select finished_at from livesync.operations g where g.sync_id = o.sync_id"
    " and g.status in ('success', 'partial') order by started_at desc limit 1) as last_sync"
    " from livesync.operations o"
)
_ENDED = (
    f"{_TOLD} where finished_at is not null and status <> 'refused' and not trigger = any(%s)"
    " and sync_id = %s"
)


def last(connection: Connection, sync_id: str) -> dict[str, Any] | None:
    """The newest operation of a sync that has ended; None where there is none."""
    found = rows(connection, f"{_ENDED} order by started_at desc limit 1", (_OTHER_WORK, sync_id))
    return found[0] if found else None


def since(connection: Connection, sync_id: str, moment: datetime) -> dict[str, Any] | None:
    """The first operation that began at this moment or later and has ended. One that gave way
    goes on in another, which is waited for."""
    found = rows(
        connection,
        f"{_ENDED} and started_at >= %s and status <> %s order by started_at limit 1",
        (_OTHER_WORK, sync_id, moment, Status.INTERRUPTED),
    )
    return found[0] if found else None


def of_operation(connection: Connection, operation_id: str) -> dict[str, Any]:
    """One operation that has ended."""
    (found,) = rows(connection, f"{_TOLD} where operation_id = %s", (operation_id,))
    return found
