"""A real web site on loopback whose every answer a test decides, and a clock nobody waits for."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from livesync_pipelines.net.world import World, system_addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """`raw` is sent as it is, and the connection is closed after it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Call:
    target: str
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up (on a bomb, on a film) is what some tests are about."""


class Site:
    """Answers on every path that was `put`, with 404 on all others, and remembers its calls.

    A page with an `etag` header (or a `last-modified`) answers 304 to whoever has it already.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self._replies: dict[str, list[Reply]] = {}
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self._answer))
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, target: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{target}"

    def put(
        self,
        target: str,
        body: str | bytes = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """From now on this is what the target (path and query) answers."""
        content = body.encode() if isinstance(body, str) else body
        kind = {"content-type": "text/html; charset=utf-8"}
        self.queue(target, [Reply(status=status, body=content, headers=kind | dict(headers or {}))])

    def queue(self, target: str, replies: Iterable[Reply]) -> None:
        """One reply after the other; the last one stays."""
        with self._lock:
            self._replies[target] = list(replies)

    def drop(self, target: str) -> None:
        with self._lock:
            del self._replies[target]

    def redirect(self, target: str, to: str, status: int = 302) -> None:
        self.put(target, status=status, headers={"location": to})

    def targets(self) -> list[str]:
        return [call.target for call in self.calls]

    def _answer(self, call: Call) -> Reply:
        with self._lock:
            self.calls.append(call)
            replies = self._replies.get(call.target) or [Reply(status=404)]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return Reply(status=304, headers=reply.headers) if _known(call, reply) else reply


def _known(call: Call, reply: Reply) -> bool:
    etag, tag = reply.headers.get("etag"), call.headers.get("if-none-match")
    if etag and tag:
        return etag == tag
    time = reply.headers.get("last-modified")
    return time is not None and time == call.headers.get("if-modified-since")


def _handler(answer: Callable[[Call], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._do(b"")

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self._do(self.rfile.read(int(self.headers.get("content-length", 0))))

        do_PUT = do_PATCH = do_DELETE = do_POST

        def _do(self, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = answer(Call(self.path, headers, self.command, body))
            if reply.raw is not None:
                self.wfile.write(reply.raw)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            bodiless = reply.status == 304 or self.command == "HEAD"
            self.wfile.write(b"" if bodiless else reply.body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the calls are remembered."""

    return Handler


class Watch:
    """A clock that jumps ahead instead of sleeping, and a phone book for names."""

    def __init__(self) -> None:
        self.slept_s: list[float] = []
        self.asked: list[str] = []
        self.names: dict[str, list[Sequence[str]]] = {}

    def world(self) -> World:
        return World(
            sleep=self.slept_s.append, monotonic=self.monotonic, now=self.now, resolve=self.resolve
        )

    def monotonic(self) -> float:
        return sum(self.slept_s)

    def now(self) -> datetime:
        return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    def resolve(self, host: str, port: int) -> Sequence[str]:
        """The name's next answer, the last one staying; the system's for names not in the book."""
        self.asked.append(host)
        answers = self.names.get(host)
        if not answers:
            return system_addresses(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]
