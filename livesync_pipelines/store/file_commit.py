"""What one piece of a copy moves, inside the transaction that moves everything else of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from livesync_pipelines.core.copying import Agreed
from livesync_pipelines.model.conflict import Conflict
from livesync_pipelines.model.operation import Counts, Op
from livesync_pipelines.store import conflicts, copied_files, file_intents
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.ledger import Line
from livesync_pipelines.store.operations import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMove:
    """One file whose state is new: None after it is gone. `written`: an end was written to, else
    both were found so. `policy` is how it was decided."""

    name: str
    op: Op
    before: Agreed | None
    after: Agreed | None
    written: bool
    policy: str


@dataclass(frozen=True, slots=True)
class Lost:
    """What is about to be overwritten or removed, and nobody else has."""

    name: str
    version: str
    content: bytes


@dataclass(slots=True, kw_only=True)
class FileCommit:
    """- `moved`: files whose state is new.
    - `lost`: bytes to keep; `unharmed`: names of which nothing was lost after all.
    - `sent`: names of which nothing that was noted before it was sent is open any more.
    - `seen`: names that were decided; what was open of them and is not in `conflicts` any more is
      settled (`answered`: as was chosen).
    """

    moved: list[FileMove] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    unharmed: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    answered: list[Conflict] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any((self.moved, self.lost, self.unharmed, self.sent, self.seen, self.conflicts))


def write(
    connection: Connection, operation: Operation, made: FileCommit, now: datetime
) -> list[Line]:
    """Move the state of these files; returns what the ledger is to tell of it."""
    sync_id = operation.sync.sync_id
    _keep(connection, operation, made, now)
    file_intents.forget(connection, sync_id, made.sent)
    copied_files.put(connection, sync_id, {one.name: one.after for one in made.moved})
    if made.seen or made.conflicts:
        conflicts.write(connection, operation, made.conflicts, seen=made.seen, now=now)
    return list(_lines(made))


def count(counts: Counts, made: FileCommit) -> None:
    """Book these files on an operation."""
    for one in made.moved:
        counts.added += one.written and one.op is Op.ADDED
        counts.updated += one.written and one.op is Op.UPDATED
        counts.moved += one.written and one.op is Op.MOVED
        counts.removed += one.written and one.op is Op.REMOVED
        counts.unchanged += not one.written and one.after is not None
    counts.conflicts_detected += len(made.conflicts)


def _keep(connection: Connection, operation: Operation, made: FileCommit, now: datetime) -> None:
    sync_id = operation.sync.sync_id
    connection.execute(
        "delete from livesync.lost_files where sync_id = %s and name = any(%s) and not told",
        (sync_id, made.unharmed),
    )
    connection.execute(
        "update livesync.lost_files set told = true where sync_id = %s and name = any(%s)"
        " and not told",
        (sync_id, [one.name for one in made.moved]),
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into livesync.lost_files (sync_id, name, version, content, operation_id, at)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (sync_id, name, version)"
            " do update set at = excluded.at, told = false",
            [
                (sync_id, one.name, one.version, one.content, operation.operation_id, now)
                for one in made.lost
            ],
        )


def _lines(made: FileCommit) -> Iterator[Line]:
    for one in made.moved:
        after = {"key": one.name, "written": one.written, **_told(one.after)}
        before = {"key": one.name, **_told(one.before)} if one.before else None
        yield Line(one.name, one.op, before, after, one.policy)
    for each in (*made.conflicts, *made.answered):
        told = {
            "key": each.key,
            "field": None,
            "source": each.source.value,
            "target": each.target.value,
            "winner": each.winner,
            "reason": each.reason,
        }
        yield Line(each.key, Op.CONFLICT, {"value": each.base}, told, each.policy)


def _told(agreed: Agreed | None) -> dict[str, str | bool | None]:
    """As the ledger says it; a file that is gone from both ends has no version."""
    versions = agreed or Agreed(None, None)
    told: dict[str, str | bool | None] = {
        "source_version": versions.source,
        "target_version": versions.target,
    }
    return {**told, "apart": True} if versions.apart else told
