"""`/oauth/{platform}/start` and `/oauth/{platform}/callback`: a person connects an account.

The way back needs no token: who brings a state that we gave out a moment ago, and once, is who was
sent. Neither it nor the code is logged, shown or passed on.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.desired import PROJECT
from livesync_pipelines.engine.tokens import Role
from livesync_pipelines.engine.unsigned import START
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.web import errors, pages
from livesync_pipelines.web.errors import Forbidden
from livesync_pipelines.web.models import SentAway
from livesync_pipelines.web.room import Room, Scoped, prefers_html

COMES_BACK = re.compile(r"/oauth/[a-z0-9_]{1,63}/callback")
"""The path that a vendor sends a person back to."""

_OWN = frozenset({"none", "same-origin"})
_WORDS = ("state", "code", "error")

router = APIRouter()

Platform = Annotated[str, Path(pattern="^[a-z0-9_]{1,63}$")]


@router.get(
    START,
    response_model=SentAway,
    summary="Where an account's owner agrees; a browser is sent there",
    responses={303: {"description": "A browser is sent there"}},
)
def start(
    request: Request,
    room: Scoped,
    platform: Platform,
    account: Annotated[str, Query(min_length=1, max_length=63)],
    project: Annotated[str, Query(min_length=1, max_length=63)] = PROJECT,
    write: Annotated[str | None, Query(max_length=63)] = None,
) -> Any:
    if room.holder.role is not Role.EDITOR:
        raise Forbidden(f"A {room.holder.role} may only read.")
    if request.headers.get("sec-fetch-site", "none") not in _OWN:
        raise Forbidden("This request comes from a page of another origin.")
    room.project(project)
    begun = signing_in.begin(room.engine, platform, account, project, door=door(room), write=write)
    if prefers_html(request):
        return RedirectResponse(begun.url, 303)
    return {"url": begun.url, "expires_at": begun.expires_at}


@router.get("/oauth/{platform}/callback", include_in_schema=False)
def callback(request: Request, room: Scoped, platform: Platform) -> Response:
    """Whoever comes here is a person with a browser, and is told in words what has become of it."""
    brought = {word: request.query_params.get(word, "") for word in _WORDS}
    try:
        done = signing_in.complete(room.engine, platform, brought)
    except LiveSyncError as error:
        answer = errors.understood(request, error)
        if prefers_html(request):
            return pages.signed_in(request, room, done=None, error=error, status=answer.status_code)
        return answer
    if prefers_html(request):
        return pages.signed_in(request, room, done=done, error=None, status=200)
    return JSONResponse(signing_in.document(done))


def door(room: Room) -> str:
    """This door, as a browser on this machine reaches it, and as the vendor knows it."""
    return f"http://localhost:{room.settings.port}"
