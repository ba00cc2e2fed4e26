"""Loss asks first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.guard import refusal, waiting
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Limits

counts = st.integers(0, 200)
by_root = st.dictionaries(st.sampled_from("abc"), counts)
limits = st.builds(Limits, delete_items=st.integers(0, 50), delete_share=st.floats(0, 1))


@pytest.mark.parametrize(
    ("removals", "total", "refused"),
    [
        (0, 0, False),
        (20, 20, False),
        (21, 100, False),
        (30, 100, False),
        (31, 100, True),
        (100, 100, True),
        (25, 0, True),
    ],
)
def test_many_and_a_large_share_are_refused(removals: int, total: int, refused: bool) -> None:
    said = refusal(removals={"": removals}, totals={"": total}, limits=Limits(), waited=False)
    assert (said is not None) == refused


def test_the_reason_is_one_sentence_with_the_numbers() -> None:
    said = refusal(removals={"": 40}, totals={"": 80}, limits=Limits(), waited=False)
    assert said == (
        "40 of 80 items (50%) are gone at the source; more than 20 items and 30% are not removed "
        "unasked."
    )


@pytest.mark.parametrize(
    ("ends", "named"),
    [
        ([Side.TARGET], "the target"),
        ([Side.TARGET, Side.SOURCE], "the source or the target"),
    ],
)
def test_the_ends_that_lost_them_are_named(ends: list[Side], named: str) -> None:
    said = refusal(removals={"": 40}, totals={"": 80}, limits=Limits(), waited=False, ends=ends)
    assert said is not None
    assert f"are gone at {named};" in said
    assert waiting("contacts", said, ends)["hint"].endswith(f"if not, mend {named}.")


def test_a_small_root_that_goes_as_a_whole_is_not_hidden_by_a_large_one() -> None:
    said = refusal(
        removals={"small": 40, "large": 3},
        totals={"small": 40, "large": 10_000},
        limits=Limits(),
        waited=False,
    )
    assert said is not None
    assert "40 of 40 items of 'small' (100%)" in said


def test_what_has_waited_waits_on_whatever_has_come_since() -> None:
    said = refusal(removals={"": 22}, totals={"": 1_000}, limits=Limits(), waited=True)
    assert said is not None
    few = refusal(removals={"": 20}, totals={"": 1_000}, limits=Limits(), waited=True)
    assert few is None


def test_many_small_losses_are_one_large_one() -> None:
    roots = [f"{n}" for n in range(10)]
    said = refusal(
        removals=dict.fromkeys(roots, 15),
        totals=dict.fromkeys(roots, 20),
        limits=Limits(),
        waited=False,
    )
    assert said is not None
    assert "150 of 200 items (75%)" in said


@given(removals=by_root, totals=by_root, limits=limits)
def test_whatever_the_numbers_an_answer_comes_and_fewer_removals_are_never_worse(
    removals: dict[str, int], totals: dict[str, int], limits: Limits
) -> None:
    def refused(removals: dict[str, int]) -> bool:
        said = refusal(removals=removals, totals=totals, limits=limits, waited=False)
        return said is not None

    if sum(removals.values()) <= limits.delete_items:
        assert not refused(removals)
    if not refused(removals):
        for root, count in removals.items():
            fewer = {**removals, root: max(0, count - 1)}
            assert not refused(fewer)
