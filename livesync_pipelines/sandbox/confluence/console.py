"""What people do in the browser and no call here does: labels, restrictions, moves, the archive,
comments, files. And how far the search lags behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from livesync_pipelines.sandbox.confluence.site import Content, Site, Space, Status
from livesync_pipelines.sandbox.confluence.truth import shown_whole
from livesync_pipelines.sandbox.world import Json

_Act = Callable[[Json], Any]


class Console:
    """Takes JSON objects; answers the content as it is then, or 400 with an `error`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        acts: dict[str, _Act] = {
            "label": self._label,
            "restrict": self._restrict,
            "move": self._move,
            "turn": self._turn,
            "comment": self._comment,
            "attach": self._attach,
            "edit": self._edit,
            "purge": self._purge,
            "space": self._space,
            "index": self._index,
        }
        return [
            Route(f"/console/{name}", _answered(act), methods=["POST"])
            for name, act in acts.items()
        ]

    def _label(self, said: Json) -> Json:
        """`id` bears these `labels` and no others."""
        content = self._content(said)
        self._site.label(content.id, *said["labels"])
        return self._now(content)

    def _restrict(self, said: Json) -> Json:
        """Only `readers` (e-mails) see `id` and what lies below; null: everybody."""
        content, readers = self._content(said), said["readers"]
        known = None if readers is None else frozenset(map(self._email, readers))
        self._site.restrict(content.id, known)
        return self._now(content)

    def _move(self, said: Json) -> Json:
        """`id` and all below it, into the space with the key `space`, below `parent` if named."""
        content = self._content(said)
        self._site.move(content.id, self._space_of(said["space"]), said.get("parent"))
        return self._now(content)

    def _turn(self, said: Json) -> Json:
        """`id` is `current`, `archived` or `trashed` from now on."""
        content, status = self._content(said), said["status"]
        if status not in get_args(Status):
            raise ValueError(f"a status is one of {', '.join(get_args(Status))}")
        self._site.turn(content.id, status)
        return self._now(content)

    def _comment(self, said: Json) -> Json:
        """A comment with this `storage` on the page or blog post `id`."""
        above = self._above(said)
        title, space = f"Re: {above.title}", self._site.spaces[above.space_id]
        made = self._site.create(
            "comment", space, title, parent=above.id, storage=str(said["storage"])
        )
        return self._now(made)

    def _attach(self, said: Json) -> Json:
        """A file with this `title`, `text` and `media_type` on the page or blog post `id`."""
        above = self._above(said)
        data, kind = str(said["text"]).encode(), str(said.get("media_type", "text/plain"))
        space = self._site.spaces[above.space_id]
        made = self._site.create(
            "attachment", space, str(said["title"]), parent=above.id, data=data, media_type=kind
        )
        return self._now(made)

    def _edit(self, said: Json) -> Json:
        """Another version of `id`: an attachment's `text`, anything else's `storage`."""
        content = self._content(said)
        if content.kind == "attachment":
            self._site.edit(content.id, data=str(said["text"]).encode())
        else:
            self._site.edit(content.id, storage=str(said["storage"]))
        return self._now(content)

    def _purge(self, said: Json) -> Json:
        """`id` goes for good, with what hangs on it."""
        content = self._content(said)
        self._site.purge(content.id)
        return {"purged": content.id}

    def _space(self, said: Json) -> Json:
        """A space with this `key` and `name`."""
        made = self._site.open_space(str(said["key"]), str(said.get("name", said["key"])))
        return {"id": made.id, "key": made.key}

    def _index(self, said: Json) -> Json:
        """The search shows everything as it was `lag_s` seconds ago."""
        self._site.index.lag_s = float(said["lag_s"])
        return {"lag_s": self._site.index.lag_s}

    def _content(self, said: Json) -> Content:
        found = self._site.contents.get(str(said["id"]))
        if found is None:
            raise LookupError(f"there is no content {said['id']}")
        return found

    def _above(self, said: Json) -> Content:
        found = self._content(said)
        if found.kind not in {"page", "blogpost"}:
            raise ValueError(f"{found.id} is no page and no blog post")
        return found

    def _space_of(self, key: str) -> Space:
        found = next((one for one in self._site.spaces.values() if one.key == key), None)
        if found is None:
            raise LookupError(f"there is no space {key}")
        return found

    def _email(self, email: str) -> str:
        return self._site.world.person(email).email

    def _now(self, content: Content) -> Json:
        return shown_whole(self._site, self._site.contents[content.id], content=False)


def _answered(act: _Act) -> Callable[[Request], Awaitable[Response]]:
    async def answered(request: Request) -> Response:
        try:
            said = await request.json()
            if not isinstance(said, dict):
                raise TypeError("it takes an object")
            return JSONResponse(act(said))
        except KeyError as error:
            return JSONResponse({"error": f"{error} is not said"}, status_code=400)
        except (ValueError, TypeError, LookupError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return answered
