"""A WebSub hub on loopback: it verifies, signs, keeps leases, and does whatever else hubs do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode

import httpx

Place = tuple[str, str]
"""A topic and a callback."""


@dataclass(slots=True)
class Hub:
    """What it does with a request is set by a test:

    - `at_once`: it asks back before it answers; else when the test says `verify`.
    - `status`: its answer; `location`: where it sends us on to.
    - `hangs`: it answers when this is set.
    - `lease_s`: what it grants; None: what was asked for.
    """

    at_once: bool = False
    status: int = 202
    location: str | None = None
    hangs: Event | None = None
    lease_s: int | None = None
    requests: list[dict[str, str]] = field(default_factory=list)
    waiting: list[dict[str, str]] = field(default_factory=list)
    secrets: dict[Place, str] = field(default_factory=dict)
    asked: list[httpx.URL] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _thread: Thread | None = None

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        if self.hangs:
            self.hangs.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str = "/") -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}{path}"

    def take(self, form: dict[str, str]) -> None:
        self.requests.append(form)
        if self.hangs:
            self.hangs.wait()
        if self.status == 202:
            self.waiting.append(form)
            if self.at_once:
                self.verify()

    def verify(self, *, topic: str | None = None) -> list[int]:
        """Ask back for every request that waits; the answers. `topic`: another one than asked."""
        waiting, self.waiting = self.waiting, []
        return [self._verify(form, topic) for form in waiting]

    def _verify(self, form: dict[str, str], topic: str | None) -> int:
        mode, place = form["hub.mode"], (form["hub.topic"], form["hub.callback"])
        challenge = f"challenge-{len(self.asked)}"
        said = {"hub.mode": mode, "hub.topic": topic or place[0], "hub.challenge": challenge}
        if mode == "subscribe":
            said["hub.lease_seconds"] = str(self.lease_s or form["hub.lease_seconds"])
        answer = self._ask(place[1], said)
        if answer.status_code == 200 and answer.text == challenge:
            if mode == "subscribe":
                self.secrets[place] = form["hub.secret"]
            else:
                del self.secrets[place]
        return answer.status_code

    def deny(self, reason: str) -> list[int]:
        """Deny whoever waits, or else whoever is subscribed."""
        places = [(f["hub.topic"], f["hub.callback"]) for f in self.waiting] or list(self.secrets)
        self.waiting.clear()
        self.secrets.clear()
        said = {"hub.mode": "denied", "hub.reason": reason}
        return [self._ask(url, {**said, "hub.topic": t}).status_code for t, url in places]

    def _ask(self, callback: str, said: dict[str, str]) -> httpx.Response:
        url = httpx.URL(f"{callback}&{urlencode(said)}")
        self.asked.append(url)
        return httpx.get(url, timeout=60)

    def forget(self) -> None:
        """As if it had been set up anew."""
        self.secrets.clear()
        self.waiting.clear()

    def distribute(self, content: bytes, *, method: str = "sha256") -> list[int]:
        """Send the feed as it is now to all; the answers."""
        return [
            self.send(callback, content, secret, method=method)
            for (_, callback), secret in list(self.secrets.items())
        ]

    def send(self, callback: str, content: bytes, secret: str, *, method: str = "sha256") -> int:
        signature = hmac.new(secret.encode(), content, method).hexdigest()
        headers = {"x-hub-signature": f"{method}={signature}", "content-type": "text/xml"}
        answer = httpx.post(callback, content=content, headers=headers, timeout=60)
        return answer.status_code


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            hub.take({name: values[0] for name, values in parse_qs(body).items()})
            self.send_response(hub.status)
            if hub.location is not None:
                self.send_header("location", hub.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    return Handler
