"""How things are: the documents that every door shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import datetime
from typing import Any

from livesync_pipelines.core.bound import CONFIDENCE, upper_bound
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import in_a_row
from livesync_pipelines.model.operation import Counts, Op, Status
from livesync_pipelines.model.sync import SyncState
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import (
    announced,
    budgets,
    catalog,
    operations,
    overview,
    queue,
    row_apart,
    row_names,
    samples,
    unread,
)
from livesync_pipelines.store import stalled as store_stalled
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.stalled import Stalled

_WRONG = frozenset({"failed", "rate_limited", "waiting_for_approval"})
_FOR_PEOPLE = ("message", "hint")
_OF_ROWS = ("added", "updated", "removed", "agreed", "forgotten")


def external_sync(engine: Engine) -> dict[str, Any]:
    """Whether syncs run in this environment, and why not."""
    return {"enabled": engine.enabled, "reason": None if engine.enabled else DISABLED_REASON}


def status(
    engine: Engine,
    connection: Connection,
    *,
    sync_id: str | None = None,
    project_id: str | None = None,
    most: int | None = None,
) -> dict[str, Any]:
    """The status document, of one sync with its failing items. `most`: no more syncs than so many,
    those first that need to be looked at; their rows are not held against each other then, which
    reads all of them. Raises `NotFound`."""
    of = None if sync_id is None else catalog.sync(connection, sync_id).connection
    shares = announced.shares(connection, now=engine.now(), of=of)
    unread_queues = unread.listed(connection)
    working, held = operations.in_flight(connection), budgets.held(connection)
    looked = samples.counts(connection, today=engine.now().date(), sync_id=sync_id)
    apart = {} if most else row_apart.counts(connection, sync_id)
    found = [
        {
            **row,
            "condition": _condition(row, in_flight=row["sync_id"] in working, now=engine.now()),
            "differing_rows": apart[row["sync_id"]].normalised if row["sync_id"] in apart else 0,
            "in_flight": row["sync_id"] in working,
            "progress": _progress(row, working),
            "held_until": max(held.of(row["connection"], row["platform"]).values(), default=None),
            "drift": divergence(looked.get(row["sync_id"], {})),
            "untold": _untold(shares.get(row["connection"])),
            "unread_queue": unread_queues.get(row["connection"]),
        }
        for row in map(
            _as_settled, overview.status(connection, project_id, sync_id=sync_id, most=most)
        )
    ]
    document: dict[str, Any] = {"external_sync": external_sync(engine), "syncs": found}
    if sync_id is not None:
        document["failures"] = row_names.told(
            connection, overview.failures(connection, sync_id), sync_id=sync_id
        )
    return document


def _condition(row: Mapping[str, Any], *, in_flight: bool, now: datetime) -> str:
    """One word for how a sync is. Where its last run went wrong that is told until the next one
    begins; not where it was merely interrupted."""
    if in_flight:
        return "working"
    if row["state"] == SyncState.PAUSED:
        return "paused"
    last = _last(row)
    queued = row["queued_since"] is not None and row["queued_since"] <= now
    return "queued" if queued and last not in _WRONG else last


def _as_settled(row: dict[str, Any]) -> dict[str, Any]:
    """With what waits for a person, where a run that was broken off has not settled it either; and
    with both, where that run was cancelled: it is not made again by itself, as others are. And with
    what it is allowed, once somebody has approved of it."""
    waits_for, approved, last = row.pop("waits_for"), row.pop("approved"), _last(row)
    if last == Status.WAITING and approved:
        return {**row, "last_error": _approved(row, approved)}
    if waits_for is None or last not in {Status.CANCELLED, "interrupted"}:
        return row
    if last == Status.CANCELLED:
        both = {name: in_a_row(waits_for[name], row["last_error"][name]) for name in _FOR_PEOPLE}
        waits_for = {**waits_for, **both}
    return {**row, "last_status": str(Status.WAITING), "last_error": waits_for}


def _approved(row: Mapping[str, Any], count: int) -> dict[str, str]:
    said = f"{count} items are" if count > 1 else "1 item is"
    return {
        **row["last_error"],
        "message": f"{said} approved: its next run goes on with that.",
        "hint": f"`livesync sync run {row['sync_id']}` makes one now.",
    }


def line(operation: Mapping[str, Any]) -> str:
    """One that has ended, in a line of a log."""
    result = operations.result(operation)
    counts = result.counts
    parts = [f"{counts.added} added", f"{counts.updated} updated", f"{counts.moved} moved"]
    parts += [f"{counts.removed} removed", f"{counts.unchanged} unchanged"]
    parts += [f"{counts.failed} failed"] if counts.failed else []
    parts += [f"{counts.conflicts_detected} conflicts"] if counts.conflicts_detected else []
    told = f"{operation['finished_at']:%H:%M:%S} {result.sync_id} ({operation['trigger']})"
    told += f" {result.status}: {', '.join(parts)}"
    if result.error and result.status is not Status.SUCCESS:
        told += f" - {result.error['message']}"
    return told


def _last(row: Mapping[str, Any]) -> str:
    """How its last run went."""
    last = row["last_status"]
    if last is None:
        return "new"
    return {"running": "interrupted", "success": "ok"}.get(last, str(last))


def _progress(row: Mapping[str, Any], working: Set[str]) -> str | None:
    """How far the operation in flight is, in words; None of one that has not been noted yet."""
    if row["sync_id"] not in working or row["progress"] is None:
        return None
    return Counts(**row["progress"]).progress


def _untold(share: announced.Share | None) -> dict[str, Any] | None:
    """Of a connection's changes of the last days, how many came without a call (see `Share`);
    None where nobody may call, or nothing has changed."""
    if share is None:
        return None
    return {"told": share.told, "missed": share.missed, "missed_share": share.missed_share}


def untold_by(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By connection, of status rows: the shares of changes without a call that are worth a look."""
    return {
        row["connection"]: row["untold"]
        for row in rows
        if (said := row["untold"]) and announced.Share(said["told"], said["missed"]).is_high
    }


