"""How a public connection is let in: OAuth 2.0 as Notion does it, without scopes or PKCE, with JSON
bodies and the client in a Basic header. Whoever agrees has chosen what is shared already.

https://developers.notion.com/docs/authorization, as others tell it (2026-11-22). That a refresh
token is spent by its use is the harder case, and nowhere confirmed.
"""

from __future__ import annotations

import base64
import binascii
from html import escape
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.door import body_of
from livesync_pipelines.sandbox.notion.errors import NotionError
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.oauth import (
    CLIENT_ID,
    CLIENT_SECRET,
    Ask,
    OAuthError,
    OAuthServer,
    Rules,
)
from livesync_pipelines.sandbox.world import Json

RULES = Rules(rotate=True, once=False)
_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Allow LiveSync?</title>
<h1>Allow LiveSync?</h1><p>This is a sandbox: a pretend Notion. No real account is touched.</p>
<form method="post">{people}<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button></form></html>"""


class Login:
    """The page to agree on, and the token and revoke endpoints."""

    def __init__(self, server: OAuthServer, space: Workspace) -> None:
        self._server = server
        self._space = space

    async def authorise(self, request: Request) -> Response:
        """GET shows the page; POST is what was answered on it: `person`, `decision`."""
        asked = request.query_params
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != CLIENT_ID or urlsplit(redirect_uri).hostname not in _LOOPBACK:
            return HTMLResponse("<h1>Missing or invalid client_id or redirect_uri</h1>", 400)
        if request.method == "GET":
            return HTMLResponse(_PAGE.format(people=self._people()))
        fields = parse_qs((await request.body()).decode())
        answered = {"error": "access_denied"}
        if fields.get("decision") == ["allow"]:
            person = self._server.world.person(fields["person"][0])
            ask = Ask(redirect_uri=redirect_uri, offline=True, consent=True)
            answered = {"code": self._server.allow(ask, person, ())}
        answered |= {"state": asked["state"]} if "state" in asked else {}
        return RedirectResponse(f"{redirect_uri}?{urlencode(answered)}", status_code=302)

    async def token(self, request: Request) -> Response:
        try:
            _check_client(request)
            return JSONResponse(self._granted(await body_of(request)))
        except (OAuthError, NotionError) as error:
            return _failed(error)

    async def revoke(self, request: Request) -> Response:
        try:
            _check_client(request)
            self._server.revoke(str((await body_of(request)).get("token", "")))
        except (OAuthError, NotionError) as error:
            return _failed(error)
        return JSONResponse({"request_id": str(uuid4())})

    def _granted(self, said: Json) -> Json:
        match said.get("grant_type"):
            case "authorization_code":
                uri = str(said.get("redirect_uri", ""))
                told = self._server.redeem(str(said.get("code", "")), uri, None)
            case "refresh_token":
                told = self._server.refreshed(str(said.get("refresh_token", "")))
            case _:
                raise OAuthError("unsupported_grant_type", "Invalid grant_type.")
        grant = self._server.holder(told["access_token"])
        assert grant is not None
        return {
            "access_token": told["access_token"],
            "token_type": "bearer",
            "refresh_token": told.get("refresh_token"),
            "bot_id": self._space.bot,
            "workspace_icon": None,
            "workspace_name": "Garden",
            "workspace_id": self._space.id,
            "owner": {
                "type": "user",
                "user": shown.user(self._space, self._space.user(grant.person)),
            },
            "duplicated_template_id": None,
        }

    def _people(self) -> str:
        return "".join(
            f'<label><input type="radio" name="person" value="{escape(one.email)}" required> '
            f"{escape(one.name)}</label><br>"
            for one in self._server.world.people
        )


def _check_client(request: Request) -> None:
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        said = base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        said = ""
    if scheme.lower() != "basic" or said != f"{CLIENT_ID}:{CLIENT_SECRET}":
        raise OAuthError("invalid_client", "The client is not known.", status=401)


def _failed(error: OAuthError | NotionError) -> Response:
    body = {"error": error.code, "error_description": str(error)}
    return JSONResponse(body, status_code=error.status)
