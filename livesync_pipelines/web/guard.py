"""What is refused before any endpoint sees it, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY_BYTES = 64_000

_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
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
    another origin).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope["method"], Headers(scope=scope))
        body = None if refusal else await _body(receive)
        if refusal is None and body is None:
            refusal = _refused(413, f"The body is larger than {MAX_BODY_BYTES:,} bytes.")
        if refusal is not None:
            await refusal(scope, receive, _carrying(send))
            return
        await self._app(scope, _replayed(body or b"", receive), _carrying(send))


def _refusal(method: str, headers: Headers) -> JSONResponse | None:
    if not _LOOPBACK.fullmatch(headers.get("host", "")):
        hint = "Use http://localhost or http://127.0.0.1; this door serves its own machine only."
        return _refused(400, "The Host header names another machine.", hint)
    if not _LOOPBACK.fullmatch(urlsplit(headers.get("origin", "http://localhost")).netloc):
        return _refused(403, "This request comes from a page of another origin.")
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if method not in {"GET", "HEAD", "OPTIONS"} and kind != "application/json":
        return _refused(415, "The body must be JSON.", "Send Content-Type: application/json.")
    return None


def _refused(status: int, message: str, hint: str = "") -> JSONResponse:
    error = {"code": "bad_input", "message": message, "hint": hint, "where": ""}
    return JSONResponse({"error": error}, status)


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large."""
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
        if _size(parts) > MAX_BODY_BYTES:
            return None
    return b"".join(parts)


def _size(parts: Iterable[bytes]) -> int:
    return sum(map(len, parts))


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
