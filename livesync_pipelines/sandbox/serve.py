"""One port for all pretend vendors."""

from __future__ import annotations

import asyncio
import socket
import struct

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from livesync_pipelines.sandbox.front import CUT

HOST = "127.0.0.1"
_PATIENCE_S = 2
_NO_LINGERING = struct.pack("ii", 1, 0)


class Cutting(HttpToolsProtocol):
    """HTTP/1.1 as uvicorn speaks it, with connections that an application can cut."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cut: dict[object, object] = {
            "close": self.transport.close,
            "reset": lambda: reset(self.transport),
        }
        self.scope["extensions"] = {CUT: cut}


def reset(transport: asyncio.Transport) -> None:
    """End the connection by an RST: what was not yet sent is lost."""
    door = transport.get_extra_info("socket")
    door.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
    transport.abort()


def configured(app: ASGIApp, port: int) -> uvicorn.Config:
    """`port` 0 is any that is free."""
    return uvicorn.Config(
        app,
        host=HOST,
        port=port,
        http=Cutting,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_PATIENCE_S,
    )


def serve(app: ASGIApp, port: int) -> None:
    """Until a signal comes."""
    uvicorn.Server(configured(app, port)).run()
