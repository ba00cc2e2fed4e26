"""The target from the ledger alone: what differs from it, and, where asked, put right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from livesync_pipelines.core import corridor
from livesync_pipelines.core.chunk import CHUNKER_VERSION
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.logged import logged_record, logged_texts
from livesync_pipelines.engine.operating import Errand, operate
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.records import Change
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store import commit, file_rebuild, row_rebuild, rows, target
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.operations import Operation, Outcome


@dataclass(slots=True)
class Rebuilt:
    """How the target compares with the ledger: how many items agree, which do not, which are
    there without an entry, and of which the text is lost (a full resync brings it back)."""

    agreeing: int = 0
    differing: list[str] = field(default_factory=list)
    unlogged: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        return not (self.differing or self.unlogged or self.lost)


def rebuild(engine: Engine, sync_id: str, *, check: bool) -> Rebuilt:
    """Make what is stored of a sync again from its ledger, wherever it differs: its capsule, or
    what both its ends last agreed on, of rows and of files.

    With `check` nothing is changed. No other operation of the sync runs meanwhile; errors as in
    `operating.operate`.
    """
    found = Rebuilt()

    def work(operation: Operation) -> Outcome:
        if operation.sync.target is None:
            _rebuild(connection, operation, found)
        elif operation.sync.copies:
            found.agreeing, found.differing, found.unlogged, found.lost = file_rebuild.rebuild(
                connection, operation
            )
        else:
            rebuilt = row_rebuild.rebuild(connection, operation)
            found.agreeing, found.differing, found.unlogged = rebuilt
        return Outcome(Status.SUCCESS)

    errand = Errand(sync_id=sync_id, trigger=Trigger.REPLAY)
    with engine.database.connect() as connection, connection.transaction(force_rollback=check):
        operate(engine, connection, errand, work)
    return found


def _rebuild(connection: Connection, operation: Operation, found: Rebuilt) -> None:
    sync_id, last = operation.sync.sync_id, ""
    while piece := target.logged(connection, sync_id, after=last):
        last = piece[-1]["item_id"]
        living = {entry["item_id"]: entry for entry in piece if entry["op"] != "removed"}
        texts = logged_texts(connection, sync_id, [e["after"] for e in living.values()])
        held = target.shown(connection, sync_id, list(living))
        changes = []
        for item_id, entry in living.items():
            text = texts.get(entry["after"]["content_hash"])
            if text is None:
                found.lost.append(item_id)
                continue
            record = logged_record(item_id, entry["after"], text, entry["at"])
            change = corridor.carried(record, None, fields=operation.sync.mapping, scope=sync_id)
            if _is_shown(operation, change, held.get(item_id)):
                found.agreeing += 1
            else:
                changes.append(change)
                found.differing.append(item_id)
        commit.put_back(connection, operation, changes, gone=())
    found.unlogged = target.unlogged(connection, sync_id)
    commit.put_back(connection, operation, [], gone=found.unlogged)


def _is_shown(operation: Operation, change: Change, held: Mapping[str, Any] | None) -> bool:
    record = change.record
    described = [record.title, record.url, record.media_type]
    return held is not None and held == {
        "item_id": record.item_id,
        "key": record.key,
        "fingerprint": record.fingerprint,
        "capsule": operation.sync.capsule,
        **dict(zip(("title", "url", "media_type"), described, strict=True)),
        "mapped": dict(change.mapped),
        "content_hash": record.content_hash,
        "layout": rows.layout(change),
        "mapping_version": operation.mapping_version,
        "chunker_version": CHUNKER_VERSION,
        **dict(zip(("record_title", "record_url", "record_media_type"), described, strict=True)),
        "attributes": dict(record.attributes),
        "chunks": {placed.chunk_id: placed.chunk.text for placed in change.written},
    }
