"""The benchmark of old databases, with few of everything: it runs, Dagster reads the old runs, and
all is measured each time."""

from __future__ import annotations

from benchmarks.old import AFTER, BEFORE, FIRST, Sizes, measure

SMALL = Sizes(old=60, events=2, feeds=2, burst=20, bursts=2, calls=100, documents=5, quiet=10)


def test_all_is_measured_before_and_after_and_nothing_is_lost() -> None:
    figures = measure(SMALL)
    assert figures.wrong == []
    assert all(set(took) == {FIRST, BEFORE, AFTER} for took in figures.took.values())
    assert all(figures.ratio(what) > 0 for what in figures.took)
