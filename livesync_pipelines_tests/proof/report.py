"""What a session of histories came to; one in which nothing happened is a failure."""

from __future__ import annotations

from livesync_pipelines_tests.proof.faults import pairs
from livesync_pipelines_tests.proof.stage import Stage


def show(stage: Stage) -> None:
    """Print it: what was played, what struck where, and what became of every value."""
    seen, counts, possible = stage.seen, stage.counts, list(pairs())
    struck: dict[str, int] = {}
    for (name, _, _), times in seen.fired.items():
        struck[name] = struck.get(name, 0) + times
    hit = len(seen.fired.keys() & set(possible))
    lines = [
        f"{seen.histories} histories, {sum(seen.runs.values())} runs: {_told(seen.runs)}",
        f"steps: {_told(seen.steps)}",
        f"faults fired {sum(struck.values())}: {_told(struck)}",
        f"fault x step coverage: {hit} of {len(possible)}",
        f"in step again after {seen.rounds} quiet runs at most",
        f"edits {counts.edits}, deletes {counts.deletes}, whole-capsule reads {counts.reads}",
        f"values: {counts.stable} stable, {counts.lost} lost, {counts.never_read} never read,"
        f" {counts.stale} stale, {counts.duplicated} duplicated",
    ]
    print("\n".join(lines))


def refuse_empty(stage: Stage) -> None:
    """Raises `AssertionError` where nothing was edited, nothing struck, or nothing was read."""
    counts = stage.counts
    assert counts.stable, "no edit was ever seen by a reader"
    assert counts.deletes, "nothing was deleted"
    assert stage.seen.fired, "no fault struck"
    assert counts.reads, "nothing was read"
    assert (counts.lost, counts.stale, counts.duplicated) == (0, 0, 0)


def _told(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(numbers.items()))
