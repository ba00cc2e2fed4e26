"""What stands before every Confluence endpoint: who is asking, and how fast.

https://developer.atlassian.com/cloud/confluence/basic-auth-for-rest-apis/ and
https://developer.atlassian.com/cloud/confluence/rate-limiting/, as others tell it (2026-11-22).
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.confluence.errors import ConfluenceError
from livesync_pipelines.sandbox.confluence.site import READING_TOKEN, Site
from livesync_pipelines.sandbox.world import Person

NAME = "confluence"

Endpoint = Callable[[Request, Person], Awaitable[Response]]


class Door:
    """Makes endpoints of what knows only who is asking."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def guarded(self, work: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                person = self._admitted(request)
                return await work(request, person)
            except ConfluenceError as error:
                return error.response()

        return answered

    def _admitted(self, request: Request) -> Person:
        email, token = _basic(request.headers.get("authorization", ""))
        try:
            person = self._world.person(email)
        except LookupError as error:
            raise ConfluenceError(401, "Unauthorized") from error
        if token not in {self._site.api_token, READING_TOKEN}:
            raise ConfluenceError(401, "Unauthorized")
        if token == READING_TOKEN and request.method != "GET":
            raise ConfluenceError(401, "Unauthorized; scope does not match")
        request.state.person = person.email
        wait_s = self._world.limits.wait_s(NAME, person.email)
        if wait_s:
            why = "Rate limit exceeded"
            raise ConfluenceError(429, why, retry_after_s=math.ceil(wait_s))
        return person


def _basic(header: str) -> tuple[str, str]:
    """E-mail and token; two empty words for another kind of header."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        email, _, token = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return email, token
