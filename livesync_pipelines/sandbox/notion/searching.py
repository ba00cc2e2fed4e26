"""Search: what is shared with the connection, as far as it is in the index.

https://developers.notion.com/reference/post-search and /search-optimizations-and-limitations, as
others tell it (2026-11-22).
"""

from __future__ import annotations

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.door import body_of
from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.notion.paging import Place, piece
from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json

_KINDS = ("page", "data_source")


class Searching:
    def __init__(self, space: Workspace) -> None:
        self._space = space

    async def search(self, request: Request) -> Response:
        asked = await body_of(request)
        filtered = asked.get("filter") or {}
        kind = filtered.get("value")
        if kind is not None and (filtered.get("property") != "object" or kind not in _KINDS):
            raise invalid('body.filter.value should be `"page"` or `"data_source"`.')
        words, trashed = str(asked.get("query") or ""), bool(filtered.get("in_trash", False))
        found = [
            one
            for one in self._indexed(trashed)
            if kind in (None, one.kind) and words.lower() in self._words(one).lower()
        ]
        sort = asked.get("sort") or {}
        found.sort(key=self._place, reverse=sort.get("direction", "descending") == "descending")
        return piece(asked, found, self._place, self._shown, kind="page_or_data_source")

    def _indexed(self, trashed: bool) -> list[Thing]:
        """What is shared by itself is always there."""
        space = self._space
        return [
            one
            for one in space.things.values()
            if one.kind in _KINDS
            and (one.id not in space.unindexed or one.id in space.shared)
            and self._edited(one)
            and space.sees(one)
            and space.is_out(one) is trashed
        ]

    def _words(self, one: Thing) -> str:
        return plain(one.title or one.values.get("title", ()))

    def _shown(self, one: Thing) -> Json:
        return shown.shown(self._space, one) | {"last_edited_time": self._edited(one)}

    def _place(self, one: Thing) -> Place:
        return (self._edited(one), one.id)

    def _edited(self, one: Thing) -> str:
        """When, as far as the index knows; empty where it does not know the thing yet."""
        until = self._space.world.clock.now() - timedelta(seconds=self._space.index_lag_s)
        known = [at for at in one.edits if at <= until or not self._space.index_lag_s]
        return shown.minute(known[-1]) if known else ""
