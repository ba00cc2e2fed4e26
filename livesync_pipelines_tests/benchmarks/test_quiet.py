"""The benchmark of quiet sources, with few of them: it runs, and every page is answered."""

from __future__ import annotations

from benchmarks.pages import report
from benchmarks.quiet import measure


def test_nothing_is_queued_and_every_page_is_answered_beside_the_sweeps() -> None:
    figures = measure(12, 2, asks=2)
    assert (figures.queued, len(figures.seconds)) == (0, 2)
    for page in figures.pages:
        assert [len(took) for took in page.took_ms.values()] == [2, 2], page.name
    assert "| Dagster: one asset's partitions | " in report(figures.pages)
