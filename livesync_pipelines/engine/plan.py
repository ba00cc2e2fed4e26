"""A dry run that is a promise: the run itself, in a transaction that is given up or kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from livesync_pipelines.core.canon import canonical
from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.operating import Errand, Progress, quiet
from livesync_pipelines.engine.sync import carry_out
from livesync_pipelines.model.errors import NeedsPerson
from livesync_pipelines.model.operation import Op, SyncResult
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import catalog, ledger, operations, row_history, row_names, tenure
from livesync_pipelines.store.database import Connection

SHOWN_ITEMS = 1_000
_MORE = ("reason", "values", "source", "target", "winner")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would write. `plan_hash` names all of it and what it would be written to;
    `items` are ledger entries, the first ones only where there are many."""

    plan_hash: str
    result: SyncResult
    items: Sequence[Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The document: the hash, the counts of the run, the items."""
        told = self.result.as_dict()
        for name in ("operation_id", "run_id", "last_sync", "duration_s"):
            del told[name]
        return {
            "plan_hash": self.plan_hash,
            **told,
            "calls": {"pages": self.result.counts.pages, "fetches": self.result.counts.fetched},
            "items": [_item(entry) for entry in self.items],
        }


class _Moved(Exception):
    """The run would not write what was planned."""


def plan_sync(
    engine: Engine, sync_id: str, *, full: bool = False, progress: Progress = quiet
) -> Plan:
    """Find out what a run would write, by carrying it out and taking it back.

    The source is listed and read as in a run; nothing of it stays, and no other operation of
    the sync begins meanwhile. Errors as in `operating.operate`.
    """
    errand = Errand(sync_id=sync_id, trigger=Trigger.PERSON, full=full, progress=progress)
    with engine.database.connect() as connection, connection.transaction(force_rollback=True):
        return _rehearse(engine, connection, errand)


def run_planned(engine: Engine, errand: Errand, plan_hash: str) -> SyncResult:
    """A run, all of it in one transaction, that stays only if it is the one that was planned.

    Where the world has moved since, nothing is written and the result says `refused`. What is
    written to another end cannot be taken back: a sync of rows is rehearsed first, and then run.
    """
    with engine.database.connect() as connection:
        if catalog.sync(connection, errand.sync_id).target is not None:
            with connection.transaction(force_rollback=True):
                planned = _rehearse(engine, connection, errand).plan_hash == plan_hash
            if planned:
                return carry_out(engine, connection, errand)
            return _refused(engine, connection, errand, plan_hash)
        try:
            with connection.transaction():
                plan = _rehearse(engine, connection, errand)
                if plan.plan_hash != plan_hash:
                    raise _Moved
        except _Moved:
            return _refused(engine, connection, errand, plan_hash)
    return plan.result


def _refused(engine: Engine, connection: Connection, errand: Errand, plan_hash: str) -> SyncResult:
    """Nothing but a line in the history: the sync is as it was, and what waits for it waits."""
    moved = NeedsPerson(
        f"Nothing was written: a run would no longer write what plan {plan_hash} says.",
        hint=f"Look at what it would write now: `livesync sync plan {errand.sync_id}`.",
    )
    noted = operations.note_refused(
        connection,
        errand.sync_id,
        run_id=errand.run_id,
        trigger=errand.trigger,
        error=moved.as_dict(),
        now=engine.now(),
    )
    return operations.result(noted)


def _rehearse(engine: Engine, connection: Connection, errand: Errand) -> Plan:
    sync = catalog.sync(connection, errand.sync_id)
    head = ledger.head(connection, sync.sync_id)
    result = carry_out(engine, connection, errand, alone=True)
    digest = blake2b(digest_size=16)
    version = tenure.mapping_version(sync)
    target = [sync.sync_id, sync.capsule or sync.target, version, CHUNKER_VERSION]
    digest.update(canonical([*target, head.seq, head.hash.hex(), result.status]))
    items, names = list[Mapping[str, Any]](), row_names.RowNames(connection)
    for entry in ledger.since(connection, sync.sync_id, head.seq):
        digest.update(canonical([entry[name] for name in ("item_id", "op", "before", "after")]))
        if entry["op"] == Op.ROWS:
            items += _rows(connection, sync.sync_id, entry, limit=SHOWN_ITEMS - len(items))
        elif len(items) < SHOWN_ITEMS:
            of_row = entry["op"] == Op.CONFLICT
            items.append(_conflict(names, sync.sync_id, entry) if of_row else entry)
    return Plan(digest.hexdigest(), result, items)


def _rows(
    connection: Connection, sync_id: str, entry: Mapping[str, Any], *, limit: int
) -> Iterator[Mapping[str, Any]]:
    found = row_history.of_block(connection, sync_id, entry["seq"], limit=limit)
    for row in row_names.told(connection, found, sync_id=sync_id):
        after = {"key": row["key"], "fields": row["fields"], "values": row["after"]}
        yield {"op": row["op"], "item_id": row["key"], "before": row["before"], "after": after}


def _conflict(
    names: row_names.RowNames, sync_id: str, entry: Mapping[str, Any]
) -> Mapping[str, Any]:
    after = entry["after"]
    key = names.shown(sync_id, entry["item_id"])
    fields = [after["field"]] if after["field"] else []
    return {**entry, "item_id": key, "after": {**after, "key": key, "fields": fields}}


def _item(entry: Mapping[str, Any]) -> dict[str, Any]:
    after = entry["after"] or {}
    return {
        "op": entry["op"],
        "item_id": entry["item_id"],
        "key": after.get("key") or (entry["before"] or {}).get("key"),
        "fields": after.get("fields", []),
        "chunks_written": after.get("chunks_written", 0),
        "chunks_removed": after.get("chunks_removed", 0),
        **{name: after[name] for name in _MORE if name in after},
    }
