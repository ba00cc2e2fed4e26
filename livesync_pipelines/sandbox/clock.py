"""The sandbox's own time and its own chance: both repeat themselves."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""When a world begins whose clock stands still."""

_TICK = timedelta(milliseconds=1)


class Clock:
    """Stands still at `start` unless `running`; `advance` moves it ahead either way."""

    def __init__(
        self,
        start: datetime = EPOCH,
        *,
        running: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.start = start
        self._running = running
        self._monotonic = monotonic
        self._begun_s = monotonic()
        self._ahead = timedelta()
        self._last_stamp = start.replace(microsecond=start.microsecond // 1_000 * 1_000)

    def now(self) -> datetime:
        elapsed_s = self._monotonic() - self._begun_s if self._running else 0.0
        return self.start + self._ahead + timedelta(seconds=elapsed_s)

    def now_s(self) -> float:
        """Seconds since 1970."""
        return self.now().timestamp()

    def stamp(self) -> datetime:
        """A time for something that is written, in whole milliseconds: never before the last one,
        and after it where the clock stands still."""
        now, tick = self.now(), timedelta() if self._running else _TICK
        whole = now.replace(microsecond=now.microsecond // 1_000 * 1_000)
        self._last_stamp = max(whole, self._last_stamp + tick)
        return self._last_stamp

    def advance(self, by_s: float) -> None:
        """Raises ValueError for a way back."""
        if by_s < 0:
            raise ValueError("time does not go back")
        self._ahead += timedelta(seconds=by_s)


class Ids:
    """Names that look random and are the same for the same seed and the same order of asking."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()

    def new(self, kind: str, length: int = 28) -> str:
        """Hexadecimal digits, at most 64 of them, never twice the same of one kind."""
        self._asked[kind] += 1
        words = f"{self._seed}:{kind}:{self._asked[kind]}"
        return sha256(words.encode()).hexdigest()[:length]


def rfc3339(at: datetime) -> str:
    """As Google spells times: UTC, milliseconds, `Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1_000:03d}Z"
