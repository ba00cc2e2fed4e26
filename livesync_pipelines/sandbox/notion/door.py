"""What stands before every Notion endpoint: whose token it is, which version, how fast.

https://developers.notion.com/reference/authentication, /versioning and /request-limits, as others
tell it (2026-11-22).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from math import ceil

import orjson
from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.limits import Limit
from livesync_pipelines.sandbox.notion.errors import NotionError, invalid
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.oauth import OAuthServer
from livesync_pipelines.sandbox.world import Json

NAME = "notion"
VERSION = "2026-03-11"
DECLARED = Limit(calls=180, per_s=60, burst=20)
"""Three a second on average; how many may come at once is not said, and is the sandbox's own."""

_BEARER = re.compile(r"Bearer (\S+)")

Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """Makes endpoints of what knows only what is asked."""

    def __init__(self, oauth: OAuthServer, space: Workspace) -> None:
        self._oauth = oauth
        self._space = space

    def guarded(self, work: Endpoint) -> Endpoint:
        async def answered(request: Request) -> Response:
            try:
                self._admit(request)
                return await work(request)
            except NotionError as error:
                return error.response()

        return answered

    def _admit(self, request: Request) -> None:
        found = _BEARER.fullmatch(request.headers.get("authorization", ""))
        token = found[1] if found else ""
        grant = self._oauth.holder(token)
        if grant is None and token != self._space.secret:
            raise NotionError(401, "unauthorized", "API token is invalid.")
        who = grant.person.email if grant else "internal"
        request.state.person = who
        request.state.user = self._space.user(grant.person) if grant else self._space.bot
        wait_s = self._oauth.world.limits.wait_s(NAME, who)
        if wait_s:
            said = "You have been rate limited. Please try again in a few minutes."
            raise NotionError(429, "rate_limited", said, retry_after_s=ceil(wait_s))
        if request.headers.get("notion-version") != VERSION:
            raise invalid(f"Notion-Version header should be defined, and is {VERSION} here.")


async def body_of(request: Request) -> Json:
    """The JSON object that is sent; none is an empty one."""
    try:
        found = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        said = "Error parsing JSON body."
        raise NotionError(400, "invalid_json", said) from error
    if not isinstance(found, dict):
        raise invalid("body should be an object.")
    return found
