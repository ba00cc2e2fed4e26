"""The append-only change log: every entry carries the hash of the one before it.

Of an old entry the body (`before`, `after`) may be cut; see `store.compaction`. Its hash stays, so
the chain holds across it, and an entry `compacted` further on binds what is left of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import dict_row

from livesync_pipelines.core.canon import EMPTY_CHAIN, canonical, chain
from livesync_pipelines.model.operation import Op
from livesync_pipelines.store import row_blocks
from livesync_pipelines.store.database import Connection, rows
from livesync_pipelines.store.operations import Operation


@dataclass(frozen=True, slots=True)
class Line:
    """What is to be logged of one item."""

    item_id: str
    op: Op
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    policy: str


def append(
    connection: Connection, operation: Operation, lines: Iterable[Line], now: datetime
) -> None:
    """Add lines to the sync's ledger and move the operation's chain head along.

    The caller's transaction also holds what the lines tell of, behind `tenure.fence`.
    """
    copy = (
        "copy livesync.ledger (sync_id, seq, at, item_id, op, before, after, cause, operation_id,"
        " run_id, page, policy, prev_hash, hash) from stdin"
    )
    with connection.cursor() as cursor, cursor.copy(copy) as out:
        for line in lines:
            seq, previous = operation.ledger_seq + 1, operation.ledger_hash
            entry = _hashed(operation, line, seq, now)
            digest = chain(previous, entry)
            out.write_row(
                (
                    operation.sync.sync_id,
                    seq,
                    now,
                    line.item_id,
                    line.op,
                    canonical(line.before).decode() if line.before else None,
                    canonical(line.after).decode() if line.after else None,
                    operation.trigger,
                    operation.operation_id,
                    operation.run_id,
                    operation.page + 1,
                    line.policy,
                    previous,
                    digest,
                )
            )
            operation.ledger_seq, operation.ledger_hash = seq, digest


def _hashed(operation: Operation, line: Line, seq: int, now: datetime) -> dict[str, Any]:
    return {
        "sync_id": operation.sync.sync_id,
        "seq": seq,
        "at": now.astimezone(UTC).isoformat(),
        "item_id": line.item_id,
        "op": line.op,
        "before": line.before,
        "after": line.after,
        "cause": operation.trigger,
        "operation_id": str(operation.operation_id),
        "run_id": operation.run_id,
        "page": operation.page + 1,
        "policy": line.policy,
    }


FIELDS = "seq, at, item_id, op, before, after, cause, operation_id::text, run_id, page, policy"


def entries(
    connection: Connection,
    sync_id: str,
    *,
    item_id: str | None = None,
    operation_id: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The newest entries of a sync, or of one of its items or operations; newest first."""
    return rows(
        connection,
        f"select {FIELDS}, encode(prev_hash, 'hex') as prev_hash, encode(hash, 'hex') as hash"
        " from livesync.ledger where sync_id = %s and (%s::text is null or item_id = %s)"
        " and (%s::text is null or operation_id = %s::uuid) order by seq desc limit %s",
        (sync_id, item_id, item_id, operation_id, operation_id, limit),
    )


@dataclass(frozen=True, slots=True)
class Head:
    """Where a sync's ledger ends."""

    seq: int
    hash: bytes


def head(connection: Connection, sync_id: str) -> Head:
    row = connection.execute(
        "select ledger_seq, ledger_hash from livesync.syncs where sync_id = %s", (sync_id,)
    ).fetchone()
    return Head(*row) if row else Head(0, EMPTY_CHAIN)


def since(connection: Connection, sync_id: str, seq: int) -> Iterator[dict[str, Any]]:
    """The entries after this one, oldest first, read in pieces inside a transaction."""
    with connection.cursor("ledger_since", row_factory=dict_row) as cursor:
        cursor.execute(
            f"select {FIELDS} from livesync.ledger where sync_id = %s and seq > %s order by seq",
            (sync_id, seq),
        )
        yield from cursor


def first_broken(connection: Connection, sync_id: str) -> int | None:
    """The first entry that does not follow from the one before it, that was not cut by
    compaction, or whose block of rows is another; None when the chain holds."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        broken = (_first_broken(connection, sync_id), row_blocks.first_altered(connection, sync_id))
        return min((seq for seq in broken if seq is not None), default=None)


def _first_broken(connection: Connection, sync_id: str) -> int | None:
    previous, expected, cuts = EMPTY_CHAIN, 1, _Cuts()
    with connection.cursor("ledger_walk") as cursor:
        cursor.execute(
            f"select sync_id, {FIELDS}, prev_hash, hash, cut_by from livesync.ledger"
            " where sync_id = %s order by seq",
            (sync_id,),
        )
        names = [column.name for column in cursor.description or ()]
        for row in cursor:
            entry = dict(zip(names, row, strict=True))
            cut_by, stored = entry.pop("cut_by"), entry.pop("hash")
            if (entry["seq"], entry.pop("prev_hash")) != (expected, previous):
                return expected
            entry["at"] = entry["at"].astimezone(UTC).isoformat()
            if cut_by is not None:
                if not cuts.add(cut_by, entry, stored):
                    return expected
            elif chain(previous, _as_hashed(entry)) != stored:
                return expected
            elif entry["op"] == COMPACTED and not cuts.close(entry):
                return int(entry["after"]["first"])
            previous, expected = stored, expected + 1
    if head(connection, sync_id) != Head(expected - 1, previous):
        return expected
    return cuts.first_open()


COMPACTED = "compacted"
"""The `op` of an entry that tells of no item, and binds the entries that were cut with it."""


def cut_digest(previous: bytes, entry: Mapping[str, Any], stored: bytes) -> bytes:
    """The digest of a cut up to and with this entry: of all that is left of it, and its hash."""
    left = {**_as_hashed(entry), "before": None, "after": None, "hash": stored.hex()}
    return chain(previous, left)


def _as_hashed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Entries from before there were pages, and those of no operation, were hashed without one."""
    return {name: value for name, value in entry.items() if (name, value) != ("page", None)}


class _Cuts:
    """The cuts of which entries were seen and their `compacted` was not yet, by its seq."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, int, bytes]] = {}

    def add(self, cut_by: int, entry: Mapping[str, Any], stored: bytes) -> bool:
        """Whether the body of this entry is gone, as it should be."""
        first, lines, digest = self._open.get(cut_by, (entry["seq"], 0, EMPTY_CHAIN))
        self._open[cut_by] = first, lines + 1, cut_digest(digest, entry, stored)
        return entry["before"] is None and entry["after"] is None

    def close(self, compacted: Mapping[str, Any]) -> bool:
        """Whether exactly what this entry tells of was seen."""
        told = compacted["after"]
        seen = self._open.pop(compacted["seq"], None)
        return seen == (told["first"], told["lines"], bytes.fromhex(told["digest"]))

    def first_open(self) -> int | None:
        """The first entry that says it was cut, and of which no `compacted` tells."""
        return min((first for first, _, _ in self._open.values()), default=None)
