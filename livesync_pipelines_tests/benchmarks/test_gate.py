"""The benchmark of the gate, with few calls: it runs, and every call is kept once."""

from __future__ import annotations

from benchmarks.gate import measure


def test_every_call_is_kept_once_at_every_rate(bare_database_url: str) -> None:
    found = measure(100, documents=5, server_url=bare_database_url)
    assert [figures.is_right for figures in found] == [True] * 3
    assert [len(figures.took_ms) for figures in found] == [110] * 3
