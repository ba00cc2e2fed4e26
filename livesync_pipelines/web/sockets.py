"""`/ws/connect/{project}`: what happens in a project, as it happens."""

from __future__ import annotations

import asyncio
import fnmatch
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from anyio.to_thread import run_sync as in_thread
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from livesync_pipelines.core.names import configured
from livesync_pipelines.engine.tokens import ANYBODY, Holder
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.model.live import LiveEvent, LiveKind
from livesync_pipelines.notify.hub import PAGE, Hub, TooSlow, Watcher
from livesync_pipelines.store import catalog, events
from livesync_pipelines.web.room import Room

HEARTBEAT_S = 15.0
SUBPROTOCOL = "livesync"
FORBIDDEN, NO_PROJECT, TOO_SLOW, BAD_INPUT, UNAVAILABLE = 4403, 4404, 4408, 4400, 4503
"""Why the door closed."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_SEND_S = 10.0
"""So long one message may take to leave; who does not read it by then is too slow."""

router = APIRouter()

Pattern = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]*$")]


class Wish(BaseModel):
    """What a reader wants to hear of: `events` (`operation.*`, `conflict`, ...), `syncs` (all
    unless said), `mine`: only what names its own user."""

    model_config = ConfigDict(extra="forbid")

    events: list[Pattern] = Field(default=["*"], max_length=50)
    syncs: list[Pattern] | None = Field(default=None, max_length=1_000)
    mine: bool = False

    def wants(self, event: LiveEvent, holder: Holder) -> bool:
        return (
            any(fnmatch.fnmatchcase(event.kind, pattern) for pattern in self.events)
            and (self.syncs is None or event.sync_id in self.syncs)
            and (not self.mine or (event.owner is not None and event.owner == holder.user))
        )


class ShutOut(Exception):
    """The token with which a reader came in lets nobody in any more."""


@dataclass(slots=True)
class _Reader:
    """`last`: the number of the last event that was sent."""

    socket: WebSocket
    room: Room
    watcher: Watcher
    last: int
    wish: Wish = field(default_factory=Wish)

    async def send(self, kind: str, /, **told: Any) -> None:
        """Raises `TooSlow` where it does not leave."""
        text = orjson.dumps({"type": kind, **told}).decode()
        try:
            await asyncio.wait_for(self.socket.send_text(text), _SEND_S)
        except TimeoutError as error:
            raise TooSlow from error

    async def pass_on(self, event: LiveEvent) -> None:
        if event.seq is not None:
            if event.seq <= self.last:
                return
            self.last = event.seq
        if self.wish.wants(event, self.room.holder):
            await self.send("event", **event.as_dict())


@router.websocket("/ws/connect/{project}")
async def connect(socket: WebSocket, project: str, after: str | None = None) -> None:
    """Tell of what happens; from the event `after` on, if it is given. One that has never been (the
    database was put back) is told as a gap, as one that is kept no longer."""
    room: Room = socket.app.state.room
    hub: Hub = socket.app.state.hub
    holder = getattr(socket.state, "holder", ANYBODY)
    asked = SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", []) else None
    await socket.accept(subprotocol=asked)
    if not holder.sees(project):
        await socket.close(FORBIDDEN, "This token is for another project.")
        return
    if after is not None and not _NUMBER.fullmatch(after):
        await socket.close(BAD_INPUT, "`after` is the number of an event.")
        return
    room = Room(room.engine, room.settings, holder)
    reader: _Reader | None = None
    try:
        if not await in_thread(_has, room, project):
            await _close(socket, NO_PROJECT, "There is no such project.")
            return
        async with hub.watching(project) as watcher:
            oldest, newest = await in_thread(_kept, room)
            since = newest if after is None else int(after)
            start = min(since, newest)
            reader = _Reader(socket, room, watcher, start)
            await reader.send("hello", seq=start, heartbeat_s=HEARTBEAT_S, newest=newest)
            if since < oldest or since > newest:
                await reader.send("gap", since=since, until=max(start, oldest))
            await _serve(reader)
    except WebSocketDisconnect:
        return
    except ShutOut:
        await _close(socket, FORBIDDEN, "This token was taken out, or says something else now.")
    except TooSlow:
        await _close(socket, TOO_SLOW, f"Too slow: resume after {reader.last if reader else 0}.")
    except LiveSyncError as error:
        await _close(socket, UNAVAILABLE, error.message)


async def _serve(reader: _Reader) -> None:
    """Until either side ends it."""
    ways = (_hear(reader), _tell(reader), _doubt(reader))
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _tell(reader: _Reader) -> None:
    await _tell_history(reader)
    while True:
        event = await reader.watcher.next(HEARTBEAT_S)
        if event is None:
            await reader.send("heartbeat", seq=reader.last)
        else:
            await reader.pass_on(event)


async def _doubt(reader: _Reader) -> None:
    """Raises `ShutOut` once the token's line says something else, or is taken out."""
    still = getattr(reader.socket.state, "still", None)
    while still is not None:
        await asyncio.sleep(HEARTBEAT_S)
        if await in_thread(still) != reader.room.holder:
            raise ShutOut
    await asyncio.Event().wait()


