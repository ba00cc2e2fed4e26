"""Plays a history of two tables against the real engine, and holds it to the reference.

A step is a list, its name and its arguments, as JSON has them: the methods `do_...` here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

from livesync_pipelines.model.conflict import Answer
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.merge import Side
from livesync_pipelines.store import approvals, conflicts
from livesync_pipelines.store.conflict_restores import restore
from livesync_pipelines.store.database import Gone
from livesync_pipelines_tests.engine.row_tables import PostgresTable, Row
from livesync_pipelines_tests.engine.two_ends import SYNC, Killed, TwoEnds
from livesync_pipelines_tests.proof import rows_points as points
from livesync_pipelines_tests.proof.rows_points import STATE, Pair, Seen
from livesync_pipelines_tests.proof.rows_reference import SIDES, RowReference, changed

Step = Sequence[Any]
Setting = Mapping[str, Any]
"""`mode`, `policy`, `clocks`: both ends tell when; `normalises`: the target has a spelling;
`feeds`: the ends that tell of changes, where they can; `misfits`: what becomes of a grade that the
target cannot hold (`null`, `keep`), or None, where people write no such thing."""
ROUNDS = 6
"""In so many runs without faults, with a person who approves, both ends are in step."""
OPS = ("added", "updated", "removed")
HERE = {
    **{"id": "integer", "full_name": "text", "phone": "text", "size": "integer", "grade": "text"},
    "own": "text",
}
THERE = {
    **{"id": "integer", "name": "text", "phone": "text", "size": "bigint", "grade": "integer"},
    "score": "integer",
    "label": "text",
}
MAPPING = [{"from": name, "to": to} for name, to in zip(HERE, THERE, strict=False)][:4]
LABEL = {"template": "{phone}!", "to": "label", "lossy": True}
FIELDS = ("name", "phone", "size", "grade", "label")
LARGE = 9_000_000_000
SAME = {"size": 7, "grade": 7, "label": "SAME!"}
OWN = {"source": "own", "target": "score"}
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class RowPlay:
    """One history of one sync."""

    ends: TwoEnds
    setting: Setting
    seen: Seen
    steps: list[Step] = field(default_factory=list)
    values: int = 0
    reference: RowReference = field(init=False)
    armed: list[tuple[str, str, str, int]] = field(default_factory=list)
    reached: Counter[tuple[str, str]] = field(default_factory=Counter)
    fired: list[Pair] = field(default_factory=list)
    is_on: bool = False
    unclear: bool = False
    last: str = ""

    def __post_init__(self) -> None:
        mode, clocks = self.setting["mode"], self.setting["clocks"]
        ruler = {"pull": "source", "push": "target"}.get(mode)
        fields = [name for name in FIELDS if name != "label" or mode != "push"]
        self.reference = RowReference(tuple(fields), ruler)
        more = {"changed_at": "timestamptz"} if clocks else {}
        spells = {"name": "upper({})"} if self.setting["normalises"] else {}
        self.ends.source.create({**HERE, **more}, ["id"], {})
        self.ends.target.create({**THERE, **more}, ["id"], spells)
        select = {"modified": "changed_at"} if clocks else {}
        sync = {
            "mode": mode,
            "policy": dict(self.setting["policy"]),
            "mapping": [*MAPPING, self._graded(), LABEL],
            "limits": {"delete_items": 2, "delete_share": 0.5},
        }
        with self.ends.engine.database.pooled() as connection:
            for table in STATE:
                connection.execute(f"delete from livesync.{table}".encode())
        selects = {"source": dict(select), "target": dict(select)}
        for side in self.setting.get("feeds", ()):
            if isinstance(self.ends.end(side), PostgresTable):
                selects[side]["feed"] = "trigger"
        self.ends.configure(sync, selects)
        self.ends.reach = lambda side, when: self.reach(f"the {side} is written", when)
        self.ends.asked = lambda side, what: self.reach(f"the {side} is {what}", "before")
        self.seen.histories += 1

    def _graded(self) -> dict[str, Any]:
        on_error = self.setting.get("misfits") or "null"
        return {"from": "grade", "to": "grade", "cast": "integer", "on_error": on_error} | {
            "lossy": True
        }

    def do(self, step: Step) -> None:
        self.steps.append(step)
        name, *values = step
        self.seen.steps[name] += 1
        getattr(self, f"do_{name}")(*values)

    # What people do.

    def do_edit(self, side: str, key: int, what: str, fields: Sequence[str], minutes: int) -> None:
        """Insert (or, where it is there, update) or delete the row."""
        shown = self.shown(side).get(key)
        if what == "delete":
            if shown is not None:
                self.reference.delete(side, key, shown)
                self.ends.end(side).delete(key)
            return
        self.values += 1
        can = FIELDS[:-1] if side == "source" else FIELDS
        told = [n for n in can if n in fields or (shown is None and n != "label")]
        odd = what == "odd" and self.setting.get("misfits")
        row = {n: self._value(side, n, odd=bool(odd)) for n in told}
        if what == "same":
            row = {n: SAME.get(n, "SAME") for n in told}
        if not row:
            return
        if shown is None:
            self.reference.insert(side, key, row)
            self.ends.end(side).insert(self._by_end(side, key, row, minutes, new=True))
        else:
            self.reference.update(side, key, shown, row)
            self.ends.end(side).update(self._by_end(side, key, row, minutes, new=False))

    def _value(self, side: str, name: str, *, odd: bool) -> Any:
        """One that nobody has written yet; an odd one does not fit the other end, where the field
        has such."""
        match name, side, odd:
            case "size", "target", True:
                return LARGE + self.values
            case ("grade", "source", True) | ("name" | "phone" | "label", _, _):
                return f"V{self.values}"
        return self.values

    def _by_end(self, side: str, key: int, row: Row, minutes: int, *, new: bool) -> Row:
        spelt = {"full_name" if n == "name" and side == "source" else n: v for n, v in row.items()}
        if self.setting["normalises"] and side == "source" and "full_name" in spelt:
            spelt["full_name"] = str(spelt["full_name"]).lower()
        if new:
            spelt[OWN[side]] = self.values
        if self.setting["clocks"]:
            start = datetime(2026, 3, 1, tzinfo=UTC)
            spelt["changed_at"] = start + timedelta(minutes=self.values * 10 + minutes)
        texts = {"own", "grade"} if side == "source" else set()
        own = {n: str(v) if n in texts else v for n, v in spelt.items()}
        return {"id": key, **own}

    def do_answer(self, take: str) -> None:
        """Of the oldest open question; carried out before anybody edits anything."""
        waiting = [c for c in self.ends.conflicts() if c["state"] == "open"]
        if waiting and waiting[0]["policy"] != "loop":
            with self.ends.engine.database.pooled() as connection:
                number = waiting[0]["conflict_id"]
                conflicts.answer(connection, number, Answer(Side(take)), by="ann")
            self.do_run({})

    def do_restore(self, back: int) -> None:
        """Of the newest losers one; carried out before anybody edits anything. Who asks for it
        sees what both ends show alike."""
        found = [c for c in self.ends.conflicts() if c["winner"] in SIDES and not c["unfit"]]
        settled = [c for c in found if c["state"] == "settled"]
        if len(settled) <= back or self.reference.ruler is not None:
            return
        conflict = settled[-1 - back]
        (key,) = (key for key in range(1, 20) if self.ends.key(key) == conflict["key"])
        here, there = (rows.get(key, {}) for rows in self._both())
        fields = self.reference.fields if conflict["field"] is None else [conflict["field"]]
        self.reference.seen |= {
            (key, n, here[n]) for n in fields if n in here and here[n] == there.get(n)
        }
        with self.ends.engine.database.pooled() as connection, suppress(BadInput):
            restore(connection, conflict["conflict_id"], by="ann", now=self.ends.clock())
        self.do_run({})

    def do_approve(self) -> None:
        with self.ends.engine.database.pooled() as connection:
            approvals.give(connection, SYNC)

    def do_clock(self, hours: int) -> None:
        self.ends.clock.now += hours * _HOUR

    # A run, and what is checked around it.

    def do_run(self, order: Mapping[str, Any]) -> None:
        """`full`; `faults` as [name, when, step, turn]."""
        before, own = self._both(), self._own()
        self.armed = [tuple(fault) for fault in order.get("faults", ())]
        self.fired, self.is_on = [], True
        self.reached.clear()
        edits = self.reference.counts.total()
        result = None
        try:
            result = self.ends.run(full=bool(order.get("full")))
        except (Killed, Gone):
            if all(name != points.DIES for name, *_ in self.fired):
                raise
        finally:
            self.is_on, self.armed = False, []
            self.ends.restart()
        status = str(result.status) if result else "killed"
        self.last = status
        self.seen.runs[status] += 1
        self.seen.fired.update(self.fired)
        broken = {name for name, *_ in self.fired} & {points.DIES, points.AWAY, points.LOST}
        told = result.error if result else None
        assert status in {"success", "partial", "waiting_for_approval"} or broken, told
        assert status not in {"success"} or not broken, f"a success, with {broken}"
        self.checks(own, edits=edits)
        if result and not broken and not self.unclear:
            moved = changed(before, self._both())
            if edits == self.reference.counts.total():
                counted = result.counts.synced_items
                assert counted == len(moved), f"{counted} counted, rows changed: {moved}"
        self.unclear = bool(broken) or (self.unclear and status != "success")

    def checks(self, own: Mapping[Any, Any], *, edits: int) -> None:
        assert self.ends.verified(), "the ledger does not hold together"
        wrote: Counter[str] = Counter()
        for entry in self.ends.entries():
            if entry["op"] == "rows":
                wrote.update({op: entry["after"].get(op, 0) for op in OPS})
        counted: Counter[str] = Counter()
        for row in self.ends.ask("select counts from livesync.operations"):
            counted.update({op: row["counts"].get(op, 0) for op in OPS})
        assert counted == wrote, "counters and ledger disagree"
        if edits == self.reference.counts.total():
            now = self._own()
            assert {k: now[k] for k in now.keys() & own.keys()} == {
                k: own[k] for k in now.keys() & own.keys()
            }, "a field that is not mapped was written"

    def reach(self, step: str, when: str) -> None:
        """A run is before or after a step."""
        if not self.is_on:
            return
        self.reached[when, step] += 1
        here = when, step, self.reached[when, step]
        for fault in [fault for fault in self.armed if fault[1:] == here]:
            self.armed.remove(fault)
            self.fired.append(fault[:3])
            self._strike(fault[0], step)

    def _strike(self, name: str, step: str) -> None:
        match name:
            case points.DIES:
                self.is_on = False
                self.ends.die()
            case points.AWAY | points.LOST:
                raise Unavailable("the line dropped")
            case points.EDIT:
                side = step.split()[1]
                for key in list(self.shown(side))[:2]:
                    self.do_edit(side, key, "update", ["phone"], 0)
            case points.AHEAD | points.BACK:
                self.ends.clock.now += (30 if name == points.AHEAD else -30) * _HOUR

    # Quiet.

    def settle(self) -> None:
        """No more faults and edits: soon both ends are in step, and stay so unwritten."""
        one_way = self.setting["mode"] != "bidirectional"
        for rounds in range(1, ROUNDS + 1):
            self.do_approve()
            before = self._both()
            self.do_run({"full": one_way})
            if self.last == "success" and before == self._both():
                self.seen.rounds = max(self.seen.rounds, rounds)
                break
        else:
            raise AssertionError(f"not in step after {ROUNDS} runs")
        self._assert_quiet(full=one_way)
        self._assert_quiet(full=True)
        self.holds()

    def _assert_quiet(self, *, full: bool) -> None:
        tables = self.ends.source, self.ends.target
        written, told = [table.written() for table in tables], len(self.ends.entries())
        result = self.ends.run(full=full)
        assert result.counts.synced_items == 0, f"an echo: {result.counts}"
        assert [table.written() for table in tables] == written, "an echo was written"
        assert len(self.ends.entries()) == told, "in quiet the ledger grew"
        assert self.ends.ask("select 1 from livesync.intents where sync_id = %s", SYNC) == []

    def holds(self) -> None:
        source, target = self._both()
        spelt = {self.ends.key(key): key for key in range(1, 20)}
        found = [{**c, "key": spelt[c["key"]]} for c in self.ends.conflicts()]
        found = [self._cased(c) for c in found]
        for c in found:
            self.seen.conflicts[f"{c['policy']} {c['state']}"] += 1
        cells = self.ends.ask("select key, field from livesync.bad_cells where sync_id = %s", SYNC)
        apart = {(spelt[cell["key"]], cell["field"]) for cell in cells}
        self.seen.edits["misfits"] += len(apart)
        reference = self.reference
        reference.in_step(source, target, found, apart)
        reference.nothing_is_lost(source, target, found)
        if reference.ruler is None:
            reference.nothing_comes_back(source, target)
        reference.the_later_wins(found)
        self.seen.edits.update(reference.counts)
        self._frames_are_equal(source, target, found, {key for key, _ in apart})

    def _cased(self, conflict: Row) -> Row:
        def cased(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: cased(each) for name, each in value.items()}
            return value.upper() if isinstance(value, str) else value

        return {**conflict, **{side: cased(conflict[side]) for side in ("source", "target")}}

    def _frames_are_equal(
        self,
        source: Mapping[Any, Row],
        target: Mapping[Any, Row],
        found: Sequence[Row],
        misfits: set[Any],
    ) -> None:
        """Pandas says so too, of every row without a question and a misfit, at both ends."""
        apart = misfits | {c["key"] for c in found if c["state"] != "settled"}
        both = sorted((source.keys() & target.keys()) - apart)
        frames = [
            pd.DataFrame(
                [{"id": k, **rows[k]} for k in both], columns=["id", *self.reference.fields]
            )
            for rows in (source, target)
        ]
        pd.testing.assert_frame_equal(frames[0], frames[1])
        for frame in frames:
            assert frame["id"].is_unique

    def shown(self, side: str) -> dict[Any, Row]:
        """The mapped fields of the rows of an end, by the target's names."""
        name = "full_name" if side == "source" else "name"
        return {
            key: {
                "name": row[name] and row[name].upper(),
                "phone": row["phone"],
                "size": row["size"],
                "grade": _graded(row["grade"]),
                "label": row.get("label") if side == "target" else _labelled(row["phone"]),
            }
            for key, row in self.ends.end(side).rows().items()
        }

    def _both(self) -> tuple[dict[Any, Row], dict[Any, Row]]:
        return self.shown("source"), self.shown("target")

    def _own(self) -> dict[Any, Any]:
        return {
            (side, key): row[own]
            for side, own in OWN.items()
            for key, row in self.ends.end(side).rows().items()
        }


def _graded(grade: Any) -> Any:
    return int(grade) if isinstance(grade, str) and grade.isdigit() else grade


def _labelled(phone: str | None) -> str | None:
    return phone and f"{phone}!"
