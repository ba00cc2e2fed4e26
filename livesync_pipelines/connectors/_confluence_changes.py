"""What has changed in a Confluence site since it was listed, asked by CQL.

CQL tells of what is new and of what was edited, late, and to the minute. Of what has gone it is
silent, so it is asked how many contents there are as well: the new ones must explain how that
number differs from the last one. Where they do not, or after a day, everything is listed.

Times are asked for as so many minutes ago, which no time zone of an account can shift.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Self

from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.connectors._confluence_items import (
    HANGING,
    TEXTS,
    Found,
    Hit,
    Item,
    Kind,
    why_gone,
)
from livesync_pipelines.connectors._confluence_options import ConfluenceSelection
from livesync_pipelines.connectors.base import listing_table
from livesync_pipelines.core.since import went_back, window_start
from livesync_pipelines.model.errors import CursorExpired, Unavailable
from livesync_pipelines.model.records import Entry, FeedPage
from livesync_pipelines.model.spec import Clock
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import BadAnswer

LISTED_EVERY = timedelta(hours=18)
ASKED_EVERY = timedelta(hours=6)
"""Together a day: after so long a mark is another one though nothing has changed, and a run that
comes so long after a listing lists again."""

MOST_HITS = 5_000
"""A window with more is not worth its cursor: then a listing costs less."""

_BATCH = 100
_WIDTH = 4
_MARGIN_MINUTES = 2
_ORDER = "order by lastmodified desc"
"""So that what is edited meanwhile comes twice, and shifts nothing out of sight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What was known when the site was asked last.

    - `selection`: what was selected; `spaces`: keys by id.
    - `listed_at`, `asked_at`: by the site's own clock; `since`: what was changed from then on was
      asked for.
    - `total`: how many contents were counted; `marks`: those changed since, by id.
    """

    selection: str
    spaces: Mapping[str, str]
    listed_at: datetime
    asked_at: datetime
    since: datetime
    total: int
    marks: Mapping[str, str]

    def written(self) -> str:
        return json.dumps(asdict(self), default=datetime.isoformat)

    @classmethod
    def read(cls, written: str) -> Self:
        said: dict[str, Any] = json.loads(written)
        moments = ("listed_at", "asked_at", "since")
        return cls(**{**said, **{name: datetime.fromisoformat(said[name]) for name in moments}})

    def is_new(self, hit: Hit) -> bool:
        """Whether it was not counted then: made in the time that was asked for, and not shown."""
        return hit.id not in self.marks and hit.created is not None and hit.created >= self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look has shown."""

    at: datetime
    since: datetime
    total: int
    hits: Mapping[str, Hit]

    @property
    def marks(self) -> dict[str, str]:
        return {hit.id: hit.mark for hit in self.hits.values()}


