"""What comes after a failure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core.patience import (
    LONGEST_WAIT_S,
    SETTLED,
    TRIES,
    Next,
    after,
    backoff_s,
    item_retry_at,
)
from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    CursorExpired,
    NeedsPerson,
    NotFound,
    RateLimited,
    Reauthorise,
    Unavailable,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "error", [Unavailable("away"), Broken("odd"), CursorExpired("old"), ZeroDivisionError()]
)
def test_what_may_pass_is_tried_three_times_in_all(error: Exception) -> None:
    steps = [after(error, failures=n, key="docs") for n in range(1, TRIES + 1)]
    assert [step.again for step in steps] == [True, True, False]
    assert all(step.pause is None for step in steps[:-1])


def test_a_source_that_stays_away_is_asked_again_by_its_schedule() -> None:
    assert after(Unavailable("away"), failures=50, key="docs").pause is None


@pytest.mark.parametrize("error", [Broken("odd"), KeyError("a bug")])
def test_what_stays_broken_rests_until_somebody_mends_it(error: Exception) -> None:
    assert after(error, failures=TRIES, key="docs").pause == "failures"


def test_a_lost_authorisation_pauses_at_once() -> None:
    assert after(Reauthorise("revoked"), failures=1, key="docs") == Next(pause="reauthorise")


@pytest.mark.parametrize("error", [BadInput("no folder"), NotFound("gone"), NeedsPerson("you")])
def test_what_a_person_must_mend_is_not_tried_in_a_hurry(error: Exception) -> None:
    step = after(error, failures=1, key="docs")
    assert (step.again, step.pause) == (False, None)


@pytest.mark.parametrize(
    ("asked_s", "wait_s"),
    [(1.0, 60.0), (600.0, 600.0), (1e12, LONGEST_WAIT_S), (float("inf"), LONGEST_WAIT_S)],
)
def test_a_rate_limit_is_waited_for_within_reason_however_often(
    asked_s: float, wait_s: float
) -> None:
    for failures in (1, TRIES, 99):
        limited = after(RateLimited("slow", after_s=asked_s), failures=failures, key="docs")
        assert limited == Next(wait_s, again=True)


@given(st.integers(1, 10_000), st.text(max_size=20))
def test_waits_grow_to_a_day_and_are_never_the_same_for_all(failures: int, key: str) -> None:
    wait_s = backoff_s(failures, key)
    full = min(60 * 4 ** min(failures - 1, 20), 86_400)
    assert 0.75 * full <= wait_s <= full
    assert wait_s == backoff_s(failures, key)


def test_two_syncs_that_fail_together_do_not_come_back_together() -> None:
    assert backoff_s(1, "one") != backoff_s(1, "other")


@pytest.mark.parametrize("code", sorted(SETTLED))
def test_an_item_that_would_only_fail_again_is_not_retried(code: str) -> None:
    assert item_retry_at(code, tries=1, now=NOW) is None


@given(st.integers(1, 10_000))
def test_an_item_that_may_heal_is_retried_ever_more_rarely(tries: int) -> None:
    at = item_retry_at("timed_out", tries=tries, now=NOW)
    assert at is not None
    assert timedelta(minutes=15) <= at - NOW <= timedelta(days=1)
