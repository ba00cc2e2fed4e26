"""The endpoints that read pages, blocks, databases, data sources and users."""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.door import body_of
from livesync_pipelines.sandbox.notion.errors import not_found
from livesync_pipelines.sandbox.notion.paging import piece
from livesync_pipelines.sandbox.notion.query import fits, place_of
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json

_ITEMS = "page_or_data_source"


class Reading:
    def __init__(self, space: Workspace) -> None:
        self._space = space

    async def page(self, request: Request) -> Response:
        """Also one in the trash."""
        return self._one(request, "page")

    async def database(self, request: Request) -> Response:
        return self._one(request, "database")

    async def data_source(self, request: Request) -> Response:
        return self._one(request, "data_source")

    async def block(self, request: Request) -> Response:
        found = self._space.named(request.path_params["id"], "block", "page", "database")
        return JSONResponse(shown.block(self._space, found))

    async def children(self, request: Request) -> Response:
        """Of a synced block that shows another one: that one's, if it is shared too."""
        found = self._space.named(request.path_params["id"], "block", "page")
        found = self._space.named(shown.origin(self._space, found).id, "block", "page")
        items = list(enumerate(shown.there(self._space, found)))
        return piece(
            request.query_params,
            items,
            lambda item: (item[0],),
            lambda item: shown.block(self._space, item[1]),
            kind="block",
        )

    async def property(self, request: Request) -> Response:
        """One property of a page: a list in pieces, else its value."""
        page = self._space.named(request.path_params["id"], "page")
        wanted = unquote(request.path_params["property"])
        values = shown.properties(self._space, page, whole=True).values()
        found = next((one for one in values if one["id"] == wanted), None)
        if found is None:
            raise not_found("property", wanted)
        kind = found["type"]
        if kind not in ("title", "rich_text", "people", "relation"):
            return JSONResponse({"object": "property_item", **found})
        about = {"id": wanted, "type": kind, kind: {}, "next_url": None}
        return piece(
            request.query_params,
            list(enumerate(found[kind])),
            lambda item: (item[0],),
            lambda item: {
                "object": "property_item",
                "type": kind,
                "id": wanted,
                kind: item[1],
            },
            kind="property_item",
            more={"property_item": about},
        )

    async def query(self, request: Request) -> Response:
        """Rows that are there; of more than can be shown only the first, and it says so."""
        source = self._space.named(request.path_params["id"], "data_source")
        asked = await body_of(request)
        trashed = bool(asked.get("in_trash", False))
        rows = [self._space.things[child] for child in source.children]
        found = [
            row
            for row in rows
            if row.in_trash is trashed and fits(source, asked.get("filter"), row)
        ]
        place, backward = place_of(asked.get("sorts") or ())
        found.sort(key=place, reverse=backward)
        limit = self._space.result_limit
        status: Json = {"type": "complete"}
        if len(found) > limit:
            status = {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}
        more = {"request_status": status}
        return piece(asked, found[:limit], place, self._shown, kind=_ITEMS, more=more)

    async def users(self, request: Request) -> Response:
        ids = list(enumerate([*self._space.users, self._space.bot]))
        return piece(
            request.query_params,
            ids,
            lambda item: (item[0],),
            lambda item: shown.user(self._space, item[1]),
            kind="user",
        )

    async def user(self, request: Request) -> Response:
        user_id = request.path_params["id"]
        if user_id == "me":
            user_id = self._space.bot
        if user_id not in self._space.users and user_id != self._space.bot:
            raise not_found("user", user_id)
        return JSONResponse(shown.user(self._space, user_id))

    def _one(self, request: Request, kind: str) -> Response:
        found = self._space.named(request.path_params["id"], kind)
        return JSONResponse(self._shown(found))

    def _shown(self, thing: Thing) -> Json:
        return shown.shown(self._space, thing)
