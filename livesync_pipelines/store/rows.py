"""What is written of a change, column by column: one line of values for each table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from livesync_pipelines.core.canon import canonical
from livesync_pipelines.core.chunk import CHUNKER_VERSION, estimate_tokens
from livesync_pipelines.model.records import Change, Record
from livesync_pipelines.store.operations import Operation

Values = tuple[Any, ...]

SHADOW = (
    "sync_id, item_id, key, version, identity, state, size, modified_at, fetched_at,"
    " content_hash, fingerprint, operation_id"
)
RECORDS = "sync_id, item_id, title, url, media_type, attributes"
DOCUMENTS = (
    "sync_id, item_id, capsule, title, url, media_type, attributes, content_hash, layout,"
    " chunk_count, mapping_version, chunker_version"
)
CHUNKS = "chunk_id, sync_id, item_id, capsule, language, text, tokens, operation_id"


def of_shadow(operation: Operation, record: Record) -> Values:
    return (
        operation.sync.sync_id,
        record.item_id,
        record.key,
        record.version,
        record.identity,
        record.state,
        record.size,
        record.modified_at,
        record.fetched_at,
        record.content_hash,
        record.fingerprint,
        operation.operation_id,
    )


def of_record(operation: Operation, record: Record) -> Values:
    return (
        operation.sync.sync_id,
        record.item_id,
        record.title,
        record.url,
        record.media_type,
        canonical(dict(record.attributes)).decode(),
    )


def of_document(operation: Operation, change: Change) -> Values:
    record = change.record
    return (
        operation.sync.sync_id,
        record.item_id,
        operation.sync.capsule,
        record.title,
        record.url,
        record.media_type,
        canonical(dict(change.mapped)).decode(),
        record.content_hash,
        canonical(layout(change)).decode(),
        len({placed.chunk_id for placed in change.layout}),
        operation.mapping_version,
        CHUNKER_VERSION,
    )


def layout(change: Change) -> list[dict[str, Any]]:
    """A document's chunks in order: id, character offsets, heading path."""
    return [
        {
            "id": placed.chunk_id,
            "start": placed.chunk.start,
            "end": placed.chunk.end,
            "headings": list(placed.chunk.heading_path),
        }
        for placed in change.layout
    ]


def of_chunks(operation: Operation, change: Change) -> Iterator[Values]:
    language = None if operation.language == "none" else operation.language
    operation_id = str(operation.operation_id)  # once, not once for each row
    for placed in change.written:
        yield (
            placed.chunk_id,
            operation.sync.sync_id,
            change.record.item_id,
            operation.sync.capsule,
            language,
            placed.chunk.text,
            estimate_tokens(placed.chunk.text),
            operation_id,
        )
