"""The HTTP door, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from livesync_pipelines.engine.gate import Gate
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.notify.hub import Hub
from livesync_pipelines.settings import Settings
from livesync_pipelines.web import api, conflicts, errors, gate, oauth, pages, sockets, triggering
from livesync_pipelines.web.guard import Guard
from livesync_pipelines.web.room import Room

_WORDS = """
Ask how syncs are, ask for a run, search capsules, and learn where a chunk comes from.
Every failure is `{"error": {"code", "message", "hint", "where"}}`.
"""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The door over this engine; whoever opened the engine closes it."""
    app = FastAPIOffline(
        redoc_url=None,
        title="LiveSync",
        version="0.1.0",
        description=_WORDS,
        separate_input_output_schemas=False,
        lifespan=_open,
    )
    app.state.room = Room(engine, settings)
    app.state.hub = Hub(engine.database)
    app.state.gate = Gate(engine, folder=settings.home / "webhooks")
    app.include_router(api.router)
    app.include_router(triggering.router, responses=api.ERRORS)
    app.include_router(conflicts.router, responses=api.ERRORS)
    app.include_router(oauth.router, responses=api.ERRORS)
    app.include_router(pages.router)
    app.include_router(sockets.router)
    app.add_middleware(Guard, door=gate.Door(app.state.gate), tokens=settings.api_tokens)
    errors.install(app)
    _describe(app)
    return app


@asynccontextmanager
async def _open(app: FastAPI) -> AsyncIterator[None]:
    """What was called in is written before the door is shut."""
    yield
    app.state.gate.close()


def _describe(app: FastAPI) -> None:
    """Complete the schema, which FastAPI keeps: the gate is none of its routes; and take out the
    answer where ours is a 400."""
    paths = app.openapi()["paths"]
    for methods in paths.values():
        for said in methods.values():
            said["responses"].pop("422", None)
    paths.update(gate.described())
