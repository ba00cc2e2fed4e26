"""What stands before every Google endpoint: whose token it is, what it may do, how fast."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google.errors import GoogleError, too_fast, unauthenticated
from livesync_pipelines.sandbox.limits import Limit
from livesync_pipelines.sandbox.oauth import OAuthServer
from livesync_pipelines.sandbox.world import Person

NAME = "google"

DECLARED = Limit(calls=12_000, per_s=60, burst=12_000)
"""https://developers.google.com/workspace/drive/api/guides/limits, read 2026-11-22."""

_AUTH = "https://www.googleapis.com/auth/"
DRIVE = f"{_AUTH}drive"
READONLY = f"{_AUTH}drive.readonly"
METADATA = f"{_AUTH}drive.metadata.readonly"
FILE = f"{_AUTH}drive.file"
CALENDAR = f"{_AUTH}calendar"
CALENDAR_READONLY = f"{_AUTH}calendar.readonly"
_PROFILE = frozenset(("openid", "email", "profile", f"{_AUTH}userinfo.email"))

SCOPES = frozenset((DRIVE, READONLY, METADATA, FILE, CALENDAR, CALENDAR_READONLY)) | _PROFILE
"""What may be asked for."""

WRITE = frozenset((DRIVE, FILE))
READ = frozenset((DRIVE, READONLY, FILE))
LOOK_AT_ALL = frozenset((DRIVE, READONLY, METADATA))
LOOK = LOOK_AT_ALL | {FILE}
EVENTS = frozenset((CALENDAR, CALENDAR_READONLY))
EVENTS_WRITE = frozenset((CALENDAR,))
ANY = SCOPES

_BEARER = re.compile(r"bearer (\S+)", re.IGNORECASE)

Endpoint = Callable[[Request, Person], Awaitable[Response]]


class Door:
    """Makes endpoints of what knows only who is asking."""

    def __init__(self, oauth: OAuthServer) -> None:
        self._oauth = oauth

    def guarded(
        self, work: Endpoint, needs: frozenset[str]
    ) -> Callable[[Request], Awaitable[Response]]:
        """`needs`: one of these scopes is enough; for bytes, that of metadata never is."""

        async def answered(request: Request) -> Response:
            try:
                person = self._admitted(request, needs)
                return await work(request, person)
            except GoogleError as error:
                return error.response()

        return answered

    def _admitted(self, request: Request, needs: frozenset[str]) -> Person:
        found = _BEARER.fullmatch(request.headers.get("authorization", ""))
        grant = self._oauth.holder(found[1]) if found else None
        if grant is None:
            raise unauthenticated()
        request.state.person = grant.person.email
        if self._oauth.world.limits.wait_s(NAME, grant.person.email):
            raise too_fast()
        media = request.query_params.get("alt") == "media"
        if (needs - {METADATA} if media else needs).isdisjoint(grant.scopes):
            why = "Request had insufficient authentication scopes."
            raise GoogleError(403, "insufficientPermissions", why)
        at_all = LOOK_AT_ALL - {METADATA} if media else LOOK_AT_ALL
        request.state.sees_own_only = at_all.isdisjoint(grant.scopes)
        request.state.writes_own_only = DRIVE not in grant.scopes
        return grant.person
