"""Records as the ledger remembers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from livesync_pipelines.core.canon import content_hash
from livesync_pipelines.model.records import Record
from livesync_pipelines.store import shadow
from livesync_pipelines.store.database import Connection


def logged_texts(
    connection: Connection, sync_id: str, described: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """The texts of items as a ledger entry describes them, by the hash that it names; none that
    is not what its hash says."""
    hashes = [bytes.fromhex(item["content_hash"]) for item in described]
    found = shadow.texts(connection, sync_id, hashes)
    return {name.hex(): text for name, text in found.items() if content_hash(text) == name}


def logged_record(item_id: str, described: Mapping[str, Any], text: str, at: datetime) -> Record:
    """The record that a ledger entry of this time describes. Of size and time at the source the
    ledger says nothing."""
    return Record(
        item_id=item_id,
        key=described["key"],
        version=described["version"],
        title=described["title"],
        text=text,
        url=described["url"],
        media_type=described["media_type"],
        attributes=described["attributes"],
        size=None,
        modified_at=None,
        fetched_at=at,
        content_hash=bytes.fromhex(described["content_hash"]),
        fingerprint=bytes.fromhex(described["fingerprint"]),
    )
