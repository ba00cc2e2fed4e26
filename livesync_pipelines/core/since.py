"""From when on a source is asked what has changed: the overlap, derived from its declared clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from livesync_pipelines.model.spec import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_start(newest: datetime, clock: Clock) -> datetime:
    """The stamp to ask from, when everything up to `newest` has been seen.

    A later change may still bear the stamp `newest` itself, or become visible late with an
    earlier one. Where "since" leaves its own stamp out, one step more is asked for.
    """
    start = floored(newest - timedelta(seconds=clock.late_s), clock)
    return start if clock.inclusive else start - (_step(clock) or timedelta(microseconds=1))


def window_end(newest: datetime, seen: datetime | None, now: datetime, clock: Clock) -> datetime:
    """Up to where everything has been seen, after a window that began with `newest` has shown
    stamps up to `seen`, asked at `now` by the source's own clock.

    It never goes back, and no stamp of the future moves it.
    """
    return max(newest, min(seen or newest, floored(now, clock)))


def went_back(newest: datetime, now: datetime, clock: Clock) -> bool:
    """Whether the source's clock has gone back so far that what it stamps now would lie outside of
    the window that begins with `newest`, and so of every later one."""
    stamp, start = floored(now, clock), window_start(newest, clock)
    return stamp < start or (stamp == start and not clock.inclusive)


def floored(moment: datetime, clock: Clock) -> datetime:
    """As the source would stamp it."""
    step = _step(clock)
    return moment - (moment - _EPOCH) % step if step else moment


def _step(clock: Clock) -> timedelta:
    return timedelta(seconds=clock.granularity_s)
