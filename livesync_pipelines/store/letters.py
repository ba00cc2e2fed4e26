"""Dead letters: items that could not be brought in, kept until they heal or a person acts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from livesync_pipelines.core.canon import storable
from livesync_pipelines.core.patience import TRIES, item_retry_at
from livesync_pipelines.model.errors import NotFound
from livesync_pipelines.model.records import Failed
from livesync_pipelines.store.database import OF_PROJECT, Connection, rows
from livesync_pipelines.store.operations import Operation

KEPT_BYTES = 1_000_000
"""Of longer contents nothing is kept here: they are still at the source."""

FAILURES = (
    "sync_id, key, version, code, reason, operation_id, failed_at, tries, first_failed_at,"
    " retry_at, content"
)
_DEAD = f"code <> 'unsupported' and (retry_at is null or tries >= {TRIES})"


class _Before(NamedTuple):
    version: str | None
    tries: int
    first_failed_at: datetime | None
    was_dead: bool


def take(connection: Connection, sync_id: str, keys: Sequence[str]) -> dict[str, _Before]:
    """Take these items' failures away; returns what was known of them, by key."""
    found = connection.execute(
        "delete from livesync.item_failures where sync_id = %s and key = any(%s)"
        f" returning key, version, tries, first_failed_at, {_DEAD}",
        (sync_id, list(keys)),
    )
    return {key: _Before(*rest) for key, *rest in found}


def of_failure(
    operation: Operation, failed: Failed, before: _Before | None, now: datetime
) -> tuple[Any, ...]:
    """One line of `FAILURES`. Tries are counted as long as the version stays."""
    tries = _tries(failed, before)
    first = before.first_failed_at if before and tries > 1 else now
    failure = failed.failure
    return (
        operation.sync.sync_id,
        failure.key,
        failed.version,
        failure.code,
        storable(failure.reason),
        operation.operation_id,
        now,
        tries,
        first,
        item_retry_at(failure.code, tries=tries, now=now),
        failed.content if 0 < len(failed.content) <= KEPT_BYTES else None,
    )


def dies(failed: Failed, before: _Before | None, now: datetime) -> bool:
    """Whether an item becomes a dead letter with this failure, and was none."""
    code, tries = failed.failure.code, _tries(failed, before)
    dead = tries >= TRIES or item_retry_at(code, tries=tries, now=now) is None
    return dead and code != "unsupported" and not (before and before.was_dead)


def _tries(failed: Failed, before: _Before | None) -> int:
    again = before is not None and before.version == failed.version
    return before.tries + 1 if before and again else 1


def listed(
    connection: Connection,
    *,
    sync_id: str | None = None,
    project_id: str | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The dead letters of a sync, a project or all: what is wrong, since when, how often tried."""
    return rows(
        connection,
        "select sync_id, key, version, code, reason, tries, first_failed_at, failed_at, retry_at,"
        " operation_id::text, length(content) as kept_bytes from livesync.item_failures"
        f" where {_DEAD} and (%s::text is null or sync_id = %s) and {OF_PROJECT}"
        " order by sync_id, key limit %s",
        (sync_id, sync_id, project_id, project_id, limit),
    )


def content(connection: Connection, sync_id: str, key: str) -> bytes:
    """The bytes of a dead letter. Raises `NotFound`."""
    found = connection.execute(
        "select content from livesync.item_failures where sync_id = %s and key = %s",
        (sync_id, key),
    ).fetchone()
    if found is None or found[0] is None:
        raise NotFound(
            f"Of '{key}' in sync '{sync_id}' no bytes are kept.",
            hint=f"Bytes are kept up to {KEPT_BYTES}, of items that were read but not understood. "
            "See `livesync dead-letters list`.",
        )
    return bytes(found[0])


def release(connection: Connection, sync_id: str, keys: Sequence[str] | None = None) -> int:
    """Let the next run try these dead letters again, or all of a sync; returns how many."""
    return connection.execute(
        "update livesync.item_failures set version = null, tries = 0, retry_at = now()"
        f" where {_DEAD} and sync_id = %s and (%s::text[] is null or key = any(%s))",
        (sync_id, keys, keys),
    ).rowcount