class Changes:
    """Of the contents that `selection` means. `host`: what the site is called in errors."""

    def __init__(
        self, api: ConfluenceApi, selection: ConfluenceSelection, clock: Clock, host: str
    ) -> None:
        self._api = api
        self._selection = selection
        self._clock = clock
        self._host = host

    def place(self, spaces: Mapping[str, str]) -> str:
        """The place from which a listing that begins now can be followed; empty where the search
        does not serve for that, as where it would not tell that a chosen space is seen again.
        `spaces`: keys by id, of those that are seen."""
        if not set(self._selection.spaces) <= set(spaces.values()):
            return ""
        try:
            seen = self._look(sorted(spaces.values()), None)
        except CursorExpired:
            return ""
        return Place(
            selection=self._selection.model_dump_json(),
            spaces=spaces,
            listed_at=seen.at,
            asked_at=seen.at,
            since=seen.since,
            total=seen.total,
            marks=seen.marks,
        ).written()

    def since(self, cursor: str) -> Iterator[FeedPage]:
        """Raises `CursorExpired` where everything must be listed."""
        if not cursor:
            raise self._expired("it could not be followed from the last time on")
        before = Place.read(cursor)
        if before.selection != self._selection.model_dump_json():
            raise self._expired("other contents are selected than before")
        seen = self._look(sorted(before.spaces.values()), before.asked_at)
        self._refuse_unexplained(before, seen)
        after = replace(
            before,
            asked_at=max(before.asked_at, seen.at),
            since=seen.since,
            total=seen.total,
            marks=seen.marks,
        )
        news = [hit for hit in seen.hits.values() if before.marks.get(hit.id) != hit.mark]
        for number, entries in enumerate(self._told(news, before), start=1):
            table = listing_table(entries)
            yield FeedPage(entries=table, moves=True, cursor=cursor, token=f"{number}")
        yield FeedPage(entries=listing_table(()), cursor=after.written())

    def mark(self) -> str:
        """How many contents there are and the newest of them, in one call. Raises `Unavailable`
        where the search does not say that."""
        asked = f"{self._cql(self._selection.spaces)} {_ORDER}"
        found = next(self._api.search(asked))
        if found.total is None or found.at is None:
            raise Unavailable("the search does not say how much there is", where=self._host)
        digest = blake2b(f"{self._host} {asked}".encode(), digest_size=16)
        period_s = ASKED_EVERY.total_seconds()
        shift_s = int.from_bytes(digest.digest()) % period_s
        period = (found.at.timestamp() + shift_s) // period_s
        shown = [(hit.id, hit.mark) for hit in found.hits]
        digest.update(json.dumps([period, found.total, shown]).encode())
        return digest.hexdigest()

    def _look(self, spaces: Sequence[str], newest: datetime | None) -> _Seen:
        """First how many there are, then what has changed since `newest`, None for since now, and
        for as long before as the index may lag."""
        asked = self._cql(spaces)
        counted = self._first(asked, limit=1)
        at, total = counted.at, counted.total
        if at is None or total is None:
            raise self._expired("the search does not say how much there is, or when")
        if newest is not None and went_back(newest, at, self._clock):
            raise self._expired("the site's clock has gone back")
        since = window_start(newest or at, self._clock)
        minutes = math.ceil((at - since).total_seconds() / 60) + _MARGIN_MINUTES
        window = f'{asked} and lastmodified >= now("-{minutes}m") {_ORDER}'
        return _Seen(at=at, since=since, total=total, hits=self._hits(window))

    def _first(self, cql: str, *, limit: int) -> Found:
        try:
            return next(self._api.search(cql, limit=limit))
        except BadAnswer as error:
            raise self._expired("the search refuses what it is asked") from error

    def _hits(self, cql: str) -> dict[str, Hit]:
        """Raises `CursorExpired` where these are too many, or fewer than was said."""
        hits: dict[str, Hit] = {}
        said = 0
        try:
            for found in self._api.search(cql):
                said = max(said, found.total or 0)
                if said > MOST_HITS:
                    raise self._expired(f"{said} contents have changed")
                hits |= {hit.id: hit for hit in found.hits}
        except BadAnswer as error:
            raise self._expired("the search refuses what it is asked") from error
        if len(hits) < said:
            raise self._expired(f"the search shows {len(hits)} of {said} changes")
        return hits

    def _refuse_unexplained(self, before: Place, seen: _Seen) -> None:
        if seen.at - before.listed_at >= LISTED_EVERY:
            raise self._expired("it is time to list everything again")
        expected = before.total + sum(map(before.is_new, seen.hits.values()))
        if seen.total != expected:
            raise self._expired(f"the site counts {seen.total} contents, and not {expected}")

    def _told(self, news: Sequence[Hit], before: Place) -> Iterator[list[Entry]]:
        """The contents behind these hits as they are now, in pieces. What is in the trash or the
        archive is left to the count, once the search knows."""
        for kind in dict.fromkeys(self._selection.types):
            ids = [hit.id for hit in news if hit.kind == kind]
            for start in range(0, len(ids), _BATCH):
                batch = ids[start : start + _BATCH]
                found = self._texts(kind, batch) if kind in TEXTS else self._hung(kind, batch)
                yield [item.entry(self._space(space_id, before)) for item, space_id in found]

    def _texts(self, kind: Kind, ids: Sequence[str]) -> list[tuple[Item, str]]:
        """Those of these pages or blog posts that are there, with the ids of their spaces. Raises
        `CursorExpired` where one is not seen: whether it has gone is for a listing to tell."""
        items = self._api.several(kind, ids)
        if not items.keys() >= set(ids):
            raise self._expired("the search shows contents that are not seen")
        archived = self._selection.archived
        there = (one for one in items.values() if why_gone(one, archived=archived) is None)
        return [(one, one.space_id) for one in there]

    def _hung(self, kind: Kind, ids: Sequence[str]) -> list[tuple[Item, str]]:
        """Those of these that are there and hang on what is selected, with the ids of the spaces of
        that. A comment that is not there may be one in the text, which is no document."""
        answers = list(fan_out(lambda one: self._api.hung(kind, one), ids, width=_WIDTH))
        if kind == "attachment" and None in answers:
            raise self._expired("the search shows files that are not seen")
        found = [answer for answer in answers if answer and answer[0].status == "current"]
        spaces: dict[str, str] = {}
        for above in TEXTS:
            wanted = {item.known.above for item, on in found if on == above} - {""}
            for item, space_id in self._texts(above, sorted(wanted)):
                if self._is_labelled(above, item.id):
                    spaces[item.id] = space_id
        return [(item, spaces[item.known.above]) for item, _ in found if item.known.above in spaces]

    def _is_labelled(self, kind: Kind, content_id: str) -> bool:
        labels = self._selection.labels
        return not labels or self._api.bears(kind, content_id, labels)

    def _space(self, space_id: str, before: Place) -> str:
        """Its key. Raises `CursorExpired` for a space that was not there before."""
        if space_id not in before.spaces:
            raise self._expired("a content lies in a space that was not listed")
        return before.spaces[space_id]

    def _cql(self, spaces: Sequence[str]) -> str:
        """What hangs on something bears no labels of that. A site of which all is selected needs no
        names of spaces."""
        labels, hanging = self._selection.labels, set(HANGING) & set(self._selection.types)
        kinds = f"type in ({', '.join(TEXTS)})"
        if labels:
            kinds = f"({kinds} and label in ({_quoted(labels)}))"
        if hanging:
            kinds = f"({kinds} or type in ({', '.join(sorted(hanging))}))"
        chosen = f"space in ({_quoted(spaces)}) and " if self._selection.spaces else ""
        return f"{chosen}{kinds}"

    def _expired(self, why: str) -> CursorExpired:
        return CursorExpired(f"Everything is listed again: {why}.", where=self._host)


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(json.dumps(word, ensure_ascii=False) for word in words)
