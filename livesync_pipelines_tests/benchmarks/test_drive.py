"""The benchmark of the pretend Drive, with few documents: it runs, and brings in what is there."""

from __future__ import annotations

from benchmarks.drive import CHANGES, measure


def test_everything_is_brought_in_and_a_change_costs_one_content(bare_database_url: str) -> None:
    paced, free = measure(40, server_url=bare_database_url)
    assert (paced.is_right, free.is_right) == (True, True)
    assert (paced.contents, free.contents) == (CHANGES, CHANGES)
    assert paced.calls == free.calls
