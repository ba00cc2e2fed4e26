"""The sandbox's time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from livesync_pipelines.sandbox.clock import EPOCH, Clock, Ids

_MS = timedelta(milliseconds=1)


def test_a_clock_that_stands_still_stamps_one_thing_after_the_other() -> None:
    clock = Clock()
    assert [clock.stamp(), clock.stamp()] == [EPOCH + _MS, EPOCH + 2 * _MS]
    assert clock.now() == EPOCH


def test_a_clock_that_runs_stamps_nothing_later_than_now() -> None:
    elapsed_s = 0.0
    clock = Clock(running=True, monotonic=lambda: elapsed_s)
    assert [clock.stamp(), clock.stamp()] == [EPOCH, EPOCH]
    elapsed_s = 1.5
    assert clock.stamp() == clock.now() == EPOCH + timedelta(seconds=1.5)


def test_time_is_moved_ahead_and_never_back() -> None:
    clock = Clock()
    clock.advance(3_600)
    assert clock.stamp() == clock.now() == EPOCH + timedelta(hours=1)
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_ids_are_the_same_for_the_same_seed_and_never_twice_the_same() -> None:
    one, other, another = Ids(1), Ids(1), Ids(2)
    made = [one.new("file") for _ in range(3)]
    assert made == [other.new("file") for _ in range(3)]
    assert len({*made, another.new("file"), one.new("page")}) == 5
