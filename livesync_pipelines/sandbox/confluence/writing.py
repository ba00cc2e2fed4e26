"""The endpoints of REST v2 that write pages and blog posts."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from livesync_pipelines.sandbox.confluence import shown
from livesync_pipelines.sandbox.confluence.errors import ConfluenceError, not_found
from livesync_pipelines.sandbox.confluence.reading import kind_of
from livesync_pipelines.sandbox.confluence.site import Content, Kind, Site
from livesync_pipelines.sandbox.world import Json, Person

_MACRO = re.compile(r"<ac:structured-macro\b(?![^>]*ac:macro-id)")
_TEXTS = {"storage": "storage", "atlas_doc_format": "adf"}


class Writing:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def create(self, request: Request, person: Person) -> Response:
        asked = await _body(request)
        space = self._site.spaces.get(str(asked.get("spaceId")))
        if space is None:
            raise not_found("space")
        kind, title = _kind(request), str(asked.get("title", ""))
        self._refuse_doubles(title, kind, space.id)
        parent = self._parent(asked, space.id, person)
        usual = space.homepage if kind == "page" else None
        made = self._site.create(
            kind, space, title, by=person, parent=parent or usual, **self._text(asked)
        )
        return self._answer(made)

    async def update(self, request: Request, person: Person) -> Response:
        """The number of the version must be the next one. What is in the trash comes back where
        its status is to be `current`; without a `parentId` a page stays where it is."""
        found, asked = self._content(request, person), await _body(request)
        said = asked.get("version", {})
        if said.get("number") != found.head.number + 1:
            raise ConfluenceError(409, "Version must be incremented on update")
        title = str(asked.get("title") or found.title)
        if title != found.title:
            self._refuse_doubles(title, found.kind, found.space_id)
        fields = {"title": title, "status": asked.get("status", found.status)}
        fields |= {"parent": self._parent(asked, found.space_id, person) or found.parent}
        made = self._site.edit(
            found.id, by=person, message=said.get("message", ""), **fields, **self._text(asked)
        )
        return self._answer(made)

    async def delete(self, request: Request, person: Person) -> Response:
        """Into the trash; with `purge=true` out of it, for good."""
        found = self._content(request, person)
        if request.query_params.get("purge") == "true":
            if found.status != "trashed":
                raise ConfluenceError(400, "Only what is in the trash can be purged")
            self._site.purge(found.id)
        else:
            self._site.trash(found.id)
        return Response(status_code=204)

    def _answer(self, content: Content) -> Response:
        return JSONResponse(
            shown.content(self._site, content, {"body-format": "storage"}, one=True)
        )

    def _parent(self, asked: Json, space_id: str, person: Person) -> str | None:
        """The page that is to be above, where one is named."""
        if not asked.get("parentId"):
            return None
        above = self._site.contents.get(str(asked["parentId"]))
        is_there = above is not None and above.status == "current" and above.space_id == space_id
        if above is None or not is_there or not self._site.sees(person, above):
            raise not_found(f"parent {asked['parentId']}")
        return above.id

    def _text(self, asked: Json) -> dict[str, Any]:
        """The text, in either of its two spellings: `{representation, value}` or by format. Each
        macro gets an id, where it had none."""
        body = asked.get("body") or {}
        if "representation" in body:
            body = {body["representation"]: body}
        texts = {field: body[name]["value"] for name, field in _TEXTS.items() if name in body}
        if "storage" in texts:
            texts["storage"] = _MACRO.sub(self._with_id, texts["storage"])
        return texts

    def _with_id(self, found: re.Match[str]) -> str:
        macro_id = self._site.world.ids.new("macro")
        return f'{found[0]} ac:schema-version="1" ac:macro-id="{macro_id}"'

    def _refuse_doubles(self, title: str, kind: str, space_id: str) -> None:
        """Titles are unique in a space, among what is not in the trash."""
        for one in self._site.contents.values():
            same = (one.title, one.kind, one.space_id) == (title, kind, space_id)
            if same and one.status != "trashed":
                why = "A page with this title already exists in this space"
                raise ConfluenceError(400, why)

    def _content(self, request: Request, person: Person) -> Content:
        content_id = request.path_params["content_id"]
        found = self._site.contents.get(content_id)
        kind = _kind(request)
        if found is None or found.kind != kind or not self._site.sees(person, found):
            raise not_found(f"content {content_id}")
        return found


def _kind(request: Request) -> Kind:
    kind = kind_of(request.path_params["kind"])
    if kind not in {"page", "blogpost"}:
        raise ConfluenceError(405, "Method Not Allowed")
    return kind


async def _body(request: Request) -> Json:
    try:
        asked = json.loads(await request.body())
    except ValueError as error:
        raise ConfluenceError(400, "the body is no JSON") from error
    if not isinstance(asked, dict):
        raise ConfluenceError(400, "the body is no object")
    return asked
