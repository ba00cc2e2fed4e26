"""The pages that stand for the folders of files which became pages.

A folder `guide/deep` is the page `guide / deep`, which lists what lies below it. Titles are unique
in a space, so that such a page is found by its title, wherever people have moved it.
"""

from __future__ import annotations

from collections.abc import Iterable

from livesync_pipelines.connectors._confluence_items import Item
from livesync_pipelines.connectors._confluence_pages import Pages, TitleTaken, Wanted
from livesync_pipelines.core.copying import digest_of
from livesync_pipelines.model.errors import BadInput

FOLDER = '<ac:structured-macro ac:name="children" />'


class Folders:
    """`there`: the pages of the space; `top`: the id of the page that is the topmost folder, empty
    where the space has none; `bound`: the id of the page below which all must lie, empty for
    anywhere."""

    def __init__(self, pages: Pages, there: Iterable[Item], *, top: str, bound: str) -> None:
        self._pages = pages
        self._by_id = {one.id: one for one in there}
        self._by_title = {one.known.title: one for one in self._by_id.values()}
        self._top = top
        self._bound = bound
        self._ids: dict[str, str] = {}

    def above(self, name: str) -> str:
        """The id of the page below which that of a file of this name lies; its folders are made
        where they were not there."""
        at, path = self._top, ""
        for part in name.split("/")[:-1]:
            path = f"{path} / {part}" if path else part
            if path not in self._ids:
                self._ids[path] = self._folder(path, at)
            at = self._ids[path]
        return at

    def _folder(self, title: str, parent: str) -> str:
        there = self._by_title.get(title)
        if there is None:
            digest = digest_of(FOLDER.encode())
            wanted = Wanted(name=title, digest=digest, title=title, storage=FOLDER, parent=parent)
            try:
                return self._pages.make(wanted).id
            except TitleTaken as taken:
                there = taken.page
        if not self._lies_below(there):
            raise BadInput(
                f"the page for the folder {title} cannot be made: page {there.id}, which lies "
                "elsewhere in the space, has this title",
                hint="Rename one of them.",
            )
        return there.id

    def _lies_below(self, page: Item) -> bool:
        seen = {page.id}
        at: Item | None = page
        while self._bound and at is not None and at.parent != self._bound:
            at = None if at.parent in seen else self._by_id.get(at.parent)
            seen |= {at.id} if at else set()
        return at is not None
