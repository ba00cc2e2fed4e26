"""A change feed for sources that can only say what has changed since a moment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pyarrow.compute as pc

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.core.since import floored, went_back, window_end, window_start
from livesync_pipelines.model.errors import CursorExpired
from livesync_pipelines.model.records import FeedPage


class Stamped(Connector):
    """Its cursor is a stamp of the source's own clock, never of ours; the overlap follows from
    `spec.clock`. What the overlap shows again is known by its version and costs nothing."""

    @abstractmethod
    def source_now(self) -> datetime:
        """The source's own time (a `Date` header, `select now()`)."""

    @abstractmethod
    def changed_since(self, moment: datetime) -> Iterator[FeedPage]:
        """Everything whose stamp is not before this moment (after it, unless the clock is
        inclusive), each entry with its stamp as `modified_at`. The moment is in the source's zone.
        The pages' cursors are not looked at; a change meanwhile must not shift what they show."""

    def cursor(self) -> str:
        return floored(self.source_now(), self.spec.clock).isoformat()

    def changes(self, cursor: str) -> Iterator[FeedPage]:
        clock, newest, now = self.spec.clock, datetime.fromisoformat(cursor), self.source_now()
        if went_back(newest, now, clock):
            raise CursorExpired(
                f"The clock of the source shows {now.isoformat()}, and has shown {cursor} before."
            )
        seen: datetime | None = None
        start = window_start(newest, clock).astimezone(ZoneInfo(clock.zone))
        for page in self.changed_since(start):
            latest = pc.max(page.entries["modified_at"]).as_py()
            seen = max(filter(None, (seen, latest)), default=None)
            end = newest if page.token is not None else window_end(newest, seen, now, clock)
            yield replace(page, cursor=end.isoformat())
