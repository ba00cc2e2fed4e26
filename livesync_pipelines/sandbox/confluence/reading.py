"""The endpoints of REST v2 that read, and the download of REST v1."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.confluence import shown
from livesync_pipelines.sandbox.confluence.errors import ConfluenceError, not_found
from livesync_pipelines.sandbox.confluence.paging import Place, piece
from livesync_pipelines.sandbox.confluence.site import Content, Kind, Site, Space, number
from livesync_pipelines.sandbox.world import Person

_KINDS: dict[str, Kind] = {
    "pages": "page",
    "blogposts": "blogpost",
    "attachments": "attachment",
    "footer-comments": "comment",
}
"""What the kinds are called in addresses."""

_STATUSES = {"current", "archived", "trashed", "deleted", "draft"}
_USUAL = "current,archived"
_SORTS = {"id", "title", "created-date", "modified-date"}


class Reading:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def spaces(self, request: Request, person: Person) -> Response:
        wanted = _words(request.query_params.getlist("keys"))
        found = [s for s in self._site.spaces.values() if not wanted or s.key in wanted]
        return piece(request, found, lambda one: (int(one.id),), shown.space)

    async def space(self, request: Request, person: Person) -> Response:
        return JSONResponse(shown.space(self._space(request)))

    async def contents(self, request: Request, person: Person) -> Response:
        """All of a kind: of the whole site, of the space or with the label in the path; of pages
        and blog posts also those with one `id` of some."""
        kind = kind_of(request.path_params["kind"])
        found = [one for one in self._site.seen_by(person) if one.kind == kind]
        if "space_id" in request.path_params:
            space = self._space(request)
            found = [one for one in found if one.space_id == space.id]
        if "label_id" in request.path_params:
            name = self._label(request)
            found = [one for one in found if name in one.labels]
        title = request.query_params.get("title")
        found = [one for one in found if title is None or one.title == title]
        ids = _words(request.query_params.getlist("id"))
        if kind in {"page", "blogpost"}:
            found = [one for one in found if not ids or one.id in ids]
        spaces = _words(request.query_params.getlist("space-id"))
        found = [one for one in found if not spaces or one.space_id in spaces]
        return self._listed(request, found)

    async def hanging(self, request: Request, person: Person) -> Response:
        """What hangs on a page or a blog post: attachments or comments."""
        above = self._content(request, person)
        kind = kind_of(request.path_params["what"])
        below = [one for one in self._site.seen_by(person) if one.parent == above.id]
        return self._listed(request, [one for one in below if one.kind == kind])

    async def content(self, request: Request, person: Person) -> Response:
        """Also one in the trash, unless that is asked for with a `status`."""
        found = self._content(request, person)
        return JSONResponse(shown.content(self._site, found, request.query_params, one=True))

    async def labels(self, request: Request, person: Person) -> Response:
        names = self._content(request, person).labels
        return self._labels(request, names)

    async def space_labels(self, request: Request, person: Person) -> Response:
        """Those of the contents of a space."""
        space = self._space(request)
        seen = [one for one in self._site.seen_by(person) if one.space_id == space.id]
        return self._labels(request, {name for one in seen for name in one.labels})

    async def versions(self, request: Request, person: Person) -> Response:
        """The newest first."""
        found = self._content(request, person).versions
        return piece(request, found, lambda one: (one.number,), shown.version, backward=True)

    async def download(self, request: Request, person: Person) -> Response:
        """Leads to where the bytes are; that address holds a token, and needs no login."""
        found = self._content(request, person)
        mounted = request.scope.get("root_path", "")
        return RedirectResponse(f"{mounted}/media/{found.id}?token={self._token(found)}", 302)

    async def media(self, request: Request) -> Response:
        found = self._site.contents.get(request.path_params["content_id"])
        if found is None or request.query_params.get("token") != self._token(found):
            return ConfluenceError(403, "Forbidden").response()
        return Response(found.data, media_type=found.media_type)

    def _token(self, content: Content) -> str:
        return f"sandbox-{content.id}-{content.head.number}"

    def _listed(self, request: Request, found: Iterable[Content]) -> Response:
        statuses = _words(request.query_params.getlist("status")) or _words([_USUAL])
        if not statuses <= _STATUSES:
            raise ConfluenceError(400, "status is not one of those that there are")
        sort = request.query_params.get("sort", "id")
        name = sort.removeprefix("-")
        if name not in _SORTS:
            raise ConfluenceError(400, "sort is not one of those that there are")
        return piece(
            request,
            [one for one in found if one.status in statuses],
            lambda one: _place(one, name),
            lambda one: shown.content(self._site, one, request.query_params, one=False),
            backward=sort.startswith("-"),
        )

    def _labels(self, request: Request, names: Collection[str]) -> Response:
        labelled = [shown.label(self._site, name) for name in names]
        return piece(request, labelled, lambda one: (int(one["id"]),), lambda one: one)

    def _space(self, request: Request) -> Space:
        space_id = request.path_params["space_id"]
        if space_id not in self._site.spaces:
            raise not_found(f"space {space_id}")
        return self._site.spaces[space_id]

    def _label(self, request: Request) -> str:
        names = {label_id: name for name, label_id in self._site.labels.items()}
        label_id = request.path_params["label_id"]
        if label_id not in names:
            raise not_found(f"label {label_id}")
        return names[label_id]

    def _content(self, request: Request, person: Person) -> Content:
        content_id = request.path_params["content_id"]
        found = self._site.contents.get(content_id)
        kind = request.path_params.get("kind", "attachments")
        if found is None or found.kind != kind_of(kind) or not self._site.sees(person, found):
            raise not_found(f"content {content_id}")
        return found


def kind_of(name: str) -> Kind:
    """Raises for a name that there is not in addresses."""
    if name not in _KINDS:
        raise not_found(name)
    return _KINDS[name]


def _place(content: Content, sort: str) -> Place:
    match sort:
        case "title":
            return (content.title, number(content.id))
        case "created-date":
            return (rfc3339(content.versions[0].at), number(content.id))
        case "modified-date":
            return (rfc3339(content.head.at), number(content.id))
    return (number(content.id),)


def _words(said: Iterable[str]) -> set[str]:
    """A parameter may be repeated, and may hold several values with commas between them."""
    return {word for part in said for word in part.split(",") if word}
