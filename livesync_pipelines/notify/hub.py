"""Events on their way to those who watch: one listener for all of them in this process.

Postgres announces each event when it is committed, to every process that listens; so several HTTP
processes can serve watchers side by side. A listener that was cut off reads what it has missed.
https://www.psycopg.org/psycopg3/docs/advanced/async.html, read 2026-11-21.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
import psycopg
from anyio.to_thread import run_sync as in_thread

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.live import LiveEvent, LiveKind
from livesync_pipelines.store import events
from livesync_pipelines.store.database import Database

WAITING = 1_000
"""So many events wait for a reader before it is too slow."""

PAGE = 500
_AGAIN_S = 1.0
_log = logging.getLogger(__name__)


class TooSlow(Exception):
    """A reader has not taken what waits for it."""


@dataclass(slots=True, eq=False)
class Watcher:
    """Somebody who watches a project: what waits for him."""

    project_id: str
    _waiting: asyncio.Queue[LiveEvent] = field(default_factory=lambda: asyncio.Queue(WAITING))
    _lost: bool = False

    def give(self, event: LiveEvent) -> None:
        """Progress that finds no room is left out, for more of it comes; anything else is not."""
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self._lost = self._lost or event.seq is not None

    async def next(self, timeout_s: float) -> LiveEvent | None:
        """The next event; None where none comes in time. Raises `TooSlow` before the first one
        that had no room."""
        if self._lost and self._waiting.empty():
            raise TooSlow
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._waiting.get(), timeout_s)
        return None


class Hub:
    """Listens while anybody watches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._watchers: dict[str, set[Watcher]] = {}
        self._seen: dict[str, int] = {}
        self._listening: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def watching(self, project_id: str) -> AsyncIterator[Watcher]:
        """From here on, nothing of this project is missed. Raises `Unavailable` where the
        database does not answer."""
        watcher = Watcher(project_id)
        if self._listening is None:
            self._ready.clear()
            self._listening = asyncio.create_task(self._listen())
        others = self._watchers.setdefault(project_id, set())
        others.add(watcher)
        try:
            await asyncio.wait_for(self._ready.wait(), timeout=10)
            if project_id not in self._seen:
                _, newest = await in_thread(self._kept)
                self._seen.setdefault(project_id, newest)
            yield watcher
        except TimeoutError as error:
            raise Unavailable("The database does not answer.") from error
        finally:
            others.discard(watcher)
            if not others:
                self._watchers.pop(project_id, None)
                self._seen.pop(project_id, None)
            if not self._watchers:
                await self._stop()

    async def _stop(self) -> None:
        task, self._listening = self._listening, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _listen(self) -> None:
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(
                    self._database.url, autocommit=True, connect_timeout=10
                )
                async with connection:
                    await connection.execute(f"listen {events.CHANNEL}".encode())
                    self._ready.set()
                    for project_id in list(self._watchers):
                        await self._catch_up(project_id)
                    async for notice in connection.notifies():
                        await self._take(orjson.loads(notice.payload))
            except (psycopg.OperationalError, Unavailable) as error:
                _log.warning("Nobody hears what happens: %s", error)
                await asyncio.sleep(_AGAIN_S)

    async def _take(self, told: Mapping[str, Any]) -> None:
        project_id = told["project_id"]
        if project_id not in self._watchers:
            return
        if told["seq"] is not None:
            await self._catch_up(project_id)
            return
        moment = datetime.fromisoformat(told["at"])
        self._give(LiveEvent(**{**told, "at": moment, "kind": LiveKind(told["kind"])}))

    async def _catch_up(self, project_id: str) -> None:
        """Give to all who watch what has happened since they were given something last."""
        while (seen := self._seen.get(project_id)) is not None:
            page = await in_thread(self._after, project_id, seen)
            for event in page:
                self._seen[project_id] = event.seq or seen
                self._give(event)
            if len(page) < PAGE:
                return

    def _give(self, event: LiveEvent) -> None:
        for watcher in self._watchers.get(event.project_id, ()):
            watcher.give(event)

    def _after(self, project_id: str, seq: int) -> list[LiveEvent]:
        with self._database.pooled() as connection:
            return events.after(connection, project_id, seq, limit=PAGE)

    def _kept(self) -> tuple[int, int]:
        with self._database.pooled() as connection:
            return events.kept(connection)
