"""What a person may be told of a sync, and to whom it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventKind(StrEnum):
    """What happened. `recovered` ends what the others began; `changes` are for actions;
    `unsubscribed`: a platform cannot be asked to tell of changes."""

    CHANGED = "changed"
    PARTIAL = "partial"
    FAILED = "failed"
    PAUSED = "paused"
    WAITING = "waiting_for_approval"
    DEAD_LETTERS = "dead_letters"
    CONFLICT = "conflict"
    RECOVERED = "recovered"
    CHANGES = "changes"
    UNSUBSCRIBED = "unsubscribed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of the outbox. The document holds counts and sentences; content only where the
    kind is `changes`."""

    seq: int
    at: datetime
    project_id: str
    sync_id: str
    kind: EventKind
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one address, which is in the user's own words, as is the `secret`
    that signs it (None: the installation's).

    `message_id` is the same on every try, `tries` counts this one too.
    """

    message_id: UUID
    address: str
    secret: str | None
    tries: int
    event: Event
