"""What is refused before any endpoint sees it, and what every answer carries."""

from __future__ import annotations

import logging
import re
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livesync_pipelines.engine.tokens import Role, digest_of, holder_of
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.web import bodies, gate
from livesync_pipelines.web.oauth import COMES_BACK
from livesync_pipelines.web.tickets import Tickets

MAX_BODY_BYTES = 64_000

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_READS = {"GET", "HEAD", "OPTIONS"}
_OPEN = {"/health", "/sync/health", "/static/status.js"}
"""What tells nothing of any project, and so asks for no token."""
_OFFERED = "bearer."
_log = logging.getLogger(__name__)
_CARRIED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


class Guard:
    """Lets in only requests that name this machine, as no page on the internet can.

    A foreign page can make a browser resolve its own name to 127.0.0.1 (so the Host header is
    checked), and can post a form to us (so a POST must be JSON, which a browser sends to another
    origin only after asking, and we do not answer that question; nor do we let in what names
    another origin). A POST without a body and without a type, which no form sends, is let in where
    no page but our own can have sent it.
    """

    def __init__(self, app: ASGIApp, door: gate.Door, tokens: Path | None = None) -> None:
        self._app = app
        self._door = door
        self._tokens = tokens
        self._tickets = Tickets()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            refused = _foreign(Headers(scope=scope)) or self._unknown(scope)
            await (refused or self._app)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(gate.PREFIX):  # proves its callers itself, from anywhere
            await self._door(scope, receive, _carrying(send))
            return
        refusal = (
            _refusal(scope["method"], Headers(scope=scope)) or self._unknown(scope) or _odd(scope)
        )
        try:
            body = None if refusal else await bodies.whole(receive, at_most=MAX_BODY_BYTES)
        except ClientDisconnect:
            return
        except bodies.TooSlow as error:
            body, refusal = b"", _refused(408, f"{error}")
            refusal.headers["connection"] = "close"
        if refusal is None and body is None:
            refusal = _refused(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
        if body and scope["method"] not in _READS and not Headers(scope=scope).get("content-type"):
            refusal = _not_json()
        if refusal is not None:
            await refusal(scope, receive, _carrying(send))
            return
        await self._app(scope, _replayed(body or b"", receive), _carrying(send))

    def _unknown(self, scope: Scope) -> JSONResponse | None:
        """Why who calls may not; notes for the endpoints who it is."""
        if self._tokens is None or scope["path"] in _OPEN:
            return None
        if scope.get("method") == "GET" and COMES_BACK.fullmatch(scope["path"]):
            return None  # its state proves it
        digest = self._digest(scope)
        try:
            holder = holder_of(self._tokens, digest) if digest else None
        except Broken as error:
            _log.error("%s %s", error.message, error.hint)
            return JSONResponse({"error": error.as_dict()}, 500)
        if holder is None:
            hint = "Send Authorization: Bearer TOKEN; `livesync token PROJECT ROLE` makes one."
            answer = _refused(401, "No token, or one that is not known here.", hint, "unauthorised")
            answer.headers["www-authenticate"] = "Bearer"
            return answer
        if scope.get("method", "GET") not in _READS and holder.role is not Role.EDITOR:
            return _refused(403, f"A {holder.role} may only read.", code="forbidden")
        state = scope.setdefault("state", {})
        state["holder"] = holder
        state["still"] = partial(holder_of, self._tokens, digest)
        if _token(scope):
            state["ticket"] = lambda: self._tickets.issue(digest)
        return None

    def _digest(self, scope: Scope) -> str:
        """Of the token that is shown, empty without one; a socket may bring the ticket of a page of
        ours instead."""
        if token := _token(scope):
            return digest_of(token)
        headers = Headers(scope=scope)
        if scope["type"] != "websocket" or not _from_our_own_page(headers):
            return ""
        return self._tickets.digest_of(headers.get("cookie", "")) or ""


def _token(scope: Scope) -> str:
    """The token of who calls; empty without one. A page's script can give a socket no header but
    its subprotocols, so there it may be one of these: `bearer.TOKEN`."""
    kind, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    offered = scope.get("subprotocols", [])
    return next((p.removeprefix(_OFFERED) for p in offered if p.startswith(_OFFERED)), "")


def _refusal(method: str, headers: Headers) -> JSONResponse | None:
    if (foreign := _foreign(headers)) is not None:
        return foreign
    if method in _READS:
        return None
    if "content-type" not in headers:
        return None if _no_other_page(headers) else _other_page()
    kind = headers["content-type"].partition(";")[0].strip().lower()
    return None if kind == "application/json" else _not_json()


def _odd(scope: Scope) -> JSONResponse | None:
    """No name and no word that is kept here has a NUL, and the database takes none."""
    if "\0" in scope["path"] or b"%00" in scope["query_string"]:
        return _refused(400, "The address holds a NUL character (%00).", "Leave it out.")
    return None


def _not_json() -> JSONResponse:
    return _refused(415, "The body must be JSON.", "Send Content-Type: application/json.")


def _other_page() -> JSONResponse:
    return _refused(403, "This request comes from a page of another origin.")


def _no_other_page(headers: Headers) -> bool:
    """A browser asks nobody before it sends an empty POST without a type, also from a page of
    another server of this machine; but it always says where it comes from."""
    ours = "origin" not in headers or _from_our_own_page(headers)
    return ours and headers.get("sec-fetch-site", "none") in {"none", "same-origin"}


def _foreign(headers: Headers) -> JSONResponse | None:
    if not _LOOPBACK.fullmatch(headers.get("host", "")):
        hint = "Use http://localhost or http://127.0.0.1; this door serves its own machine only."
        return _refused(400, "The Host header names another machine.", hint)
    if not _LOOPBACK.fullmatch(_place_of(headers.get("origin", "http://localhost"))):
        return _other_page()
    return None


def _from_our_own_page(headers: Headers) -> bool:
    """Not from one of another server of this machine, to which cookies are as good as its own."""
    origin = _place_of(headers.get("origin", ""))
    return bool(origin) and origin == headers.get("host")


def _place_of(origin: str) -> str:
    """Host and port; of what is no address, none."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _refused(status: int, message: str, hint: str = "", code: str = "bad_input") -> JSONResponse:
    error = {"code": code, "message": message, "hint": hint, "where": ""}
    return JSONResponse({"error": error}, status)


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


def _carrying(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _CARRIED.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers
