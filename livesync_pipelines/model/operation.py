"""One run of one sync, while it works and after it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

ANEW = "anew"
"""The place to resume at of a listing that, once interrupted, can only start over."""


class Status(StrEnum):
    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"
    WAITING = "waiting_for_approval"
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class Op(StrEnum):
    """What happened to one item; `rows`: to those in one block; `conflict`: to one field of one
    row."""

    ADDED = "added"
    UPDATED = "updated"
    MOVED = "moved"
    REMOVED = "removed"
    ROWS = "rows"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sync stands at its source.

    - `resume`: where an unfinished listing goes on; None: none is under way.
    - `note`: what the connector wanted to know next time.
    - `cursor`: up to where the source's change feed has been taken in; None: list first.
    - `ahead`: where the feed stood when the listing under way began: it is followed from there.
    """

    resume: str | None = None
    note: str | None = None
    cursor: str | None = None
    ahead: str | None = None

    @property
    def goes_on(self) -> bool:
        """Whether the next listing goes on in the middle, and does not show what came before."""
        return self.resume not in {None, ANEW}

    @property
    def told(self) -> str | None:
        """What a person is shown of it."""
        return self.cursor or self.note or self.resume


@dataclass(slots=True)
class Counts:
    """Running totals of an operation. `listed` counts every entry that the source showed,
    `skipped` those of a kind that has no text (images, archives). `pages` and `fetched` are what
    the source was asked for, listing pages and items, `bytes` how much it gave. `expected` is how
    many entries the source will show, as far as it or the last listing tells; 0: unknown. Of an
    operation that looks twice, what does not say what it did is of the second look; what the first
    one has changed is not `unchanged` there."""

    listed: int = 0
    expected: int = 0
    added: int = 0
    updated: int = 0
    removed: int = 0
    moved: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    chunks_written: int = 0
    chunks_kept: int = 0
    chunks_removed: int = 0
    conflicts_detected: int = 0
    pages: int = 0
    fetched: int = 0
    bytes: int = 0

    @property
    def progress(self) -> str:
        """How far the listing is, in words."""
        if not self.expected or self.expected < self.listed:
            return f"{self.listed:,} listed"
        return f"{self.listed:,} of {self.expected:,} listed"

    @property
    def synced_items(self) -> int:
        """Items that this operation changed in the target."""
        return self.added + self.updated + self.moved + self.removed

    def of_what_was_done(self) -> Counts:
        """Without what only says how things are, for a look that sees all of it once more."""
        return replace(self, listed=0, expected=0, unchanged=0, failed=0, skipped=0)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a caller gets back, in the words of the contract with callers."""

    sync_id: str
    operation_id: str
    status: Status
    counts: Counts
    last_sync: datetime | None
    duration_s: float
    run_id: str | None = None
    conflict_resolution: str
    error: dict[str, str] | None = None
    stage_s: dict[str, float] = field(default_factory=dict)
    cursor_from: str | None = None
    cursor_to: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The SyncResult document."""
        counts = self.counts.as_dict()
        for name in ("listed", "expected", "pages", "fetched", "bytes"):
            del counts[name]
        return {
            "sync_id": self.sync_id,
            "status": str(self.status),
            "synced_items": self.counts.synced_items,
            **counts,
            "conflict_resolution": self.conflict_resolution,
            "last_sync": self.last_sync.isoformat() if self.last_sync else None,
            "operation_id": self.operation_id,
            "run_id": self.run_id,
            "duration_s": round(self.duration_s, 3),
            **({"error": self.error} if self.error else {}),
        }
