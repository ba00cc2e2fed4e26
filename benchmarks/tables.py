"""Figures as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many of 100 do not exceed (the nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def middle_and_p95(values: Sequence[float], *, digits: int = 2) -> str:
    return f"{median(values):,.{digits}f} / {percentile(values, 95):,.{digits}f}"
