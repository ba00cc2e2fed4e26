"""The HTTP door behind a real uvicorn, on a port of loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import httpx
import uvicorn
from fastapi import FastAPI


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Yields the address; the door is shut in order afterwards."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    opened = Event()

    async def serve() -> None:
        going = asyncio.ensure_future(server.serve())
        while not server.started and not going.done():
            await asyncio.sleep(0.01)
        opened.set()
        await going

    thread = Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    opened.wait()
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def a_door(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of such a door."""
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client
