"""The bound of a share is the exact one."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.bound import upper_bound


def at_most(found: int, of: int, share: Fraction) -> Fraction:
    """By the book, in whole numbers: no rounding."""
    terms = (comb(of, n) * share**n * (1 - share) ** (of - n) for n in range(found + 1))
    return sum(terms, Fraction())


@st.composite
def samples(draw: st.DrawFn) -> tuple[int, int]:
    of = draw(st.integers(1, 150))
    return draw(st.integers(0, of - 1)), of


@given(samples(), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_at_the_bound_so_few_are_found_just_as_rarely_as_was_asked(
    sample: tuple[int, int], confidence: float
) -> None:
    found, of = sample
    bound = upper_bound(found, of, confidence=confidence)
    assert bound is not None
    assert found / of < bound < 1
    assert isclose(at_most(found, of, Fraction(bound)), 1 - confidence, rel_tol=1e-7)


@given(st.integers(1, 5_000))
def test_where_none_is_found_the_bound_is_the_root(of: int) -> None:
    bound = upper_bound(0, of)
    assert bound is not None
    assert isclose(bound, 1 - 0.05 ** (1 / of), rel_tol=1e-9)


@given(samples())
def test_more_found_is_a_higher_bound_and_more_looked_at_a_lower_one(
    sample: tuple[int, int],
) -> None:
    found, of = sample
    ladder = [upper_bound(found, of + 1), upper_bound(found, of), upper_bound(found + 1, of)]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(ladder))


@pytest.mark.parametrize(
    ("found", "of", "bound"),
    [(0, 20, 0.139108), (0, 600, 0.004980), (1, 20, 0.216106), (5, 100, 0.102253), (3, 3, 1.0)],
)
def test_it_is_what_the_tables_say(found: int, of: int, bound: float) -> None:
    assert upper_bound(found, of) == pytest.approx(bound, abs=1e-6)


def test_nothing_looked_at_is_nothing_known() -> None:
    assert upper_bound(0, 0) is None
