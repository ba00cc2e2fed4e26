"""The benchmark of loads, with few rows: it runs, and every target is the source in the end."""

from __future__ import annotations

from benchmarks.loads import CHANGED, FIRST, QUIET, measure


def test_everybody_ends_with_the_rows_of_the_source(bare_database_url: str) -> None:
    found = measure(3_000, 1, with_peers=False, server_url=bare_database_url)
    assert all(figures.right for figures in found)
    phases = [set(figures.seconds) for figures in found]
    assert phases[1:4] == [{FIRST, QUIET, CHANGED}] * 3
    assert phases[4] == {FIRST, CHANGED}
