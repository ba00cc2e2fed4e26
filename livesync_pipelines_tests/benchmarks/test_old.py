"""The benchmark of old databases, with few of everything: it runs, Dagster reads the old runs, and
all is measured in both houses as often."""

from __future__ import annotations

from benchmarks.old import OLD, YOUNG, Sizes, measure, report

SMALL = Sizes(
    old=60,
    turns=1,
    events=2,
    feeds=2,
    burst=20,
    bursts=2,
    asks=2,
    calls=100,
    documents=5,
    quiet=10,
)


def test_all_is_measured_in_a_young_and_in_an_old_house_and_nothing_is_lost() -> None:
    figures = measure(SMALL)
    assert figures.wrong == []
    assert all(set(took) == {YOUNG, OLD} for took in figures.took.values())
    assert all(len(took[YOUNG]) == len(took[OLD]) for took in figures.took.values())
    told = report(figures, SMALL.old)
    assert all(f"| {what} | " in told for what, _, _ in figures.rows())
