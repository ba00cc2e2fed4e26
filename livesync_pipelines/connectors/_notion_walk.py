"""Which pages there are: what search shows, and what lies below it, for search does not show all.

https://developers.notion.com/reference/search-optimizations-and-limitations, as others tell it
(2026-11-22).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from livesync_pipelines.connectors._notion_api import Json, NotionApi
from livesync_pipelines.connectors._notion_options import NotionSelection
from livesync_pipelines.connectors._notion_pages import Item, item_of
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.net.verdict import BadAnswer, Gone

_Ask = Callable[[str], Json]

BATCH = 50
"""So many pages are told of at once."""


class Walk:
    """From what is selected downward. Who reads a page says what lies in it (`take`)."""

    def __init__(self, api: NotionApi, selection: NotionSelection) -> None:
        self.seen: set[str] = set()
        """The pages that were told of."""
        self.failures: list[ItemFailure] = []
        """Databases of which not all could be told."""
        self._api = api
        self._said = selection
        self._roots = {*selection.pages, *selection.databases}
        self._index: dict[str, Item] = {}
        self._pages: deque[str] = deque()
        self._sources: deque[str] = deque()
        self._asked: set[str] = set()
        self._standing: dict[str, str] = {}
        self._asks: dict[str, _Ask] = {
            "page_id": api.page,
            "database_id": api.database,
            "block_id": api.block,
        }

    def start(self) -> None:
        """Raises `BadInput` where something selected is not there."""
        sources = []
        for found in self._api.search():
            if found["object"] == "data_source":
                sources.append(str(found["id"]))
            elif not found["in_trash"]:
                self._index[found["id"]] = item_of(found)
        if not self._roots:
            self._pages.extend(self._index)
            self._sources.extend(sources)
        for page_id in self._said.pages:
            page = self._chosen(page_id, "page", self._api.page)
            self._index[page_id] = item_of(page)
            self._pages.append(page_id)
        for database_id in self._said.databases:
            self._sources.extend(self._sources_of_chosen(database_id))

    def take(self, pages: Iterable[str], databases: Iterable[str]) -> None:
        """These lie in a page that was told of."""
        self._pages.extend(one for one in pages if one not in self.seen)
        for database_id in databases:
            if database_id not in self._asked:
                self._asked.add(database_id)
                self._sources.extend(self._sources_of(database_id))

    def forget(self, page_id: str) -> None:
        """It is not there after all."""
        self.seen.discard(page_id)

    def batches(self) -> Iterator[list[Item]]:
        """Until nothing is left; rows first, for a query shows all of their properties."""
        while self._sources or self._pages:
            if self._sources:
                yield from self._rows(self._sources.popleft())
            else:
                yield list(islice(self._next_pages(), BATCH))

    def standing(self, page_id: str) -> Item | str:
        """Of a page that was there once and was not met: how it is now, or why it is gone."""
        try:
            page = self._api.page(page_id)
        except Gone:
            return "access_lost"
        item = item_of(page)
        if item.is_row and not self._said.rows:
            return "out_of_scope"
        reason = "trashed" if page["in_trash"] else self._above(page)
        if reason:
            return reason
        self.seen.add(page_id)
        return item

    def _next_pages(self) -> Iterator[Item]:
        while self._pages:
            page_id = self._pages.popleft()
            if page_id in self.seen:
                continue
            item = self._index.get(page_id) or self._there(page_id)
            if item is not None and (self._said.rows or not item.is_row):
                self.seen.add(page_id)
                yield item

    def _there(self, page_id: str) -> Item | None:
        """One that search does not show; none where it is in the trash, or not there at all."""
        try:
            page = self._api.page(page_id)
        except Gone:
            return None
        return None if page["in_trash"] else item_of(page)

    def _rows(self, source_id: str) -> Iterator[list[Item]]:
        """None of a data source that cannot be seen any more: each row is looked for by itself."""
        if source_id in self._asked or not self._said.rows:
            return
        self._asked.add(source_id)
        try:
            for rows in self._api.rows(source_id):
                fresh = [row for row in rows if row["id"] not in self.seen]
                self.seen.update(row["id"] for row in fresh)
                items = [item_of(row, whole=True) for row in fresh]
                yield from (items[at : at + BATCH] for at in range(0, len(items), BATCH))
        except Gone:
            return
        except BadAnswer as error:
            self.failures.append(ItemFailure(source_id, error.code, error.message))

    def _chosen(self, thing_id: str, what: str, ask: _Ask) -> Json:
        try:
            found = ask(thing_id)
        except Gone as error:
            raise self._not_there(thing_id, what) from error
        if found["in_trash"]:
            raise self._not_there(thing_id, what)
        return found

    def _not_there(self, thing_id: str, what: str) -> BadInput:
        return BadInput(
            f"Notion shows the connection no {what} {thing_id}.",
            hint=f"Share it with the connection (the {what}'s menu, Connections), or mend `select` "
            "of the sync. Nothing was taken for deleted.",
            where=f"{what} {thing_id}",
        )

    def _sources_of_chosen(self, said: str) -> list[str]:
        """Of a database, or of a data source that is named itself."""
        try:
            found = self._api.database(said)
        except Gone:
            source = self._chosen(said, "database", self._api.data_source)
            return [str(source["id"])]
        if found["in_trash"]:
            raise self._not_there(said, "database")
        return [str(one["id"]) for one in found["data_sources"]]

    def _sources_of(self, database_id: str) -> list[str]:
        """None of a view of a database that lies elsewhere: an API does not show it."""
        try:
            found = self._api.database(database_id)
        except Gone:
            return []
        return [] if found["in_trash"] else [str(one["id"]) for one in found["data_sources"]]

    def _above(self, thing: Json) -> str:
        """Why something is gone that has such a parent, empty where it is not: something above it
        is in the trash, or nothing above it is selected."""
        parent = thing["parent"]
        kind, above_id = parent["type"], parent.get(parent["type"])
        if kind == "data_source_id":
            if above_id in self._roots:
                return ""
            kind, above_id = "database_id", parent["database_id"]
        if kind not in self._asks:
            return self._at_the_top
        if above_id in self.seen or above_id in self._roots:
            return ""
        if above_id not in self._standing:
            self._standing[above_id] = self._asked_above(kind, above_id)
        return self._standing[above_id]

    def _asked_above(self, kind: str, above_id: str) -> str:
        try:
            above = self._asks[kind](above_id)
        except Gone:  # what lies below is shared by itself
            return self._at_the_top
        return "trashed" if above["in_trash"] else self._above(above)

    @property
    def _at_the_top(self) -> str:
        return "out_of_scope" if self._roots else ""
