"""A real mail server and a real receiver of webhooks, on loopback."""

from __future__ import annotations

import json
import ssl
from asyncio import Server
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from standardwebhooks import Webhook

SECRET = "whsec_" + "bGl2ZXN5bmMtdGVzdHMtc2lnbi13aXRoLXRoaXM="
PASSWORD = "pa%ss w0rd"


def _nothing() -> None:
    return


@dataclass(slots=True)
class Receiver:
    """Verifies every signature with the library; answers 204, or what `answers` says next."""

    answers: list[int] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = _nothing
    port: int = 0

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.messages]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.messages.append(Webhook(SECRET).verify(body, headers))
        self.ids.append(headers["webhook-id"])
        self.paths.append(path)
        self.before_answer()
        return self.answers.pop(0) if self.answers else 204


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers["content-length"]))
            self.send_response(receiver.take(self.path, headers, body))
            self.send_header("location", "/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the messages are remembered."""

    class Hooks(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: object, client_address: object) -> None:
            """A sender that dies while we answer is what one test is about."""

    with Hooks(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


class _Mails:
    """What a mail server does with mail: keeps it, or refuses with `refusal`."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.encrypted: list[bool] = []
        self.known: list[bool] = []
        self.refusal: str | None = None

    async def handle_RCPT(
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        content = envelope.content.replace(b"\r\n", b"\n")
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.encrypted.append(session.ssl is not None)
        self.known.append(bool(session.authenticated))
        return "250 OK"


@dataclass(frozen=True, slots=True)
class Post:
    """A running mail server."""

    port: int
    kept: _Mails

    @property
    def mails(self) -> list[EmailMessage]:
        return self.kept.mails

    def url(self, user: str = "ops:pa%25ss%20w0rd@") -> str:
        return f"smtp://{user}127.0.0.1:{self.port}"


class _Controller(Controller):
    def _trigger_server(self) -> None:
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it has no types


@contextmanager
def a_post(tls: ssl.SSLContext | None = None) -> Iterator[Post]:
    """A mail server that knows one password and, with `tls`, offers STARTTLS."""
    kept = _Mails()

    def knows(server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        right = isinstance(login, LoginPassword) and login.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False)

    running = _Controller(
        kept,
        hostname="127.0.0.1",
        port=0,
        authenticator=knows,
        auth_require_tls=False,
        enable_SMTPUTF8=False,
        tls_context=tls,
    )
    running.start()
    try:
        yield Post(running.port, kept)
    finally:
        running.stop(no_assert=True)


def words(document: Any) -> str:
    return json.dumps(document, default=str)
