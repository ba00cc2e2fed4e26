"""The search of REST v1: CQL over what the index knows, which may lag behind.

https://developer.atlassian.com/cloud/confluence/rest/v1/api-group-search/, as others tell it
(2026-11-22). What is in the trash or the archive is not found, nor counted.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.confluence import shown
from livesync_pipelines.sandbox.confluence.cql import Subject, question
from livesync_pipelines.sandbox.confluence.paging import Place, piece
from livesync_pipelines.sandbox.confluence.site import Content, Site, number
from livesync_pipelines.sandbox.world import Json, Person


class Search:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def search(self, request: Request, person: Person) -> Response:
        """In the order of their last changes. `expand` takes `content.` and `version`, `history`
        or `space`."""
        cql = request.query_params.get("cql", "")
        asked = question(cql.strip(), self._site.world.clock.now())
        expand = set(request.query_params.get("expand", "").split(","))
        found = [
            one
            for one in self._site.index.known()
            if one.status == "current"
            and one.space_id in self._site.spaces
            and self._site.sees(person, one)
            and asked.means(self._subject(one))
        ]
        return piece(
            request,
            found,
            _place,
            lambda one: self._shown(one, expand),
            backward=asked.newest_first,
            beside={"totalSize": len(found), "cqlQuery": cql},
        )

    def _subject(self, one: Content) -> Subject:
        key = self._site.spaces[one.space_id].key
        return Subject(
            words={"space": (key,), "label": one.labels, "type": (one.kind,)},
            moments={"lastmodified": one.head.at, "created": one.versions[0].at},
        )

    def _shown(self, one: Content, expand: set[str]) -> Json:
        space = self._site.spaces[one.space_id]
        content: Json = {"id": one.id, "type": one.kind, "status": one.status, "title": one.title}
        more: Json = {
            "version": {"number": one.head.number, "when": rfc3339(one.head.at)},
            "history": {"latest": True, "createdDate": rfc3339(one.versions[0].at)},
            "space": shown.space(space),
        }
        content |= {name: told for name, told in more.items() if f"content.{name}" in expand}
        url, at = f"/spaces/{space.key}/{one.kind}s/{one.id}", rfc3339(one.head.at)
        return {"content": content, "title": one.title, "url": url, "lastModified": at}


def _place(one: Content) -> Place:
    return (rfc3339(one.head.at), number(one.id))
