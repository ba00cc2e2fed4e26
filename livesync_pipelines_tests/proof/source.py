"""A pretend platform with true history: every version that an item ever had, and when.

It lists and tells of itself in five ways (`FLAVOURS`), all of them within the contracts of
`connectors.base`, and misbehaves where a fault says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from livesync_pipelines.core.normalise import normalise_text
from livesync_pipelines.core.since import floored
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines_tests.engine.house import prose

Value = tuple[str, str]
"""What a reader sees of an item: its text, and the number of the edit that made it."""

KEYS = ("a", "b", "c", "m/a", "m/b", "m/c", "z/a", "z/b", "z/c")
BLIND = "m/"
_MINUTES = Clock(granularity_s=60.0, inclusive=False, late_s=90.0, zone="Asia/Kathmandu")


def _spec(name: str, clock: Clock, absence: Absence = Absence.DELETED) -> PlatformSpec:
    return PlatformSpec(name=name, title=name.title(), clock=clock, absence=absence)


_PLAIN = Clock(granularity_s=0)
_UNTRUSTED = replace(_PLAIN, trusted=False)
FLAVOURS = {
    "ordered": replace(_spec("ordered", _PLAIN), ordered=True, identity=True),
    "untrusted": replace(_spec("untrusted", _UNTRUSTED), ordered=True),
    "unordered": replace(_spec("unordered", _PLAIN, Absence.KEPT), explicit_deletes=True),
    "bag": replace(_spec("bag", _PLAIN), identity=True),
    "told": replace(_spec("told", _PLAIN), ordered=True, identity=True, explicit_deletes=True),
    "told_bag": replace(_spec("told_bag", _PLAIN), identity=True, explicit_deletes=True),
    "stamped": replace(_spec("stamped", _MINUTES), ordered=True, explicit_deletes=True),
}
"""Ordered and resumable, twice: once its versions do not always show a change; unordered, twice:
once only the source's own word removes, once its absence does; with a feed of numbered events,
twice: once over each kind of listing; with a feed of stamps."""


@dataclass(frozen=True, slots=True)
class State:
    """One item at one moment. `edit` is the number of the edit that made its words."""

    identity: str
    version: str
    text: str
    edit: int
    stamp: datetime

    @property
    def value(self) -> Value:
        return normalise_text(self.text), f"{self.edit}"


@dataclass(frozen=True, slots=True)
class Event:
    """From now on the item under `key` is so; None: it is no more, for this reason."""

    key: str
    state: State | None
    stamp: datetime
    reason: str = ""


def _nobody(_: str, __: str) -> None:
    return


def _nothing(_: str, __: Value | None) -> None:
    return


@dataclass(slots=True)
class Misbehaviour:
    """What a run has to bear; over with the run."""

    short: bool = False
    blind: bool = False
    unlisted: bool = False
    repeats: bool = False
    doubled: bool = False
    backwards: bool = False
    fails_once: bool = False


@dataclass(slots=True)
class Platform:
    """What it holds now (`items`), what it hides (`elsewhere`: trash, out of scope), all that was.

    `reach` is told of every step at the source, `tell` of every new value before it shows.
    """

    flavour: str = "ordered"
    page_items: int = 2
    with_bodies: bool = False
    items: dict[str, State] = field(default_factory=dict)
    elsewhere: dict[str, State] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    versions: dict[str, set[Value]] = field(default_factory=dict)
    poisoned: dict[str, str] = field(default_factory=dict)
    late: list[tuple[str, str, datetime]] = field(default_factory=list)
    forgotten: int = 0
    unmarked: bool = False
    behind: bool = False
    now: datetime = datetime(2026, 3, 1, 11, 59, 30, tzinfo=UTC)
    number: int = 0
    asked: list[str] = field(default_factory=list)
    bad: Misbehaviour = field(default_factory=Misbehaviour)
    reach: Callable[[str, str], None] = _nobody
    tell: Callable[[str, Value | None], None] = _nothing

    @property
    def spec(self) -> PlatformSpec:
        return FLAVOURS[self.flavour]

    def values(self) -> dict[str, Value]:
        """What a capsule in step shows."""
        return {key: state.value for key, state in self.items.items()}

    # What people do there. Whatever cannot be done now is passed over, so that any list of steps
    # is a history.

    def put(self, key: str, topics: str) -> None:
        """Create or edit."""
        self._put(key, topics, self._stamp())

    def put_late(self, key: str, topics: str) -> None:
        """Edit now, to be seen later: a replica lags behind."""
        if self.spec.clock.late_s and key in self.items:
            self.late.append((key, topics, self._stamp()))
        else:
            self.put(key, topics)

    def put_unmarked(self, key: str, topics: str) -> None:
        """Edit without a new version, where that can happen."""
        old = self.items.get(key)
        if self.spec.clock.trusted or old is None:
            return self.put(key, topics)
        self.number, self.unmarked = self.number + 1, True
        return self._shows(key, replace(old, text=words(topics), edit=self.number))

    def touch(self, key: str) -> None:
        """A new version of the same words."""
        if key in self.items:
            self._shows(key, self._again(self.items[key]))

    def rename(self, old: str, new: str) -> None:
        """Keeps its identity; where a listing cannot tell, that is a removal and an arrival."""
        if old in self.items and new not in self.items:
            state = self.items[old]
            self._hides(old, "moved")
            self._shows(new, self._again(state))

    def swap(self, one: str, other: str) -> None:
        """Two items exchange their names."""
        if one != other and one in self.items and other in self.items:
            first, second = self.items[one], self.items[other]
            self._shows(one, self._again(second))
            self._shows(other, self._again(first))

    def replace(self, key: str, topics: str) -> None:
        """Delete it, and create another one under the same key."""
        if key in self.items:
            self._hides(key, "deleted")
            self.put(key, topics)

    def remove(self, key: str) -> None:
        if key in self.items:
            self._hides(key, "deleted")

    def hide(self, key: str, reason: str) -> None:
        """Into the trash, out of the selection, or out of reach."""
        if key in self.items:
            self.elsewhere[key] = self.items[key]
            self._hides(key, reason)

    def back(self, key: str) -> None:
        """Out of the trash, or into the selection again, with its old identity."""
        state = self.elsewhere.pop(key, None)
        if state is not None and key not in self.items:
            self._shows(key, self._again(state))

    def poison(self, key: str, code: str) -> None:
        """From now on it cannot be read."""
        self.poisoned[key] = code

    def heal(self, key: str) -> None:
        """It can be read again; what would never be tried again gets a new version."""
        if self.poisoned.pop(key, None) is not None:
            self.touch(key)

    def tick(self, seconds: float) -> None:
        """Its own clock goes on, unless nobody has noticed yet that it went back."""
        if not self.behind:
            self.appear()
            self.now += timedelta(seconds=seconds)

    def clock_back(self, seconds: float) -> None:
        """Its own clock goes back, and nobody edits until a run has asked it."""
        if self.flavour == "stamped" and not self.behind:
            self.appear()
            self.now -= timedelta(seconds=seconds)
            self.behind = True

    def appear(self) -> None:
        """What was late shows."""
        waiting, self.late = self.late, []
        for key, topics, stamp in waiting:
            if key in self.items:
                self._put(key, topics, stamp)

    def _put(self, key: str, topics: str, stamp: datetime) -> None:
        old = self.items.get(key)
        self.number += 1
        identity = old.identity if old else f"i{self.number}"
        version = f"v{self.number}"
        self._shows(key, State(identity, version, words(topics), self.number, stamp))

    def _again(self, state: State) -> State:
        self.number += 1
        return replace(state, version=f"v{self.number}", stamp=self._stamp())

    def _stamp(self) -> datetime:
        return floored(self.now, self.spec.clock)

    def _shows(self, key: str, state: State) -> None:
        self.versions.setdefault(state.version, set()).add(state.value)
        self.tell(key, state.value)
        self.items[key] = state
        self.events.append(Event(key, state, self._stamp()))

    def _hides(self, key: str, reason: str) -> None:
        self.tell(key, None)
        del self.items[key]
        self.events.append(Event(key, None, self._stamp(), reason))


def words(topics: str) -> str:
    """One section per letter: two texts with the same letter share a chunk."""
    return "\n\n".join(prose(topic, sections=1) for topic in topics)


EDITS = (
    "put",
    "put_late",
    "put_unmarked",
    "touch",
    "rename",
    "swap",
    "replace",
    "remove",
    "hide",
    "back",
    "poison",
    "heal",
    "tick",
    "clock_back",
    "appear",
)
"""The steps of a history that happen at the platform, by method."""
