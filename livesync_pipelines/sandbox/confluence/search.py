"""CQL, as far as it asks what has changed: terms that are joined by `and`, and an order.

https://developer.atlassian.com/cloud/confluence/advanced-searching-using-cql/,
as others tell it (2026-11-22).
Dates have minutes and no seconds. What is in the trash or the archive is not found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.confluence.errors import ConfluenceError
from livesync_pipelines.sandbox.confluence.paging import Place, piece
from livesync_pipelines.sandbox.confluence.site import Content, Site, number
from livesync_pipelines.sandbox.world import Json, Person

_ORDER = re.compile(r"\s+order\s+by\s+lastmodified(\s+asc)?\s*$", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_SINCE = re.compile(r"lastmodified\s*(>=|>)\s*\"([^\"]+)\"", re.IGNORECASE)
_AMONG = re.compile(r"(space|type|label)\s*(?:=|in)\s*\(?([^()]+)\)?", re.IGNORECASE)
_DATES = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d")

Term = Callable[[Content], bool]


class Search:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def search(self, request: Request, person: Person) -> Response:
        """Oldest change first."""
        cql = _ORDER.sub("", request.query_params.get("cql", "").strip())
        terms = [self._term(text) for text in _AND.split(cql)]
        found = [
            one
            for one in self._site.seen_by(person)
            if one.status == "current" and all(term(one) for term in terms)
        ]
        return piece(request, found, _place, self._shown)

    def _term(self, text: str) -> Term:
        since = _SINCE.fullmatch(text.strip())
        if since:
            sign, moment = since[1], _moment(since[2])
            return lambda one: (
                _minute(one.head.at) > moment or (sign == ">=" and _minute(one.head.at) == moment)
            )
        among = _AMONG.fullmatch(text.strip())
        if among is None:
            raise ConfluenceError(400, "Could not parse cql")
        field, words = among[1].lower(), {w.strip().strip("\"'") for w in among[2].split(",")}
        return lambda one: not words.isdisjoint(self._words(one, field))

    def _words(self, one: Content, field: str) -> tuple[str, ...]:
        match field:
            case "space":
                return (self._site.spaces[one.space_id].key,)
            case "label":
                return one.labels
        return (one.kind,)

    def _shown(self, one: Content) -> Json:
        key = self._site.spaces[one.space_id].key
        content = {"id": one.id, "type": one.kind, "status": one.status, "title": one.title}
        url, at = f"/spaces/{key}/{one.kind}s/{one.id}", rfc3339(one.head.at)
        return {"content": content, "title": one.title, "url": url, "lastModified": at}


def _place(one: Content) -> Place:
    return (rfc3339(one.head.at), number(one.id))


def _moment(text: str) -> datetime:
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ConfluenceError(400, "Could not parse cql: that is no date")


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
