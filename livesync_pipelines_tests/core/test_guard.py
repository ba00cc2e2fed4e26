"""Loss asks first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.guard import refusal
from livesync_pipelines.model.sync import Limits

counts = st.integers(0, 200)
limits = st.builds(Limits, delete_items=st.integers(0, 50), delete_share=st.floats(0, 1))


@pytest.mark.parametrize(
    ("removals", "total", "approved", "refused"),
    [
        (0, 0, 0, False),
        (20, 20, 0, False),
        (21, 100, 0, False),
        (30, 100, 0, False),
        (31, 100, 0, True),
        (31, 100, 30, True),
        (31, 100, 31, False),
        (100, 100, 0, True),
        (25, 0, 0, True),
    ],
)
def test_many_and_a_large_share_are_refused_unless_a_person_allowed_so_many(
    removals: int, total: int, approved: int, refused: bool
) -> None:
    said = refusal(removals=removals, total=total, approved=approved, limits=Limits())
    assert (said is not None) == refused


def test_the_reason_is_one_sentence_with_the_numbers() -> None:
    said = refusal(removals=40, total=80, approved=0, limits=Limits())
    assert said == (
        "40 of 80 items (50%) are gone at the source; more than 20 items and 30% are not removed "
        "unasked."
    )


@given(removals=counts, total=counts, approved=counts, limits=limits)
def test_whatever_the_numbers_an_answer_comes_and_fewer_removals_are_never_worse(
    removals: int, total: int, approved: int, limits: Limits
) -> None:
    def refused(count: int) -> bool:
        said = refusal(removals=count, total=total, approved=approved, limits=limits)
        return said is not None

    assert not refused(min(removals, limits.delete_items))
    assert not refused(min(removals, approved))
    if removals and not refused(removals):
        assert not refused(removals - 1)
