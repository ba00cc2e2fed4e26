"""What somebody may want to know, written in the transaction of what it tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from livesync_pipelines.core import patience, telling
from livesync_pipelines.core.canon import storable
from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.model.notice import EventKind
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import Failed
from livesync_pipelines.model.sync import NotifyOn
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome
from livesync_pipelines.store.row_names import RowNames

CHANNEL = "livesync_outbox"
FIRST_KEYS = 10
"""So many dead letters are named in an event."""

_SENTENCE_CHARS = 1_000
_COUNTS = ("added", "updated", "moved", "removed", "unchanged", "failed", "skipped")


def note_end(
    connection: Connection,
    operation: Operation,
    outcome: Outcome,
    *,
    now: datetime,
    paused: bool,
) -> None:
    """Write what the end of an operation is worth telling, inside the caller's transaction.

    Nothing, and nothing is asked of the database, where nothing changed and nothing failed.
    Nothing either of an operation that was overtaken.
    """
    unfinished = outcome.status in {Status.FAILED, Status.INTERRUPTED, Status.CANCELLED}
    if unfinished:
        add_untold(connection, operation.sync.sync_id, operation.counts.synced_items)
    error = outcome.error or {}
    end = telling.End(
        status=outcome.status,
        changed=_changed(operation),
        code=error.get("code", ""),
        paused=paused,
        looked=operation.trigger.asks_the_source,
    )
    verdict = telling.verdict(end, operation.told)
    if verdict.kind is None:
        return
    untold = 0 if unfinished else operation.untold
    ours = _remember(connection, operation, verdict.told, told_now=untold, now=now)
    if ours is None:
        if not unfinished:
            add_untold(connection, operation.sync.sync_id, operation.counts.synced_items)
        return
    kind, who = verdict.kind, verdict.concerns
    if kind is EventKind.PARTIAL and _letters_told(connection, operation):
        if not end.changed:
            return  # the same items: once is enough
        kind, who = EventKind.CHANGED, telling.concerns(EventKind.CHANGED)
    document = _of_end(operation, outcome, kind, since=ours[0])
    write_event(connection, operation, kind, document, who=who, now=now)


def _remember(
    connection: Connection,
    operation: Operation,
    told: telling.Told,
    *,
    told_now: int,
    now: datetime,
) -> tuple[datetime | None] | None:
    """Keep what has been told with the sync, if it still is this operation's; returns since when
    there was trouble."""
    since: tuple[datetime | None] | None = connection.execute(
        "update livesync.syncs s set told = %s, untold = s.untold - %s,"
        " told_since = case when not %s then null"
        " when before.told = '{}' then %s else before.told_since end"
        " from livesync.syncs before"
        " where s.sync_id = %s and s.fence = %s and before.sync_id = s.sync_id"
        " returning before.told_since",
        (list(told), told_now, bool(told), now, operation.sync.sync_id, operation.fence),
    ).fetchone()
    return since


def add_untold(connection: Connection, sync_id: str, changed: int) -> None:
    """Remember, inside the caller's transaction, items whose change is still to be told: those of
    an operation that failed, was overtaken, or was left behind."""
    if changed:
        connection.execute(
            "update livesync.syncs set untold = untold + %s where sync_id = %s", (changed, sync_id)
        )


def note_letters(
    connection: Connection, operation: Operation, dead: Sequence[Failed], now: datetime
) -> None:
    """Write that these items have become dead letters, inside the caller's transaction.

    Only the first such event of an operation is delivered: it says where the others are listed.
    """
    if not dead:
        return
    first = not _letters_told(connection, operation)
    keys = [telling.shown(each.failure.key) for each in dead[:FIRST_KEYS]]
    document = {
        **of_operation(operation),
        "count": len(dead),
        "items": [
            {"key": key, "code": each.failure.code} for key, each in zip(keys, dead, strict=False)
        ],
        "message": f"{len(dead)} items cannot be brought in and are tried no more: "
        f"{', '.join(keys)}{' ...' if len(dead) > len(keys) else ''}",
        "hint": f"See all with `livesync dead-letters list {operation.sync.sync_id}`.",
    }
    who = telling.concerns(EventKind.DEAD_LETTERS) if first else frozenset[NotifyOn]()
    write_event(connection, operation, EventKind.DEAD_LETTERS, document, who=who, now=now)


def note_conflicts(
    connection: Connection, operation: Operation, opened: Sequence[Conflict], now: datetime
) -> None:
    """Write that these wait for somebody's answer, inside the caller's transaction."""
    sync, names = operation.sync, RowNames(connection)
    shown = [
        {"key": telling.shown(names.shown(sync.sync_id, each.key)), "field": each.field}
        for each in opened[:FIRST_KEYS]
    ]
    said = ", ".join(f"{one['key']} {one['field'] or ''}".strip() for one in shown)
    said += " ..." if len(opened) > len(shown) else ""
    owner = f"{sync.policy.owner}: " if sync.policy.owner else ""
    document = {
        **of_operation(operation),
        "owner": sync.policy.owner,
        "count": len(opened),
        "conflicts": shown,
        "message": f"{owner}both ends have edited {said}",
        "hint": f"See `livesync conflicts list {sync.sync_id}`, and `livesync conflicts resolve`.",
    }
    who = telling.concerns(EventKind.CONFLICT)
    write_event(connection, operation, EventKind.CONFLICT, document, who=who, now=now)


def write_event(
    connection: Connection,
    operation: Operation,
    kind: EventKind,
    document: Mapping[str, Any],
    *,
    who: Iterable[NotifyOn],
    now: datetime,
) -> None:
    """One line of the outbox, and its deliveries to whom the sync's `notify` names now."""
    seq = add_line(connection, operation, kind, document, now=now)
    if seq is None:
        return
    asked = connection.execute(
        "select config -> 'notify' from livesync.syncs where sync_id = %s",
        (operation.sync.sync_id,),
    ).fetchone()
    notify = asked[0] if asked else {"on": [], "to": []}
    if to := telling.addresses(notify["on"], notify["to"], frozenset(who)):
        deliver(connection, seq, to, secret=None, now=now)


