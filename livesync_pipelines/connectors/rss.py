"""An RSS or Atom feed.

RFC 4287 (Atom), RFC 5005 (paged feeds) and feedparser 6.0.14's documentation, read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Annotated
from urllib.parse import urlsplit

from propcache.api import cached_property
from pydantic import AfterValidator, Field

from livesync_pipelines.connectors._feed_pages import FeedPages, listed, public
from livesync_pipelines.connectors._feeds import Feed, Item
from livesync_pipelines.connectors._websub import WebSub
from livesync_pipelines.connectors.base import (
    PAGE_ITEMS,
    Connector,
    FetchLimits,
    Memory,
    Options,
    Remote,
    listing_table,
)
from livesync_pipelines.model.errors import BadInput, Broken, ItemFailure, Unavailable
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.client import USER_AGENT, Answer, Client
from livesync_pipelines.net.fanout import fan_out

_WIDTH = 4
_DOCUMENTS = 1_000


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme.lower() not in {"http", "https"} or not parts.hostname:
        raise ValueError("give an http:// or https:// URL")
    return url


class RssConnection(Remote):
    """`allow_private`: True, or the hosts that may be on private addresses. `full_text`: the page
    that an entry links to is its text, not what the feed says of it; `pause_s` is then left
    between two calls to one host."""

    url: Annotated[str, AfterValidator(_http)] = Field(repr=False)
    allow_private: bool | list[str] = False
    full_text: bool = False
    user_agent: str = Field(default=USER_AGENT, pattern=r"^[\x20-\x7e]{1,200}$")
    pause_s: float = Field(default=0.5, ge=0, le=60)


class RssSelection(Options):
    """Entries of any of these categories (case does not count; none: all), and of these the
    first `max_entries` as the feed orders them."""

    categories: list[str] = Field(default=[])
    max_entries: int | None = Field(default=None, ge=1)


class Rss(Connector):
    """Entries of one feed. The key is the entry's own id, else its link."""

    spec = PlatformSpec(
        name="rss",
        title="RSS and Atom",
        clock=Clock(granularity_s=0.0),
        absence=Absence.KEPT,
        webhook="websub",
        subscribed_by="webhook",
        docs=(
            "https://www.rfc-editor.org/rfc/rfc4287 (2026-11-21)",
            "https://www.rfc-editor.org/rfc/rfc5005 (2026-11-21)",
            "https://feedparser.readthedocs.io/en/stable/bozo.html (2026-11-21)",
        ),
        quirks=(
            "entries age out of a feed: what is no longer in it is kept",
            "version is a hash of title, content, link, author and categories; dates do not count",
            "of entries with the same id, the one that was changed last is taken",
            "an entry that breaks off at the end of a torn feed is left out until it is whole",
            "with full_text a page that changes is seen only when its entry changes",
            "with full_text the feed is asked for without validators, so that failed pages return",
            "older documents (RFC 5005) are read until one brings nothing new",
            "tombstones (at:deleted-entry) are not read",
        ),
    )
    Connection = RssConnection
    Selection = RssSelection

    def __init__(
        self, connection: RssConnection, selection: RssSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._settings = connection
        self._categories = {name.casefold() for name in selection.categories}
        self._most = selection.max_entries
        self._asked_for = _digest(repr((connection.url, connection.full_text, selection)).encode())
        self._items: dict[str, Item] = {}

    @cached_property
    def _client(self) -> Client:
        return _client(self._settings, self.limits)

    @cached_property
    def _pages(self) -> FeedPages:
        return FeedPages(self._client, self._settings.url)

    @staticmethod
    def subscriber(connection: RssConnection, limits: FetchLimits) -> WebSub:
        client = _client(connection, limits)
        pages = FeedPages(client, connection.url)
        return WebSub(client=client, pages=pages, plain=connection.allow_private)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        place = _Place() if resume is None else _Place(*json.loads(resume))
        noted = self._noted(memory.note)
        known = next(memory.keys(), None) is not None
        validators = _validators(noted) if resume is None else {}
        answer = self._pages.get(place.url, validators=validators, known=known)
        digest = _digest(answer.content)
        if (
            resume is None
            and noted.get("digest")
            and (answer.status == 304 or noted["digest"] == digest)
        ):
            yield ListingPage(entries=listing_table(()), complete=True)
            return
        feed = self._pages.parsed(answer, known=known)
        note = None
        if resume is None:
            note = self._note(answer, digest, whole=feed.complaint is None)
        place = place if place.digest == digest else _Place(place.url, digest)
        yield from self._documents(place, feed, memory, note=note, all_new=not noted)

    def probe(self, memory: Memory) -> str:
        """A digest of the feed's document, which is not sent again where it is the same. Raises
        `Unavailable` where something is owed, so that only a run can tell."""
        noted = self._noted(memory.note)
        if "digest" not in noted:
            raise Unavailable("what the last run saw of the feed is not all there was to see")
        answer = self._pages.get("", validators=_validators(noted), known=True)
        return noted["digest"] if answer.status == 304 else _digest(answer.content)

    def mark_of(self, note: str | None) -> str | None:
        return self._noted(note).get("digest")

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        items = self._items
        if not all(entry.key in items for entry in entries):
            feed = self._pages.parsed(self._pages.get("", known=True), known=True)
            items = {item.key: item for item in feed.items} | items
        return fan_out(partial(self._answer, items), entries, width=_WIDTH)

    def _answer(self, items: Mapping[str, Item], entry: Entry) -> Body | ItemFailure:
        item = items.get(entry.key)
        if item is None:
            return ItemFailure(entry.key, "vanished", "the feed does not show it any more")
        return self._pages.linked(item) if self._settings.full_text else self._pages.body(item)

    def _documents(
        self, place: _Place, feed: Feed, memory: Memory, *, note: str | None, all_new: bool
    ) -> Iterator[ListingPage]:
        """The pages of this document of the feed, then of the older ones that it leads to."""
        visited, seen, taken = {place.url or self._settings.url}, set[str](), 0
        while True:
            fresh = [item for item in feed.items if item.key not in seen]
            seen.update(item.key for item in fresh)
            items = [item for item in fresh if self._means(item)]
            items = items if self._most is None else items[: self._most - taken]
            taken += len(items)
            older = feed.older if fresh and (all_new or _holds_news(items, memory)) else None
            if older in visited or taken == self._most:
                older = None
            yield from self._sliced(place, feed.complaint, items, note=note, older=older)
            if older is None:
                return
            visited.add(older)
            try:
                answer = self._pages.get(older, known=True)
                feed = self._pages.parsed(answer, known=True)
                if len(visited) > _DOCUMENTS:
                    raise Broken(f"the feed goes on for more than {_DOCUMENTS} documents")
            except (Broken, BadInput) as error:
                failure = ItemFailure(public(older), "unreadable", error.message)
                yield listed((), failures=(failure,), resume=None, note=note)
                return
            place = _Place(older, _digest(answer.content))

    def _sliced(
        self,
        place: _Place,
        complaint: str | None,
        items: Sequence[Item],
        *,
        note: str | None,
        older: str | None,
    ) -> Iterator[ListingPage]:
        failures: tuple[ItemFailure, ...] = ()
        if complaint:
            failures = (
                ItemFailure(public(place.url or self._settings.url), "malformed", complaint),
            )
        self._items = {item.key: item for item in items}
        for start in range(place.skip, len(items) or 1, PAGE_ITEMS):
            end = start + PAGE_ITEMS
            after = _Place(older) if older else None
            if end < len(items):
                after = _Place(place.url, place.digest, end)
            bodies = () if self._settings.full_text else map(self._pages.body, items[start:end])
            yield listed(
                items[start:end],
                bodies={body.key: body for body in bodies},
                failures=failures,
                resume=after.written() if after else None,
                note=None if after else note,
            )
            failures = ()

    def _means(self, item: Item) -> bool:
        named = {name.casefold() for name in item.categories}
        return not self._categories or not named.isdisjoint(self._categories)

    def _noted(self, note: str | None) -> dict[str, str]:
        """What was noted of the feed, unless something else was asked for then."""
        noted: dict[str, str] = json.loads(note or "{}")
        return noted if noted.get("asked_for") == self._asked_for else {}

    def _note(self, answer: Answer, digest: str, *, whole: bool) -> str:
        """Validators only where the next run may lean on them: where nothing is owed."""
        noted = {"asked_for": self._asked_for}
        if whole and not self._settings.full_text:
            noted["digest"] = digest
            for name in ("etag", "last-modified"):
                if name in answer.headers:
                    noted[name] = answer.headers[name]
        return json.dumps(noted)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a listing goes on: at a document of the feed, and behind so many of its entries if
    it is still the very same. The feed's own URL is not written down: it may hold a login."""

    url: str = ""
    digest: str = ""
    skip: int = 0

    def written(self) -> str:
        return json.dumps([self.url, self.digest, self.skip])


def _client(settings: RssConnection, limits: FetchLimits) -> Client:
    return Client(
        allow_private=settings.allow_private,
        timeout_s=limits.timeout_s,
        max_bytes=limits.max_bytes,
        user_agent=settings.user_agent,
        per_host_s=settings.pause_s if settings.full_text else 0.0,
        pacer=limits.pacer,
        tries=limits.tries,
    )


def _validators(noted: Mapping[str, str]) -> dict[str, str]:
    named = {"if-none-match": "etag", "if-modified-since": "last-modified"}
    return {header: noted[name] for header, name in named.items() if name in noted}


def _holds_news(items: Sequence[Item], memory: Memory) -> bool:
    known = memory.states([item.key for item in items])
    return any(known.get(item.key) != item.version for item in items)


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()
