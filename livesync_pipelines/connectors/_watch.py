"""A folder's own notice that something in it has changed, from the operating system.

https://watchfiles.helpmanual.io/api/watch/ and inotify(7), read 2026-11-21.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from time import monotonic

from watchfiles import Change, watch

from livesync_pipelines.model.errors import Unavailable

_STEP_MS = 50
"""So long nothing may happen before what has happened is told,"""
_AT_MOST_MS = 400
"""and so long it is gathered at most."""
_LOOK_MS = 500


class Watch:
    """Watches one folder and all below it from the first `wait` on."""

    def __init__(self, path: str, concerns: Callable[[str], bool]) -> None:
        """`concerns`: whether a path is worth telling of."""
        self._path = path
        self._concerns = concerns
        self._told: Iterator[set[tuple[Change, str]]] | None = None
        self._place = (0, 0)

    def wait(self, timeout_s: float) -> bool:
        """Whether something has happened, at most so long from now. What happens between two calls
        is not missed; True at once the first time. Raises `Unavailable` where the system does not
        let it be watched."""
        if self._told is None:
            self._place = self._look()
            self._told = self._watched()
            self._next()
            return True
        until = monotonic() + timeout_s
        while not self._next():
            if monotonic() >= until:
                return False
        return True

    def _next(self) -> bool:
        """The system watches the folder that was there at first, wherever that goes."""
        assert self._told is not None
        try:
            happened = bool(next(self._told))
        except (OSError, StopIteration) as error:
            raise self._lost("cannot be watched") from error
        if self._look() != self._place:
            raise self._lost("is another one now")
        return happened

    def _look(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise self._lost(f"cannot be watched: {error.strerror}") from error
        return found.st_dev, found.st_ino

    def _lost(self, why: str) -> Unavailable:
        self._told = None
        return Unavailable(
            f"the folder {self._path} {why}",
            hint="It is asked every few seconds instead. On Linux, see "
            "fs.inotify.max_user_watches.",
            where=f"folder {self._path}",
        )

    def _watched(self) -> Iterator[set[tuple[Change, str]]]:
        return watch(
            self._path,
            watch_filter=lambda _, path: self._concerns(path),
            debounce=_AT_MOST_MS,
            step=_STEP_MS,
            rust_timeout=_LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            ignore_permission_denied=True,
        )
