"""Notion: the pages that are shared with a connection, rows of its databases among them.

The API in its version 2026-03-11, as in Notion's own types (makenotion/notion-sdk-js @9060802) and
the pages named below, as others tell it (2026-11-22).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from hashlib import blake2b
from itertools import filterfalse

from livesync_pipelines.connectors._notion_api import BUDGETS, OAUTH, NotionApi
from livesync_pipelines.connectors._notion_choices import choices
from livesync_pipelines.connectors._notion_options import NotionConnection, NotionSelection
from livesync_pipelines.connectors._notion_pages import (
    Item,
    Read,
    Remembered,
    item_of,
    read_page,
)
from livesync_pipelines.connectors._notion_walk import BATCH, Walk
from livesync_pipelines.connectors.base import Connector, FetchLimits, Memory, listing_table
from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.formats.limits import Unreadable
from livesync_pipelines.model.errors import ItemFailure, Unavailable
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.api import Account, Bearer
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import BadAnswer, Gone

__all__ = ["SPEC", "Notion", "NotionConnection", "NotionSelection", "account_of"]

_WIDTH = 3
_REST = "https://developers.notion.com"
_UNSURE = ""
"""The note of a listing that no look may lean on."""

SPEC = PlatformSpec(
    name="notion",
    title="Notion",
    clock=Clock(granularity_s=60.0, trusted=False),
    absence=Absence.DELETED,
    explicit_deletes=True,
    budgets=BUDGETS,
    webhook="notion",
    oauth=OAUTH,
    docs=(
        "https://github.com/makenotion/notion-sdk-js (2026-11-22, commit 9060802)",
        f"{_REST}/reference/post-search (2026-11-22, not opened)",
        f"{_REST}/reference/block (2026-11-22, not opened)",
        f"{_REST}/reference/query-a-data-source (2026-11-22, not opened)",
        f"{_REST}/reference/webhooks (2026-11-22, not opened)",
        f"{_REST}/reference/request-limits (2026-11-22, not opened)",
    ),
    quirks=(
        "version is a digest of what is read: a page's time is rounded down to the minute, so one "
        "that was edited in the last two is read again",
        "search does not show everything: what lies in a page or a database is looked for there, "
        "and whatever was there once and is not met is asked for by itself",
        "what is in the trash is told as such, with all below it; what is no longer shared and "
        "what is deleted for good look alike, and are told as lost access",
        "a query shows ten thousand rows: the next one begins with the minute of the last one",
        "mentions show the title that a page had when the text around them was last edited",
        "files that Notion keeps are told by their names: their addresses end within the hour",
        "relations are left out of documents; views of databases that lie elsewhere are not shown",
        "who writes a row cannot say which version is meant: it is read just before and after",
        "webhooks are set up by hand in the settings of the connection, are aggregated, and name "
        "pages only",
        "written from what others tell of Notion's pages, and never held to the real Notion",
    ),
)


class Notion(Connector):
    """The key is the page's id, which it keeps for life."""

    spec = SPEC
    Connection = NotionConnection
    Selection = NotionSelection

    def __init__(
        self, connection: NotionConnection, selection: NotionSelection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._selection = selection
        self._api = NotionApi(account_of(connection, limits), limits)

    @staticmethod
    def choices(connection: NotionConnection, limits: FetchLimits) -> Iterator[Choice]:
        with closing(NotionApi(account_of(connection, limits), limits)) as api:
            yield from choices(api)

    def close(self) -> None:
        self._api.close()

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        """Pages that may have changed are read on the way, for what lies in them must be looked at
        too."""
        walk, mark = Walk(self._api, self._selection), _Mark()
        walk.start()
        for items in walk.batches():
            yield self._listed(walk, mark, items, memory)
        unmet = list(filterfalse(walk.seen.__contains__, memory.keys()))
        for at in range(0, len(unmet), BATCH):
            there, gone = self._standing(walk, unmet[at : at + BATCH])
            yield self._listed(walk, mark, there, memory, gone)
            for items in walk.batches():
                yield self._listed(walk, mark, items, memory)
        yield ListingPage(
            entries=listing_table(()),
            failures=tuple(walk.failures),
            complete=True,
            note=f"{mark}" if mark.is_sure else _UNSURE,
        )

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return fan_out(self._fetched, entries, width=_WIDTH)

    def probe(self, memory: Memory) -> str:
        """A digest over all pages as they are listed, none of them read. Raises `Unavailable` where
        one was edited so lately that only a run can tell."""
        walk, mark = Walk(self._api, self._selection), _Mark()
        walk.start()
        for items in walk.batches():
            self._look(walk, mark, items, memory)
        unmet = list(filterfalse(walk.seen.__contains__, memory.keys()))
        for at in range(0, len(unmet), BATCH):
            there, gone = self._standing(walk, unmet[at : at + BATCH])
            self._look(walk, mark, there, memory)
            for key, why in gone.items():
                mark.add(key, why)
        return f"{mark}"

    def mark_of(self, note: str | None) -> str | None:
        return note or None

    def _listed(
        self,
        walk: Walk,
        mark: _Mark,
        items: Sequence[Item],
        memory: Memory,
        gone: dict[str, str] | None = None,
    ) -> ListingPage:
        states = memory.states([item.id for item in items])
        known = {key: Remembered.read(state) for key, state in states.items()}
        entries, bodies, failures = [], {}, []
        changed = [item for item in items if not _is_still(known.get(item.id), item)]
        answers = dict(zip(changed, fan_out(self._read, changed, width=_WIDTH), strict=True))
        for item in items:
            answer, before = answers.get(item), known.get(item.id)
            if isinstance(answer, Read):
                before = answer.known
                bodies[item.id] = answer.body
            elif isinstance(answer, ItemFailure):
                failures.append(answer)
            elif answer is not None:
                walk.forget(item.id)
                continue
            mark.take(item, before)
            if before is not None:
                walk.take(before.pages, before.databases)
                if not isinstance(answer, ItemFailure):
                    entries.append(before.entry(item))
        return ListingPage(
            entries=listing_table(entries),
            bodies=bodies,
            failures=tuple(failures),
            gone=gone or {},
            resume=ANEW,
        )

    def _read(self, item: Item) -> Read | ItemFailure | Gone:
        """`Gone`: it is not there any more, though it was listed."""
        try:
            return read_page(self._api, item, self.limits.max_bytes)
        except Gone as error:
            return error
        except BadAnswer as error:
            return ItemFailure(item.id, error.code, error.message)
        except Unreadable as error:
            return ItemFailure(item.id, error.code, error.reason)

    def _fetched(self, entry: Entry) -> Body | ItemFailure:
        try:
            page = self._api.page(entry.key)
        except Gone as error:
            return ItemFailure(entry.key, "vanished", error.message)
        if page["in_trash"]:
            return ItemFailure(entry.key, "vanished", "it is in the trash")
        answer = self._read(item_of(page, whole=True))
        if isinstance(answer, Gone):
            return ItemFailure(entry.key, "vanished", answer.message)
        return answer.body if isinstance(answer, Read) else answer

    def _standing(self, walk: Walk, keys: Sequence[str]) -> tuple[list[Item], dict[str, str]]:
        """What is there of pages that were not met, and why the others are gone."""
        found = [(key, walk.standing(key)) for key in keys if key not in walk.seen]
        there = [told for _, told in found if isinstance(told, Item)]
        return there, {key: told for key, told in found if isinstance(told, str)}

    def _look(self, walk: Walk, mark: _Mark, items: Sequence[Item], memory: Memory) -> None:
        states = memory.states([item.id for item in items])
        for item in items:
            known = Remembered.read(states[item.id]) if item.id in states else None
            if known is not None:
                walk.take(known.pages, known.databases)
            mark.take(item, known)
        if not mark.is_sure:
            raise Unavailable("what the last run saw of a page may have been in change")


class _Mark:
    """A digest over all pages as they are listed, in whatever order."""

    def __init__(self) -> None:
        self._digest = 0
        self.is_sure = True

    def take(self, item: Item, known: Remembered | None) -> None:
        """Not sure is what was read of a page while a later edit might bear the same time."""
        self.add(item.id, f"{item.edited}", f"{item.shown}")
        self.is_sure &= known is None or known.settled

    def add(self, *words: str) -> None:
        digest = blake2b("\0".join(words).encode(), digest_size=16).digest()
        self._digest ^= int.from_bytes(digest)

    def __str__(self) -> str:
        return f"{self._digest:032x}"


def account_of(connection: NotionConnection, limits: FetchLimits) -> Account:
    """In whose name Notion is called."""
    if connection.token is None:
        return limits.account
    return Bearer(connection.token.get_secret_value())


def _is_still(known: Remembered | None, item: Item) -> bool:
    return known is not None and known.still(item)
