"""One pass along a source's change feed, from where the last one ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import perf_counter

from livesync_pipelines.connectors.base import Feeds
from livesync_pipelines.core.screen import screened
from livesync_pipelines.engine.intake import Pass
from livesync_pipelines.engine.page import take_page
from livesync_pipelines.engine.reading import BATCH_ITEMS
from livesync_pipelines.engine.settling import bring_in
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.records import FeedPage, ListingPage
from livesync_pipelines.store import shadow, unsettled

FOLLOWED = "followed"
"""The mark of a sync that has taken in what its source's change feed has told."""


def place_in_feed(this: Pass) -> str | None:
    """Where the source's change feed stands now, if it has one."""
    return this.connector.cursor() if isinstance(this.connector, Feeds) else None


def follow(this: Pass, feed: Feeds, cursor: str) -> None:
    """Take in what has changed since this place in the feed, page by page.

    What was left to settle by earlier pages stays until `settling.settle`. Raises
    `CursorExpired` when the source must be listed; nothing that was taken in is lost by that.
    """
    this.unsettled = True
    given: set[str] = set()
    started = perf_counter()
    for told in feed.changes(cursor):
        _refuse_repeated(told.token, given)
        page = screened(_as_listed(this, told), ordered=False, after=None)
        started = this.timed("source", started)
        this.operation.counts.pages += 1
        held = shadow.versions_of(this.connection, this.sync_id, page.entries["key"].to_pylist())
        afterwards = replace(this.place, cursor=told.cursor)
        take_page(this, page, held, meanwhile=this.place, afterwards=afterwards)
        this.writer.wait()
        started = perf_counter()
    _read_what_is_owed(this)
    _count_what_still_fails(this)


def _refuse_repeated(token: str | None, given: set[str]) -> None:
    """A source that names the same next page twice would be asked for ever."""
    if token is None:
        return
    if token in given:
        raise Broken(
            "The change feed names a next page that it has named before, so it never ends.",
            hint="What was read is kept, and nothing was taken for deleted. The next run tries"
            " again; if it fails as well, a full resync lists anew: `livesync sync run --full`.",
        )
    given.add(token)


def _as_listed(this: Pass, told: FeedPage) -> ListingPage:
    gone = {**_gone_below(this, told.gone_below), **_left(this, told), **told.gone}
    return ListingPage(entries=told.entries, bodies=told.bodies, gone=gone, failures=told.failures)


def _gone_below(this: Pass, prefixes: Mapping[str, str]) -> dict[str, str]:
    """Every key below these that is in step, left to settle or failed, with the reason."""
    if not prefixes:
        return {}
    found = shadow.keys_below(this.connection, this.sync_id, prefixes)
    for prefix, reason in prefixes.items():
        found |= {key: reason for key in this.failed_before if key.startswith(prefix)}
    return found


def _left(this: Pass, told: FeedPage) -> dict[str, str]:
    """The keys that items of this page had before."""
    if not told.moves:
        return {}
    shown = zip(*(told.entries[name].to_pylist() for name in ("identity", "key")), strict=True)
    now = {identity: key for identity, key in shown if identity is not None}
    known = shadow.keys_by_identity(this.connection, this.sync_id, list(now))
    return {key: "moved" for identity, key in known.items() if key != now[identity]}


def _read_what_is_owed(this: Pass) -> None:
    """Items that failed in an earlier run, if they may succeed now: no feed tells of them again."""
    after = ""
    while owed := unsettled.owed(this.connection, this.sync_id, after=after, limit=BATCH_ITEMS):
        after = owed[-1].key
        due = [
            entry
            for entry in owed
            if (failed := this.failed_before.get(entry.key))
            and entry.key not in this.still_failing
            and this.may_heal(failed)
        ]
        bring_in(this, due)


def _count_what_still_fails(this: Pass) -> None:
    for key, failed in shadow.failed_before(this.connection, this.sync_id).items():
        if key not in this.still_failing:
            this.fails(key, failed.code)
