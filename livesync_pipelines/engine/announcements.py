"""What platforms leave in a queue for us instead of calling: fetched, noted, and only then taken
away."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any

from livesync_pipelines.auth import told
from livesync_pipelines.auth.call import Told
from livesync_pipelines.connectors.base import Announced, Announcement, Inbox, Options
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.options import connection_options
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.store import catalog, webhooks
from livesync_pipelines.store import unread as unread_queues
from livesync_pipelines.store.webhooks import Event

SCHEME = "sqs"
ROUNDS = 20
"""How often one queue is asked at most before the others are looked at again."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=5)
"""A queue that cannot be read is left alone so long at first, and at last; each pause is twice the
one before."""

_WIDTH = 8
_log = logging.getLogger(__name__)


def collect(engine: Engine) -> int:
    """Fetch what lies in the queues of all connections; returns how much was new.

    A queue that cannot be read is left alone for a while, and noted (and logged once) until it can:
    polling goes on, and every door tells of it.
    """
    with engine.database.pooled() as connection:
        found = catalog.announced(connection)
        unread = unread_queues.listed(connection) if found else {}
    return sum(fan_out(lambda one: _collected(engine, one, unread), found, width=_WIDTH))


@dataclass(frozen=True, slots=True)
class _Resting:
    """A queue that could not be read, as its connection was then: `pause` goes on until `until`."""

    connection: Connection
    pause: timedelta
    until: datetime


_resting: dict[tuple[str, str], _Resting] = {}
"""By database and connection; one thread at a time looks after each."""


def _collected(engine: Engine, one: Connection, unread: Collection[str]) -> int:
    key, now = (engine.database.url, one.name), engine.now()
    before = _resting.get(key)
    if before is not None and before.connection != one:
        before = None  # mended, perhaps
    if before is not None and now < before.until:
        return 0
    try:
        inbox = inbox_of(engine, one)
        new = _emptied(engine, one.name, inbox) if inbox else 0
    except LiveSyncError as error:
        pause = min(2 * before.pause, LONGEST_PAUSE) if before else FIRST_PAUSE
        _resting[key] = _Resting(one, pause, now + pause)
        if one.name not in unread:
            _log.warning("connection %s: %s %s", one.name, error.message, error.hint)
        with engine.database.pooled() as connection:
            unread_queues.note(connection, one.name, error.as_dict(), now=now)
        return 0
    _resting.pop(key, None)
    if one.name in unread:
        _log.warning("connection %s: its queue is read again.", one.name)
        with engine.database.pooled() as connection:
            unread_queues.forget(connection, one.name)
    return new


def inbox_of(engine: Engine, one: Connection) -> Inbox | None:
    """The queue of a connection, if it has one. Raises BadInput where options no longer hold."""
    kind = engine.registry.get(one.platform)
    if kind is None or not issubclass(kind, Announced):
        return None
    return _opened(kind, connection_options(kind, one, engine.environ))


@lru_cache(maxsize=64)
def _opened(kind: type[Announced], options: Options) -> Inbox | None:
    """Kept: to make a client takes longer than to ask with it."""
    return kind.inbox(options)


def _emptied(engine: Engine, name: str, inbox: Inbox) -> int:
    new = 0
    for number in range(ROUNDS):
        found = inbox.announcements(waiting=number == 0)
        if not found:
            break
        with engine.database.pooled() as connection:
            new += webhooks.note(connection, list(_events(engine, name, found)))
        inbox.forget(found)
    return new


def _events(engine: Engine, name: str, found: Sequence[Announcement]) -> list[Event]:
    said = [(one, unwrapped(one.body)) for one in found]
    return [
        Event(
            connection=name,
            delivery_id=one.name,
            received_at=engine.now(),
            scheme=SCHEME,
            digest=sha256(one.body.encode()).digest(),
            hints=tells.hints,
        )
        for one, tells in said
        if not tells.test
    ]


def unwrapped(body: str) -> Told:
    """What an event of a bucket says, in an envelope of SNS or without. Whoever may write into the
    queue has proved himself to Amazon."""
    said: Any = told.parsed(body)
    if told.at(said, "Type") == "Notification" and isinstance(told.at(said, "Message"), str):
        body = said["Message"]
        said = told.parsed(body)
    return told.of_bucket(said, body.encode())
