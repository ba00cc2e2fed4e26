"""How things are, in the words of DESIGN's contract: the documents that every door shows."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import Counts
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import budgets, catalog, operations, overview, queue
from livesync_pipelines.store.database import Connection


def external_sync(engine: Engine) -> dict[str, Any]:
    """Whether syncs run in this environment, and why not."""
    return {"enabled": engine.enabled, "reason": None if engine.enabled else DISABLED_REASON}


def status(
    engine: Engine,
    connection: Connection,
    *,
    sync_id: str | None = None,
    project_id: str | None = None,
) -> dict[str, Any]:
    """The status document, of one sync with its failing items. Raises `NotFound`."""
    if sync_id is not None:
        catalog.sync(connection, sync_id)
    working, held = operations.in_flight(connection), budgets.held(connection)
    found = [
        {
            **row,
            "in_flight": row["sync_id"] in working,
            "progress": _progress(row, working),
            "held_until": max(held.of(row["connection"], row["platform"]).values(), default=None),
        }
        for row in catalog.status(connection, project_id)
        if sync_id in {None, row["sync_id"]}
    ]
    document: dict[str, Any] = {"external_sync": external_sync(engine), "syncs": found}
    if sync_id is not None:
        document["failures"] = overview.failures(connection, sync_id)
    return document


def _progress(row: Mapping[str, Any], working: Set[str]) -> str | None:
    """How far the operation in flight is, in words."""
    return Counts(**row["progress"]).progress if row["sync_id"] in working else None


def health(engine: Engine, connection: Connection) -> dict[str, Any]:
    """That the database answers, what waits, and whether syncs run at all."""
    connection.execute("select 1")
    return {
        "service": "livesync",
        "status": "ok",
        "database": "ok",
        "queue": waiting(connection),
        "in_flight": len(operations.in_flight(connection)),
        "external_sync": external_sync(engine),
    }


def waiting(connection: Connection) -> dict[str, Any]:
    """How many syncs are queued, and since when the first of them."""
    depth, since = queue.depth(connection)
    return {"depth": depth, "oldest_at": since}


def condition(row: Mapping[str, Any]) -> str:
    """One word for how the sync of a status row is."""
    if row["in_flight"]:
        return "working"
    if row["state"] == "paused":
        return "paused"
    last = row["last_status"]
    if last is None:
        return "new"
    return {"running": "interrupted", "success": "ok"}.get(last, str(last))
