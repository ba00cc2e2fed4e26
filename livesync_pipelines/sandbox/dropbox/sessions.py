"""`files/upload_session/*`: a file that comes in pieces, one after another.

What a session that has been committed answers to another commit is not told; here it is not found.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.door import answer, route, text_of
from livesync_pipelines.sandbox.dropbox.errors import BadRequest, DropboxError, nested
from livesync_pipelines.sandbox.dropbox.writing import checked_body, committed
from livesync_pipelines.sandbox.world import Json, World

_LIFE = timedelta(days=7)


@dataclass(slots=True)
class Session:
    """What has come of a file, whose it is, and whether more may come."""

    box: Box
    begun: datetime
    content: bytearray = field(default_factory=bytearray)
    closed: bool = False


class Sessions:
    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, Session] = {}

    async def start(self, request: Request, said: Json, box: Box) -> Response:
        kind = said.get("session_type", "sequential")
        if (kind.get(".tag") if isinstance(kind, dict) else kind) != "sequential":
            raise BadRequest(route(request), "this sandbox has sequential sessions only")
        content = await checked_body(request, said)
        session_id = self._world.ids.new("dropbox:session", 22)
        closed = said.get("close") is True
        begun = self._world.clock.now()
        self._open[session_id] = Session(box, begun, bytearray(content), closed)
        return answer({"session_id": session_id})

    async def append(self, request: Request, said: Json, box: Box) -> Response:
        session = self._at(request, said, box)
        if session.closed:
            raise DropboxError("closed")
        session.content += await checked_body(request, said)
        session.closed = said.get("close") is True
        return Response(b"null", media_type="application/json")

    async def finish(self, request: Request, said: Json, box: Box) -> Response:
        """What comes with it stays in the session also where the path is refused."""
        commit = said.get("commit")
        if not isinstance(commit, dict):
            raise BadRequest(route(request), "request body: missing required field 'commit'")
        content = await checked_body(request, said)
        try:
            session = self._at(request, said, box)
            if session.closed and content:
                raise DropboxError("closed")
        except BadRequest:
            raise
        except DropboxError as error:
            inner = error.error or nested(*error.tags)
            whole = {".tag": "lookup_failed", "lookup_failed": inner}
            raise DropboxError("lookup_failed", *error.tags, error=whole) from error
        session.content += content
        try:
            done = committed(request, commit, box, bytes(session.content))
        except BadRequest:
            raise
        except DropboxError as error:
            raise DropboxError("path", *error.tags) from error
        del self._open[said["cursor"]["session_id"]]
        return answer(done)

    def _at(self, request: Request, said: Json, box: Box) -> Session:
        """The session that a cursor means, which is to stand where the cursor says."""
        cursor: Any = said.get("cursor")
        if not isinstance(cursor, dict) or not isinstance(cursor.get("offset"), int):
            raise BadRequest(route(request), "request body: missing required field 'cursor'")
        session = self._open.get(text_of(request, cursor, "session_id"))
        over = self._world.clock.now() - _LIFE
        if session is None or session.box is not box or session.begun < over:
            raise DropboxError("not_found")
        if len(session.content) != cursor["offset"]:
            correct = {".tag": "incorrect_offset", "correct_offset": len(session.content)}
            raise DropboxError("incorrect_offset", error=correct)
        return session
