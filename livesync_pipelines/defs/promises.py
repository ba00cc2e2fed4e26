"""What must hold of a sync after every operation, in words: a check of Dagster each.

Every process of Dagster reads this, so it imports next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """`stage` is the asset that it is about; what is said where it holds, and where it does not."""

    stage: str
    kept: str
    broken: str


PROMISES = {
    "counts_agree": Promise(
        "resolved_rows",
        "Source, records and resolved rows hold the same number of items.",
        "Source, records and resolved rows hold different numbers of items.",
    ),
    "no_orphan_chunks": Promise(
        "capsule_chunks",
        "Every chunk stands in its document, and every document's chunks are there.",
        "Chunks stand in no document, or a document's chunks are missing.",
    ),
    "listing_equals_shadow": Promise(
        "source",
        "The digest of the complete listing equals the digest of what is known of the source.",
        "What is known of the source differs from its complete listing.",
    ),
    "no_removal_waits": Promise(
        "deltas",
        "No removal waits for a person's approval.",
        "Removals wait for a person's approval.",
    ),
    "no_conflict_overdue": Promise(
        "resolved_rows",
        "No conflict is open past its deadline.",
        "Conflicts are open past their deadline.",
    ),
    "both_ends_equal": Promise(
        "resolved_rows",
        "Both ends show the same in mapped fields, or an open conflict names the difference.",
        "Ends differ in mapped fields, and no open conflict names the difference.",
    ),
}


def partition_set(platform: str) -> str:
    """Dagster's name of a platform's syncs, for each of which they are looked at by themselves."""
    return f"{platform}_syncs"
