"""All of the pretend Notion, put together."""

from __future__ import annotations

from starlette.routing import Route

from livesync_pipelines.sandbox.notion.console import Console
from livesync_pipelines.sandbox.notion.desk import desk
from livesync_pipelines.sandbox.notion.door import NAME, Door
from livesync_pipelines.sandbox.notion.errors import refuse
from livesync_pipelines.sandbox.notion.hooks import Hooks
from livesync_pipelines.sandbox.notion.login import RULES, Login
from livesync_pipelines.sandbox.notion.reading import Reading
from livesync_pipelines.sandbox.notion.searching import Searching
from livesync_pipelines.sandbox.notion.truth import truth
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.notion.writing import Writing
from livesync_pipelines.sandbox.oauth import OAuthServer
from livesync_pipelines.sandbox.vendor import Vendor, routes
from livesync_pipelines.sandbox.world import World


def notion(world: World, space: Workspace | None = None) -> Vendor:
    """`space`: what is there already; nothing unless it is given."""
    kept = space or Workspace(world)
    oauth, hooks = OAuthServer(world, NAME, RULES), Hooks(kept)
    login, console = Login(oauth, kept), Console(kept, hooks)
    return Vendor(
        name=NAME,
        routes=[
            Route("/v1/oauth/authorize", login.authorise, methods=["GET", "POST"]),
            Route("/v1/oauth/token", login.token, methods=["POST"]),
            Route("/v1/oauth/revoke", login.revoke, methods=["POST"]),
            *_routes(Door(oauth, kept), kept),
            Route("/console/webhook", console.webhook, methods=["POST"]),
            Route("/console/verify", console.verify, methods=["POST"]),
            Route("/console/share", console.share, methods=["POST"]),
            Route("/console/purge", console.purge, methods=["POST"]),
        ],
        oauth=oauth,
        refuse=refuse,
        truth=lambda content: truth(kept, hooks, content=content),
        close=hooks.close,
        desks={NAME: desk(kept)},
    )


def _routes(door: Door, space: Workspace) -> list[Route]:
    reading, writing, searching = Reading(space), Writing(space), Searching(space)
    served = [
        ("POST", "/search", searching.search),
        ("POST", "/pages", writing.create_page),
        ("GET", "/pages/{id}", reading.page),
        ("PATCH", "/pages/{id}", writing.update_page),
        ("POST", "/pages/{id}/move", writing.move_page),
        ("GET", "/pages/{id}/properties/{property}", reading.property),
        ("GET", "/blocks/{id}", reading.block),
        ("PATCH", "/blocks/{id}", writing.update_block),
        ("DELETE", "/blocks/{id}", writing.delete_block),
        ("GET", "/blocks/{id}/children", reading.children),
        ("PATCH", "/blocks/{id}/children", writing.append),
        ("POST", "/databases", writing.create_database),
        ("GET", "/databases/{id}", reading.database),
        ("GET", "/data_sources/{id}", reading.data_source),
        ("PATCH", "/data_sources/{id}", writing.update_data_source),
        ("POST", "/data_sources/{id}/query", reading.query),
        ("GET", "/users", reading.users),
        ("GET", "/users/{id}", reading.user),
    ]
    return routes("/v1", door.guarded, served)
