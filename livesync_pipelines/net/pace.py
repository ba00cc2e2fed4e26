"""When the next call may go out: a pause between two calls to one host, and the budgets that all
processes share.

The pause is politeness, kept by one client for itself. Budgets are kept elsewhere: a `Pacer` says
how long a call has to wait, and is told when a server wants to be left alone.
"""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import Protocol

from livesync_pipelines.model.errors import OverBudget

from .world import World

PATIENCE_S = 20.0
"""The longest wait that is slept through in place; a longer one is the engine's to plan."""
LONGEST_QUEUE_S = 6 * PATIENCE_S
"""So long one call stands in line, wait after wait, while others are served."""


class Pacer(Protocol):
    """The budgets that a call is counted against. May be called by several threads.

    `patience_s`: how long whoever calls is ready to wait in place, in seconds.
    """

    @property
    def patience_s(self) -> float: ...

    def take(self, host: str) -> float:
        """0: the call may go out now and is counted. Else the seconds after which to ask again."""

    def hold(self, host: str, for_s: float) -> None:
        """The host wants no call for so many seconds: nobody gets one, in any process."""


class Unpaced:
    """No budget: no call waits, and nobody is told of anything."""

    patience_s = PATIENCE_S

    def take(self, host: str) -> float:
        return 0.0

    def hold(self, host: str, for_s: float) -> None:
        """A server that says wait is obeyed by the call that it said it to."""


UNPACED = Unpaced()


class Pace:
    """Lets the calls of one client out, to each host one after the other."""

    def __init__(self, world: World, *, per_host_s: float = 0.0, pacer: Pacer = UNPACED) -> None:
        self._world = world
        self._per_host_s = per_host_s
        self._pacer = pacer
        self._slower_s: dict[str, float] = {}
        self._free_at_s: dict[str, float] = {}
        self._shut_until_s: dict[str, float] = {}
        self._turns: defaultdict[str, Lock] = defaultdict(Lock)
        self._lock = Lock()

    def slow_down(self, host: str, pause_s: float) -> None:
        """This host wants at least `pause_s` between two calls."""
        self._slower_s[host] = pause_s

    def pause_s(self, host: str) -> float:
        """What is left between two calls to this host."""
        return max(self._per_host_s, self._slower_s.get(host, 0.0))

    def hold(self, host: str, for_s: float) -> None:
        """This host wants no call for `for_s` seconds, from nobody who shares its budget."""
        if for_s > 0:
            self._pacer.hold(host, for_s)

    def wait(self, host: str) -> None:
        """Sleep until a call to this host may go out, and count it.

        Raises `OverBudget` where that would take longer than the pacer has patience for; from
        then on at once, until that time has come.
        """
        with self._lock:
            turn = self._turns[host]
        with turn:
            self._be_polite(host)
            self._keep_budget(host)
            self._free_at_s[host] = self._world.monotonic() + self.pause_s(host)

    def _be_polite(self, host: str) -> None:
        pause_s = self._free_at_s.get(host, 0.0) - self._world.monotonic()
        if host in self._free_at_s and pause_s > 0:
            self._world.sleep(pause_s)

    def _keep_budget(self, host: str) -> None:
        shut_s = self._shut_until_s.get(host, 0.0) - self._world.monotonic()
        if host in self._shut_until_s and shut_s > 0:
            raise _over_budget(host, shut_s)
        waited_s = 0.0
        while (wait_s := self._pacer.take(host)) > 0:
            waited_s += wait_s
            if wait_s > self._pacer.patience_s or waited_s > LONGEST_QUEUE_S:
                self._shut_until_s[host] = self._world.monotonic() + wait_s
                raise _over_budget(host, wait_s)
            self._world.sleep(wait_s)


def _over_budget(host: str, wait_s: float) -> OverBudget:
    return OverBudget(
        f"No call to {host} for {wait_s:.0f} s: its budget is used up, or it asked for a pause",
        after_s=wait_s,
        hint="Nothing to do: the sync goes on then. `livesync doctor` shows every budget.",
        where=host,
    )
