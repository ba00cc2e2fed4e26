"""The benchmark of webhooks, with few events: it runs, and every event is found and is in the
database."""

from __future__ import annotations

from benchmarks.webhooks import LEGS, measure, report


def test_every_event_is_found_and_the_table_tells_where_its_time_went() -> None:
    found = measure(2, 2)
    assert [(one.kept, len(one.events)) for one in found] == [(2, 2)] * 2
    assert all(event.found_at is not None for one in found for event in one.events)
    for event in (event for one in found for event in one.events):
        assert len(event.legs) == len(LEGS)
        assert abs(sum(event.legs[1:]) - event.took_s) < 1e-3
    assert "2 accepted, 2 in the database, 0 not found" in report(found, 2)
