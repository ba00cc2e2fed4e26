"""The way back of a sign-in: our HTTP door where it is up, else a door for this one visitor."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import sleep
from urllib.parse import parse_qsl, urlsplit

from livesync_pipelines.engine import signing_in
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import BadInput, LiveSyncError, in_a_line

LOOK_EVERY_S = 0.3
_HOST = "127.0.0.1"

Look = Callable[[], None]
"""Waits a moment, in which somebody may come back."""


@contextmanager
def way_back(engine: Engine, platform: str, port: int) -> Iterator[Look]:
    """Whoever holds the port is our HTTP door, which lets the visitor in as well as we do."""
    try:
        door = HTTPServer((_HOST, port), _visitor(engine, platform))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise BadInput(
                f"Port {port} cannot be opened: {error.strerror}.",
                hint="Set LIVESYNC_PORT to a free port, and register its address with the vendor.",
                where=f"{_HOST}:{port}",
            ) from error
        yield lambda: sleep(LOOK_EVERY_S)
        return
    door.timeout = LOOK_EVERY_S
    with door:
        yield door.handle_request


def _visitor(engine: Engine, platform: str) -> type[BaseHTTPRequestHandler]:
    class Visitor(BaseHTTPRequestHandler):
        timeout = 5  # of one who connects and says nothing

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != signing_in.CALLBACK.format(platform=platform):
                self._answer(HTTPStatus.NOT_FOUND, "There is nothing here.")
                return
            try:
                done = signing_in.complete(engine, platform, dict(parse_qsl(parts.query)))
            except LiveSyncError as error:
                self._answer(HTTPStatus.BAD_REQUEST, in_a_line(error.as_dict()))
                return
            text = f"The account {done.name} is connected. You can close this page."
            self._answer(HTTPStatus.OK, text)

        def _answer(self, status: HTTPStatus, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", "text/plain; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.send_header("referrer-policy", "no-referrer")
            self.send_header("cache-control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the address holds the code."""

    return Visitor
