"""Each file in `rows/` tells a story of two tables, that a person reads and a machine replays.

- `tells`, `matters`: what happens, and why anybody should care.
- `sync`: what a configuration says of it (mode, policy, mapping, limits, drift).
- `source`, `target`: `columns`, `key`, `select`, and what the table itself `normalises`. The target
  is like the source unless it says otherwise, and `made: false` where it is not there yet.
- `days`: what people `do` at either end (or with the sync: `configure`, in the words of `sync`),
  what befalls the run (`fault`), what the `run` must say, which rows each end then has (or `both`),
  the `conflicts` so far, what the `ledger` tells of this run, which rows `fails`, which `cells` are
  kept apart, and the `state` of the sync.

After the last day a run writes nothing, unless the story says `quiet: false`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.store import approvals, catalog, conflicts
from livesync_pipelines.store.conflict_restores import restore
from livesync_pipelines_tests.engine.row_tables import Table, spelled
from livesync_pipelines_tests.engine.two_ends import (
    KINDS,
    SYNC,
    Killed,
    TwoEnds,
    lost_answer,
    two_ends,
)

STORIES = sorted((Path(__file__).parent / "rows").glob("*.yaml"))
COLUMNS = {"id": "integer", "name": "text", "phone": "text"}
PROVES = "LIVESYNC_PROVE" in os.environ
OPS = ("added", "updated", "removed")
Told = Mapping[str, Any]


@pytest.fixture
def ends(engine: Engine, kind: str, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, kind, tmp_path) as ends:
        yield ends


def stories_in_turn() -> Iterator[tuple[str, Path]]:
    """Every story with either kind of target in turn; `make prove` has each with both."""
    for number, story in enumerate(STORIES):
        for kind in KINDS if PROVES else [KINDS[number % len(KINDS)]]:
            yield kind, story


@pytest.mark.parametrize(
    ("kind", "story"), list(stories_in_turn()), ids=lambda said: getattr(said, "stem", said)
)
def test_the_story_of_two_tables_goes_as_it_is_told(ends: TwoEnds, story: Path) -> None:
    told = yaml.safe_load(story.read_text())
    assert told["tells"], "a story says what it tells"
    assert told["matters"], "a story says why it matters"
    begin(ends, told)
    for number, day in enumerate(told["days"], 1):
        try:
            live(ends, day)
        except BaseException as error:
            error.add_note(f"on day {number} of {story.name}")
            raise
    if told.get("quiet", True):
        _assert_quiet(ends)


def begin(ends: TwoEnds, told: Told) -> None:
    source = told.get("source", {})
    target = {**source, "normalises": {}, **told.get("target", {})}
    for table, said in ((ends.source, source), (ends.target, target)):
        columns, key = said.get("columns", COLUMNS), said.get("key", ["id"])
        table.create(columns, key, said.get("normalises", {}))
        if not said.get("made", True):
            table.drop()
        for row in [*told.get("both", []), *said.get("rows", [])]:
            table.insert(dict(row))
    selects = {"source": source.get("select", {}), "target": target.get("select", {})}
    ends.configure(told.get("sync", {}), selects)


def live(ends: TwoEnds, day: Told) -> None:
    """One day, from its deeds to what both tables hold in the evening."""
    for line in day.get("do", ()):
        for what, said in line.items():
            do(ends, what, said)
    before = len(ends.entries())
    if "run" in day:
        _run(ends, day)
        _assert_the_ledger_tells_it(ends, before, day.get("ledger"))
    for name in ("source", "target"):
        if name in day or "both" in day:
            _assert_holds(ends.end(name), day.get(name, day.get("both")), f"the {name}")
    if "conflicts" in day:
        _assert_conflicts(ends, day["conflicts"])
    if "fails" in day:
        found = ends.ask("select key, code from livesync.item_failures where sync_id = %s", SYNC)
        wanted = {ends.key(key): code for key, code in day["fails"].items()}
        assert {row["key"]: row["code"] for row in found} == wanted
    if "cells" in day:
        _assert_cells(ends, day["cells"])
    if "state" in day:
        with ends.engine.database.pooled() as connection:
            assert str(catalog.state(connection, SYNC)[0]) == day["state"]


def do(ends: TwoEnds, what: str, said: Any) -> None:
    """One line of a day: at an end, or what people and the clock do."""
    side, _, verb = what.partition(" ")
    with ends.engine.database.pooled() as connection:
        match what:
            case "configure":
                ends.configure(said, {})
            case "wait_h":
                ends.clock.now += timedelta(hours=said)
            case "approve":
                assert approvals.give(connection, SYNC) == said
            case "answer":
                found = _of(ends, said, state="open")
                side = said.get("take")
                answer = Answer(Side(side)) if side else Answer(value=said["value"])
                conflicts.answer(connection, found["conflict_id"], answer, by="ann")
            case "restore":
                found = _loser(ends, said)
                restore(connection, found["conflict_id"], by="ann", now=ends.clock())
            case "answer refused" | "restore refused":
                with pytest.raises(BadInput, match="does not fit"):
                    do(ends, side, said)
            case _:
                _edit(ends.end(side), verb, said)


def _of(ends: TwoEnds, said: Told, *, state: str) -> dict[str, Any]:
    """The newest conflict of that row and field."""
    wanted = ends.key(said["of"]), said.get("field"), state
    return [c for c in ends.conflicts() if (c["key"], c["field"], c["state"]) == wanted][-1]


def _loser(ends: TwoEnds, said: Told) -> dict[str, Any]:
    """The newest conflict of that row and field in which an end has lost."""
    wanted = ends.key(said["of"]), said.get("field")
    found = [c for c in ends.conflicts() if (c["key"], c["field"]) == wanted]
    return [c for c in found if c["winner"] in {"source", "target"}][-1]


def _edit(table: Table, verb: str, said: Any) -> None:
    match verb:
        case "insert":
            table.insert(said)
        case "update":
            table.update(said)
        case "delete":
            table.delete(said)
        case "sql":
            table.sql(said.format(table=table.place))
        case _:
            raise ValueError(f"no such verb: {verb}")


def _run(ends: TwoEnds, day: Told) -> None:
    wanted = day["run"]
    ends.reach = _fault(ends, day.get("fault", {}))
    try:
        result = ends.run(full=day.get("full", False))
    except Killed:
        ends.restart()
        assert wanted == "killed"
        return
    finally:
        ends.reach = _calm
    assert wanted != "killed", "nobody died"
    _assert_result(result, dict(wanted))


def _calm(_: Side, __: str) -> None:
    return


def _fault(ends: TwoEnds, said: Told) -> Any:
    """`{before target: dies}`: what happens at the first write there. `dies`, `fails` (before
    anything has happened), `answers nobody` (after it has), or edits by somebody else."""
    left = dict(said)

    def reach(side: Side, when: str) -> None:
        what = left.pop(f"{when} {side}", None)
        if what == "dies":
            ends.die()
        elif what == "fails":
            raise Unavailable("the line is down")
        elif what == "answers nobody":
            lost_answer()
        for line in what or ():
            for deed, values in line.items():
                do(ends, deed, values)

    return reach


def _assert_result(result: SyncResult, wanted: dict[str, Any]) -> None:
    told = {**result.as_dict(), "status": str(result.status)}
    says = wanted.pop("says", "")
    assert {name: told[name] for name in wanted} == wanted, result.error
    assert says in str(result.error or ""), result.error


def _assert_the_ledger_tells_it(ends: TwoEnds, before: int, wanted: Told | None) -> None:
    """The chain holds, and what it tells of a run is what the run has counted."""
    told: Counter[str] = Counter()
    for entry in ends.entries()[before:]:
        if entry["op"] == "rows":
            told.update({op: entry["after"].get(op, 0) for op in OPS})
        elif entry["op"] == "conflict":
            told["conflicts"] += 1
    assert ends.verified(), "the ledger does not hold together"
    (last,) = ends.ask(
        "select counts, status from livesync.operations where sync_id = %s"
        " order by started_at desc limit 1",
        SYNC,
    )
    counted = {op: last["counts"].get(op, 0) for op in OPS}
    assert counted == {op: told[op] for op in OPS}, "the counters and the ledger disagree"
    if wanted is not None:
        assert {name: n for name, n in told.items() if n} == dict(wanted)


def _assert_holds(table: Table, wanted: Any, what: str) -> None:
    if isinstance(wanted, dict):
        wanted = [{table.key[0]: key, **row} for key, row in wanted.items()]
    spelt = {table.key_of(row): _row(table, row) for row in wanted}
    assert table.rows() == spelt, f"{what} holds other rows"


def _row(table: Table, said: Told) -> dict[str, Any]:
    return {
        name: spelled(table.columns.get(name, "text"), said.get(name)) for name in table.names()
    }


def _assert_cells(ends: TwoEnds, wanted: list[dict[str, Any]]) -> None:
    asked = 'select key as "of", field, side, value from livesync.bad_cells where sync_id = %s'
    found = ends.ask(f"{asked} order by key, field, side", SYNC)
    told = [{**cell, "of": ends.key(cell["of"])} for cell in wanted]
    assert len(found) == len(told), found
    assert [
        {name: cell[name] for name in said} for cell, said in zip(found, told, strict=True)
    ] == told


def _assert_conflicts(ends: TwoEnds, wanted: list[dict[str, Any]]) -> None:
    found = ends.conflicts()
    told = [f"{c['key']}.{c['field']} {c['state']} {c['winner']}: {c['reason']}" for c in found]
    assert len(found) == len(wanted), told
    for conflict, each in zip(found, wanted, strict=True):
        said = dict(each)
        if "of" in said:
            assert conflict["key"] == ends.key(said.pop("of"))
        says = said.pop("says", "")
        assert {name: conflict[name] for name in said} == said, told
        assert says in conflict["reason"], conflict["reason"]


def _assert_quiet(ends: TwoEnds) -> None:
    """In step, a run has nothing to say and writes to neither end."""
    written = ends.source.written(), ends.target.written()
    told = len(ends.entries())
    result = ends.run()
    assert result.counts.synced_items == 0, f"an echo: {result.as_dict()}"
    assert (ends.source.written(), ends.target.written()) == written, "an echo was written"
    assert len(ends.entries()) == told, "nothing happened, and the ledger grew"
    assert ends.ask("select 1 from livesync.intents where sync_id = %s", SYNC) == []


def test_there_are_stories_of_rows() -> None:
    assert len(STORIES) >= 30
