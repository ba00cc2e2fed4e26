"""Asset checks: what must hold after every operation, looked up anew in the database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg

from livesync_pipelines.defs.partitions import SYNCS
from livesync_pipelines.defs.promises import PROMISES
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import Mode
from livesync_pipelines.store import catalog, conflict_counts, row_apart, stages
from livesync_pipelines.store.database import Connection

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
NAMED = 5
"""So many rows that differ are named."""


def _said(name: str, passed: bool, *, compared: bool) -> str:
    """The outcome in words."""
    if name == "listing_equals_shadow" and not compared:
        return "This operation made no complete listing that could be compared."
    return PROMISES[name].kept if passed else PROMISES[name].broken


def _differences(connection: Connection, sync_id: str) -> tuple[row_apart.Apart, list[str]]:
    """How many rows both ends show differently, and of the first of them, in which fields."""
    counted = row_apart.counts(connection, sync_id).get(sync_id, row_apart.Apart(0, 0))
    found = row_apart.named(connection, sync_id, limit=NAMED) if counted.normalised else []
    return counted, [
        f"{one['key']}.{one['field']}: {one['source']!r} at the source, {one['target']!r} at the"
        " target"
        for one in found
    ]


class _Ends(NamedTuple):
    """Whether both ends show the same, whether it is only to be warned of, and in words."""

    equal: bool
    is_tolerated: bool
    said: str
    metadata: Mapping[str, str | int]


def _ends(connection: Connection, result: SyncResult) -> _Ends:
    sync_id, promise = result.sync_id, PROMISES["both_ends_equal"]
    sync = catalog.sync(connection, sync_id)
    apart, differing = _differences(connection, sync_id)
    rows, cells = row_apart.left_out(connection, sync_id) if sync.target else (0, 0)
    said = []
    if apart.alone:
        said.append(promise.broken)
    if apart.normalised:
        said.append(f"An end normalises what is written to it: {'; '.join(differing)}.")
    if rows:
        said.append(f"What cannot be read or written waits: {rows} (`livesync status {sync_id}`).")
    if cells:
        said.append(f"Cells that do not fit: {cells} (`livesync mapping cells {sync_id}`).")
    equal = not said
    if equal:
        said.append(promise.kept)
    if equal and sync.target and sync.mode is not Mode.BIDIRECTIONAL:
        said.append(f"What others do in its target, a {sync.mode} does not look at.")
    metadata: dict[str, str | int] = {
        "rows_apart": apart.alone,
        "rows_normalised": apart.normalised,
        "left_out": rows,
        "cells_left_out": cells,
        "differences": "; ".join(differing) or "-",
    }
    return _Ends(equal, not apart.alone, " ".join(said), metadata)


def specs(platform: str) -> list[dg.AssetCheckSpec]:
    """Each holds for every sync by itself: what one of them found says nothing of the others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)  # so Dagster 1.13 calls partitions here
        return [
            dg.AssetCheckSpec(
                name,
                asset=dg.AssetKey([platform, promise.stage]),
                description=promise.kept,
                partitions_def=SYNCS[platform],
            )
            for name, promise in PROMISES.items()
        ]


def results(
    connection: Connection, platform: str, result: SyncResult, counts: Mapping[str, int]
) -> Iterator[dg.AssetCheckResult]:
    """The outcome of every check for the sync that was just run."""
    listed = stages.listing_digest(connection, result.operation_id)
    shadow = stages.shadow_digest(connection, result.sync_id) if listed else None
    held = {name: counts[name] for name in ("source", "records", "resolved_rows")}
    chunks = {n: counts[n] for n in ("capsule_chunks", "placed_chunks", "misplaced_chunks")}
    still_open, overdue = conflict_counts.counts(connection, result.sync_id, now=datetime.now(UTC))
    ends = _ends(connection, result)
    outcomes: dict[str, tuple[bool, Mapping[str, str | int]]] = {
        "counts_agree": (len(set(held.values())) == 1, held),
        "no_orphan_chunks": (counts["misplaced_chunks"] == 0, chunks),
        "listing_equals_shadow": (
            listed == shadow,
            {"listing": listed or "no complete listing to compare", "shadow": shadow or "-"},
        ),
        "no_removal_waits": (
            result.status is not Status.WAITING,
            {"reason": (result.error or {}).get("message", "-")},
        ),
        "no_conflict_overdue": (overdue == 0, {"open": still_open, "overdue": overdue}),
        "both_ends_equal": (ends.equal, ends.metadata),
    }
    for name, (passed, metadata) in outcomes.items():
        of_ends = name == "both_ends_equal"
        said = ends.said if of_ends else _said(name, passed, compared=listed is not None)
        yield dg.AssetCheckResult(
            passed=passed,
            asset_key=dg.AssetKey([platform, PROMISES[name].stage]),
            check_name=name,
            severity=WARN if of_ends and ends.is_tolerated else ERROR,
            description=f"{result.sync_id}: {said}",
            metadata={"sync_id": result.sync_id, **metadata},
        )
