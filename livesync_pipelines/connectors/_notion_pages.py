"""Pages of Notion: as a list shows them, as they are remembered, and as they are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Self

from livesync_pipelines.connectors._notion_api import Json, NotionApi
from livesync_pipelines.connectors._notion_text import Node, markdown
from livesync_pipelines.connectors._notion_values import is_cut, lines, title_of
from livesync_pipelines.formats.limits import Unreadable
from livesync_pipelines.model.records import Body, Entry
from livesync_pipelines.net.verdict import Gone

_SETTLED = timedelta(minutes=2)
"""Notion rounds a page's time down to the minute, so what is edited in that minute again looks the
same; one minute more is for what is late."""
_DEEPEST = 60
_APART = ("child_page", "child_database")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One page as a list shows it: `edited` is Notion's time of its last edit, `shown` a digest of
    its title and properties. `page`: all of it, where the list has just shown it."""

    id: str
    edited: str
    shown: str
    is_row: bool
    page: Json | None = field(default=None, compare=False)

    @property
    def edited_at(self) -> datetime:
        return datetime.fromisoformat(self.edited)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a page was when it was last read. `settled`: whether any later edit bears a later time.
    `pages`, `databases`: the ids of those that lie in it."""

    edited: str
    shown: str
    version: str
    settled: bool
    pages: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()

    @classmethod
    def read(cls, state: str) -> Self:
        found = json.loads(state)
        for name in ("pages", "databases"):
            found[name] = tuple(found[name])
        return cls(**found)

    def written(self) -> str:
        return json.dumps(asdict(self))

    def still(self, item: Item) -> bool:
        """Whether the page is surely as it was read."""
        return self.settled and (self.edited, self.shown) == (item.edited, item.shown)

    def entry(self, item: Item) -> Entry:
        return Entry(
            key=item.id,
            version=self.version,
            modified_at=item.edited_at,
            state=self.written(),
        )


@dataclass(frozen=True, slots=True)
class Read:
    """A page with its text, and what is to be remembered of it."""

    body: Body
    known: Remembered


def item_of(page: Json, *, whole: bool = False) -> Item:
    """`whole`: keep all that was shown of it."""
    shown = json.dumps([title_of(page), *lines(page)])
    return Item(
        id=page["id"],
        edited=page["last_edited_time"],
        shown=blake2b(shown.encode(errors="replace"), digest_size=8).hexdigest(),
        is_row=page["parent"]["type"] == "data_source_id",
        page=page if whole else None,
    )


def read_page(api: NotionApi, item: Item, max_bytes: int) -> Read:
    """A page as it is now. Raises `Gone`, `Unreadable`, and whatever a call does."""
    began = api.clock
    page = whole(api, item.page or api.page(item.id))
    nodes = _tree(api, item.id, 0)
    title, told = title_of(page), list(lines(page))
    content = markdown(nodes, told).encode(errors="replace")
    if len(content) > max_bytes:
        raise Unreadable("too_large", f"it has {len(content)} bytes; {max_bytes} are allowed")
    version = blake2b(f"{title}\0".encode(errors="replace") + content, digest_size=16).hexdigest()
    known = Remembered(
        edited=item.edited,
        shown=item.shown,
        version=version,
        settled=item.edited_at + _SETTLED <= began,
        pages=tuple(_within(nodes, "child_page")),
        databases=tuple(_within(nodes, "child_database")),
    )
    body = Body(
        key=item.id,
        version=version,
        content=content,
        name=f"{item.id}.md",
        url=page["url"],
        media_type="text/markdown",
        title=title or None,
        modified_at=item.edited_at,
        attributes={**dict(told), "type": "row" if item.is_row else "page"},
    )
    return Read(body, known)


def whole(api: NotionApi, page: Json) -> Json:
    """The page with the lists in its properties to their end."""
    values = dict(page["properties"])
    for name, value in values.items():
        if is_cut(value):
            kind = value["type"]
            items = [item[kind] for item in api.property(page["id"], value["id"])]
            values[name] = {**value, kind: items, "has_more": False}
    return {**page, "properties": values}


def _tree(api: NotionApi, block_id: str, depth: int) -> list[Node]:
    if depth > _DEEPEST:
        raise Unreadable("unreadable", "Its blocks are nested too deeply.")
    nodes = []
    for block in api.children(block_id):
        has_own = block["has_children"] and block["type"] not in _APART
        nodes.append(Node(block, _below(api, block, depth) if has_own else []))
    return nodes


def _below(api: NotionApi, block: Json, depth: int) -> list[Node]:
    """A synced block may show one that is not shared: then it shows nothing."""
    try:
        return _tree(api, block["id"], depth + 1)
    except Gone:
        if block["type"] == "synced_block":
            return []
        raise


def _within(nodes: Sequence[Node], kind: str) -> Iterator[str]:
    """What is shown in a synced block may lie elsewhere; it is looked at all the same."""
    for node in nodes:
        if node.kind == kind:
            yield str(node.block["id"])
        yield from _within(node.below, kind)
