"""The endpoints that write pages, blocks, databases and data sources."""

from __future__ import annotations

from copy import deepcopy

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.blocks import check
from livesync_pipelines.sandbox.notion.door import body_of
from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.notion.paging import piece
from livesync_pipelines.sandbox.notion.texts import plain, texts
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json


class Writing:
    def __init__(self, space: Workspace) -> None:
        self._space = space

    async def create_page(self, request: Request) -> Response:
        asked, by = await body_of(request), request.state.user
        parent, properties = asked.get("parent") or {}, dict(asked.get("properties") or {})
        check(asked.get("children") or ())
        if "data_source_id" in parent:
            source = self._space.named(parent["data_source_id"], "data_source")
            made = self._space.row(source, properties, by=by)
        else:
            above = self._space.named(parent.get("page_id", ""), "page")
            title = texts((properties.get("title") or {}).get("title", []))
            made = self._space.page(plain(title), parent=above.id, by=by)
            made.values["title"] = title
        if asked.get("children"):
            self._space.append(made.id, asked["children"], by=by)
        return self._answer(made)

    async def update_page(self, request: Request) -> Response:
        found, asked = self._named(request, "page"), await body_of(request)
        by = request.state.user
        if asked.get("properties"):
            self._refuse_trashed(found)
            self._space.set(found, asked["properties"], by=by)
        if "in_trash" in asked:
            self._space.trash(found, back=not asked["in_trash"], by=by)
        return self._answer(found)

    async def move_page(self, request: Request) -> Response:
        found, asked = self._named(request, "page"), await body_of(request)
        above = self._space.named((asked.get("parent") or {}).get("page_id", ""), "page")
        self._space.move(found, above.id)
        return self._answer(found)

    async def append(self, request: Request) -> Response:
        above = self._space.named(request.path_params["id"], "block", "page")
        asked = await body_of(request)
        self._refuse_trashed(above)
        position = asked.get("position") or {}
        after = (position.get("after_block") or {}).get("id")
        made = self._space.append(
            above.id, asked.get("children") or (), after=after, by=request.state.user
        )
        items = list(enumerate(made))
        return piece(
            {},
            items,
            lambda item: (item[0],),
            lambda item: shown.block(self._space, item[1]),
            kind="block",
        )

    async def update_block(self, request: Request) -> Response:
        found, asked = self._named(request, "block"), await body_of(request)
        self._refuse_trashed(found)
        if "in_trash" in asked:
            self._space.trash(found, back=not asked["in_trash"], by=request.state.user)
        else:
            self._space.rewrite(found, asked, by=request.state.user)
        return JSONResponse(shown.block(self._space, found))

    async def delete_block(self, request: Request) -> Response:
        found = self._space.named(request.path_params["id"], "block", "page", "database")
        self._space.trash(found, by=request.state.user)
        return JSONResponse(shown.block(self._space, found))

    async def create_database(self, request: Request) -> Response:
        asked = await body_of(request)
        above = self._space.named((asked.get("parent") or {}).get("page_id", ""), "page")
        title = plain(texts(asked.get("title", [])))
        schema = (asked.get("initial_data_source") or {}).get("properties") or {}
        source = self._space.database(title, schema, parent=above.id)
        return self._answer(self._space.things[source.parent or ""])

    async def update_data_source(self, request: Request) -> Response:
        """Properties are added, renamed (`name`), and taken away (null)."""
        found, asked = self._named(request, "data_source"), await body_of(request)
        schema, changes = deepcopy(found.schema), []
        by_name = {one.name: one for one in schema.values()}
        for name, said in (asked.get("properties") or {}).items():
            known = schema.get(name) or by_name.get(name)
            if known is None and said is not None:
                known = self._space.new_property(name, said)
                schema[known.id] = known
                action = "created"
            elif known is None:
                raise invalid(f"{name} is not a property that exists.")
            elif said is None:
                del schema[known.id]
                action = "deleted"
            else:
                known.name, action = said.get("name", known.name), "updated"
            changes.append({"id": known.id, "name": known.name, "action": action})
        found.schema = schema
        self._space.touch(found, request.state.user)
        self._space.tell("data_source.schema_updated", found, updated_properties=changes)
        return self._answer(found)

    def _named(self, request: Request, kind: str) -> Thing:
        return self._space.named(request.path_params["id"], kind)

    def _refuse_trashed(self, thing: Thing) -> None:
        if self._space.is_out(thing):
            raise invalid("Can't edit block that is in trash. You must restore it first.")

    def _answer(self, thing: Thing) -> Response:
        body: Json = shown.shown(self._space, thing)
        return JSONResponse(body)
