"""The words and the document of one message. Pure."""

from __future__ import annotations

from typing import Any

from livesync_pipelines.core.canon import canonical
from livesync_pipelines.model.notice import Event, EventKind

_SUBJECTS = {
    EventKind.CHANGED: "has changed",
    EventKind.PARTIAL: "could not read everything",
    EventKind.FAILED: "has failed",
    EventKind.PAUSED: "is paused",
    EventKind.WAITING: "waits for your approval",
    EventKind.DEAD_LETTERS: "has given up on items",
    EventKind.CONFLICT: "asks which edit stands",
    EventKind.RECOVERED: "works again",
    EventKind.CHANGES: "has changes for an action",
    EventKind.UNSUBSCRIBED: "is polled only",
}


def subject(event: Event) -> str:
    """One line."""
    return f"[LiveSync] {event.sync_id} {_SUBJECTS[event.kind]}"


def text(event: Event) -> str:
    """What a person reads: what happened, what to do, the numbers."""
    told = event.document
    counts = {name: count for name, count in told.get("counts", {}).items() if count}
    facts = {
        "Sync": event.sync_id,
        "Project": event.project_id,
        "Status": told.get("status"),
        "Changed": f"{told['changed']} items" if told.get("changed") else "",
        "Items": ", ".join(f"{count} {name}" for name, count in counts.items()),
        "Since": told.get("since"),
        "At": event.at.isoformat(timespec="seconds"),
        "Operation": told.get("operation_id"),
    }
    lines = [f"{name + ':':<11}{value}" for name, value in facts.items() if value]
    said = [told.get("message", ""), told.get("hint", ""), "\n".join(lines)]
    return "\n\n".join(part for part in said if part) + "\n"


def payload(event: Event) -> bytes:
    """The body of a webhook, in the form of Standard Webhooks: the same bytes on every try."""
    document: dict[str, Any] = {
        "type": f"sync.{event.kind}",
        "timestamp": event.at.isoformat(),
        "data": dict(event.document),
    }
    return canonical(document)
