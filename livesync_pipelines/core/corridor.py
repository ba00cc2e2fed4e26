"""One record's way through the pure part of the corridor: delta, mapping, chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from livesync_pipelines.core import mapping
from livesync_pipelines.core.chunk import CHUNKER_VERSION, chunk, chunk_ids
from livesync_pipelines.core.delta import delta as delta_of
from livesync_pipelines.model.records import Change, Delta, Known, PlacedChunk, Record
from livesync_pipelines.model.sync import FieldMapping


def place(record: Record, *, scope: str) -> tuple[PlacedChunk, ...]:
    """The record's chunks in order, each with its identity.

    `scope` names the sync: chunks of two syncs never share an identity. Words that stand twice
    in one record are one chunk with two places.
    """
    pieces = chunk(record.text)
    ids = chunk_ids(f"{scope}\0{record.item_id}", pieces)
    return tuple(PlacedChunk(i, c) for i, c in zip(ids, pieces, strict=True))


def change(
    record: Record,
    known: Known | None,
    *,
    delta: Delta,
    mapped: Mapping[str, str],
    layout: tuple[PlacedChunk, ...],
) -> Change:
    """What must be written so that the target shows this record."""
    held = set(known.chunk_ids) if known else set[str]()
    unique = {placed.chunk_id: placed for placed in layout}
    return Change(
        record=record,
        known=known,
        delta=delta,
        mapped=mapped,
        layout=layout,
        written=tuple(placed for i, placed in unique.items() if i not in held),
        dropped=tuple(held - unique.keys()),
    )


def carried(
    record: Record, known: Known | None, *, fields: Sequence[FieldMapping], scope: str
) -> Change:
    """One record's whole way; `fields` is the sync's mapping, `scope` names the sync."""
    return change(
        record,
        known,
        delta=delta_of(record, known),
        mapped=mapping.apply(fields, record.attributes),
        layout=place(record, scope=scope),
    )


def is_idle(made: Change, *, mapping_version: str) -> bool:
    """Whether the target already shows this, made by the same mapping and the same chunker."""
    known = made.known
    return (
        known is not None
        and made.delta.op is None
        and not made.written
        and not made.dropped
        and known.mapped == made.mapped
        and known.mapping_version == mapping_version
        and known.chunker_version == CHUNKER_VERSION
    )
