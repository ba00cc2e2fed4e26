"""A platform that keeps its whole history, tells what it was asked, and fails when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from livesync_pipelines.connectors.base import Connector, Memory, Options, listing_table
from livesync_pipelines.model.errors import CursorExpired, ItemFailure
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec

CLOCK = Clock(granularity_s=0)
ORDERED = PlatformSpec(
    name="fake",
    title="Fake",
    clock=CLOCK,
    absence=Absence.DELETED,
    ordered=True,
    identity=True,
)
FEED = PlatformSpec(name="feed", title="Feed", clock=CLOCK, absence=Absence.KEPT)


@dataclass(frozen=True, slots=True)
class Item:
    """One item as it is now. Its identity stays with it through renames."""

    content: bytes
    version: str
    identity: str
    title: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None


def _nothing() -> None:
    return


@dataclass(slots=True)
class Source:
    """What the platform holds, what it was asked, and how it misbehaves.

    `at_page[n]` happens before page n (from 0) of a listing is given out: an edit, or an error;
    `at_change[n]` before page n of the change feed, which tells no more of the first `forgotten`
    events, and says why an item has gone in the words of `reasons`.
    """

    items: dict[str, Item] = field(default_factory=dict)
    history: list[tuple[str, Item | None]] = field(default_factory=list)
    page_items: int = 2
    complete: bool = True
    with_bodies: bool = False
    note: str | None = None
    blind: dict[str, str] = field(default_factory=dict)
    failing: dict[str, ItemFailure] = field(default_factory=dict)
    unreadable: dict[str, ItemFailure] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    forgotten: int = 0
    total: int | None = None
    tokens: Iterator[str] | None = None
    at_change: dict[int, Callable[[], None]] = field(default_factory=dict)
    told: list[list[str]] = field(default_factory=list)
    at_page: dict[int, Callable[[], None]] = field(default_factory=dict)
    at_fetch: dict[str, Callable[[], None]] = field(default_factory=dict)
    pages: list[list[str]] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    notes: list[str | None] = field(default_factory=list)
    closed: int = 0

    def put(self, key: str, text: str, **more: object) -> None:
        """Create or edit an item: a new version, the same identity."""
        self.put_bytes(key, text.encode(), **more)

    def put_bytes(self, key: str, content: bytes, **more: object) -> None:
        old = self.items.get(key)
        stamp = len(self.history) + 1
        fresh = Item(content, f"v{stamp}", old.identity if old else f"i{stamp}")
        item = replace(old or fresh, content=content, version=fresh.version)
        self._now(key, replace(item, **more))  # type: ignore[arg-type]  # fields by name

    def touch(self, key: str) -> None:
        """A new version of the same words."""
        self.put_bytes(key, self.items[key].content)

    def rename(self, old: str, new: str) -> None:
        """The item keeps its identity and, as on a disk, gets a new version."""
        item = replace(self.items.pop(old), version=f"v{len(self.history) + 1}")
        self.history.append((old, None))
        self._now(new, item)

    def carry(self, folder: str, to: str) -> None:
        """All that lies in a folder lies in another one; nothing else of it changes, and nothing
        is said of where it was."""
        for key in [key for key in self.items if key.startswith(f"{folder}/")]:
            self._now(f"{to}{key.removeprefix(folder)}", self.items.pop(key))

    def swap(self, one: str, other: str) -> None:
        """Two items exchange their names."""
        self.items[one], self.items[other] = self.items[other], self.items[one]
        self.touch(one)
        self.touch(other)

    def remove(self, *keys: str) -> None:
        for key in keys:
            del self.items[key]
            self.history.append((key, None))

    def texts(self) -> dict[str, str]:
        return {key: item.content.decode() for key, item in self.items.items()}

    def forget(self) -> None:
        """Begin a new record of what is asked, and behave again."""
        self.pages, self.fetched, self.notes, self.told = [], [], [], []
        self.at_page, self.at_fetch, self.at_change = {}, {}, {}

    def _now(self, key: str, item: Item) -> None:
        self.items[key] = item
        self.history.append((key, item))

    def entry(self, key: str) -> Entry:
        item = self.items[key]
        size = len(item.content)
        return Entry(key, item.version, identity=item.identity, size=size, state=item.state)

    def body(self, key: str) -> Body:
        item = self.items[key]
        return Body(
            key=key,
            version=item.version,
            content=item.content,
            name=f"{key}.md",
            url=f"fake://{key}",
            title=item.title,
            attributes=item.attributes,
        )


class NoOptions(Options):
    """Nothing to say."""

    shelf: str = ""


class Fake(Connector):
    """Lists `source` in key order, resumable after a key."""

    Connection = NoOptions
    Selection = NoOptions
    source: ClassVar[Source]

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        source = self.source
        source.notes.append(memory.note)
        number, after, more = 0, resume, True
        while more:
            source.at_page.get(number, _nothing)()
            page, more = self._page(after)
            source.pages.append(page.entries["key"].to_pylist())
            yield page
            number, after = number + 1, page.resume

    def _page(self, after: str | None) -> tuple[ListingPage, bool]:
        source = self.source
        shown = {*source.items, *source.failing, *source.blind}
        keys = sorted(key for key in shown if after is None or key > after)
        more = len(keys) > source.page_items
        keys = keys[: source.page_items]
        entries = [source.entry(k) for k in keys if k in source.items and k not in source.failing]
        page = ListingPage(
            entries=listing_table(entries),
            failures=tuple(source.failing[k] for k in keys if k in source.failing),
            blind=tuple(source.blind[k] for k in keys if k in source.blind),
            bodies={e.key: source.body(e.key) for e in entries} if source.with_bodies else {},
            gone={} if more else source.gone,
            resume=keys[-1] if more else None,
            complete=not more and source.complete,
            note=None if more else source.note,
            total=source.total,
        )
        return page, more

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        for entry in entries:
            self.source.at_fetch.get(entry.key, _nothing)()
            self.source.fetched.append(entry.key)
            if entry.key in self.source.unreadable:
                yield self.source.unreadable[entry.key]
            elif entry.key in self.source.items:
                yield self.source.body(entry.key)
            else:
                yield ItemFailure(entry.key, "vanished", "it went away after it was listed")

    def close(self) -> None:
        self.source.closed += 1


class Probed(Fake):
    """Also answers cheaply whether anything changed."""

    def probe(self, memory: Memory) -> str:
        self.source.at_page.get(-1, _nothing)()
        return f"{len(self.source.history)}"


class Told(Fake):
    """Also has a change feed: the numbers of the events that were."""

    def cursor(self) -> str:
        return f"{len(self.source.history)}"

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        source = self.source
        number, place, more = 0, int(cursor), True
        while more:
            source.at_change.get(number, _nothing)()
            if place < source.forgotten:
                raise CursorExpired("That is too long ago.")
            events = source.history[place : place + source.page_items]
            place += len(events)
            more = place < len(source.history)
            keys = list(dict.fromkeys(key for key, _ in events))
            source.told.append(keys)
            shown = [key for key in keys if key in source.items]
            yield FeedPage(
                entries=listing_table(source.entry(key) for key in shown),
                gone={k: source.reasons.get(k, "deleted") for k in keys if k not in shown},
                cursor=f"{place}",
                token=(next(source.tokens) if source.tokens else f"{place}") if more else None,
            )
            number += 1


def platform(
    source: Source, spec: PlatformSpec = ORDERED, kind: type[Fake] = Fake
) -> type[Connector]:
    """A connector class bound to this source."""
    return type("Bound", (kind,), {"source": source, "spec": spec})


def fails(error: BaseException) -> Callable[[], None]:
    """What raises this, for `at_page` and `at_fetch`."""

    def now() -> None:
        raise error

    return now