def unread_by(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By connection, of status rows: the queues that cannot be read."""
    return {row["connection"]: row["unread_queue"] for row in rows if row["unread_queue"]}


def divergence(counted: Mapping[str, Any]) -> dict[str, Any]:
    """How many items were looked at for drift, what was found, and the share that is divergent at
    most (`upper_bound`, from 0 to 1, right in 95 of 100 cases; None where none was looked at)."""
    found, of = counted.get("divergent", 0), counted.get("samples", 0)
    return {
        "upper_bound": upper_bound(found, of),
        "confidence": CONFIDENCE,
        "days": samples.DAYS,
        "samples": of,
        "divergent": found,
        "lagging": counted.get("lagging", 0),
        "unread": counted.get("unread", 0),
        "sampled_at": counted.get("sampled_at"),
    }


def drift(engine: Engine, connection: Connection, sync_id: str) -> dict[str, Any]:
    """The drift document of a sync, with the items. Raises `NotFound`."""
    catalog.sync(connection, sync_id)
    looked = samples.counts(connection, today=engine.now().date(), sync_id=sync_id)
    found = row_names.told(connection, samples.findings(connection, sync_id), sync_id=sync_id)
    return {"sync_id": sync_id, **divergence(looked.get(sync_id, {})), "findings": found}


def touched(entry: Mapping[str, Any]) -> tuple[str, str]:
    """What a line of a ledger is about, and what was changed of it, in words."""
    after = entry.get("after") or {}
    if entry["op"] == Op.ROWS:
        count = after.get("rows", 0)
        parts = [f"{after[name]:,} {name}" for name in _OF_ROWS if after.get(name)]
        return f"{count:,} row{'' if count == 1 else 's'}", ", ".join(parts) or "-"
    if entry["op"] == Op.CONFLICT:
        outcome = f"the {after['winner']} was taken" if after.get("winner") else "open"
        return entry["item_id"], f"{after.get('field') or 'the row'}: {outcome}"
    if not entry.get("before_kept", True):
        return entry["item_id"], "kept no longer"
    fields = entry.get("fields") or after.get("fields", [])
    return entry["item_id"], ", ".join(fields) or "-"


def health(engine: Engine, connection: Connection) -> dict[str, Any]:
    """That the database answers, what waits (and has waited long, with nothing begun: then the
    status is `stalled`), and whether syncs run at all."""
    connection.execute("select 1")
    stuck = stalled(engine, connection)
    return {
        "service": "livesync",
        "status": "stalled" if stuck else "ok",
        "database": "ok",
        "queue": {**waiting(connection), "stalled": [asdict(each) for each in stuck]},
        "in_flight": len(operations.in_flight(connection)),
        "external_sync": external_sync(engine),
    }


def stalled(engine: Engine, connection: Connection) -> Sequence[Stalled]:
    """The platforms of which syncs have waited long and none has begun; where none is to run, that
    is as it should be."""
    return store_stalled.stalled(connection, now=engine.now()) if engine.enabled else []


def waiting(connection: Connection) -> dict[str, Any]:
    """How many syncs are queued, and since when the first of them."""
    depth, since = queue.depth(connection)
    return {"depth": depth, "oldest_at": since}
