"""A sandbox behind a real uvicorn on loopback, and what a test does to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from livesync_pipelines.sandbox.app import application
from livesync_pipelines.sandbox.confluence.site import Site
from livesync_pipelines.sandbox.confluence.vendor import confluence
from livesync_pipelines.sandbox.dropbox.boxes import Boxes
from livesync_pipelines.sandbox.dropbox.vendor import dropbox
from livesync_pipelines.sandbox.google.calendars import Calendars
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.vendor import google
from livesync_pipelines.sandbox.notion.vendor import notion
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines.sandbox.serve import configured
from livesync_pipelines.sandbox.world import World

ADA = "ada@example.com"
BEN = "ben@example.com"


class Sandbox:
    """Its address, and the calls of whoever controls it."""

    def __init__(self, address: str, client: httpx.Client) -> None:
        self.address = address
        self.client = client

    def control(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that `/sandbox{path}` answers; raises for what it refuses."""
        answer = self.client.request(method, f"/sandbox{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    def fault(self, match: str, kind: str, **more: int | float) -> None:
        self.control("POST", "/faults", {"match": match, "kind": kind, **more})

    def tokens(self, person: str = ADA, *scopes: str, vendor: str = "google") -> dict[str, Any]:
        wanted = scopes or ("https://www.googleapis.com/auth/drive",)
        asked = {"person": person, "scopes": list(wanted)}
        answer: dict[str, Any] = self.control("POST", f"/oauth/{vendor}/token", asked)
        return answer

    def environ(self, vendor: str) -> dict[str, str]:
        """What makes us sign in at the pretend vendor and call it."""
        place, client = f"{self.address}/{vendor}", vendor.upper()
        return {
            f"{client}_CLIENT_ID": CLIENT_ID,
            f"{client}_CLIENT_SECRET": CLIENT_SECRET,
            f"{client}_OAUTH_URL": place,
            f"{client}_API_URL": place,
        }

    def count(self, match: str = "*") -> int:
        return int(self.control("GET", f"/calls?{httpx.QueryParams({'match': match})}")["count"])


@contextmanager
def a_sandbox(
    world: World | None = None,
    drive: Drive | None = None,
    boxes: Boxes | None = None,
    site: Site | None = None,
    space: Workspace | None = None,
    calendars: Calendars | None = None,
) -> Iterator[Sandbox]:
    """Served in a thread of its own until the block ends."""
    world = world or World()
    vendors = [
        google(world, drive, calendars),
        dropbox(world, boxes),
        confluence(world, site),
        notion(world, space),
    ]
    server = uvicorn.Server(configured(application(world, vendors), 0))
    opened = threading.Event()

    async def serve() -> None:
        going = asyncio.ensure_future(server.serve())
        while not server.started and not going.done():
            await asyncio.sleep(0.01)
        opened.set()
        await going

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    opened.wait()
    try:
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        with httpx.Client(base_url=address, timeout=60) as client:
            yield Sandbox(address, client)
    finally:
        server.should_exit = True
        thread.join()
