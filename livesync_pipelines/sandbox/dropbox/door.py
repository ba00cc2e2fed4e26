"""What stands before every Dropbox endpoint: whose token it is, what it may do, how fast."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from math import ceil

import orjson
from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.errors import (
    BadRequest,
    DropboxError,
    TooFast,
    unauthenticated,
    without_scope,
)
from livesync_pipelines.sandbox.limits import Limit
from livesync_pipelines.sandbox.oauth import OAuthServer
from livesync_pipelines.sandbox.world import Json

NAME = "dropbox"
ACCOUNT = "account_info.read"
LOOK = "files.metadata.read"
READ = "files.content.read"
WRITE = "files.content.write"
SCOPES = frozenset((ACCOUNT, LOOK, READ, WRITE, "sharing.read"))
"""What may be asked for."""

DECLARED = Limit(calls=600, per_s=60, burst=100)
"""Dropbox publishes no number; this one is the sandbox's own."""

_BEARER = re.compile(r"Bearer (\S+)")
_ISSUED = "sandbox-"

Endpoint = Callable[[Request, Json, Box], Awaitable[Response]]
"""Gets the request, its argument (a JSON object, of the body or of a header) and whose it is."""


class Door:
    """Makes endpoints of what knows only what is asked, and of whose Dropbox."""

    def __init__(self, oauth: OAuthServer, boxes: Mapping[str, Box]) -> None:
        self._oauth = oauth
        self._boxes = boxes

    def guarded(
        self, work: Endpoint, scope: str, *, in_header: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        """`in_header`: the argument comes in Dropbox-API-Arg, because the body is bytes."""

        async def answered(request: Request) -> Response:
            try:
                box = self._admitted(request, scope)
                return await work(request, await argument(request, in_header=in_header), box)
            except DropboxError as error:
                return error.response()

        return answered

    def _admitted(self, request: Request, scope: str) -> Box:
        found = _BEARER.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            raise unauthenticated()
        grant = self._oauth.holder(found[1])
        if grant is None:
            known = _ISSUED in found[1]
            raise unauthenticated("expired_access_token" if known else "invalid_access_token")
        request.state.person = grant.person.email
        wait_s = self._oauth.world.limits.wait_s(NAME, grant.person.email)
        if wait_s:
            raise TooFast(after_s=ceil(wait_s))
        if scope not in grant.scopes:
            raise without_scope(scope)
        return self._boxes[grant.person.email]


async def argument(request: Request, *, in_header: bool) -> Json:
    """The JSON object that a route is called with; none and `null` are an empty one."""
    text = await request.body() if not in_header else _header(request)
    try:
        found = orjson.loads(text or b"null")
    except orjson.JSONDecodeError as error:
        raise BadRequest(route(request), "could not decode input as JSON") from error
    if found is not None and not isinstance(found, dict):
        raise BadRequest(route(request), "expected an object")
    return found or {}


def route(request: Request) -> str:
    """What Dropbox calls the endpoint."""
    return request.url.path.partition("/2/")[2]


def text_of(request: Request, said: Json, name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str):
        raise BadRequest(route(request), f"request body: missing required field '{name}'")
    return found


def answer(body: Json) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def _header(request: Request) -> bytes:
    """A header holds nothing but ASCII: JSON escapes the rest."""
    text = request.headers.get("dropbox-api-arg", "")
    if not text.isascii() or "\x7f" in text:
        raise BadRequest(route(request), 'HTTP header "Dropbox-API-Arg": not escaped')
    return text.encode()
