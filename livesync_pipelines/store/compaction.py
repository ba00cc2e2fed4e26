"""What is old leaves the ledger, the contents and the operations, in small transactions.

Of a ledger entry that a newer one of its item supersedes, and of an old deletion, only the body
goes. Its seq and its hashes stay, so that the chain can still be walked from the first entry to the
head, and so do its time, item and cause, so that the history can still be told. The chain alone
would not notice a body, or what stands beside it, that was taken away by hand. Therefore each cut
appends an entry `compacted` with a digest of all that is left of the entries that it cut, and they
name it: `ledger.first_broken` accepts a body that is missing only under such an entry. The newest
entry of a living item is never cut (nor that of a file which only one end has lost), so the ledger
still rebuilds the target. What is old of rows goes otherwise: see `row_compaction`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from livesync_pipelines.core.canon import EMPTY_CHAIN, chain
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import ledger
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.ledger import COMPACTED
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines.store.row_blocks import RESTATED

PIECE = 1_000
"""How many rows one transaction takes at most."""

_NOBODY = UUID(int=0)
_LAST_SEQ = 2**63 - 1

_OLD = f"""
select sync_id, {ledger.FIELDS}, hash from livesync.ledger l
where sync_id = %(sync_id)s and seq > %(after)s and seq <= %(through)s
and cut_by is null and op not in ('{COMPACTED}', '{RESTATED}', '{Op.ROWS}', '{Op.CONFLICT}')
and ((at < %(before)s and exists (select from livesync.ledger n where n.sync_id = l.sync_id
      and n.item_id = l.item_id and n.seq > l.seq and n.op <> '{Op.CONFLICT}'))
     or (at < %(gone_before)s and op = 'removed' and not coalesce(after ? 'apart', false)))
order by seq limit {PIECE}
"""

_UNUSED = f"""
select content_hash from livesync.contents where sync_id = %(sync_id)s
except select content_hash from livesync.shadow where sync_id = %(sync_id)s
except select decode(body ->> 'content_hash', 'hex') from livesync.ledger,
    lateral (values (before), (after)) bodies (body)
    where sync_id = %(sync_id)s and body ? 'content_hash'
limit {5 * PIECE}
"""

_OPERATIONS = f"""
with named as (
    select operation_id from livesync.shadow where sync_id = %(sync_id)s
    union select operation_id from livesync.chunks where sync_id = %(sync_id)s
    union select operation_id from livesync.row_blocks where sync_id = %(sync_id)s
    union select operation_id from livesync.item_failures where sync_id = %(sync_id)s),
newest as (
    (select operation_id from livesync.operations where sync_id = %(sync_id)s
     order by started_at desc limit %(newest)s)
    union all (select operation_id from livesync.operations where sync_id = %(sync_id)s
     and status in ('success', 'partial') order by started_at desc limit 1))
delete from livesync.operations where operation_id in (
    select operation_id from livesync.operations o where sync_id = %(sync_id)s
    and finished_at < %(before)s and status <> 'running'
    and not exists (select from named n where n.operation_id = o.operation_id)
    and not exists (select from newest n where n.operation_id = o.operation_id)
    order by started_at limit {PIECE})
