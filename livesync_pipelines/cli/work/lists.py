"""status, history, ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from livesync_pipelines.cli.output import ago, emit, named, note, say, table, title
from livesync_pipelines.cli.work.session import House, open_house
from livesync_pipelines.engine import report
from livesync_pipelines.engine.rebuild import rebuild
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.store import catalog, operations, row_apart, row_history, row_names
from livesync_pipelines.store import ledger as ledgers
from livesync_pipelines.store.row_names import RowNames

_NAMED = 3
"""So many rows that differ are named."""
_HISTORY = ("STARTED", "STATUS", "TRIGGER", "MODE", "TOOK", "CHANGES", "OPERATION")


def show_status(sync_id: str | None, project_id: str | None, *, as_json: bool) -> None:
    """How every sync is, or one with its failing items."""
    with open_house() as house:
        document = report.status(
            house.engine, house.connection, sync_id=sync_id, project_id=project_id
        )
        if as_json:
            emit(document)
        elif sync_id is not None:
            _one(house, document)
        else:
            _all(house, document)


def _all(house: House, document: Mapping[str, Any]) -> None:
    now = house.engine.now()
    headers = ("SYNC", "IS", "PLATFORM", "LAST SYNC", "NEXT", "ITEMS", "CHUNKS", "FAILED")
    lines = [
        (
            row["sync_id"],
            row["condition"],
            row["platform"],
            ago(row["last_sync"], now),
            _next(row, now),
            row["items"],
            row["chunks"],
            row["failed_items"],
        )
        for row in document["syncs"]
    ]
    if lines:
        table(headers, lines)
    else:
        say("There is no sync yet. Make one with `livesync apply FILE` or `livesync sync add`.")
    for row in document["syncs"]:
        if row["last_error"]:
            note(f"{row['sync_id']}: {row['last_error']['message']}")
        if row["bad_cells"]:
            said = f"{row['bad_cells']} cells do not fit: livesync mapping cells {row['sync_id']}"
            note(f"{row['sync_id']}: {said}")
        if row["frozen_rows"]:
            note(f"{row['sync_id']}: {_frozen(row)}")
        if row["differing_rows"]:
            note(f"{row['sync_id']}: {_differ(row['differing_rows'])}")
        if row["held_until"]:
            note(f"{row['sync_id']}: {_held(row, now)}")
    for connection, share in report.untold_by(document["syncs"]).items():
        note(f"{connection}: {_untold(share)}")
    for connection, trouble in report.unread_by(document["syncs"]).items():
        note(f"{connection}: {_unread(trouble, now)}")
    house.remark()


def _held(row: Mapping[str, Any], now: datetime) -> str:
    until = row["held_until"]
    return f"its server said wait, 429 until {until.astimezone():%H:%M} ({ago(until, now)})"


def _frozen(row: Mapping[str, Any]) -> str:
    rows = row["frozen_rows"]
    told = f"{rows} row{'' if rows == 1 else 's'} left alone, for both ends kept rewriting"
    return f"{told}: livesync conflicts list {row['sync_id']}"


def _differ(rows: int) -> str:
    return f"{rows} row{'' if rows == 1 else 's'} that both ends show differently: one normalises"


def _untold(share: Mapping[str, Any]) -> str:
    changes = share["told"] + share["missed"]
    return f"{share['missed_share']:.0%} of {changes} changes in 3 days came without a call"


def _unread(trouble: Mapping[str, Any], now: datetime) -> str:
    since = f"changes are found by polling only, since {ago(trouble['since'], now)}"
    return f"{trouble['message']}; {since} (livesync doctor)"


def _next(row: Mapping[str, Any], now: datetime) -> str:
    if row["state"] == "paused" or row["schedule"] == "manual":
        return "-"
    due = row["next_sync"]
    return "now" if due is None or due < now else ago(due, now)


def _one(house: House, document: Mapping[str, Any]) -> None:
    (row,) = document["syncs"]
    now = house.engine.now()
    because = f" ({row['state_reason']})" if row["state_reason"] else ""
    title(f"{row['sync_id']}: {row['condition']}{because}")
    say(f"  from        {row['connection']} ({row['platform']})")
    say(f"  to          {_target(row)}")
    say(f"  schedule    {row['schedule']}; next {_next(row, now)}")
    say(f"  last sync   {ago(row['last_sync'], now)}")
    say(f"  last polled {ago(row['looked_at'], now)}")
    if row["held_until"]:
        say(f"  held        {_held(row, now)}")
    if row["untold"] is not None:
        say(f"  untold      {_untold(row['untold'])}")
    if row["unread_queue"]:
        say(f"  queue       {_unread(row['unread_queue'], now)}")
    say(f"  holds       {row['items']} items, {row['chunks']} chunks")
    say(f"  left out    {row['skipped_items']} of a kind without text")
    if row["open_conflicts"]:
        say(f"  conflicts   {row['open_conflicts']} open: livesync conflicts list {row['sync_id']}")
    if row["frozen_rows"]:
        say(f"  frozen      {_frozen(row)}")
    if row["differing_rows"]:
        say(f"  differ      {_differ(row['differing_rows'])}")
        for one in row_apart.named(house.connection, row["sync_id"], limit=_NAMED):
            say(f"              livesync explain '{row['sync_id']}:{one['key']}' ({one['field']})")
    if row["last_error"]:
        say(f"  last error  {row['last_error']['message']}")
        say(f"              {row['last_error'].get('hint', '')}")
    for failure in document["failures"]:
        say(f"  failed      {named(failure['key'])}: {named(failure['reason'])}")
    house.remark()


def _target(row: Mapping[str, Any]) -> str:
    if row["capsule"] is not None:
        return f"capsule {row['capsule']}"
    selected = ", ".join(f"{name} {value}" for name, value in row["target_select"].items())
    return f"{row['target']}{f' ({selected})' if selected else ''}, {row['mode']}"


def show_history(sync_id: str, limit: int, *, as_json: bool) -> None:
    """The operations of one sync."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        found = operations.history(house.connection, sync_id, limit=limit)
        if as_json:
            emit({"operations": found})
            return
        now = house.engine.now()
        if not found:
            say(f"{sync_id} has not run yet.")
            return
        table(_HISTORY, (_line(row, now) for row in found))
        for row in found:
            if row["error"]:
                note(f"{row['operation_id']}: {row['error']['message']}")


