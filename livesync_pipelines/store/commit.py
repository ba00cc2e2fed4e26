"""One transaction per page: rows, chunks, ledger, shadow and cursor move together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from livesync_pipelines.model.operation import Op, Place
from livesync_pipelines.model.records import Change, Entry, Failed, Known, Record
from livesync_pipelines.store import (
    actions,
    events,
    file_commit,
    letters,
    lines,
    outbox,
    row_commit,
    rows,
    tenure,
)
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.file_commit import FileCommit
from livesync_pipelines.store.ledger import Line, append
from livesync_pipelines.store.operations import Operation
from livesync_pipelines.store.row_commit import RowCommit
from livesync_pipelines.store.unsettled import entry_to_json


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one transaction moves.

    - `changes`: items whose record, mapping or chunks differ from what the target shows.
    - `touched`: items with a new version and the same words.
    - `removed`: items that leave the target, each with the reason.
    - `failures`: items that could not be read, each with the version that failed.
    - `absent`, `arrived`: what the end of the listing must settle; `settled`: what it has.
    - `owed`: what failed and must be read again, for no feed tells of it twice; `dropped`: keys
      that failed and are no more.
    - `states`: what the connector wants remembered of items that are otherwise as they were.
    - `rows`: what a page of rows moves, in a sync of rows; `files`: a piece of a copy.
    """

    changes: list[Change] = field(default_factory=list)
    touched: list[tuple[Record, Known]] = field(default_factory=list)
    removed: list[tuple[Known, str]] = field(default_factory=list)
    failures: list[Failed] = field(default_factory=list)
    absent: list[tuple[str, str]] = field(default_factory=list)
    arrived: list[Entry] = field(default_factory=list)
    owed: list[Entry] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    rows: RowCommit | None = None
    files: FileCommit | None = None

    @property
    def is_empty(self) -> bool:
        return not any(
            (
                self.changes,
                self.touched,
                self.removed,
                self.failures,
                self.absent,
                self.arrived,
                self.owed,
                self.dropped,
                self.settled,
                self.states,
                self.rows and not self.rows.is_empty,
                self.files and not self.files.is_empty,
            )
        )


def write(
    connection: Connection,
    operation: Operation,
    batch: Batch,
    *,
    now: datetime,
    place: Place,
) -> None:
    """Commit a batch and the place at the source that follows it. Nothing of it shows before all
    of it does.

    Raises `Broken` when a newer operation has taken the sync over; then nothing is written.
    """
    sync_id = operation.sync.sync_id
    head, counts = (operation.ledger_seq, operation.ledger_hash), replace(operation.counts)
    try:
        with connection.transaction():
            tenure.fence(connection, operation)
            states = _clear(connection, sync_id, batch)
            _write_rows(connection, operation, batch, states)
            _write_states(connection, sync_id, batch.states)
            _write_chunks(connection, operation, batch.changes)
            _write_failures(connection, operation, batch, now)
            _write_unsettled(connection, sync_id, batch)
            moved = row_commit.write(connection, operation, batch.rows, now) if batch.rows else []
            if batch.files is not None:
                moved += file_commit.write(connection, operation, batch.files, now)
            append(connection, operation, [*moved, *_lines(batch)], now)
            actions.note_changes(connection, operation, _page(batch, block=head[0] + 1), now)
            _count(operation, batch)
            tenure.advance(connection, operation, place, now=now)
    except BaseException:
        (operation.ledger_seq, operation.ledger_hash), operation.counts = head, counts
        raise
    operation.place = place
    operation.page += 1


def put_back(
    connection: Connection, operation: Operation, changes: Sequence[Change], *, gone: Sequence[str]
) -> None:
    """Store these items as if nothing were stored of them, and take out those that are `gone`.

    The ledger, which is where they come from, gets no line. Raises `Broken` as `write` does.
    """
    ids = [*(change.record.item_id for change in changes), *gone]
    with connection.transaction():
        tenure.fence(connection, operation)
        for table in ("chunks", "documents", "records", "shadow"):
            connection.execute(
                f"delete from livesync.{table} where sync_id = %s and item_id = any(%s)".encode(),
                (operation.sync.sync_id, ids),
            )
        _write_rows(connection, operation, Batch(changes=list(changes)), {})
        _write_chunks(connection, operation, changes)


def _clear(connection: Connection, sync_id: str, batch: Batch) -> dict[str, str]:
    """Take out what is about to be written anew, and what is to be gone; returns what the
    connector wanted remembered of these items, by id."""
    old = [c.known.item_id for c in batch.changes if c.known]
    touched = [known.item_id for _, known in batch.touched]
    gone = [known.item_id for known, _ in batch.removed]
    known: list[tuple[str, str | None]] = []
    if held := old + touched + gone:
        known = connection.execute(
            "delete from livesync.shadow where sync_id = %s and item_id = any(%s)"
            " returning item_id, state",
            (sync_id, held),
        ).fetchall()
    for table, ids in (
        ("records", old + gone),
        ("documents", old + gone),
        ("chunks", gone),
    ):
        if ids:
            connection.execute(
                f"delete from livesync.{table} where sync_id = %s and item_id = any(%s)".encode(),
                (sync_id, ids),
            )
    dropped = [chunk_id for c in batch.changes for chunk_id in c.dropped]
    if dropped:
        connection.execute(
            "delete from livesync.chunks where chunk_id = any(%s::uuid[])", (dropped,)
        )
    return {item_id: state for item_id, state in known if state is not None}


