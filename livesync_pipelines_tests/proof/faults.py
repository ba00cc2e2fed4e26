"""Faults by name and steps by name: each fault strikes before or after a step of a run."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from threading import RLock, get_ident
from typing import Any, Protocol

import psycopg
import pytest

from livesync_pipelines.model.errors import RateLimited, Reauthorise, Unavailable
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.proof.connectors import CHANGES, ITEM, PAGE, PLACE, SOURCE_STEPS
from livesync_pipelines_tests.proof.points import STEPS
from livesync_pipelines_tests.proof.source import Platform

OPENING = {"an operation is opened", "the sync is taken over"}
WRITING = {
    "old rows are taken out",
    "texts are written",
    "rows are written",
    "chunks are written",
    "failures are written",
    "absences are noted",
    "the ledger is written",
    "the cursor is moved",
}
READING = {
    "a page is listed",
    "the shadow is read",
    "a batch is taken in",
    "chunks are placed",
    "a page is committed",
    "renames are settled",
    "absences are settled",
}
ENGINE_STEPS = STEPS.keys() - {"a file is read"}
ALL = frozenset({*ENGINE_STEPS, *SOURCE_STEPS})
AT_SOURCE = frozenset(SOURCE_STEPS)
FREE = frozenset({*READING, *SOURCE_STEPS})
"""Steps at which an operation holds no lock on its sync's row."""


class Killed(BaseException):
    """The process ends here: no handler of ours may catch it."""


class Bug(Exception):
    """A mistake of our own."""


class Scene(Protocol):
    """What a fault can reach."""

    platform: Platform

    @property
    def clock(self) -> Clock: ...
    def kill_connections(self, *, all_of_them: bool) -> None: ...
    def take_over(self) -> None: ...
    def pause(self) -> None: ...
    def change_mapping(self) -> None: ...


