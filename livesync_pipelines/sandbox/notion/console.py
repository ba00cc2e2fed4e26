"""What people do in Notion itself: share, set up webhooks, take out of the trash's reach."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.notion.hooks import Hooks
from livesync_pipelines.sandbox.notion.workspace import Workspace


class Console:
    """Takes and answers JSON; `id` is that of a page or a database."""

    def __init__(self, space: Workspace, hooks: Hooks) -> None:
        self._space = space
        self._hooks = hooks

    async def webhook(self, request: Request) -> Response:
        """Add an `address`, which is sent its verification token."""
        taken = await self._hooks.add((await request.json())["address"])
        return JSONResponse({"sent": taken}, status_code=200 if taken else 400)

    async def verify(self, request: Request) -> Response:
        """Type in the `token` that was sent."""
        is_good = self._hooks.confirm((await request.json())["token"])
        return JSONResponse({"active": is_good}, status_code=200 if is_good else 400)

    async def share(self, request: Request) -> Response:
        """Share `id` with the connection, with all that is below; or no longer (`shared`)."""
        said = await request.json()
        if said.get("shared", True):
            self._space.shared.add(said["id"])
        else:
            self._space.shared.discard(said["id"])
        return JSONResponse({"shared": sorted(self._space.shared)})

    async def purge(self, request: Request) -> Response:
        """Delete `id` for good, with all that is below it."""
        self._space.purge(self._space.things[(await request.json())["id"]])
        return JSONResponse({"deleted": True})
