"""What a search knows of things: how they were a while ago."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from livesync_pipelines.sandbox.clock import Clock

T = TypeVar("T")


class Index(Generic[T]):
    """Things by id, each as it was `lag_s` seconds ago."""

    def __init__(self, clock: Clock) -> None:
        self.lag_s = 0.0
        self._clock = clock
        self._waiting: deque[tuple[datetime, str, T | None]] = deque()
        self._known: dict[str, T] = {}

    def note(self, thing_id: str, thing: T | None) -> None:
        """How it is from now on; None: not there any more."""
        self._waiting.append((self._clock.now(), thing_id, thing))

    def known(self) -> Iterable[T]:
        latest = self._clock.now() - timedelta(seconds=self.lag_s)
        while self._waiting and self._waiting[0][0] <= latest:
            _, thing_id, thing = self._waiting.popleft()
            if thing is None:
                self._known.pop(thing_id, None)
            else:
                self._known[thing_id] = thing
        return self._known.values()
