"""When a sync is due: schedules as people write them, read into a `Cadence`. All times are UTC.

A period lies on a grid that begins at 1970-01-01, so `every_15_minutes` means :00, :15, :30, :45
whenever the process was started. Each sync has its own place in the first tenth of a period.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

from croniter import CroniterError, croniter

from livesync_pipelines.model.errors import BadInput

REALTIME_CHECK_S = 1
"""How often a `realtime` source is asked whether anything changed, in seconds."""

ALLOWED = (
    "realtime",
    "every_15_minutes",
    "every_30_minutes",
    "every_N_minutes (N from 15 to 1440)",
    "hourly",
    "every_hour",
    "every_N_hours (N from 1 to 24)",
    "daily",
    "manual",
    "a cron line of five fields, such as 0 6 * * 1-5 (UTC)",
)

QUIET = timedelta(minutes=15)
"""A source that is watched all the time is looked at in full at least this often."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPREAD = 10  # one in so many parts of a period is used for the phases
_FRIDAY = datetime(2024, 1, 5, 12, tzinfo=UTC)  # the gaps that follow hold a night and a weekend
_FIRES = 1_000  # enough for a night and a weekend of a line that fires every minute
_YEAR = timedelta(days=366)

_EVERY = re.compile(r"every_([0-9]{1,6})_(minute|hour)s?")
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_CRON_FIELD = re.compile(rf"(?:[0-9*/,\-#l]|{_DAYS}|{_MONTHS})+", re.IGNORECASE)
_NAMES = (
    "realtime",
    "manual",
    "daily",
    "hourly",
    "every_hour",
    *(f"every_{n}_minutes" for n in (15, 20, 30, 45, 60)),
    *(f"every_{n}_hours" for n in (1, 2, 3, 4, 6, 8, 12, 24)),
)


@dataclass(frozen=True, slots=True)
class Realtime:
    """Due again as soon as the source was asked."""


@dataclass(frozen=True, slots=True)
class Manual:
    """Due when a person says so."""


@dataclass(frozen=True, slots=True)
class Every:
    period_s: int


@dataclass(frozen=True, slots=True)
class Cron:
    line: str


Cadence = Realtime | Manual | Every | Cron


def parse(schedule: str) -> Cadence:
    """Raises BadInput, with all allowed values and the nearest one."""
    text = " ".join(schedule.split())
    word = text.lower()
    fixed: dict[str, Cadence] = {
        "realtime": Realtime(),
        "manual": Manual(),
        "daily": Every(86_400),
        "hourly": Every(3_600),
        "every_hour": Every(3_600),
    }
    if word in fixed:
        return fixed[word]
    if period := _EVERY.fullmatch(word):
        return _every(schedule, int(period[1]), period[2])
    if " " in text:
        return _cron(text)
    raise _unknown(schedule, f"{schedule!r} is no schedule.")


def next_due(cadence: Cadence, *, after: datetime, spread_key: str) -> datetime | None:
    """The first moment later than `after` (aware) at which a sync is due; None: never by itself.

    `after` is when the last run began. A period is never waited for longer than once; a cron
    line is met to the minute, without spreading.
    """
    if after.tzinfo is None:
        raise ValueError("next_due needs an aware time")
    start = after.astimezone(UTC)
    match cadence:
        case Manual():
            return None
        case Realtime():
            return start + timedelta(seconds=REALTIME_CHECK_S)
        case Every(period_s):
            period = timedelta(seconds=period_s)
            origin = _EPOCH + _phase(period, spread_key)
            return origin + ((start - origin) // period + 1) * period
        case Cron(line):
            return next(_fires(line, start))


def due_when_cancelled(cadence: Cadence, *, at: datetime, spread_key: str) -> datetime | None:
    """As `next_due`, but what is looked at all the time is left alone for a while: whoever cancels
    its run does not want another one within the second."""
    if isinstance(cadence, Realtime):
        return at + QUIET
    return next_due(cadence, after=at, spread_key=spread_key)


def freshness_window(cadence: Cadence) -> tuple[timedelta, timedelta] | None:
    """How old an asset may be before it warns, and before it fails; None where nothing is owed.

    Twice and four times the period. For a cron line the longest usual wait counts (a weekend,
    not a working hour), so that a schedule with pauses raises no alarm in them.
    """
    match cadence:
        case Manual():
            return None
        case Realtime():
            wait = QUIET
        case Every(period_s):
            wait = timedelta(seconds=period_s)
        case Cron(line):
            wait = _longest_wait(line)
    return 2 * wait, 4 * wait


def longest_quiet(cadences: Iterable[Cadence]) -> timedelta | None:
    """How long syncs with these schedules may all stay without a run before that is remarkable:
    half of what makes the first of them stale. None where nothing is owed."""
    windows = [window for c in cadences if (window := freshness_window(c))]
    return min(windows)[0] / 2 if windows else None


def _every(schedule: str, count: int, unit: str) -> Every:
    low, high, unit_s = (15, 1440, 60) if unit == "minute" else (1, 24, 3_600)
    if not low <= count <= high:
        nearest = f"every_{min(max(count, low), high)}_{unit}s"
        raise BadInput(
            f"{schedule!r} is out of range: {unit}s go from {low} to {high}.",
            hint=f"The nearest is {nearest}. Allowed: {'; '.join(ALLOWED)}.",
        )
    return Every(count * unit_s)


def _cron(line: str) -> Cron:
    fields = line.split(" ")
    if len(fields) != 5:
        raise _unknown(line, f"{line!r} is no cron line: it has {len(fields)} fields, not 5.")
    if not all(_CRON_FIELD.fullmatch(field) for field in fields):
        raise _unknown(line, f"{line!r} is no cron line: digits, names and * / , - # L only.")
    try:
        next(_fires(line, _FRIDAY))
    except CroniterError as error:
        raise _unknown(line, f"{line!r} is no cron line: {error}.") from error
    return Cron(line)


def _fires(line: str, start: datetime) -> Iterator[datetime]:
    clock = croniter(line, start)
    while True:
        yield clock.get_next(datetime)


def _longest_wait(line: str) -> timedelta:
    """Between two neighbours among the next fires: up to a thousand, or those of one year."""
    longest = timedelta(0)
    for sooner, later in islice(pairwise(_fires(line, _FRIDAY)), _FIRES):
        longest = max(longest, later - sooner)
        if later - _FRIDAY > _YEAR:
            break
    return longest


def _phase(period: timedelta, key: str) -> timedelta:
    """A place in the first tenth of the period that is the same on every machine, every day."""
    drawn = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    return timedelta(microseconds=drawn % (period // _SPREAD // timedelta(microseconds=1)))


def _unknown(schedule: str, message: str) -> BadInput:
    close = difflib.get_close_matches(schedule.lower(), _NAMES, n=1)
    nearest = f"Did you mean {close[0]}? " if close else ""
    return BadInput(message, hint=f"{nearest}Allowed: {'; '.join(ALLOWED)}.")
