"""`files/list_folder` and its cursors, which are listing and change feed in one."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count

import orjson
from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.door import answer, argument, route, text_of
from livesync_pipelines.sandbox.dropbox.errors import BadRequest, DropboxError
from livesync_pipelines.sandbox.dropbox.nodes import Event, parent_of
from livesync_pipelines.sandbox.dropbox.shown import found, tagged, told
from livesync_pipelines.sandbox.world import Json

_MOST = 2_000
_UNASKED = 500
_LONGEST_S = 480
_SHORTEST_S = 30
_KEPT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where somebody is: in the listing of this number (0: none), and then at a line of the log.
    `generation` is the log's own: of another one, it is forgotten."""

    account_id: str
    generation: int
    key: str
    recursive: bool
    limit: int
    line: int
    listing: int = 0
    shown: int = 0

    def text(self) -> str:
        return "AA" + base64.urlsafe_b64encode(orjson.dumps(asdict(self))).decode()


class Listing:
    """A listing shows what was there when it began; what happens meanwhile comes after it. The last
    hundred listings can be gone on with."""

    def __init__(self, boxes: Mapping[str, Box]) -> None:
        self._boxes = {box.account_id: box for box in boxes.values()}
        self._listings: dict[int, list[Json]] = {}
        self._numbers = count(1)
        self._waiting: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        for box in boxes.values():
            box.listeners.append(self._wake)

    async def start(self, request: Request, said: Json, box: Box) -> Response:
        cursor = self._begun(request, said, box)
        number = next(self._numbers)
        self._listings.pop(number - _KEPT, None)
        nodes = box.below(cursor.key, deep=cursor.recursive)
        self._listings[number] = [tagged(node) for node in nodes]
        return self._page(replace(cursor, listing=number), box)

    async def latest(self, request: Request, said: Json, box: Box) -> Response:
        return answer({"cursor": self._begun(request, said, box).text()})

    async def go_on(self, request: Request, said: Json, box: Box) -> Response:
        cursor = _parsed(request, said)
        if cursor.account_id != box.account_id or cursor.generation != box.generation:
            raise DropboxError("reset")
        return self._page(cursor, box)

    async def longpoll(self, request: Request) -> Response:
        """Needs no token: whoever has the cursor may ask."""
        try:
            said = await argument(request, in_header=False)
            cursor, timeout_s = _parsed(request, said), said.get("timeout", _SHORTEST_S)
            if not isinstance(timeout_s, int) or not _SHORTEST_S <= timeout_s <= _LONGEST_S:
                raise BadRequest(route(request), "request body: timeout: out of range")
            box = self._boxes[cursor.account_id]
            if cursor.generation != box.generation:
                raise DropboxError("reset")
        except DropboxError as error:
            return error.response()
        return answer({"changes": await self._changed(cursor, box, timeout_s)})

    async def _changed(self, cursor: Cursor, box: Box, timeout_s: float) -> bool:
        """Whether something has happened after the cursor, or does so in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not any(_concerns(cursor, event) for event in box.log[cursor.line :]):
                    cursor = replace(cursor, line=len(box.log))
                    came = asyncio.Event()
                    self._waiting[box.account_id].append(came)
                    await came.wait()
        except TimeoutError:
            return False
        return True

    def _wake(self, box: Box) -> None:
        for came in self._waiting.pop(box.account_id, ()):
            came.set()

    def _begun(self, request: Request, said: Json, box: Box) -> Cursor:
        path = text_of(request, said, "path")
        if path == "/":
            why = 'Specify the root folder as an empty string rather than as "/".'
            raise BadRequest(route(request), f"request body: path: {why}")
        limit = said.get("limit", _UNASKED)
        if not isinstance(limit, int) or not 1 <= limit <= _MOST:
            raise BadRequest(route(request), "request body: limit: out of range")
        node = found(box, path) if path else None
        if node is not None and not node.is_folder:
            raise DropboxError("path", "not_folder")
        return Cursor(
            account_id=box.account_id,
            generation=box.generation,
            key="" if node is None else node.key,
            recursive=said.get("recursive") is True,
            limit=limit,
            line=len(box.log),
        )

    def _page(self, cursor: Cursor, box: Box) -> Response:
        """The next entries: of the listing first, and then of the log."""
        entries: list[Json] = []
        if cursor.listing:
            if cursor.listing not in self._listings:
                raise DropboxError("reset")
            there = self._listings[cursor.listing]
            entries = there[cursor.shown : cursor.shown + cursor.limit]
            cursor = replace(cursor, shown=cursor.shown + len(entries))
            if cursor.shown == len(there):
                cursor = replace(cursor, listing=0, shown=0)
        else:
            passed = box.log[cursor.line : cursor.line + cursor.limit]
            entries = [told(event) for event in passed if _concerns(cursor, event)]
            cursor = replace(cursor, line=cursor.line + len(passed))
        more = bool(cursor.listing) or cursor.line < len(box.log)
        return answer({"entries": entries, "cursor": cursor.text(), "has_more": more})


def _concerns(cursor: Cursor, event: Event) -> bool:
    """Whether it lies in the folder that is followed, or has taken it away, and all with it."""
    if event.node is None and f"{cursor.key}/".startswith(f"{event.key}/"):
        return True
    if cursor.recursive:
        return event.key.startswith(f"{cursor.key}/")
    return parent_of(event.key) == cursor.key


def _parsed(request: Request, said: Json) -> Cursor:
    text = text_of(request, said, "cursor")
    try:
        return Cursor(**orjson.loads(base64.urlsafe_b64decode(text.removeprefix("AA"))))
    except (binascii.Error, ValueError, TypeError) as error:
        why = 'Invalid "cursor" parameter'
        raise BadRequest(route(request), f"request body: cursor: {why}") from error
