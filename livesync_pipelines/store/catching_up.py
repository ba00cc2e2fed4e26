"""What a platform could not tell of, for it was not asked yet or not any more, is looked for once
it can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import queue
from livesync_pipelines.store.database import Connection


@contextmanager
def catching_up(connection: Connection, subscription: str, *, now: datetime) -> Iterator[None]:
    """Where the platform tells of changes after this and could not before, the syncs of its
    connection are queued, in the same transaction; not where a subscription that was alive goes
    on."""
    with connection.transaction():
        before = _told_of(connection, subscription, now)
        yield
        after = _told_of(connection, subscription, now)
        if after and not before:
            queue.hint(connection, after, trigger=Trigger.SUBSCRIBED)


def _told_of(connection: Connection, subscription: str, now: datetime) -> list[str]:
    """The connection of the subscription, while it is alive. Nobody else changes the line then."""
    found = connection.execute(
        "select connection, confirmed_at is not null and coalesce(expires_at > %s, true)"
        " from livesync.subscriptions where id = %s::uuid for update",
        (now, subscription),
    )
    return [source for source, alive in found if alive]


def forgotten(connection: Connection, subscription: str, *, fence: int) -> None:
    """The platform does not know it, and has told us of nothing for nobody knows how long."""
    connection.execute(
        "update livesync.subscriptions set confirmed_at = null where id = %s and fence = %s",
        (subscription, fence),
    )
