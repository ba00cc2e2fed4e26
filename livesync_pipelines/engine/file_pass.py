"""What one copy of files carries with it, and how it tells what became of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import IO, Any

from livesync_pipelines.connectors.files import MovesFiles
from livesync_pipelines.core.copying import Agreed, Intended
from livesync_pipelines.engine.copying import CopyPlan
from livesync_pipelines.engine.file_end import FileEnd, as_held
from livesync_pipelines.engine.operating import Progress
from livesync_pipelines.model.conflict import Answer, Conflict, Version
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.merge import Policy, Side
from livesync_pipelines.model.operation import Op, Place
from livesync_pipelines.model.records import Body, Entry, Failed, ListingPage
from livesync_pipelines.store import file_intents
from livesync_pipelines.store.commit import Batch, write
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.file_commit import FileCommit, FileMove, Lost
from livesync_pipelines.store.operations import Operation

NOT_WRITTEN = "(not written)"
"""The version of a file that a dry run would have written."""


@dataclass(frozen=True, slots=True)
class EndMemory:
    """What an end is told of earlier runs: its own note, and which files it had, in which
    versions."""

    note: str | None
    versions: Mapping[str, str]

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The version that both agreed on."""
        return {key: self.versions[key] for key in keys if key in self.versions}

    def keys(self) -> Iterator[str]:
        return iter(self.versions)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """An end that is read and never written to: for a dry run."""

    end: FileEnd

    def listing(self, memory: Any, resume: str | None = None) -> Iterator[ListingPage]:
        return self.end.listing(memory, resume)

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return self.end.fetch(entries)

    def place(self) -> str:
        return self.end.place()

    def name_of(self, key: str) -> str:
        return self.end.name_of(key)

    def key_of(self, name: str) -> str:
        return self.end.key_of(name)

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        return NOT_WRITTEN

    def remove(self, key: str, *, expected_version: str) -> None:
        return None

    def holds(self, entry: Entry, content: bytes) -> bool:
        return isinstance(self.end, MovesFiles) and self.end.holds(entry, content)

    def move(self, key: str, to: str, *, expected_version: str) -> str:
        return NOT_WRITTEN

    def rendered(self, name: str, content: bytes) -> bytes:
        return as_held(self.end, name, content)


