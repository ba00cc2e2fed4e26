from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import cadence
from livesync_pipelines.core.cadence import Cron, Every, Manual, Realtime, next_due, parse
from livesync_pipelines.model.errors import BadInput

MINUTE, HOUR, DAY = 60, 3_600, 86_400
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)

moments = st.datetimes(
    min_value=NOON.replace(tzinfo=None) - timedelta(days=20_000),
    max_value=NOON.replace(tzinfo=None) + timedelta(days=20_000),
    timezones=st.just(UTC) | st.timezones(),
)
periods = st.integers(15, 1440).map(lambda n: Every(n * MINUTE)) | st.integers(1, 24).map(
    lambda n: Every(n * HOUR)
)
cron_lines = st.sampled_from(
    ["* * * * *", "*/7 9-17 * * 1-5", "0 6 * * mon#1", "30 2 31 * *", "0 0 29 2 *", "5 4 L * *"]
)
cadences = periods | cron_lines.map(Cron) | st.just(Realtime())


@pytest.mark.parametrize(
    ("schedule", "meaning"),
    [
        ("realtime", Realtime()),
        ("manual", Manual()),
        ("every_15_minutes", Every(15 * MINUTE)),
        ("every_30_minutes", Every(30 * MINUTE)),
        ("every_1440_minutes", Every(DAY)),
        ("every_hour", Every(HOUR)),
        ("hourly", Every(HOUR)),
        ("every_1_hour", Every(HOUR)),
        ("every_6_hours", Every(6 * HOUR)),
        ("every_24_hours", Every(DAY)),
        ("daily", Every(DAY)),
        ("  Daily ", Every(DAY)),
        ("0  6 * *   1-5", Cron("0 6 * * 1-5")),
        ("*/10 8-18 * JAN-mar Mon,fri", Cron("*/10 8-18 * JAN-mar Mon,fri")),
    ],
)
def test_a_schedule_says_what_it_means(schedule: str, meaning: cadence.Cadence) -> None:
    assert parse(schedule) == meaning


@pytest.mark.parametrize(
    ("schedule", "nearest"),
    [
        ("dayly", "daily"),
        ("real-time", "realtime"),
        ("every_5_minutes", "every_15_minutes"),
        ("every_2000_minutes", "every_1440_minutes"),
        ("every_25_hours", "every_24_hours"),
        ("every_0_hours", "every_1_hours"),
        ("every 15 minutes", "every_15_minutes"),
        ("every15minutes", "every_15_minutes"),
    ],
)
def test_a_wrong_schedule_is_told_the_nearest_right_one(schedule: str, nearest: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(schedule)
    assert schedule in refused.value.message
    assert nearest in refused.value.hint


@pytest.mark.parametrize(
    "schedule",
    [
        *["", "soon", "@daily", "* * * *", "* * * * * *", "61 * * * *", "0 0 30 2 *"],
        *["*/0 * * * *", "R R * * *", "H * * * *", "0 0 * * xyz", "0 0 ? * *", "5-1-2 * * * *"],
    ],
)
def test_what_is_no_schedule_is_refused_with_every_allowed_value(schedule: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(schedule)
    for allowed in cadence.ALLOWED:
        assert allowed in refused.value.hint


@given(st.text("0123456789*/,-#lLmontuejan ", max_size=30) | st.text(max_size=30))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        meaning = parse(text)
    except BadInput:
        return
    due = next_due(meaning, after=NOON, spread_key="docs")
    assert due is None or due > NOON


@given(cadences, moments, st.text())
def test_the_next_time_is_later_and_in_utc(
    schedule: cadence.Cadence, after: datetime, key: str
) -> None:
    due = next_due(schedule, after=after, spread_key=key)
    assert due is not None
    assert due > after
    assert due.utcoffset() == timedelta(0)


@given(cadences, moments, moments, st.text())
def test_a_later_run_is_never_followed_by_an_earlier_one(
    schedule: cadence.Cadence, one: datetime, other: datetime, key: str
) -> None:
    in_order = sorted([one, other], key=datetime.timestamp)
    dues = [next_due(schedule, after=at, spread_key=key) for at in in_order]
    first, second = dues
    assert first is not None
    assert second is not None
    assert first <= second


@given(periods, moments, st.text())
def test_a_period_is_waited_for_at_most_once_and_lies_in_its_first_tenth(
    schedule: Every, after: datetime, key: str
) -> None:
    due = next_due(schedule, after=after, spread_key=key)
    assert due is not None
    assert due - after <= timedelta(seconds=schedule.period_s)
    phase = (due - datetime(1970, 1, 1, tzinfo=UTC)) % timedelta(seconds=schedule.period_s)
    assert phase < timedelta(seconds=schedule.period_s / 10)


@given(periods, moments, st.text())
def test_two_times_in_a_row_are_one_period_apart(
    schedule: Every, after: datetime, key: str
) -> None:
    first = next_due(schedule, after=after, spread_key=key)
    assert first is not None
    second = next_due(schedule, after=first, spread_key=key)
    assert second == first + timedelta(seconds=schedule.period_s)


def test_a_thousand_syncs_do_not_fall_due_in_the_same_second() -> None:
    dues = [next_due(parse("hourly"), after=NOON, spread_key=f"sync-{n}") for n in range(1_000)]
    seconds = [due.replace(microsecond=0) for due in dues if due is not None]
    assert max(map(seconds.count, set(seconds))) < 20


def test_the_phase_of_a_sync_is_the_same_on_every_machine() -> None:
    due = next_due(parse("daily"), after=NOON, spread_key="handbook-docs")
    assert due == datetime(2026, 3, 5, 1, 52, 58, 97436, tzinfo=UTC)


def test_a_cron_line_is_met_to_the_minute() -> None:
    due = next_due(parse("30 6 * * 1-5"), after=NOON, spread_key="docs")
    assert due == datetime(2026, 3, 5, 6, 30, tzinfo=UTC)


def test_a_cron_line_is_read_in_utc_wherever_the_clock_stands() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    due = next_due(parse("0 13 * * *"), after=elsewhere, spread_key="docs")
    assert due == datetime(2026, 3, 4, 13, tzinfo=UTC)


def test_a_manual_sync_is_never_due() -> None:
    assert next_due(parse("manual"), after=NOON, spread_key="docs") is None


def test_a_watched_source_is_asked_again_after_two_seconds() -> None:
    due = next_due(parse("realtime"), after=NOON, spread_key="docs")
    assert due == NOON + timedelta(seconds=cadence.REALTIME_CHECK_S)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        next_due(parse("daily"), after=NOON.replace(tzinfo=None), spread_key="docs")


@pytest.mark.parametrize(
    ("schedule", "warn"),
    [
        ("realtime", timedelta(minutes=30)),
        ("every_15_minutes", timedelta(minutes=30)),
        ("daily", timedelta(days=2)),
        ("* * * * *", timedelta(minutes=2)),
        ("0 6 * * *", timedelta(days=2)),
        ("0 6 * * 1-5", timedelta(days=6)),
        ("*/10 9-17 * * *", 2 * timedelta(hours=15, minutes=10)),
        ("0 0 29 2 *", 2 * timedelta(days=4 * 365 + 1)),
    ],
)
def test_an_asset_warns_after_two_periods_and_fails_after_four(
    schedule: str, warn: timedelta
) -> None:
    assert cadence.freshness_window(parse(schedule)) == (warn, 2 * warn)


def test_a_manual_sync_owes_no_freshness() -> None:
    assert cadence.freshness_window(parse("manual")) is None
