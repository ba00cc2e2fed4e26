"""The benchmark of bursts, with few events: it runs, and all of them are reflected."""

from __future__ import annotations

from benchmarks.burst import measure, report


def test_every_event_of_a_burst_is_kept_once_and_reflected() -> None:
    burst = measure(60, 6)
    assert burst.is_right, report(burst, 6)
    assert burst.kept == 60
    assert 1 <= burst.runs <= burst.operations <= 60
