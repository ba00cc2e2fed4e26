"""Commits in the background: while one batch is written, the next ones are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

AHEAD = 2
"""So many pieces of work may wait or be under way: one is written while the next one waits, so
that a slow one holds nobody up."""


class Writer:
    """Does one piece of work at a time, in order, beside its owner. After one has failed, none
    of those behind it is done.

    `begin` waits while `AHEAD` are not done, `wait` until all are; both raise what a piece of
    work raised. Leaving the block waits too, so nothing is written after it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._under_way: deque[Future[None]] = deque()
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(wait=True)
        if error is None:
            self.wait()
        for left in self._under_way:
            if error is not None and (other := left.exception()):
                error.add_note(f"A commit failed too: {other}")

    def begin(self, work: Callable[[], None]) -> Callable[[], None]:
        """Start a piece of work, after those before it; what is returned waits for this one."""
        while len(self._under_way) >= AHEAD:
            self._under_way.popleft().result()
        begun = self._thread.submit(self._do, work)
        self._under_way.append(begun)
        return begun.result

    def wait(self) -> None:
        """Return when nothing is under way."""
        while self._under_way:
            self._under_way.popleft().result()

    def _do(self, work: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            work()
        except BaseException:
            self._failed = True
            raise


class Inline:
    """A writer that does its work at once, for an owner with a single connection."""

    def begin(self, work: Callable[[], None]) -> Callable[[], None]:
        work()
        return self.wait

    def wait(self) -> None:
        """Nothing is ever under way."""