def add_line(
    connection: Connection,
    operation: Operation,
    kind: EventKind,
    document: Mapping[str, Any],
    *,
    now: datetime,
) -> int | None:
    """One line of the outbox; None where the sync has been removed, and whatever was to be told of
    it, and in a rehearsal."""
    if operation.rehearsed:
        return None
    written = connection.execute(
        "insert into livesync.outbox (at, project_id, sync_id, operation_id, kind, document)"
        " select %s, project_id, sync_id, %s, %s, %s from livesync.syncs where sync_id = %s"
        " for update returning seq",
        (now, operation.operation_id, kind, Jsonb(dict(document)), operation.sync.sync_id),
    ).fetchone()
    return int(written[0]) if written else None


def deliver(
    connection: Connection, seq: int, to: Sequence[str], *, secret: str | None, now: datetime
) -> None:
    """Have a line of the outbox sent to these addresses, but for those that want no more."""
    connection.execute(
        "insert into livesync.deliveries (seq, address, secret, not_before, waits_since)"
        " select %s, address, %s, %s, %s from unnest(%s::text[]) address"
        " where not exists (select from livesync.silenced s where s.address = address.address)",
        (seq, secret, now, now, to),
    )
    connection.execute("select pg_notify(%s, '')", (CHANNEL,))


def _letters_told(connection: Connection, operation: Operation) -> bool:
    found = connection.execute(
        "select from livesync.outbox where operation_id = %s and kind = %s limit 1",
        (operation.operation_id, EventKind.DEAD_LETTERS),
    )
    return found.rowcount > 0


def _changed(operation: Operation) -> int:
    """Items changed since that was last told."""
    return operation.counts.synced_items + operation.untold


def of_operation(operation: Operation) -> dict[str, Any]:
    """What every event says of its operation."""
    return {
        "sync_id": operation.sync.sync_id,
        "project_id": operation.sync.project_id,
        "operation_id": str(operation.operation_id),
        "run_id": operation.run_id,
        "trigger": operation.trigger,
    }


def _of_end(
    operation: Operation, outcome: Outcome, kind: EventKind, *, since: datetime | None
) -> dict[str, Any]:
    counts = operation.counts.as_dict()
    message, hint = _sentences(operation, outcome, kind)
    return {
        **of_operation(operation),
        "status": outcome.status,
        "changed": _changed(operation),
        "counts": {name: counts[name] for name in _COUNTS},
        "message": storable(message)[:_SENTENCE_CHARS],
        "hint": storable(hint)[:_SENTENCE_CHARS],
        "since": since.isoformat() if since else None,
    }


def _sentences(operation: Operation, outcome: Outcome, kind: EventKind) -> tuple[str, str]:
    sync_id, counts = operation.sync.sync_id, operation.counts
    error = telling.showable(outcome.error or {}, sync_id)
    failing = f"{counts.failed} items could not be read" if counts.failed else ""
    match kind:
        case EventKind.PAUSED:
            hint = patience.resuming(sync_id, error["hint"])
            return f"The sync is paused: {error['message']}", hint
        case EventKind.PARTIAL:
            told = failing or "The source did not show everything"
            return f"{told}; the rest is up to date.", f"See `livesync status {sync_id}`."
        case EventKind.RECOVERED:
            return f"The sync works again{f'; {failing}' if failing else ''}.", ""
        case EventKind.CHANGED:
            return f"{_changed(operation)} items changed.", ""
    return error["message"], error["hint"]
