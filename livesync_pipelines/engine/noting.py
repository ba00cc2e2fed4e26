"""Deliveries made durable, those that come together in one transaction.

While one transaction is under way, what comes meanwhile waits for the next: one commit for each
call when it is quiet, hundreds of calls in one when it is not.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TypeVar

import psycopg

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import RateLimited, Unavailable
from livesync_pipelines.store import webhooks
from livesync_pipelines.store.database import Connection, answering
from livesync_pipelines.store.webhooks import Event

TOGETHER = 1_000
"""So many deliveries share one transaction at most."""

WAITING = 10_000
"""So many wait at most; who comes then is asked to come again."""

COUNTED_EVERY_S = 1.0
"""Calls that were turned away are written down no more often than this."""

T = TypeVar("T")
_log = logging.getLogger(__name__)
_PATIENCE = "set statement_timeout = '10s'"

_Waiting = tuple[Event, Future[None]]


@dataclass(slots=True)
class _TurnedAway:
    refused: Counter[str] = field(default_factory=Counter)
    held_back: Counter[str] = field(default_factory=Counter)
    written_at: float = -COUNTED_EVERY_S


class Noter:
    """One thread writes, on a connection of its own. Opened when first needed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[_Waiting] = deque()
        self._is_due = False
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="livesync-gate")
        self._connection: Connection | None = None
        self._away = _TurnedAway()
        self._counting = Lock()

    def note(self, event: Event) -> Future[None]:
        """Done when the event is durable, and its syncs are queued; its exception is `Unavailable`
        where the database does not answer. Raises `RateLimited` where too many wait."""
        if len(self._waiting) >= WAITING:
            raise RateLimited(
                f"{WAITING:,} calls wait for the database.", after_s=5.0, hint="Send it again."
            )
        done: Future[None] = Future()
        self._waiting.append((event, done))
        self._write_soon()
        return done

    def _write_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._writer.submit(self._write_together)

    def ask(self, question: Callable[[Connection], T]) -> Future[T]:
        """The answer, between two transactions; its exception is `Unavailable` where the database
        does not answer."""
        return self._writer.submit(self._on_connection, question)

    def turn_away(self, connection: str, *, refused: bool) -> None:
        """Count a call without a proof, or one too many, soon."""
        with self._counting:
            counted = self._away.refused if refused else self._away.held_back
            counted[connection] += 1
            due = monotonic() - self._away.written_at >= COUNTED_EVERY_S
            if due:
                self._away.written_at = monotonic()
        if due:
            self._writer.submit(self._write_counts)

    def close(self) -> None:
        """Write what waits, then give everything back."""
        while self._waiting:
            self._writer.submit(self._write_together).result()
        self._writer.submit(self._write_counts)
        self._writer.shutdown()
        self._drop()

    def _write_together(self) -> None:
        self._is_due = False  # what comes from here on may be left, and asks for another turn
        taken = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
        batch = [(event, done) for event, done in taken if done.set_running_or_notify_cancel()]
        try:
            self._write([event for event, _ in batch])
        except Exception as error:  # noqa: BLE001 - it is the senders' to hear of
            for _, done in batch:
                done.set_exception(error)
        else:
            for _, done in batch:
                done.set_result(None)
        if self._waiting:
            self._write_soon()

    def _write(self, events: list[Event]) -> None:
        if events:
            self._on_connection(lambda connection: webhooks.note(connection, events))

    def _write_counts(self) -> None:
        with self._counting:
            away, self._away = self._away, _TurnedAway(written_at=self._away.written_at)
        if not (away.refused or away.held_back):
            return
        try:
            self._on_connection(
                lambda connection: webhooks.count_turned_away(
                    connection,
                    refused=away.refused,
                    held_back=away.held_back,
                    now=self._engine.now(),
                )
            )
        except Unavailable as error:
            _log.warning("Calls that were turned away are not counted yet: %s", error.message)
            with self._counting:
                self._away.refused += away.refused
                self._away.held_back += away.held_back

    def _on_connection(self, work: Callable[[Connection], T]) -> T:
        """Twice where it breaks: the server may have been started anew meanwhile. A delivery that
        was written twice is one delivery. Raises `Unavailable`."""
        with answering(self._engine.database):
            try:
                return work(self._opened())
            except psycopg.OperationalError:
                self._drop()
                return work(self._opened())

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.database.connect()
            self._connection.execute(_PATIENCE)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
