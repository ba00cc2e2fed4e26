"""The HTTP side of the authorisation server: the page to agree on, the token and revoke endpoints.

Whoever has no browser agrees by a POST to the address of the page with the fields of its form:
`person` (an e-mail), `scope` (repeated; fewer than were asked for is allowed) and `decision`
(`allow` or `deny`).
"""

from __future__ import annotations

import base64
import binascii
import html
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from livesync_pipelines.sandbox.oauth import (
    CLIENT_ID,
    CLIENT_SECRET,
    Ask,
    OAuthError,
    OAuthServer,
)

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_NOT_STORED = {"cache-control": "no-store", "pragma": "no-cache"}

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Allow LiveSync?</title>
<style>body {{ font: 16px/1.5 system-ui; max-width: 32em; margin: 4em auto; }}
label {{ display: block; }} button {{ font: inherit; margin: 1em 1em 0 0; }}</style>
<h1>Allow LiveSync?</h1>
<p>This is a sandbox: a pretend {vendor}. No real account is touched.</p>
<form method="post">
<h2>Who are you?</h2>{people}
<h2>What may LiveSync do?</h2>{scopes}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form></html>"""


class OAuthPages:
    """The three endpoints of one vendor's authorisation server, and their errors."""

    def __init__(self, server: OAuthServer, vendor: str, scopes: frozenset[str]) -> None:
        self._server = server
        self._vendor = vendor
        self._scopes = scopes

    async def authorise(self, request: Request) -> Response:
        """GET shows the page, POST is what was answered on it; both carry the same query."""
        asked = request.query_params
        try:
            _check_client(asked.get("client_id"))
            redirect_uri = _redirect_uri(asked.get("redirect_uri", ""))
        except OAuthError as error:
            shown = f"<h1>Access blocked</h1><p>Error 400: {html.escape(error.code)}"
            return HTMLResponse(shown, status_code=400)
        try:
            answered = await self._agreed(request, redirect_uri)
        except OAuthError as error:
            answered = {"error": error.code, "error_description": error.description}
        if answered is None:
            return HTMLResponse(self._page(asked["scope"].split()))
        answered |= {"state": asked["state"]} if "state" in asked else {}
        joint = "&" if urlsplit(redirect_uri).query else "?"
        return RedirectResponse(f"{redirect_uri}{joint}{urlencode(answered)}", status_code=302)

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        try:
            client_id, secret = _credentials(request.headers.get("authorization"), form)
            _check_client(client_id)
            if secret != CLIENT_SECRET:
                raise OAuthError("invalid_client", "The client secret is wrong.", status=401)
            return JSONResponse(self._granted(form), headers=_NOT_STORED)
        except OAuthError as error:
            return _failed(error)

    async def revoke(self, request: Request) -> Response:
        """The token comes in the body or, as Google takes it too, in the query."""
        token = (await _form(request)).get("token") or request.query_params.get("token", "")
        try:
            self._server.revoke(token)
        except OAuthError as error:
            return _failed(error)
        return JSONResponse({})

    async def _agreed(self, request: Request, redirect_uri: str) -> dict[str, str] | None:
        """What goes back to the client, or None where the page must be shown first."""
        ask, wanted = _ask(request.query_params, redirect_uri)
        unknown = [scope for scope in wanted if scope not in self._scopes]
        if unknown or not wanted:
            raise OAuthError("invalid_scope", f"Some scopes are unknown: {' '.join(unknown)}")
        if request.method == "GET":
            return None
        fields = parse_qs((await request.body()).decode())
        allowed = tuple(scope for scope in wanted if scope in fields.get("scope", []))
        if fields.get("decision") != ["allow"] or not allowed:
            raise OAuthError("access_denied", "The person said no.")
        try:
            person = self._server.world.person(fields.get("person", [""])[0])
        except LookupError as error:
            raise OAuthError("access_denied", "Nobody has signed in.") from error
        return {"code": self._server.allow(ask, person, allowed), "scope": " ".join(allowed)}

    def _granted(self, form: Mapping[str, str]) -> dict[str, object]:
        match form.get("grant_type"):
            case "authorization_code":
                return self._server.redeem(
                    form.get("code", ""), form.get("redirect_uri", ""), form.get("code_verifier")
                )
            case "refresh_token":
                return self._server.refreshed(form.get("refresh_token", ""))
            case None:
                raise OAuthError("invalid_request", "Required parameter is missing: grant_type")
        raise OAuthError("unsupported_grant_type", "Invalid grant_type.")

    def _page(self, scopes: list[str]) -> str:
        people = "".join(
            f'<label><input type="radio" name="person" value="{html.escape(person.email)}" required'
            f"{'' if n else ' checked'}> {html.escape(f'{person.name}, {person.email}')}</label>"
            for n, person in enumerate(self._server.world.people)
        )
        boxes = "".join(
            f'<label><input type="checkbox" name="scope" value="{html.escape(scope)}" checked>'
            f" {html.escape(scope)}</label>"
            for scope in scopes
        )
        return _PAGE.format(vendor=html.escape(self._vendor), people=people, scopes=boxes)


def _ask(asked: Mapping[str, str], redirect_uri: str) -> tuple[Ask, list[str]]:
    if asked.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "Only code is answered here.")
    method = asked.get("code_challenge_method", "plain")
    if method not in {"plain", "S256"}:
        raise OAuthError("invalid_request", "code_challenge_method is S256 or plain.")
    ask = Ask(
        redirect_uri=redirect_uri,
        offline="offline" in {asked.get("access_type"), asked.get("token_access_type")},
        consent="consent" in asked.get("prompt", "").split(),
        challenge=asked.get("code_challenge"),
        method=method,
    )
    return ask, asked.get("scope", "").split()


def _check_client(client_id: str | None) -> None:
    if client_id != CLIENT_ID:
        raise OAuthError("invalid_client", "The OAuth client was not found.", status=401)


def _redirect_uri(uri: str) -> str:
    """Every address on loopback is good, whatever its port and path."""
    parts = urlsplit(uri)
    if parts.scheme not in {"http", "https"} or parts.hostname not in _LOOPBACK or parts.fragment:
        raise OAuthError("redirect_uri_mismatch", "The redirect URI is not on loopback.")
    return uri


def _credentials(header: str | None, form: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Client id and secret, of a Basic header or of the body."""
    scheme, _, coded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id"), form.get("client_secret")
    try:
        client_id, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "The header is not Basic.", status=401) from error
    return unquote(client_id), unquote(secret)


async def _form(request: Request) -> dict[str, str]:
    """The fields of the body, the last of each name."""
    fields = parse_qs((await request.body()).decode(), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _failed(error: OAuthError) -> Response:
    body = {"error": error.code, "error_description": error.description}
    return JSONResponse(body, status_code=error.status, headers=_NOT_STORED)
