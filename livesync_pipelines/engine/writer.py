"""Commits in the background: while one batch is written, the next is read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self


class Writer:
    """Does one piece of work at a time, in order, beside its owner.

    At most one is under way: `begin` waits for the one before it, and raises what that one
    raised. Leaving the block waits too, so nothing is written after it.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._under_way: Future[None] | None = None

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
        elif self._under_way is not None and (other := self._under_way.exception()):
            error.add_note(f"The last commit failed too: {other}")

    def begin(self, work: Callable[[], None]) -> None:
        """Start a piece of work, after the one before it has ended."""
        self.wait()
        self._under_way = self._thread.submit(work)

    def wait(self) -> None:
        """Return when nothing is under way; raises what the last piece of work raised."""
        done, self._under_way = self._under_way, None
        if done is not None:
            done.result()


class Inline:
    """A writer that does its work at once, for an owner with a single connection."""

    def begin(self, work: Callable[[], None]) -> None:
        work()

    def wait(self) -> None:
        """Nothing is ever under way."""
