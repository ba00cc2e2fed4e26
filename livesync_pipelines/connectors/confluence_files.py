"""A Confluence space as the target of a copy: each Markdown, HTML or text file becomes a page.

What `confluence` and `_confluence_pages` name, as others tell it (2026-11-22).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import IO

from propcache.api import cached_property

from livesync_pipelines.connectors._api_client import Called
from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.connectors._confluence_folders import FOLDER, Folders
from livesync_pipelines.connectors._confluence_form import PageForm, forms_of
from livesync_pipelines.connectors._confluence_items import Item, Json
from livesync_pipelines.connectors._confluence_options import (
    ConfluenceConnection,
    ConfluencePagesSelection,
)
from livesync_pipelines.connectors._confluence_pages import (
    Pages,
    PageVersion,
    TitleTaken,
    Wanted,
    judge_writing,
    name_in,
)
from livesync_pipelines.connectors._confluence_render import family_of, page_of, title_of
from livesync_pipelines.connectors.base import (
    PAGE_ITEMS,
    FetchLimits,
    ListingMark,
    Memory,
    listing_table,
)
from livesync_pipelines.connectors.confluence import Confluence
from livesync_pipelines.connectors.files import safe, whole
from livesync_pipelines.core.copying import digest_of
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.net.api import Basic


class ConfluencePages(Called):
    """The key is the path of the file that a page was made of: which page that is, is remembered,
    so people may rename and move it. Pages that nobody has copied there are not listed. The version
    is the page's id, its number, and the digest of what it was given."""

    spec = Confluence.spec
    Connection = ConfluenceConnection
    Selection = ConfluencePagesSelection
    width = 4

    def __init__(
        self,
        connection: ConfluenceConnection,
        selection: ConfluencePagesSelection,
        limits: FetchLimits,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._site = connection.url
        self._key, self._parent = selection.space, selection.parent
        self._where = f"space {selection.space} of {connection.url}"
        self._api = ConfluenceApi(
            self._client,
            limits.api_url or connection.url,
            Basic(connection.email, connection.api_token.get_secret_value()),
            max_bytes=limits.max_bytes,
            judge=judge_writing,
        )
        self._names: dict[str, str] = {}
        self._recalled: dict[str, dict[str, str]] = {}

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        versions = self._known(memory)
        taken = {version.id for version in versions.values()}
        made = {name: self._made(told, taken) for name, told in self._recalled.items()}
        versions |= {name: version for name, version in made.items() if version}
        self._names = {version.id: name for name, version in versions.items()}
        entries = [self._entry(name, version) for name, version in sorted(versions.items())]
        for start in range(0, max(len(entries), 1), PAGE_ITEMS):
            is_last = start + PAGE_ITEMS >= len(entries)
            yield ListingPage(
                entries=listing_table(entries[start : start + PAGE_ITEMS]),
                resume=None if is_last else ANEW,
                complete=is_last,
            )

    def place(self) -> str:
        below = f"pages/{self._parent}/" if self._parent else ""
        return f"{self._site}/wiki/spaces/{self._key}/{below}"

    def name_of(self, key: str) -> str:
        return key

    def key_of(self, name: str) -> str:
        if family_of(safe(name, self._where)) is None:
            raise BadInput(
                f"{name} cannot be a page: only Markdown, HTML and plain text can",
                hint="Leave it out at its source with `include` or `exclude`.",
                where=self._where,
            )
        return name

    def rendered(self, name: str, content: bytes) -> bytes:
        return page_of(self.key_of(name), content).written()

    def holds(self, entry: Entry, content: bytes) -> bool:
        return PageVersion.read(entry.version).digest == digest_of(content)

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        form = PageForm.read(whole(content))
        title = form.title or title_of(self.key_of(key))
        wanted = Wanted(name=key, digest=form.digest, title=title, storage=form.storage)
        if expected_version is None:
            return str(self._create(wanted))
        seen = PageVersion.read(expected_version)
        return expected_version if seen.digest == form.digest else str(self._change(seen, wanted))

    def remove(self, key: str, *, expected_version: str) -> None:
        seen = PageVersion.read(expected_version)
        self._pages.trash(key, seen)
        self._names.pop(seen.id, None)

    def move(self, key: str, to: str, *, expected_version: str) -> str:
        """A page keeps the title that its document gives it; one that is called after its file is
        called after the new name."""
        seen = PageVersion.read(expected_version)
        found = self._pages.now(seen.id)
        if found is None:
            raise self._pages.moved(key)
        page, storage = found
        own, _ = forms_of(page.known.title, storage)
        named = page.known.title == title_of(key) and own.digest != seen.digest
        title = title_of(self.key_of(to)) if named else page.known.title
        stays = key.rpartition("/")[0] == to.rpartition("/")[0]
        parent = "" if stays else self._folders.above(to)
        wanted = Wanted(name=to, digest=seen.digest, title=title, storage=storage, parent=parent)
        stands = title == page.known.title and parent in {"", page.parent, page.id}
        made = seen if stands else self._change(seen, wanted)
        self._names[seen.id] = to
        return str(made)

    def reserve(self, key: str, content: bytes) -> str:
        """Its title is there once in the space, so that it tells the page."""
        title = PageForm.read(content).title or title_of(key)
        return json.dumps({"title": title, "digest": digest_of(content)})

    def recall(self, reserved: Mapping[str, str]) -> None:
        self._recalled = {name: json.loads(written) for name, written in reserved.items()}

    def probe(self, memory: Memory) -> str:
        """All pages of the space: which of them are ours is not known without a memory."""
        mark = ListingMark()
        shown = (Entry(key=one.id, version=one.version) for one in self._there.values())
        mark.add(ListingPage(entries=listing_table(shown), complete=True))
        return f"{mark}"

    @cached_property
    def _space(self) -> Json:
        """Raises `BadInput`: a space that is not seen any more has not become empty."""
        found = self._api.space(self._key)
        if found is None:
            raise BadInput(
                f"the account does not see the {self._where}, or there is none",
                hint="See whether `space` is its key, and whether the account may read it. Nothing "
                "was taken for deleted.",
                where=self._where,
            )
        return found

    @cached_property
    def _there(self) -> dict[str, Item]:
        """The pages of the space, by id, as they were when they were first asked for."""
        pieces = self._api.contents("page", str(self._space["id"]), ("current",))
        found = {one.id: one for piece in pieces for one in piece}
        if self._parent and self._parent not in found:
            raise BadInput(
                f"there is no page {self._parent} in the {self._where}",
                hint="Open it in Confluence as the account's owner: its address has its id. "
                "Nothing was taken for deleted.",
                where=self._where,
            )
        return found

    @cached_property
    def _pages(self) -> Pages:
        return Pages(self._api, str(self._space["id"]), self._where)

    @cached_property
    def _folders(self) -> Folders:
        top = self._parent or str(self._space.get("homepageId") or "")
        return Folders(self._pages, self._there.values(), top=top, bound=self._parent)

    def _create(self, wanted: Wanted) -> PageVersion:
        """A page that stood for a folder of its title is what the document is written on."""
        placed = replace(wanted, parent=self._folders.above(wanted.name))
        try:
            made = self._pages.make(placed)
        except TitleTaken as taken:
            if taken.storage != FOLDER or taken.page.parent != placed.parent:
                raise self._clash(wanted, taken.page.id) from taken
            made = self._pages.change(PageVersion.of(taken.page), wanted)
        if made.id in self._names:
            raise self._clash(wanted, made.id)
        self._names[made.id] = wanted.name
        return made

    def _change(self, seen: PageVersion, wanted: Wanted) -> PageVersion:
        try:
            return self._pages.change(seen, wanted)
        except TitleTaken as taken:
            raise self._clash(wanted, taken.page.id) from taken

    def _clash(self, wanted: Wanted, page_id: str) -> BadInput:
        other = self._names.get(page_id)
        whose = f"that of {other}" if other else "which this sync has not made"
        return BadInput(
            f"{wanted.name} cannot be a page: page {page_id} of the space, {whose}, has its title",
            hint="Give one of them another heading, or a `title` in its front matter.",
            where=self._where,
        )

    def _known(self, memory: Memory) -> dict[str, PageVersion]:
        """What has become of the pages that were known, by name. One that was moved, while nobody
        lived to tell, has its new name in what is said of its version."""
        found: dict[str, PageVersion] = {}
        for name, version in sorted(memory.states(list(memory.keys())).items()):
            known = PageVersion.read(version)
            page = self._there.get(known.id)
            if page is None:
                continue
            is_same = page.known.number == known.number
            now = known if is_same else PageVersion.of(page)
            moved = None if is_same else name_in(page.message)
            found.setdefault(moved or name, now)
        return found

    def _made(self, told: Mapping[str, str], taken: Collection[str]) -> PageVersion | None:
        """What has become of a page that somebody was about to make, and lived not to tell."""
        titled = (one for one in self._there.values() if one.known.title == told["title"])
        page = next((one for one in titled if one.id not in taken), None)
        found = self._pages.now(page.id) if page else None
        if page is None or found is None:
            return None
        forms = forms_of(page.known.title, found[1])
        is_ours = told["digest"] in [form.digest for form in forms]
        return PageVersion(page.id, page.known.number, told["digest"] if is_ours else "")

    def _entry(self, name: str, version: PageVersion) -> Entry:
        page = self._there[version.id]
        return Entry(
            key=name,
            version=str(version),
            identity=page.id,
            modified_at=page.modified_at,
            state=page.known.webui,
        )

    def read(self, entry: Entry) -> Body | ItemFailure:
        seen = PageVersion.read(entry.version)
        found = self._pages.now(seen.id)
        if found is not None and not found[1] and self._pages.is_elsewhere(seen.id):
            return ItemFailure(entry.key, "other_format", "its text is in the new editor's own")
        if found is None or found[0].status != "current":
            return ItemFailure(entry.key, "vanished", "its page has gone while it was read")
        page, storage = found
        now = seen if page.known.number == seen.number else PageVersion.of(page)
        own, bare = forms_of(page.known.title, storage)
        usual = bare if page.known.title == title_of(entry.key) else own
        form = next((one for one in (own, bare) if one.digest == now.digest), usual)
        return Body(
            key=entry.key,
            version=str(now),
            content=form.written(),
            name=entry.key.rpartition("/")[2],
            url=f"{self._site}/wiki{page.known.webui}",
            title=page.known.title,
            modified_at=page.modified_at,
        )