Act = Callable[[Scene], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """What it does, and the steps at which it can happen."""

    act: Act
    steps: frozenset[str]


def _raises(make: Callable[[], BaseException]) -> Act:
    def act(_: Scene) -> None:
        raise make()

    return act


def _dies(scene: Scene) -> None:
    scene.kill_connections(all_of_them=True)
    raise Killed


def _jumps(by: timedelta) -> Act:
    def act(scene: Scene) -> None:
        scene.clock.now += by

    return act


def _behaves(name: str) -> Act:
    def act(scene: Scene) -> None:
        setattr(scene.platform.bad, name, True)

    return act


def _forgets(scene: Scene) -> None:
    scene.platform.forgotten = len(scene.platform.events)


_LISTS = frozenset({PAGE})
_TELLS = frozenset({PAGE, CHANGES})
FAULTS = {
    "the source is away": Fault(_raises(lambda: Unavailable("away")), AT_SOURCE),
    "the source says: slow down": Fault(
        _raises(lambda: RateLimited("slow down", after_s=90.0)), AT_SOURCE
    ),
    "the account is revoked": Fault(_raises(lambda: Reauthorise("revoked")), AT_SOURCE),
    "a bug": Fault(_raises(lambda: Bug("a mistake")), ALL),
    "kill -9": Fault(_dies, ALL),
    "the database connection is cut": Fault(
        lambda scene: scene.kill_connections(all_of_them=False), ALL
    ),
    "a serialization failure": Fault(
        _raises(lambda: psycopg.errors.SerializationFailure("could not serialize")),
        frozenset(WRITING),
    ),
    "a deadlock": Fault(
        _raises(lambda: psycopg.errors.DeadlockDetected("deadlock detected")), frozenset(WRITING)
    ),
    "another run takes over": Fault(
        lambda scene: scene.take_over(), FREE | {"the fence is checked", "the operation is closed"}
    ),
    "a person pauses it": Fault(lambda scene: scene.pause(), FREE),
    "the mapping changes": Fault(lambda scene: scene.change_mapping(), FREE),
    "our clock jumps ahead": Fault(_jumps(timedelta(hours=30)), ALL),
    "our clock jumps back": Fault(_jumps(timedelta(hours=-30)), ALL),
    "the listing ends early and says so": Fault(_behaves("short"), _LISTS),
    "a folder cannot be seen": Fault(_behaves("blind"), _LISTS),
    "an item cannot be listed": Fault(_behaves("unlisted"), _LISTS),
    "an item fails once": Fault(_behaves("fails_once"), frozenset({ITEM})),
    "a page token repeats": Fault(_behaves("repeats"), _TELLS),
    "events come twice": Fault(_behaves("doubled"), frozenset({CHANGES})),
    "an older event comes after a newer": Fault(_behaves("backwards"), frozenset({CHANGES})),
    "the cursor has expired": Fault(_forgets, frozenset({CHANGES, PLACE})),
    "late changes appear": Fault(lambda scene: scene.platform.appear(), _TELLS),
}
ONLY_BEFORE = {"another run takes over": {"the fence is checked", "the operation is closed"}}
"""Steps after which such a fault would wait for the very operation that it strikes."""
SHAPES_THE_PAGE = {
    "the listing ends early and says so",
    "a folder cannot be seen",
    "an item cannot be listed",
    "an item fails once",
    "a page token repeats",
    "events come twice",
    "an older event comes after a newer",
}
"""Faults that show in what the step gives, so they strike before it."""
BREAKS_OFF = {
    "the source is away",
    "the source says: slow down",
    "the account is revoked",
    "a bug",
    "kill -9",
    "a serialization failure",
    "a deadlock",
}
"""After these a run has not done its work, and must not say so."""

Pair = tuple[str, str, str]
"""Fault, `before` or `after`, step."""


def pairs() -> Iterator[Pair]:
    """Every fault at every step at which it can happen."""
    for name, fault in FAULTS.items():
        for step in sorted(fault.steps):
            yield name, "before", step
            if name not in SHAPES_THE_PAGE and step not in ONLY_BEFORE.get(name, ()):
                yield name, "after", step


@dataclass(slots=True)
class Hooks:
    """Counts how often each step is reached, lets a reader look at each, and strikes.

    Faults are armed as (fault, when, step, turn), for one run.
    """

    scene: Scene
    look: Callable[[], None]
    armed: list[tuple[str, str, str, int]] = field(default_factory=list)
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    fired: list[Pair] = field(default_factory=list)
    raised: AssertionError | None = None
    _inside: set[int] = field(default_factory=set)
    _lock: RLock = field(default_factory=RLock)
    is_on: bool = False

    def reach(self, step: str, when: str) -> None:
        """A run is before or after a step."""
        if not self.is_on or get_ident() in self._inside:
            return
        with self._lock:
            self.reached[when, step] += 1
            turn = self.reached[when, step]
            strikes = [name for name, *rest in self.armed if rest == [when, step, turn]]
            self.armed = [fault for fault in self.armed if fault[1:] != (when, step, turn)]
        with self._alone():
            self._look()
            if step in (PAGE, CHANGES):
                self.meanwhile.pop((turn - 1) * 2 + (when == "after"), _nothing)()
            for name in strikes:
                self.fired.append((name, when, step))
                FAULTS[name].act(self.scene)

    def _look(self) -> None:
        try:
            self.look()
        except AssertionError as error:
            self.raised = self.raised or error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """What a fault itself does reaches no step."""
        self._inside.add(get_ident())
        try:
            yield
        finally:
            self._inside.discard(get_ident())


def _nothing() -> None:
    return


def watch(patch: pytest.MonkeyPatch, reach: Callable[[str, str], None]) -> None:
    """Have every step of the engine told, before and after it."""
    for step in sorted(ENGINE_STEPS):
        module, name = STEPS[step]
        home = importlib.import_module(module)
        patch.setattr(home, name, _watched(getattr(home, name), step, reach))


def _watched(
    real: Callable[..., Any], step: str, reach: Callable[[str, str], None]
) -> Callable[..., Any]:
    def watched(*args: Any, **named: Any) -> Any:
        reach(step, "before")
        answer = real(*args, **named)
        reach(step, "after")
        return answer

    return watched
