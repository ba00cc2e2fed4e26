"""All of the pretend Dropbox, put together."""

from __future__ import annotations

import base64

from starlette.routing import Route

from livesync_pipelines.sandbox.dropbox import reading, writing
from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.boxes import Boxes, empty
from livesync_pipelines.sandbox.dropbox.console import Console
from livesync_pipelines.sandbox.dropbox.desk import desk
from livesync_pipelines.sandbox.dropbox.door import (
    ACCOUNT,
    LOOK,
    NAME,
    READ,
    SCOPES,
    WRITE,
    Door,
    Endpoint,
)
from livesync_pipelines.sandbox.dropbox.errors import refuse
from livesync_pipelines.sandbox.dropbox.hooks import Hooks
from livesync_pipelines.sandbox.dropbox.listing import Listing
from livesync_pipelines.sandbox.dropbox.sessions import Sessions
from livesync_pipelines.sandbox.dropbox.shown import tagged
from livesync_pipelines.sandbox.oauth import OAuthServer, Rules
from livesync_pipelines.sandbox.oauth_pages import OAuthPages
from livesync_pipelines.sandbox.vendor import Vendor
from livesync_pipelines.sandbox.world import Json, World

_RULES = Rules(access_life_s=14_400, once=False)
"""Four hours; a refresh token comes with every consent for offline access, and is never rotated."""


def dropbox(world: World, boxes: Boxes | None = None) -> Vendor:
    """`boxes`: what is there already; nothing unless it is given."""
    kept = boxes or empty(world)
    oauth, hooks = OAuthServer(world, NAME, _RULES), Hooks(kept.values())
    return Vendor(
        name=NAME,
        routes=[
            *_oauth_routes(oauth),
            *_file_routes(Door(oauth, kept), Listing(kept), Sessions(world)),
            *_console_routes(Console(world, kept, hooks)),
        ],
        oauth=oauth,
        refuse=refuse,
        names_calls="x-dropbox-request-id",
        truth=lambda content: truth(kept, hooks, content=content),
        close=hooks.close,
        desks={NAME: desk(kept[world.people[0].email])},
    )


def truth(boxes: Boxes, hooks: Hooks, *, content: bool) -> Json:
    """Everything that everybody has, by e-mail and path; `content`: also the bytes, in base64."""
    accounts = {email: _shown(box, content=content) for email, box in boxes.items()}
    return {"accounts": accounts, "webhooks": hooks.shown()}


def _shown(box: Box, *, content: bool) -> Json:
    entries = []
    for node in box.nodes():
        more = {"content": base64.b64encode(node.content or b"").decode()} if content else {}
        entries.append(tagged(node) | more)
    return {"account_id": box.account_id, "events": len(box.log), "entries": entries}


def _oauth_routes(oauth: OAuthServer) -> list[Route]:
    pages = OAuthPages(oauth, "Dropbox", SCOPES)
    return [
        Route("/oauth2/authorize", pages.authorise, methods=["GET", "POST"]),
        Route("/oauth2/token", pages.token, methods=["POST"]),
    ]


def _file_routes(door: Door, listing: Listing, sessions: Sessions) -> list[Route]:
    """Every route with its scope; those with bytes have their argument in a header."""
    by_body: list[tuple[str, Endpoint, str]] = [
        ("files/list_folder", listing.start, LOOK),
        ("files/list_folder/continue", listing.go_on, LOOK),
        ("files/list_folder/get_latest_cursor", listing.latest, LOOK),
        ("files/get_metadata", reading.get_metadata, LOOK),
        ("files/delete_v2", writing.delete, WRITE),
        ("files/move_v2", writing.move, WRITE),
        ("files/create_folder_v2", writing.create_folder, WRITE),
        ("users/get_current_account", reading.current_account, ACCOUNT),
    ]
    by_header: list[tuple[str, Endpoint, str]] = [
        ("files/download", reading.download, READ),
        ("files/upload", writing.upload, WRITE),
        ("files/upload_session/start", sessions.start, WRITE),
        ("files/upload_session/append_v2", sessions.append, WRITE),
        ("files/upload_session/finish", sessions.finish, WRITE),
    ]
    guarded = [
        *((path, door.guarded(work, scope, in_header=False)) for path, work, scope in by_body),
        *((path, door.guarded(work, scope, in_header=True)) for path, work, scope in by_header),
        ("files/list_folder/longpoll", listing.longpoll),
    ]
    return [Route(f"/2/{path}", work, methods=["POST"]) for path, work in guarded]


def _console_routes(console: Console) -> list[Route]:
    return [
        Route("/console/webhook", console.webhook, methods=["POST"]),
        Route("/console/reset", console.reset, methods=["POST"]),
        Route("/console/share", console.share, methods=["POST"]),
    ]
