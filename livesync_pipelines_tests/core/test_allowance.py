"""So many in any second, for each name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.allowance import Allowance


def test_all_of_a_second_may_come_at_once_and_then_one_by_one() -> None:
    allowance = Allowance(10)
    assert [allowance.take("a", 5.0) for _ in range(10)] == [0.0] * 10
    assert 0 < allowance.take("a", 5.0) <= 0.1
    assert allowance.take("a", 5.1) == 0.0
    assert allowance.take("a", 5.1) > 0
    assert allowance.take("b", 5.0) == 0.0


def test_who_comes_back_when_he_was_told_is_let_in() -> None:
    allowance = Allowance(3)
    for _ in range(3):
        allowance.take("a", 0.0)
    assert allowance.take("a", allowance.take("a", 0.0)) == 0.0


@given(steps=st.lists(st.floats(0, 0.4), max_size=200))
def test_in_two_seconds_no_more_than_three_times_as_many_get_in(steps: list[float]) -> None:
    allowance, now, taken = Allowance(20), 0.0, []
    for step in steps:
        now += step
        if allowance.take("a", now) == 0.0:
            taken.append(now)
    for since in taken:
        assert sum(since <= at <= since + 2 for at in taken) <= 60


def test_names_that_do_not_come_again_are_forgotten() -> None:
    allowance = Allowance(10)
    for number in range(5_000):
        allowance.take(str(number), float(number))
    assert len(allowance._full_at) <= 1_001
