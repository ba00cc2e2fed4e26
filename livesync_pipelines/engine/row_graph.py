"""Which syncs of rows write to a table that another reads, or writes to as well.

Tables (and files) are places, told apart by their settings alone; a sync is a way from the place
that it reads to the one that it writes, and one that goes both ways is two. Back on another way to
where one began, a value may go round for ever.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from livesync_pipelines.engine._row_doors import place_of
from livesync_pipelines.engine._yaml_lines import Document
from livesync_pipelines.engine.options import expand
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.sync import Connection, Desired, Mode, RowTarget, SyncConfig


@dataclass(frozen=True, slots=True)
class Way:
    """`fields`: columns that are written; None: all of them. `key`: those that are known to be the
    key of the place. `into`: which of the sync's ends is written."""

    sync: SyncConfig
    reads: str
    writes: str
    fields: frozenset[str] | None
    key: frozenset[str]
    into: Side


class Remark(NamedTuple):
    """What a person should know of these syncs together."""

    syncs: tuple[str, ...]
    message: str
    hint: str


def ways(
    syncs: Iterable[SyncConfig], connections: Mapping[str, Connection], environ: Mapping[str, str]
) -> list[Way]:
    """Of all syncs of rows; one whose connection is not there, or has a variable that is not set,
    is left out."""
    found: list[Way] = []
    for sync in syncs:
        if sync.target is not None and not sync.copies:
            found += _ways(sync, sync.target, connections, environ)
    return found


def _ways(
    sync: SyncConfig,
    target: RowTarget,
    connections: Mapping[str, Connection],
    environ: Mapping[str, str],
) -> Iterator[Way]:
    ends = connections.get(sync.connection), connections.get(target.connection)
    if ends[0] is None or ends[1] is None:
        return
    try:
        here = _spelled(ends[0], sync.select, environ)
        there = _spelled(ends[1], target.select, environ)
    except BadInput:  # a variable is not set: that is said where it is named
        return
    written = frozenset(each.target for each in sync.fields) or None
    back = frozenset(name for each in sync.fields for name in each.sources) or None
    if sync.mode is not Mode.PUSH:
        yield Way(
            sync, here, there, written, frozenset(target.select.get("key") or ()), Side.TARGET
        )
    if sync.mode is not Mode.PULL:
        yield Way(sync, there, here, back, frozenset(sync.select.get("key") or ()), Side.SOURCE)


def _spelled(end: Connection, select: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    place = place_of(end.platform, expand({**end.options, **select}, environ))
    return json.dumps(place, sort_keys=True, default=str)


def complain_of_opposites(
    documents: Mapping[tuple[str, str], Document],
    wanted: Mapping[str, SyncConfig],
    connections: Mapping[str, Connection],
    known: Desired,
    environ: Mapping[str, str],
) -> None:
    """Say of two syncs between the same two places that they must be one, if they go there and back
    together, or one of them does by itself."""
    there = {one.name: one for one in known.connections} | dict(connections)
    syncs = {one.sync_id: one for one in known.syncs} | dict(wanted)
    for one, other in _opposites(ways(syncs.values(), there, environ)):
        mine, first = (other, one) if other.sync_id in wanted else (one, other)
        if mine.sync_id in wanted:
            documents["syncs", mine.sync_id].complain(
                ("syncs", mine.sync_id), *_to_be_one(mine, first)
            )


def _opposites(found: Sequence[Way]) -> Iterator[tuple[SyncConfig, SyncConfig]]:
    between: dict[frozenset[str], list[Way]] = defaultdict(list)
    told = set()
    for way in found:
        pair = frozenset((way.reads, way.writes))
        for other in between[pair]:
            names = other.sync.sync_id, way.sync.sync_id
            if names[0] != names[1] and names not in told and way.writes == other.reads:
                told.add(names)
                yield other.sync, way.sync
        between[pair].append(way)


def _to_be_one(mine: SyncConfig, other: SyncConfig) -> tuple[str, str]:
    """What is wrong with having both, and what to do. A sync of another project is not named."""
    same = mine.project_id == other.project_id
    name = other.sync_id if same else "a sync of another project"
    if Mode.BIDIRECTIONAL not in (mine.mode, other.mode):
        return (
            f"{name} and {mine.sync_id} go there and back between the same two tables, so each "
            "would write anew what the other has written",
            "Make one sync of them, with mode: bidirectional.",
        )
    keeps, too = (name, mine.sync_id) if other.mode is Mode.BIDIRECTIONAL else (mine.sync_id, name)
    remove = f", or first `livesync sync remove {name}`" if same else ""
    return (
        f"{keeps} keeps these two tables in step both ways, whichever of them is its source, and "
        f"{too} would write over what it has written",
        f"Leave {mine.sync_id} out{remove}. Whose value of a field stands is said in the one sync, "
        "as policy: {fields: {phone: source_wins}}.",
    )


def remarks(found: Sequence[Way], among: Collection[str] | None = None) -> list[Remark]:
    """What is allowed and may not be meant, of all syncs, or where one `among` these takes part:
    ways that lead back, and fields that two syncs write."""
    told = [*_cycles(found), *_doubles(found)]
    return [one for one in told if among is None or not set(one.syncs).isdisjoint(among)]


def _cycles(found: Sequence[Way]) -> Iterator[Remark]:
    onward: dict[str, list[Way]] = defaultdict(list)
    for way in found:
        onward[way.reads].append(way)
    seen = set()
    for way in found:
        back = _shortest(onward, way)
        names = tuple(one.sync.sync_id for one in (way, *back))
        if not back or frozenset(names) in seen:
            continue
        seen.add(frozenset(names))
        yield Remark(
            names,
            f"{', '.join(names)}: each writes what the next one reads, and the last what the first "
            "reads, so a value that is changed on its way goes round for ever",
            "Let one of them leave those fields out, or give it another target.",
        )


def _shortest(onward: Mapping[str, Sequence[Way]], first: Way) -> list[Way]:
    """The ways by which what this one writes comes back to where it reads; empty: by none."""
    came: dict[str, Way] = {first.writes: first}
    waiting = deque([first.writes])
    while waiting:
        place = waiting.popleft()
        for way in onward.get(place, ()):
            if way.sync.sync_id == first.sync.sync_id or way.writes in came:
                continue
            came[way.writes] = way
            if way.writes == first.reads:
                return _walked(came, way, first)
            waiting.append(way.writes)
    return []


def _walked(came: Mapping[str, Way], last: Way, first: Way) -> list[Way]:
    path = [last]
    while path[-1].reads != first.writes:
        path.append(came[path[-1].reads])
    return path[::-1]


def _doubles(found: Sequence[Way]) -> Iterator[Remark]:
    by_place: dict[str, list[Way]] = defaultdict(list)
    for way in found:
        for other in by_place[way.writes]:
            names = (other.sync.sync_id, way.sync.sync_id)
            if names[0] != names[1] and (told := _overlap(other, way)):
                yield Remark(
                    names,
                    f"{names[0]} and {names[1]} both write {told} of the same table",
                    "Where both have a row, the one that runs last wins: remove one of them, or "
                    "give each its own fields or rows.",
                )
        by_place[way.writes].append(way)


def _overlap(one: Way, other: Way) -> str:
    """The fields that both write, in words; of a key that is not named, one is taken for it."""
    if one.fields is None or other.fields is None:
        named = one.fields or other.fields
        return ", ".join(sorted(named)) if named else "all fields"
    key = one.key | other.key
    common = sorted((one.fields & other.fields) - key)
    return ", ".join(common) if len(common) > (0 if key else 1) else ""