def _copy(connection: Connection, table: str, columns: str, lines: Iterable[Sequence[Any]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy livesync.{table} ({columns}) from stdin".encode()) as out,
    ):
        for line in lines:
            out.write_row(line)


def _write_rows(
    connection: Connection, operation: Operation, batch: Batch, states: Mapping[str, str]
) -> None:
    records = [_remembering(c.record, states) for c in batch.changes]
    kept = [*records, *(_remembering(record, states) for record, _ in batch.touched)]
    if kept:
        values = (rows.of_shadow(operation, record) for record in kept)
        _copy(connection, "shadow", rows.SHADOW, values)
    if records:
        values = (rows.of_record(operation, record) for record in records)
        _copy(connection, "records", rows.RECORDS, values)
        values = (rows.of_document(operation, change) for change in batch.changes)
        _copy(connection, "documents", rows.DOCUMENTS, values)


def _remembering(record: Record, states: Mapping[str, str]) -> Record:
    """With the connector's memory of the item as it was, where it says nothing new."""
    if record.state is None and record.item_id in states:
        return replace(record, state=states[record.item_id])
    return record


def _write_states(connection: Connection, sync_id: str, states: Sequence[tuple[str, str]]) -> None:
    if states:
        connection.execute(
            "update livesync.shadow s set state = new.state"
            " from unnest(%s::text[], %s::text[]) new (key, state)"
            " where s.sync_id = %s and s.key = new.key",
            ([key for key, _ in states], [state for _, state in states], sync_id),
        )


def _write_chunks(connection: Connection, operation: Operation, changes: Sequence[Change]) -> None:
    values = (line for change in changes for line in rows.of_chunks(operation, change))
    _copy(connection, "chunks", rows.CHUNKS, values)


def _write_failures(
    connection: Connection, operation: Operation, batch: Batch, now: datetime
) -> None:
    if not operation.trigger.asks_the_source:
        return  # what is made again from what is stored heals nothing
    sync_id = operation.sync.sync_id
    healed = [c.record.key for c in batch.changes] + [r.key for r, _ in batch.touched]
    healed += [known.key for known, _ in batch.removed] + batch.dropped
    failed = {each.failure.key: each for each in batch.failures}
    before = letters.take(connection, sync_id, [*healed, *failed]) if operation.has_failures else {}
    if failed:
        values = (
            letters.of_failure(operation, each, before.get(key), now)
            for key, each in failed.items()
        )
        _copy(connection, "item_failures", letters.FAILURES, values)
        operation.has_failures = True
        dead = [each for key, each in failed.items() if letters.dies(each, before.get(key), now)]
        outbox.note_letters(connection, operation, dead, now)
        events.note_letters(connection, operation, dead, now=now)


def _write_unsettled(connection: Connection, sync_id: str, batch: Batch) -> None:
    if batch.settled:
        connection.execute(
            "delete from livesync.unsettled u where sync_id = %s and key = any(%s)"
            " and not (kind = 'owed' and exists(select from livesync.item_failures f"
            " where f.sync_id = u.sync_id and f.key = u.key))",  # told of, and yet unread
            (sync_id, batch.settled),
        )
    waiting: list[tuple[str, str, str, str, str | None]]
    waiting = [(sync_id, key, "absent", reason, None) for key, reason in batch.absent]
    waiting += [(sync_id, e.key, "arrived", "listed", entry_to_json(e)) for e in batch.arrived]
    waiting += [(sync_id, e.key, "owed", "failed", entry_to_json(e)) for e in batch.owed]
    if waiting:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into livesync.unsettled (sync_id, key, kind, reason, entry)"
                " values (%s, %s, %s, %s, %s) on conflict (sync_id, key, kind)"
                " do update set reason = excluded.reason, entry = excluded.entry",
                waiting,
            )


def _lines(batch: Batch) -> Iterator[Line]:
    for change in batch.changes:
        yield lines.of_change(change)
    for known, reason in batch.removed:
        yield lines.of_removal(known, reason)


def _page(batch: Batch, *, block: int) -> actions.Page:
    return actions.Page(
        changes=batch.changes,
        removed=batch.removed,
        rows=batch.rows,
        files=batch.files,
        block=block,
    )


def _count(operation: Operation, batch: Batch) -> None:
    counts = operation.counts
    for change in batch.changes:
        op = change.delta.op or Op.UPDATED
        counts.added += op == Op.ADDED
        counts.updated += op == Op.UPDATED
        counts.moved += op == Op.MOVED
        counts.chunks_written += len(change.written)
        counts.chunks_removed += len(change.dropped)
        counts.chunks_kept += len({p.chunk_id for p in change.layout}) - len(change.written)
    if batch.rows is not None:
        row_commit.count(counts, batch.rows)
    if batch.files is not None:
        file_commit.count(counts, batch.files)
    counts.removed += len(batch.removed)
    counts.chunks_removed += sum(len(set(known.chunk_ids)) for known, _ in batch.removed)
