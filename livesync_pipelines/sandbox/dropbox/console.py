"""What is done by hand at the vendor's: the App Console's webhook addresses, and two things that
happen to an account without its doing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.dropbox.boxes import Boxes
from livesync_pipelines.sandbox.dropbox.hooks import Hooks
from livesync_pipelines.sandbox.world import World


class Console:
    """Takes and answers JSON; `person` is an e-mail."""

    def __init__(self, world: World, boxes: Boxes, hooks: Hooks) -> None:
        self._world = world
        self._boxes = boxes
        self._hooks = hooks

    async def webhook(self, request: Request) -> Response:
        """Add an `address`, which must answer a challenge."""
        address = (await request.json())["address"]
        challenge = self._world.ids.new("dropbox:challenge", 40)
        is_good = await self._hooks.add(address, challenge)
        return JSONResponse({"enabled": is_good}, status_code=200 if is_good else 400)

    async def reset(self, request: Request) -> Response:
        """Every cursor of a `person` is forgotten."""
        self._boxes[(await request.json())["person"]].forget_cursors()
        return JSONResponse({"forgotten": "cursors"})

    async def share(self, request: Request) -> Response:
        """A `person` is let into a shared folder, which comes to lie at `path`."""
        said = await request.json()
        node = self._boxes[said["person"]].make_folder(said["path"], shared=True)
        return JSONResponse({"shared_folder_id": node.shared_folder_id})