def _line(row: Mapping[str, Any], now: datetime) -> tuple[object, ...]:
    finished = row["finished_at"]
    took = f"{(finished - row['started_at']).total_seconds():.1f} s" if finished else "-"
    names = ("added", "updated", "moved", "removed", "failed")
    changes = ", ".join(f"{row['counts'][n]} {n}" for n in names if row["counts"].get(n))
    return (
        ago(row["started_at"], now),
        row["status"],
        row["trigger"],
        row["mode"],
        took,
        changes or "none",
        row["operation_id"],
    )


def show_ledger(
    sync_id: str, item: str | None, operation: UUID | None, *, limit: int, as_json: bool
) -> None:
    """The change log of one sync."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        found = _entries(house, sync_id, item, operation, limit)
        found = row_names.told(house.connection, found, sync_id=sync_id, names=["item_id"])
        if as_json:
            emit({"entries": found})
            return
        now = house.engine.now()
        if not found:
            say("There is no such entry.")
            return
        lines = (
            (e["seq"], ago(e["at"], now), e["op"], item, e["cause"], changed, e["operation_id"])
            for e in found
            for item, changed in [report.touched(e)]
        )
        table(("SEQ", "AT", "OP", "ITEM", "CAUSE", "CHANGED", "OPERATION"), lines)


def _entries(
    house: House, sync_id: str, item: str | None, operation: UUID | None, limit: int
) -> list[dict[str, Any]]:
    """Of one row, what its blocks say of it and what the ledger says of its conflicts."""
    told = str(operation) if operation else None
    if item is None:
        return ledgers.entries(house.connection, sync_id, operation_id=told, limit=limit)
    found = []
    for key in RowNames(house.connection).meant(sync_id, item):
        found += ledgers.entries(
            house.connection, sync_id, item_id=key, operation_id=told, limit=limit
        )
        changes = row_history.of_row(house.connection, sync_id, key, limit=limit)
        found += [{**change, "item_id": key} for change in changes]
    return sorted(found, key=lambda entry: -int(entry["seq"]))


def rebuild_target(sync_id: str, *, check: bool, as_json: bool) -> int:
    """Compare the target with the ledger or put it right; returns the exit code."""
    with open_house() as house:
        found = rebuild(house.engine, sync_id, check=check)
    if as_json:
        emit({"sync_id": sync_id, "exact": found.is_exact, "checked": check, **asdict(found)})
    else:
        say(f"{sync_id}: {found.agreeing} items are as the ledger says.")
        for what, ids in (
            ("differ from it" if check else "differed and were put right", found.differing),
            ("are not in it" if check else "were not in it and are gone", found.unlogged),
            ("have lost their text; `sync run --full` brings it back", found.lost),
        ):
            if ids:
                say(f"{len(ids)} {what}: {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}")
    return 0 if found.is_exact or not (check or found.lost) else 1


def verify_ledger(sync_id: str, *, as_json: bool) -> None:
    """Check the chain. Raises `Broken` naming the first entry that does not follow."""
    with open_house() as house:
        catalog.sync(house.connection, sync_id)
        broken = ledgers.first_broken(house.connection, sync_id)
        if broken is not None:
            raise Broken(
                f"The ledger of sync '{sync_id}' does not hold from entry {broken} on.",
                hint="Somebody altered it in the database; compare it with a backup.",
                where=f"sync {sync_id}, seq {broken}",
            )
        newest = ledgers.entries(house.connection, sync_id, limit=1)
        count = newest[0]["seq"] if newest else 0
        if as_json:
            emit({"sync_id": sync_id, "intact": True, "entries": count})
        else:
            say(f"The ledger of {sync_id} is intact: {count} entries.")
