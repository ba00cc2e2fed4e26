"""All pretend vendors of one world as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount

from livesync_pipelines.sandbox.control import Control
from livesync_pipelines.sandbox.front import Front
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.world import World


def application(world: World, vendors: Sequence[Vendor]) -> Front:
    """Each vendor under `/{name}`, and the control of all under `/sandbox`."""
    by_name = {vendor.name: vendor for vendor in vendors}
    mounts: list[BaseRoute] = [Mount(f"/{vendor.name}", routes=vendor.routes) for vendor in vendors]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        for vendor in vendors:
            await vendor.close()

    routes = [*mounts, *Control(world, by_name).routes()]
    return Front(Starlette(routes=routes, lifespan=lifespan), world, by_name)
