"""A listing page while it fills."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.operation import ANEW
from livesync_pipelines.model.records import Body, Entry, ListingPage

from .base import listing_table

MAX_ENTRIES = 50
MAX_BYTES = 16_000_000
MAX_AGE_S = 10.0
"""Of a slow site, what was found so far is handed over after so long, and can be searched."""


@dataclass
class Draft:
    monotonic: Callable[[], float]
    entries: list[Entry] = field(default_factory=list)
    bodies: dict[str, Body] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    failures: list[ItemFailure] = field(default_factory=list)
    size: int = 0
    flawless: bool = True
    """Whether no page that was taken told of a failure."""

    def __post_init__(self) -> None:
        self._begun_s = self.monotonic()

    def add(self, entry: Entry, body: Body | None) -> None:
        self.entries.append(entry)
        if body:
            self.bodies[entry.key] = body
            self.size += len(body.content)

    def fail(self, key: str, code: str, reason: str) -> None:
        self.failures.append(ItemFailure(key, code, reason))

    @property
    def full(self) -> bool:
        held = max(map(len, (self.entries, self.gone, self.failures)))
        if held >= MAX_ENTRIES or self.size >= MAX_BYTES:
            return True
        return held > 0 and self.monotonic() - self._begun_s >= MAX_AGE_S

    def taken(self, *, total: int) -> ListingPage:
        """What was gathered, as a page with more to come; the draft is empty after it."""
        page = replace(self._page(resume=ANEW), total=total)
        self.flawless = self.flawless and not self.failures
        self.entries, self.bodies, self.gone, self.failures, self.size = [], {}, {}, [], 0
        self._begun_s = self.monotonic()
        return page

    def last(self, *, complete: bool, blind: Iterable[str], note: str) -> ListingPage:
        return replace(self._page(), complete=complete, blind=tuple(blind), note=note)

    def _page(self, *, resume: str | None = None) -> ListingPage:
        return ListingPage(
            entries=listing_table(self.entries),
            bodies=self.bodies,
            gone=self.gone,
            failures=tuple(self.failures),
            resume=resume,
        )