async def _tell_history(reader: _Reader) -> None:
    """What happened since it last heard of anything, up to what the watcher is given anyway."""
    while True:
        page = await in_thread(_after, reader)
        for event in page:
            await reader.pass_on(event)
        if len(page) < PAGE:
            return


async def _hear(reader: _Reader) -> None:
    while True:
        try:
            text = await _text(reader.socket)
            wish = Wish.model_validate(_subscription(orjson.loads(text)))
        except (orjson.JSONDecodeError, ValidationError, ValueError) as error:
            await reader.send("error", **_misspelt(error))
            continue
        if refused := _of_no_event(wish) or await in_thread(_of_no_sync, reader, wish):
            await reader.send("error", **refused)
            continue
        reader.wish = wish
        await reader.send("subscribed", **wish.model_dump())


async def _text(socket: WebSocket) -> str:
    """What it says next; empty where that is bytes. Raises `WebSocketDisconnect` once it has
    left."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message["code"], message.get("reason"))
    return message.get("text") or ""


def _subscription(told: Any) -> Any:
    wish = told.get("subscribe") if isinstance(told, dict) and len(told) == 1 else None
    if not isinstance(wish, dict):
        raise ValueError("not a subscription")
    return wish


def _of_no_event(wish: Wish) -> dict[str, str]:
    """Which patterns no event fits, and which there are; empty where each has some."""
    unknown = [p for p in wish.events if not fnmatch.filter(list(LiveKind), p)]
    if not unknown:
        return {}
    message = f"No event is called {', '.join(unknown)}."
    return {"message": message, "hint": f"There are: {', '.join(LiveKind)}."}


def _of_no_sync(reader: _Reader, wish: Wish) -> dict[str, str]:
    """Which syncs the project does not have, whether or not another one has them."""
    project, names = reader.watcher.project_id, wish.syncs or []
    with reader.room.asked() as connection:
        there = {name for name, of in catalog.projects(connection).items() if of == project}
    unknown = sorted(set(names) - there)
    if not unknown:
        return {}
    message = f"The project '{project}' has no sync called {', '.join(unknown)}."
    return {"message": message, "hint": configured(unknown[0], there)}


def _misspelt(error: Exception) -> dict[str, str]:
    hint = 'Send {"subscribe": {"events": ["operation.*"], "syncs": ["handbook"], "mine": false}}.'
    if isinstance(error, ValidationError):
        said = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        return {"message": said, "hint": hint}
    return {"message": "This is not understood.", "hint": hint}


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    """Say why, if it still hears; who does not read it by then is cut off."""
    with suppress(RuntimeError, TimeoutError):
        await asyncio.wait_for(socket.close(code, reason[:120]), _SEND_S)


def _has(room: Room, project: str) -> bool:
    if "\0" in project:  # the database takes none
        return False
    with room.asked() as connection:
        return catalog.has_project(connection, project)


def _kept(room: Room) -> tuple[int, int]:
    with room.asked() as connection:
        return events.kept(connection)


def _after(reader: _Reader) -> list[LiveEvent]:
    with reader.room.asked() as connection:
        return events.after(connection, reader.watcher.project_id, reader.last, limit=PAGE)
