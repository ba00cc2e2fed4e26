"""What those are told who watch syncs work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class LiveKind(StrEnum):
    """What happened. An operation that gave way, or waits for a person, has not failed, but one
    whose process has died has: its status says which."""

    STARTED = "operation.started"
    PROGRESS = "operation.progress"
    COMPLETED = "operation.completed"
    FAILED = "operation.failed"
    CONFLICT = "conflict"
    DEAD_LETTER = "dead_letter"
    REAUTHORISE = "reauthorise"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEvent:
    """`seq` orders the events of a project; None for progress, which is not kept. `owner`: whom it
    concerns first. The document holds counts and sentences, and keys of items, never content."""

    seq: int | None
    at: datetime
    project_id: str
    sync_id: str
    operation_id: str
    kind: LiveKind
    owner: str | None
    document: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("seq", "project_id", "sync_id")}
        told |= {"operation_id": self.operation_id, "kind": str(self.kind), "owner": self.owner}
        return {**told, "at": self.at.isoformat(), "document": dict(self.document)}
