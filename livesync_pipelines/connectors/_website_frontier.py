"""Which URLs are still to be visited, and what became of those that were."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ._website_robots import Robots
from ._website_state import from_json
from ._website_url import Scope
from ._website_visit import Moved, Task, Via
from .base import Memory

MAX_HOPS = 10


class Fate(StrEnum):
    """`UNSEEN`: never visited, for want of room, of permission, or because it is elsewhere."""

    WAITING = "waiting"
    ALIVE = "alive"
    DELETED = "deleted"
    OUT_OF_SCOPE = "out_of_scope"
    FAILED = "failed"
    MOVED = "moved"
    CIRCLE = "circle"
    UNSEEN = "unseen"


@dataclass
class Frontier:
    """Breadth first, every URL once. `known` URLs are always let in; others while there is room.

    `full` says that some URL found no room; `moves`, where visited URLs led instead.
    """

    scope: Scope
    robots: Robots
    known: frozenset[str]
    max_depth: int
    room: int
    full: bool = False
    moves: dict[str, Moved] = field(default_factory=dict)
    fates: dict[str, Fate] = field(default_factory=dict)
    _queue: deque[Task] = field(default_factory=deque)

    def admit(self, url: str, depth: int) -> None:
        if self._lets_in(url, depth):
            self._queue.append(Task(url=url, depth=min(depth, self.max_depth)))

    @property
    def admitted(self) -> int:
        """How many URLs are to be visited, or were."""
        return len(self.fates)

    def move(self, task: Task, moved: Moved) -> None:
        """The task's URL leads to another, which is visited next and not a link deeper."""
        self.fates[task.url] = Fate.MOVED
        self.moves[task.url] = moved
        if task.hops < MAX_HOPS and self._lets_in(moved.target, task.depth):
            self._queue.appendleft(Task(url=moved.target, depth=task.depth, hops=task.hops + 1))

    def stand_alone(self, url: str) -> None:
        """Visit a page once more, whose canonical link leads nowhere."""
        del self.moves[url]
        self.fates[url] = Fate.WAITING
        self._queue.append(Task(url=url, depth=self.max_depth, alone=True))

    def take(self, count: int, *, depth: int, memory: Memory) -> list[Task]:
        """The next tasks down to this depth, each with what is remembered of its page."""
        tasks: list[Task] = []
        while self._queue and len(tasks) < count and self._queue[0].depth <= depth:
            tasks.append(self._queue.popleft())
        states = memory.states([task.url for task in tasks if task.url in self.known])
        return [replace(task, remembered=from_json(states.get(task.url))) for task in tasks]

    def end_of(self, url: str) -> tuple[str, Fate, bool]:
        """Where moves lead from a URL, what became of that, and whether all of it is for good."""
        passed: set[str] = set()
        lasting = True
        while url in self.moves:
            if url in passed:
                return url, Fate.CIRCLE, lasting
            passed.add(url)
            lasting = lasting and self.moves[url].via is not Via.TEMPORARY
            url = self.moves[url].target
        return url, self.fates.get(url, Fate.UNSEEN), lasting

    def _lets_in(self, url: str, depth: int) -> bool:
        known = url in self.known
        if (
            url in self.fates
            or not self.scope.reaches(url)
            or not (known or depth <= self.max_depth)
        ):
            return False
        if not self.robots.allows(url):
            return False
        if not known and not self.room:
            self.full = True
            return False
        self.room -= not known
        self.fates[url] = Fate.WAITING
        return True
