"""The connectors to the pretend platform, one for each way in which it tells of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from livesync_pipelines.connectors.base import Connector, Memory, listing_table
from livesync_pipelines.connectors.stamped import Stamped
from livesync_pipelines.model.errors import CursorExpired, ItemFailure
from livesync_pipelines.model.records import Body, Entry, FeedPage, ListingPage
from livesync_pipelines.model.spec import PlatformSpec
from livesync_pipelines_tests.engine.fake_source import NoOptions
from livesync_pipelines_tests.proof.source import BLIND, Platform

PAGE, ITEM, CHANGES, PLACE = (
    "the source gives a page",
    "the source gives an item",
    "the source tells its changes",
    "the source tells its place",
)
SOURCE_STEPS = (PAGE, ITEM, CHANGES, PLACE)


class Ordered(Connector):
    """In key order, resumable after a key; each page shows what is there when it is given."""

    Connection = NoOptions
    Selection = NoOptions
    spec: ClassVar[PlatformSpec]
    platform: ClassVar[Platform]

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        after, more = resume, True
        while more:
            with self._step(PAGE):
                page = self._page(after)
            after = page.resume
            more = after is not None
            yield page

    def _page(self, after: str | None) -> ListingPage:
        platform, bad = self.platform, self.platform.bad
        keys = sorted(key for key in platform.items if after is None or key > after)
        more = len(keys) > platform.page_items and not bad.short
        keys = keys[: platform.page_items]
        blind = tuple({BLIND for _ in keys if bad.blind})
        unlisted = {key for key in keys[:1] if bad.unlisted}
        bad.unlisted = False
        failures = [ItemFailure(key, "timed_out", "It was not listed.") for key in unlisted]
        shown = [k for k in keys if k not in unlisted and not (bad.blind and k.startswith(BLIND))]
        entries, bodies, unread = self._told(shown)
        return ListingPage(
            entries=listing_table(entries),
            bodies=bodies,
            failures=(*failures, *unread),
            blind=blind,
            resume=keys[-1] if more else None,
            complete=not more and not bad.short,
        )

    def _told(
        self, keys: Iterable[str]
    ) -> tuple[list[Entry], Mapping[str, Body], list[ItemFailure]]:
        """Entries; with their bodies, or with what kept those from being read, where these come
        along."""
        keys = list(keys)
        if not self.platform.with_bodies:
            return [self._entry(key) for key in keys], {}, []
        answers = {key: self._answer(key) for key in keys}
        bodies = {key: a for key, a in answers.items() if isinstance(a, Body)}
        unread = [a for a in answers.values() if isinstance(a, ItemFailure)]
        return [self._entry(key) for key in bodies], bodies, unread

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        for entry in sorted(entries, key=lambda entry: _mixed(entry.key)):
            with self._step(ITEM):
                answer = self._answer(entry.key)
            self.platform.asked.append(entry.key)
            yield answer

    def _entry(self, key: str) -> Entry:
        state = self.platform.items[key]
        identity = state.identity if self.spec.identity else None
        return Entry(key, state.version, identity=identity, modified_at=state.stamp)

    def _answer(self, key: str) -> Body | ItemFailure:
        platform = self.platform
        if platform.bad.fails_once:
            platform.bad.fails_once = False
            return ItemFailure(key, "timed_out", "It is slow today.")
        if key not in platform.items:
            return ItemFailure(key, "vanished", "It went away after it was listed.")
        if key in platform.poisoned:
            return ItemFailure(key, platform.poisoned[key], "It cannot be read.")
        state = platform.items[key]
        return Body(
            key=key,
            version=state.version,
            content=state.text.encode(),
            name=f"{key}.md",
            url=f"fake://{key}",
            modified_at=state.stamp,
            attributes={"edit": f"{state.edit}"},
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self.platform.reach(name, "before")
        yield
        self.platform.reach(name, "after")


class Unordered(Ordered):
    """In an order of its own; a listing that broke off starts over; it says itself what is gone."""

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        platform = self.platform
        keys = sorted(platform.items, key=_mixed)
        place, more = 0, True
        while more:
            with self._step(PAGE):
                at_hand, bad = keys[place : place + platform.page_items], platform.bad
                place += platform.page_items
                more = place < len(keys) and not bad.short
                shown = [key for key in at_hand if key in platform.items]
                unlisted, bad.unlisted = {k for k in shown[:1] if bad.unlisted}, False
                entries, bodies, unread = self._told(k for k in shown if k not in unlisted)
                failures = [ItemFailure(k, "timed_out", "It was not listed.") for k in unlisted]
                page = ListingPage(
                    entries=listing_table(entries),
                    bodies=bodies,
                    failures=(*failures, *unread),
                    gone={} if more or not self.spec.explicit_deletes else _gone(platform),
                    resume=("again" if bad.repeats else f"p{place}") if more else None,
                    complete=not more and not bad.short,
                )
            yield page


class Told(Ordered):
    """Also tells of its events, by their numbers."""

    def cursor(self) -> str:
        with self._step(PLACE):
            return f"{len(self.platform.events)}"

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        platform, start, more = self.platform, int(cursor), True
        keys = list(dict.fromkeys(event.key for event in platform.events[start:]))
        end, place = len(platform.events), 0
        while more:
            with self._step(CHANGES):
                if start < platform.forgotten:
                    raise CursorExpired("That is too long ago.")
                if platform.bad.backwards:
                    keys[place:] = reversed(keys[place:])
                    platform.bad.backwards = False
                told = keys[place : place + platform.page_items]
                if platform.bad.doubled:
                    told = list(dict.fromkeys([*keys[:place], *told]))
                place += platform.page_items
                more = place < len(keys)
                token = ("again" if platform.bad.repeats else f"{place}") if more else None
                page = self._changed(told, cursor=cursor if more else f"{end}", token=token)
            yield page

    def _changed(self, keys: Sequence[str], *, cursor: str, token: str | None) -> FeedPage:
        gone = _gone(self.platform)
        entries, bodies, unread = self._told(key for key in keys if key in self.platform.items)
        return FeedPage(
            entries=listing_table(entries),
            bodies=bodies,
            gone={key: gone[key] for key in keys if key in gone},
            failures=tuple(unread),
            cursor=cursor,
            token=token,
        )


class ToldUnordered(Unordered, Told):
    """A listing in an order of its own, and a feed."""


class StampedOrdered(Stamped, Told):
    """Also tells what has changed since a moment, of what shows: deletions bear stamps too."""

    def source_now(self) -> datetime:
        with self._step(PLACE):
            return self.platform.now

    def cursor(self) -> str:
        return Stamped.cursor(self)

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        return Stamped.changes(self, cursor)

    def changed_since(self, moment: datetime) -> Iterator[FeedPage]:
        platform, clock = self.platform, self.spec.clock
        last = {event.key: event for event in platform.events}
        stamps = {
            key: platform.items[key].stamp if key in platform.items else event.stamp
            for key, event in last.items()
        }
        keys = sorted(
            (
                key
                for key, at in stamps.items()
                if at > moment or (clock.inclusive and at == moment)
            ),
            key=lambda key: (stamps[key], key),
        )
        place, more = 0, True
        while more:
            with self._step(CHANGES):
                if platform.forgotten:
                    platform.forgotten = 0
                    raise CursorExpired("That is too long ago.")
                told = keys[place : place + platform.page_items]
                if platform.bad.doubled:
                    told = list(dict.fromkeys([*keys[:place], *told]))
                place += platform.page_items
                more = place < len(keys)
                token = ("again" if platform.bad.repeats else f"{place}") if more else None
                page = self._changed(told, cursor="", token=token)
            yield page


def _gone(platform: Platform) -> dict[str, str]:
    """Every key that was, with the reason for which it is no more."""
    last = {event.key: event.reason for event in platform.events if event.state is None}
    return {key: reason for key, reason in last.items() if key not in platform.items}


def _mixed(key: str) -> str:
    return sha256(key.encode()).hexdigest()


KINDS: dict[str, type[Ordered]] = {
    "ordered": Ordered,
    "untrusted": Ordered,
    "unordered": Unordered,
    "bag": Unordered,
    "told": Told,
    "told_bag": ToldUnordered,
    "stamped": StampedOrdered,
}


def connector(platform: Platform) -> type[Connector]:
    """A connector class bound to this platform."""
    kind = KINDS[platform.flavour]
    return type("Bound", (kind,), {"platform": platform, "spec": platform.spec})
