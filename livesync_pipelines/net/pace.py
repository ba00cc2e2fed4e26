"""Politeness: a pause between two calls to the same host, over all threads of one client."""

from __future__ import annotations

from threading import Lock

from .world import World


class Pace:
    def __init__(self, world: World, per_host_s: float) -> None:
        self._world = world
        self._per_host_s = per_host_s
        self._slower_s: dict[str, float] = {}
        self._free_at_s: dict[str, float] = {}
        self._lock = Lock()

    def slow_down(self, host: str, pause_s: float) -> None:
        """This host wants at least `pause_s` between two calls."""
        with self._lock:
            self._slower_s[host] = pause_s

    def wait(self, host: str) -> None:
        """Take the next free place for a call to this host, and sleep until it comes."""
        with self._lock:
            pause_s = max(self._per_host_s, self._slower_s.get(host, 0.0))
            if not pause_s:
                return
            now_s = self._world.monotonic()
            at_s = max(now_s, self._free_at_s.get(host, now_s))
            self._free_at_s[host] = at_s + pause_s
        if at_s > now_s:
            self._world.sleep(at_s - now_s)
