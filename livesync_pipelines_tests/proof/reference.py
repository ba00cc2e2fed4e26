"""The reference model: what a reader may see, must see, and must never see.

Written from the contracts alone. Of every key it knows the values that it has had at the source,
in order, since the capsule was last known to equal it, and how far along them a reader has got.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import RLock

from livesync_pipelines.model.sync import Limits
from livesync_pipelines_tests.proof.source import Value

Shown = Mapping[str, Value]


@dataclass(slots=True)
class Counts:
    """Of all values that the source has had: Jepsen's `set-full`, and how the run was."""

    stable: int = 0
    lost: int = 0
    never_read: int = 0
    stale: int = 0
    duplicated: int = 0
    reads: int = 0
    edits: int = 0
    deletes: int = 0

    def add(self, other: Counts) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Reference:
    """`past[key]`: its values, oldest first (None: it was not there); `reached[key]`: up to which
    of them a reader has seen it."""

    past: dict[str, list[Value | None]] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    deletes: list[str] = field(default_factory=list)
    made: dict[tuple[str, Value], None] = field(default_factory=dict)
    seen: set[tuple[str, Value]] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
    lock: RLock = field(default_factory=RLock)

    def happens(self, key: str, value: Value | None) -> None:
        """The source is about to show this."""
        with self.lock:
            past = self.past.setdefault(key, [None])
            if past[-1] == value:
                return
            past.append(value)
            if value is None:
                self.deletes.append(key)
                self.counts.deletes += 1
            elif (key, value) not in self.made:
                self.made[key, value] = None
                self.counts.edits += 1

    def reads(self, shown: Shown) -> None:
        """What a reader found, in one look at the whole capsule."""
        with self.lock:
            self.counts.reads += 1
            for key in self.past.keys() | shown.keys():
                self._read(key, shown.get(key))

    def _read(self, key: str, value: Value | None) -> None:
        past, at = self.past.get(key, [None]), self.reached.get(key, 0)
        if value not in past[at:]:
            self.counts.stale += value in past
            raise AssertionError(_wrong(key, value, past, at))
        self.reached[key] = past.index(value, at)
        if value is not None:
            self.seen.add((key, value))

    def is_in_step(
        self, shown: Shown, source: Shown, *, unreadable: Iterable[str], waits: bool
    ) -> None:
        """After a run that missed nothing: the capsule is the source. Items that cannot be read
        may be as they were; removals that wait for a person have not happened."""
        excused = set(unreadable)
        for key in shown.keys() | source.keys():
            if key in excused or (waits and key not in source):
                continue
            found, wanted = shown.get(key), source.get(key)
            self.counts.lost += found != wanted and wanted is not None
            assert found == wanted, f"'{key}' shows {_short(found)}, not {_short(wanted)}"
            with self.lock:
                self.past[key], self.reached[key] = [wanted], 0
        for key in self.past.keys() - shown.keys() - source.keys() - excused:
            with self.lock:
                self.past[key], self.reached[key] = [None], 0

    def may_remove(
        self, removed: int, *, held: int, approved: int, waited: bool, limits: Limits
    ) -> None:
        """Loss asks first: `removed` of the `held` items have gone in one run."""
        assert not (waited and removed), f"{removed} items were removed by a run that waits"
        many = removed > limits.delete_items and removed > limits.delete_share * max(held, removed)
        assert not many or removed <= approved, f"{removed} of {held} items removed unasked"

    def must_fail(
        self,
        failing: set[str],
        *,
        poisoned: set[str],
        current: Mapping[str, str],
        held: Mapping[str, str],
    ) -> None:
        """Dead letters and failures are the poisoned items, each unless its version (`current`) is
        the one that is `held` and so never had to be read."""
        assert failing <= poisoned, f"these can be read, and count as failing: {failing - poisoned}"
        behind = {key for key in poisoned & current.keys() if held.get(key) != current[key]}
        assert behind <= failing, f"these cannot be read, and nobody says so: {behind - failing}"

    def judged(self, source: Shown) -> Counts:
        """At the end: what became of every value that the source has had."""
        for key, value in self.made:
            if (key, value) in self.seen:
                self.counts.stable += 1
            else:
                self.counts.never_read += 1
                assert source.get(key) != value, f"'{key}' is at the source, and was never read"
        return self.counts


def _wrong(key: str, value: Value | None, past: list[Value | None], at: int) -> str:
    kind = "a value that it never had"
    if value in past:
        kind = "an older value again" if value else "nothing, though it is there: a false delete"
    elif value is None:
        kind = "nothing, though it was never away: a false delete"
    told = [_short(one) for one in past]
    return f"'{key}' shows {kind}: {_short(value)}; it has been {told}, of which {at} were passed"


def _short(value: Value | None) -> str:
    return "nothing" if value is None else f"edit {value[1]}"
