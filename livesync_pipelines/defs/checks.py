"""Asset checks: what must hold after every operation, looked up anew in the database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import dagster as dg

from livesync_pipelines.defs.partitions import SYNCS
from livesync_pipelines.defs.promises import PROMISES
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.store import conflict_counts, row_apart, stages
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
    apart, differing = _differences(connection, result.sync_id)
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
        "both_ends_equal": (
            not any(apart),
            {
                "rows_apart": apart.alone,
                "rows_normalised": apart.normalised,
                "differences": "; ".join(differing) or "-",
            },
        ),
    }
    tolerated = {"both_ends_equal"} if apart.normalised and not apart.alone else set()
    for name, (passed, metadata) in outcomes.items():
        said = _said(name, passed, compared=listed is not None)
        if name in tolerated:
            said = f"An end normalises what is written to it: {'; '.join(differing)}"
        yield dg.AssetCheckResult(
            passed=passed,
            asset_key=dg.AssetKey([platform, PROMISES[name].stage]),
            check_name=name,
            severity=WARN if name in tolerated else ERROR,
            description=f"{result.sync_id}: {said}",
            metadata={"sync_id": result.sync_id, **metadata},
        )