"""


def drop_operations(connection: Connection, sync_id: str, *, before: datetime, newest: int) -> int:
    """Delete a piece of a sync's operations that ended before this; returns how many.

    Never one that works, one of the `newest`, the last that went well, or one that a living item,
    chunk or failure names: `explain` can always tell where something comes from.
    """
    asked = {"sync_id": sync_id, "before": before, "newest": newest}
    return connection.execute(_OPERATIONS.encode(), asked).rowcount


def drop_events(connection: Connection, sync_id: str, *, before: datetime) -> int:
    """Delete a piece of what was to be told of a sync before this; returns how many events.

    Never one that is still to be delivered.
    """
    return connection.execute(
        "delete from livesync.outbox where seq in (select seq from livesync.outbox e"
        " where sync_id = %s and at < %s and not exists (select from livesync.deliveries d"
        f" where d.seq = e.seq and d.state = 'waiting') order by seq limit {PIECE})".encode(),
        (sync_id, before),
    ).rowcount


def cut(
    connection: Connection,
    sync_id: str,
    *,
    after: int,
    before: datetime,
    gone_before: datetime,
    now: datetime,
) -> tuple[int, int] | None:
    """Cut a piece of the ledger, from the first entry after the seq `after` on: the bodies of
    superseded entries older than `before`, and of deletions older than `gone_before`.

    They are looked for without holding up anybody. Returns how many, and the seq to go on after;
    None while an operation of the sync is in flight: it carries the head of the chain with it. The
    fence moves, so that a worker that has lost its lock cannot append to an old head.
    """
    ages = {"sync_id": sync_id, "before": before, "gone_before": gone_before}
    seen = rows(connection, _OLD, {**ages, "after": after, "through": _LAST_SEQ})
    if not seen:
        return 0, after
    with connection.transaction():
        if not take(connection, sync_id):
            return None
        first, last = seen[0]["seq"], seen[-1]["seq"]
        found = rows(connection, _OLD, {**ages, "after": first - 1, "through": last})
        if found:  # unless another cleaning was quicker
            _cut(connection, sync_id, found, before=before, now=now)
        return len(found), last


def take(connection: Connection, sync_id: str) -> bool:
    """Keep operations of the sync away to the end of the transaction, if none is in flight."""
    got = connection.execute(
        "select pg_try_advisory_xact_lock(%s, lock_id) from livesync.syncs where sync_id = %s",
        (AdvisoryLock.SYNC, sync_id),
    )
    return got.fetchone() == (True,)


def _cut(
    connection: Connection,
    sync_id: str,
    found: Sequence[dict[str, Any]],
    *,
    before: datetime,
    now: datetime,
) -> None:
    digest = EMPTY_CHAIN
    for entry in found:
        stored = entry.pop("hash")
        digest = ledger.cut_digest(digest, {**entry, "at": spelled(entry["at"])}, stored)
    told = {
        "first": found[0]["seq"],
        "last": found[-1]["seq"],
        "lines": len(found),
        "older_than": spelled(before),
        "digest": digest.hex(),
    }
    seq = append(connection, sync_id, COMPACTED, told, now)
    connection.execute(
        "update livesync.ledger set before = null, after = null, cut_by = %s"
        " where sync_id = %s and seq = any(%s)",
        (seq, sync_id, [entry["seq"] for entry in found]),
    )


def append(
    connection: Connection, sync_id: str, op: str, told: Mapping[str, Any], now: datetime
) -> int:
    """Add an entry of no item and no operation to the chain, after `take`; returns its seq."""
    (held,) = rows(
        connection,
        "update livesync.syncs set fence = fence + 1, ledger_seq = ledger_seq + 1"
        " where sync_id = %s returning ledger_seq, ledger_hash",
        (sync_id,),
    )
    entry = {
        "sync_id": sync_id,
        "seq": held["ledger_seq"],
        "at": spelled(now),
        "item_id": "",
        "op": op,
        "before": None,
        "after": dict(told),
        "cause": "clean",
        "operation_id": str(_NOBODY),
        "run_id": None,
        "policy": "retention",
    }
    digest = chain(held["ledger_hash"], entry)
    names = [*entry, "prev_hash", "hash"]
    values = {**entry, "after": Jsonb(told), "prev_hash": held["ledger_hash"], "hash": digest}
    connection.execute(
        f"insert into livesync.ledger ({', '.join(names)})"
        f" values ({', '.join(f'%({name})s' for name in names)})".encode(),
        values,
    )
    connection.execute(
        "update livesync.syncs set ledger_hash = %s where sync_id = %s", (digest, sync_id)
    )
    return int(held["ledger_seq"])


def spelled(moment: datetime) -> str:
    """A moment as the ledger has it."""
    return moment.astimezone(UTC).isoformat()


def unused_contents(connection: Connection, sync_id: str) -> list[bytes]:
    """The hashes of some texts that no living item and no ledger entry names at this moment."""
    return [name for (name,) in connection.execute(_UNUSED.encode(), {"sync_id": sync_id})]


def drop_contents(
    connection: Connection, sync_id: str, unused: Sequence[bytes], *, since: int
) -> int | None:
    """Delete those of these texts that no ledger entry after the seq `since` names; returns how
    many, or None while an operation of the sync is under way.

    An operation leaves out a text that it finds stored, and stores a new one before the entry
    that names it, so none may be under way. It logs each text that it begins to use: a text that
    was unused when the ledger ended at `since`, and that no later entry names, is unused now. So
    nobody is held up while the unused ones are looked for.
    """
    with connection.transaction():
        if not take(connection, sync_id):
            return None
        return connection.execute(
            "delete from livesync.contents where sync_id = %(sync_id)s"
            " and content_hash = any(%(unused)s) and not encode(content_hash, 'hex') in ("
            " select after ->> 'content_hash' from livesync.ledger where sync_id = %(sync_id)s"
            " and seq > %(since)s and after ? 'content_hash')",
            {"sync_id": sync_id, "unused": list(unused), "since": since},
        ).rowcount
