"""What one page of rows moves, inside the transaction that moves everything else of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.model.conflict import BadCell, Conflict, Refusal
from livesync_pipelines.model.operation import Counts, Op
from livesync_pipelines.store import conflict_restores, conflicts, intents, row_base, row_blocks
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.ledger import Line
from livesync_pipelines.store.operations import Operation

AGREED = "agreed"
"""The `op` of a row that was written nowhere: both ends have come to show the same."""
FORGOTTEN = "forgotten"
"""The `op` of a row that is gone from both ends without our doing."""
GONE = (Op.REMOVED.value, FORGOTTEN)
"""After these, no row has a state."""
STATE = pa.schema(
    [
        ("key", pa.string()),
        ("op", pa.string()),
        ("before", pa.int64()),
        ("source_mark", row_base.MARK),
        ("target_mark", row_base.MARK),
        ("turns", pa.int16()),
        ("went_to", pa.string()),
        ("to_source", pa.bool_()),
        ("to_target", pa.bool_()),
    ]
)
"""Of every line, before its values: what `row_base` is to say, the block that held it, and which
ends were written to."""


@dataclass(slots=True, kw_only=True)
class RowCommit:
    """- `lines`: a table of `STATE` and values (see `row_blocks`): rows whose state is new.
    - `intent`: what was recorded before it was sent, and is now told of; `as_meant`: these lines
      are the ones that it has.
    - `seen`: keys that were brought together; what was open of them and is not in `conflicts`
      any more is settled (`answered`: as a person chose), and what was kept apart of them and is
      not in `cells` has healed.
    - `refused`: what of these is not brought back, though it was asked for.
    - `policy`: how the rows were decided, for the ledger.
    """

    lines: pa.Table
    intent: int | None = None
    as_meant: bool = False
    seen: Sequence[str] = ()
    conflicts: list[Conflict] = field(default_factory=list)
    answered: list[Conflict] = field(default_factory=list)
    refused: Sequence[Refusal] = ()
    cells: list[BadCell] = field(default_factory=list)
    policy: str

    @property
    def is_empty(self) -> bool:
        lists = (self.seen, self.conflicts, self.answered, self.cells)
        return not (len(self.lines) or self.intent is not None or any(lists))


def write(
    connection: Connection, operation: Operation, made: RowCommit, now: datetime
) -> list[Line]:
    """Move the state of these rows; returns what the ledger is to tell of it, the block first.

    The transaction does not wait for the disk. What was written to an end stands in an intent that
    did, so a power cut here is one before the commit; and the end of the operation waits again.
    """
    connection.execute("set local synchronous_commit = off")
    lines = []
    if len(made.lines):
        lines.append(_write_block(connection, operation, made, now))
    sync_id = operation.sync.sync_id
    if made.intent is not None:
        intents.forget(connection, sync_id, made.intent)
    conflict_restores.refuse(connection, sync_id, made.refused, now=now)
    if made.conflicts or made.cells or made.seen:
        conflicts.write(connection, operation, made.conflicts, seen=made.seen, now=now)
        _write_cells(connection, operation, made, now)
    return [*lines, *_conflict_lines([*made.conflicts, *made.answered])]


def count(counts: Counts, made: RowCommit) -> None:
    """Book these rows on an operation."""
    found = {
        entry["values"]: entry["counts"] for entry in pc.value_counts(made.lines["op"]).to_pylist()
    }
    counts.added += found.get(Op.ADDED, 0)
    counts.updated += found.get(Op.UPDATED, 0)
    counts.removed += found.get(Op.REMOVED, 0)
    counts.conflicts_detected += len(made.conflicts)


def are_gone(lines: pa.Table) -> pa.Array:
    """Which of these lines leave no row behind."""
    return pc.is_in(lines["op"], value_set=pa.array(GONE))


def _write_block(
    connection: Connection, operation: Operation, made: RowCommit, now: datetime
) -> Line:
    sync_id, lines = operation.sync.sync_id, made.lines
    block = operation.ledger_seq + 1
    gone, known = are_gone(lines), pc.is_valid(lines["before"])
    row_base.forget(connection, sync_id, lines["key"].filter(gone).to_pylist())
    row_base.change(connection, sync_id, lines.filter(pc.and_not(known, gone)), block=block)
    new = lines.filter(pc.invert(pc.or_(gone, known)))
    row_base.put(connection, sync_id, new, block=block)
    if made.as_meant and made.intent is not None:
        digest = intents.keep(connection, sync_id, made.intent, block=block)
    else:
        operation_id = operation.operation_id
        digest = row_blocks.put(
            connection, sync_id, block, lines, operation_id=operation_id, now=now
        )
    ops = {entry["values"]: entry["counts"] for entry in pc.value_counts(lines["op"]).to_pylist()}
    told = {
        "block": block,
        "digest": digest.hex(),
        "mapping_version": operation.mapping_version,
        "rows": len(lines),
        **ops,
    }
    return Line("", Op.ROWS, None, told, made.policy)


def _conflict_lines(found: Sequence[Conflict]) -> Iterator[Line]:
    for each in found:
        after = {
            "field": each.field,
            "source": each.source.value,
            "target": each.target.value,
            "winner": each.winner,
            "reason": each.reason,
        }
        yield Line(each.key, Op.CONFLICT, {"value": each.base}, after, each.policy)


def _write_cells(
    connection: Connection, operation: Operation, made: RowCommit, now: datetime
) -> None:
    sync_id = operation.sync.sync_id
    connection.execute(
        "delete from livesync.bad_cells where sync_id = %s and key = any(%s)",
        (sync_id, list(made.seen)),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into livesync.bad_cells (sync_id, key, field, side, value, reason,"
            " operation_id, at) values (%s, %s, %s, %s, %s, %s, %s, %s)"
            " on conflict (sync_id, key, field, side)"
            " do update set value = excluded.value, reason = excluded.reason, at = excluded.at,"
            " operation_id = excluded.operation_id",
            [
                (sync_id, c.key, c.field, c.side, c.value, c.reason, operation.operation_id, now)
                for c in made.cells
            ],
        )