@dataclass(slots=True, kw_only=True)
class FilePass:
    """Files go from `origin`, which is the sync's end `side`, to `goal`.

    `known` is what both agreed on last: of the origin first. `answers` are what people chose, by
    name. `in_question`: of which versions (origin, goal) somebody is asked. `untold`: what an
    operation that died has kept. `piece`, `failures`: what the next commit tells.
    """

    connection: Connection
    operation: Operation
    origin: FileEnd
    goal: FileEnd
    side: Side
    plan: CopyPlan
    known: Mapping[str, Agreed]
    answers: Mapping[str, Answer]
    in_question: Mapping[str, tuple[str | None, str | None]]
    untold: Mapping[str, tuple[str, int]]
    now: Callable[[], datetime]
    progress: Progress
    piece: FileCommit = field(default_factory=FileCommit)
    failures: list[Failed] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)

    @property
    def sync_id(self) -> str:
        return self.operation.sync.sync_id

    @property
    def policy(self) -> str:
        return str(self.operation.sync.policy.default)

    def versions(self, name: str) -> tuple[str | None, str | None]:
        """As both were listed, of the origin first."""
        here, there = self.plan.source.entries.get(name), self.plan.target.entries.get(name)
        return here.version if here else None, there.version if there else None

    def answer(self, name: str) -> Side | None:
        """The end whose file a person (or the deadline) chose. An answer to what neither end
        shows any more is none."""
        given = self.answers.get(name)
        if given is None or given.side is None:
            return None
        if given.seen is not None:
            asked = tuple(told["version"] if told else None for told in given.seen)
            if self._turned(asked) != self.versions(name):
                return None
        return given.side

    def winner(self, name: str) -> Side | None:
        """The end whose file stands where the goal has one of its own; None: somebody is asked."""
        policies = {Policy.SOURCE_WINS: Side.SOURCE, Policy.TARGET_WINS: Side.TARGET}
        return self.answer(name) or policies.get(self.operation.sync.policy.default)

    def keep(self, name: str, body: Body) -> None:
        """Store what the goal has of its own before it is overwritten."""
        self.kept.add(name)
        self._write(Batch(files=FileCommit(lost=[Lost(name, body.version, body.content)])))

    def note(self, about_to_be_sent: Intended) -> None:
        """Store what is about to be sent, before it is."""
        file_intents.record(self.connection, self.operation, about_to_be_sent, now=self.now())

    def as_stored(self, agreed: Agreed | None) -> Agreed | None:
        """Of the sync's source first."""
        return agreed and Agreed(*self._turned((agreed.source, agreed.target)), agreed.apart)

    def conflict(
        self, name: str, reason: str, winner: Side | None = None, goal: Any = None
    ) -> Conflict:
        """A conflict about a whole file; `goal` where it is not as it was listed."""
        entries = self.plan.source.entries.get(name), self.plan.target.entries.get(name)
        told = _told(entries[0]), goal or _told(entries[1])
        times = [entry.modified_at if entry else None for entry in entries]
        known = self.as_stored(self.known.get(name))
        source, target = self._turned(
            tuple(Version(value=v, at=at) for v, at in zip(told, times, strict=True))
        )
        return Conflict(
            key=name,
            field=None,
            policy=self.policy,
            reason=reason,
            base={"source": known.source, "target": known.target} if known else None,
            source=source,
            target=target,
            winner=winner,
        )

    def moves(
        self, name: str, op: Op, after: Agreed | None, *, written: bool, policy: str = ""
    ) -> None:
        """Tell of a file whose state is new (None: it has none any more)."""
        before, agreed = self.as_stored(self.known.get(name)), self.as_stored(after)
        self.piece.seen.append(name)
        self.piece.moved.append(
            FileMove(
                name=name,
                op=op,
                before=before,
                after=agreed,
                written=written,
                policy=policy or self.policy,
            )
        )

    def settles(self, conflict: Conflict) -> None:
        """Tell who won; where a person has chosen, that is noted already."""
        answered = self.answer(conflict.key) is not None
        (self.piece.answered if answered else self.piece.conflicts).append(conflict)

    def fails(self, name: str, code: str, reason: str, version: str | None = None) -> None:
        self.operation.counts.failed += 1
        self.failing.add(name)
        self.failures.append(Failed(ItemFailure(name, code, reason), version))

    def commit(self, *, healed: Sequence[str] = (), note: str | None = None) -> None:
        """Write what has come together since the last time."""
        moves = Batch(files=self.piece, failures=self.failures, dropped=list(healed))
        self.piece, self.failures = FileCommit(), []
        self._write(moves, replace(self.operation.place, note=note) if note else None)
        self.progress(self.operation)

    def _write(self, batch: Batch, place: Place | None = None) -> None:
        place = place or self.operation.place
        if not batch.is_empty or place != self.operation.place:
            write(self.connection, self.operation, batch, now=self.now(), place=place)

    def _turned(self, pair: tuple[Any, ...]) -> tuple[Any, Any]:
        """From (origin, goal) to (source, target), or back."""
        first, second = pair
        return (first, second) if self.side is Side.SOURCE else (second, first)

    def notes(self) -> str:
        """What both ends want to know next time."""
        source, target = self._turned((self.plan.source.note, self.plan.target.note))
        return json.dumps({"source": source, "target": target})


def _told(entry: Entry | None) -> dict[str, Any] | None:
    """A file as a conflict shows it."""
    if entry is None:
        return None
    at = entry.modified_at.isoformat() if entry.modified_at else None
    return {"bytes": entry.size, "modified_at": at, "version": entry.version}
