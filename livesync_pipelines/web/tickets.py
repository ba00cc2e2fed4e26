"""Tickets: what lets a page follow a socket, as a script can give a socket no header.

A page that was shown to the holder of a token brings one along in a cookie that no script can read
and that the browser sends to the socket alone. It is good for a minute, tells no token, and dies
with its token's line.
"""

from __future__ import annotations

import hmac
import secrets
import time
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie

COOKIE = "livesync_ticket"
PATH = "/ws/"
GOOD_FOR_S = 60


class Tickets:
    """Those of this process: another one, or the next, does not take them, and its pages bring
    their own."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def issue(self, digest: str) -> str:
        """The `Set-Cookie` of a ticket for the token with this digest."""
        body = f"{int(time.time()) + GOOD_FOR_S}.{digest}"
        ticket = f"{body}.{self._seal(body)}"
        return f"{COOKIE}={ticket}; Max-Age={GOOD_FOR_S}; Path={PATH}; HttpOnly; SameSite=Strict"

    def digest_of(self, cookies: str) -> str | None:
        """The digest in a `Cookie` header, if its ticket is one of ours and still good."""
        try:
            found = SimpleCookie(cookies).get(COOKIE)
        except CookieError:
            return None
        body, _, seal = (found.value if found else "").rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(body).encode()):
            return None
        until, _, digest = body.partition(".")
        return digest if time.time() < int(until) else None

    def _seal(self, body: str) -> str:
        return hmac.new(self._key, body.encode(), sha256).hexdigest()
