"""Words that were written at a source, and when they were found in a capsule."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic, sleep, time
from typing import Any, TypeVar
from uuid import uuid4

import psycopg

from benchmarks.tables import middle_and_p95, table
from livesync_pipelines.store import capsules

PATIENCE_S = 60.0
_LOOK_S = 0.01


def new_word() -> str:
    return f"w{uuid4().hex[:12]}"


@dataclass(slots=True)
class Sought:
    """A word that was written into a sync's source at a moment (seconds since 1970), when it was
    found, and in which chunk. `legs`: seconds of each part of the way."""

    sync_id: str
    word: str
    at: float
    found_at: float | None = None
    chunk_id: str = ""
    legs: list[float] = field(default_factory=list)

    @property
    def took_s(self) -> float:
        return (self.found_at or float("inf")) - self.at

    def set_legs(self, moments: Sequence[float]) -> None:
        """The moments in their order, of which the last is when it was found. What had happened
        before its turn (a run that somebody else had asked for) took no time here."""
        assert self.found_at is not None
        reached = [moments[0]]
        for moment in moments[1:]:
            reached.append(min(self.found_at, max(reached[-1], moment)))
        self.legs = [after - before for before, after in pairwise(reached)]


S = TypeVar("S", bound=Sought)


def pursued(
    connection: psycopg.Connection[Any],
    capsule_of: Callable[[str], str],
    write: Callable[[int], S],
    *,
    count: int,
    per_s: float,
) -> list[S]:
    """Write at this rate, whether or not what was written before has been found; at random moments,
    so that they do not fall into step with whoever looks. A search asks for the words all the
    time."""
    chance = random.Random(7)
    sought: list[S] = []
    next_at = monotonic()
    until = next_at + count / per_s + PATIENCE_S
    while len(sought) < count or any(one.found_at is None for one in sought):
        if len(sought) < count and monotonic() >= next_at:
            sought.append(write(len(sought)))
            next_at += chance.uniform(0.5, 1.5) / per_s
        for one in sought:
            if one.found_at is not None:
                continue
            if hits := capsules.search(connection, capsule_of(one.sync_id), one.word):
                one.found_at, one.chunk_id = time(), hits[0]["chunk_id"]
        if monotonic() > until:
            break
        sleep(_LOOK_S)
    return sought


def lost(sought: Sequence[Sought]) -> int:
    return sum(one.found_at is None for one in sought)


FLOOR_S = 0.49
"""What six trivial assets in one step cost Dagster 1.13.27 itself on two shared cores: from an
event that a waiting sensor hears of to the end of the run, with a pool of connections and Celery's
launcher (median)."""


def legs_table(
    name: str, legs: Mapping[str, str], columns: Sequence[tuple[str, Sequence[Sought]]]
) -> list[str]:
    """Median and p95 of the whole and of each leg, and the leg's share of all that time; a column
    for each load, and one for the floor: `legs` says of each what it costs Dagster alone."""
    head = ["s (median / p95; share)", *(title for title, _ in columns), "Dagster alone"]
    found = [[one for one in sought if one.legs] for _, sought in columns]
    whole = (_cell([one.took_s for one in each]) for each in found)
    rows = [[f"**{name}**", *whole, f"{FLOOR_S}"]]
    for number, (leg, floor) in enumerate(legs.items()):
        cells = [
            _cell([one.legs[number] for one in each], of=sum(sum(one.legs) for one in each))
            for each in found
        ]
        rows.append([leg, *cells, floor])
    return list(table(head, rows))


def _cell(seconds: Sequence[float], *, of: float | None = None) -> str:
    if not seconds:
        return "-"
    share = f"; {100 * sum(seconds) / of:.0f} %" if of else ""
    return f"{middle_and_p95(seconds)}{share}"
