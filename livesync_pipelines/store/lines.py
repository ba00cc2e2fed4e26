"""What the ledger says of an item that changed, and of one that left."""

from __future__ import annotations

from typing import Any

from livesync_pipelines.model.operation import Op
from livesync_pipelines.model.records import Change, Known, Record
from livesync_pipelines.store.ledger import Line

POLICY = "source_wins"


def of_change(change: Change) -> Line:
    after = {
        **_described(change.record),
        "fields": change.delta.changed_fields,
        "chunks_written": len(change.written),
        "chunks_removed": len(change.dropped),
    }
    before = _described(change.known) if change.known else None
    return Line(change.record.item_id, change.delta.op or Op.UPDATED, before, after, POLICY)


def of_removal(known: Known, reason: str) -> Line:
    return Line(known.item_id, Op.REMOVED, _described(known), {"reason": reason}, POLICY)


def _described(item: Record | Known) -> dict[str, Any]:
    return {
        "key": item.key,
        "version": item.version,
        "title": item.title,
        "url": item.url,
        "media_type": item.media_type,
        "attributes": dict(item.attributes),
        "content_hash": item.content_hash.hex(),
        "fingerprint": item.fingerprint.hex(),
    }
