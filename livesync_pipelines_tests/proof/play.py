"""Plays a history, a plain list of steps, against the real engine, and holds it to the reference.

A step is a list: its name and its arguments, as JSON has them, so that a history that failed once
can be kept. Steps at the platform are the methods named in `source.EDITS`; the others are the
methods `do_...` here. A step that cannot be done now is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from livesync_pipelines.engine.operating import Errand
from livesync_pipelines.engine.plan import plan_sync, run_planned
from livesync_pipelines.engine.sync import replay_sync, run_sync
from livesync_pipelines.model.errors import NeedsPerson
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import SyncState, Trigger
from livesync_pipelines.store import approvals, catalog
from livesync_pipelines_tests.engine.house import (
    DATA,
    SYNC,
    Clock,
    House,
    a_sync,
    wait_until_free,
)
from livesync_pipelines_tests.proof.checks import LIMITS, MAPPINGS, Checks
from livesync_pipelines_tests.proof.faults import Hooks, Killed, Pair
from livesync_pipelines_tests.proof.reader import NAME, Reader
from livesync_pipelines_tests.proof.reference import Reference
from livesync_pipelines_tests.proof.source import EDITS, Platform

Step = Sequence[Any]
ROUNDS = 5
"""In so many runs without faults, with a person who approves, everything is in step."""

_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Seen:
    """What all the histories of a session came to."""

    runs: dict[str, int] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    fired: dict[Pair, int] = field(default_factory=dict)
    rounds: int = 0
    histories: int = 0

    def count(self, kind: dict[Any, int], what: Any) -> None:
        kind[what] = kind.get(what, 0) + 1


@dataclass(slots=True)
class Play:
    """One history in one house; `seen` gathers what happened."""

    house: House
    platform: Platform
    seen: Seen
    reference: Reference = field(default_factory=Reference)
    steps: list[Step] = field(default_factory=list)
    trace: list[Any] = field(default_factory=list)
    hooks: Hooks = field(init=False)
    mapped_by: int = 0
    reader: Reader = field(init=False)
    checks: Checks = field(init=False)
    lease_is_over: bool = False

    def __post_init__(self) -> None:
        self.platform.tell = self.reference.happens
        connection = self.house.engine.database.connect()
        self.reader = Reader(connection, self.platform, self.reference, MAPPINGS)
        self.checks = Checks(self.house, self.platform, self.reference, self.reader)
        self.hooks = Hooks(self, self.reader.look)
        self.platform.reach = self.hooks.reach
        self.configure()

    @property
    def clock(self) -> Clock:
        clock = self.house.engine.now
        assert isinstance(clock, Clock)
        return clock

    def configure(self) -> None:
        self.house.configure(a_sync(limits=LIMITS, mapping=MAPPINGS[self.mapped_by]))

    def play(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.do(step)

    def do(self, step: Step) -> None:
        """One step, and what must hold after it."""
        self.steps.append(step)
        name, *values = step
        self.seen.count(self.seen.steps, name)
        if name in EDITS:
            getattr(self.platform, name)(*values)
        else:
            getattr(self, f"do_{name}")(*values)

    # What a history may do beside edits.

    def do_run(self, order: dict[str, Any] | None = None) -> None:
        """A run: `full`, `poll`, `faults` as [name, when, step, turn], `meanwhile` as
        [[half page, edit, ...], ...]."""
        order = order or {}
        trigger = Trigger.POLL if order.get("poll") else Trigger.PERSON
        full = bool(order.get("full"))
        self.run(
            lambda: run_sync(self.house.engine, SYNC, trigger=trigger, full=full),
            order,
            whole=full,
        )

    def do_replay(self, order: dict[str, Any] | None = None) -> None:
        """Map and chunk again, asking nobody."""
        self.run(lambda: replay_sync(self.house.engine, SYNC), order or {}, asks=False)

    def do_plan(self) -> None:
        """A plan writes nothing, and a run by it writes just that."""
        if self.is_paused():
            return
        before = self._stored()
        plan = plan_sync(self.house.engine, SYNC)
        assert self._stored() == before, "a plan has written something"
        told = len(self.house.entries())
        errand = Errand(sync_id=SYNC, trigger=Trigger.PERSON)
        result = run_planned(self.house.engine, errand, plan.plan_hash)
        assert result.counts == plan.result.counts, "the run was not what was planned"
        assert result.status is plan.result.status, result.error
        wrote = [(entry["op"], entry["item_id"]) for entry in self.house.entries()[told:]]
        assert wrote == [(item["op"], item["item_id"]) for item in plan.items]
        self.reader.look()

    def _stored(self) -> list[list[dict[str, Any]]]:
        """Every row of data, and which transaction wrote it."""
        ask = "select ctid::text, xmin::text, t.* from livesync.{} t order by 1"
        return [self.house.rows(ask.format(table)) for table in DATA]

    def do_map(self, number: int) -> None:
        """The mapping is another one from now on."""
        self.mapped_by = number % len(MAPPINGS)
        self.configure()

    def do_pause(self) -> None:
        self.pause()

    def do_resume(self) -> None:
        with self.house.engine.database.pooled() as connection:
            catalog.set_state(connection, SYNC, SyncState.ACTIVE, None)

    def do_approve(self) -> None:
        with self.house.engine.database.pooled() as connection:
            approvals.give(connection, SYNC)

    def do_clock(self, hours: float) -> None:
        """Our own clock jumps."""
        self.clock.now += hours * _HOUR

    def do_settle(self) -> None:
        """No more faults and edits: soon the capsule is the source, and stays so unwritten."""
        self.platform.appear()
        for rounds in range(1, ROUNDS + 1):
            if self._is_settled():
                self.seen.rounds = max(self.seen.rounds, rounds)
                break
        else:
            raise AssertionError(f"not in step after {ROUNDS} runs: {self.trace[-ROUNDS:]}")
        before = self.house.written()
        result = self.house.run()
        assert result.counts.synced_items == 0, "in step, and yet something was written"
        if not self.platform.poisoned:
            assert self.house.written() == before, "in step, and yet rows were written"
        self.checks.holds_together(result.operation_id)

    def _is_settled(self) -> bool:
        self.do_resume()
        self.do_approve()
        last = len(self.trace)
        self.do_run({"full": self.platform.unmarked})
        status, clean = self.trace[last][:2]
        return bool(clean and status in {Status.SUCCESS, Status.PARTIAL})

    # A run, and what is checked around it.

    def run(
        self,
        work: Callable[[], SyncResult],
        order: dict[str, Any],
        *,
        whole: bool = False,
        asks: bool = True,
    ) -> None:
        rows = self.reader.rows()
        with self.house.engine.database.pooled() as connection:
            allowed = approvals.count(connection, SYNC)
        edits, told = len(self.platform.events), len(self.house.entries())
        status = self._carry_out(work, order)
        fired = self.hooks.fired
        self.reader.look()
        if self.hooks.raised:
            raise self.hooks.raised
        clean = asks and not fired and status in {Status.SUCCESS, Status.PARTIAL, Status.WAITING}
        clean = clean and edits == len(self.platform.events)
        clean = clean and (whole or not self.platform.unmarked)
        self.trace.append((status, clean, fired))
        self.seen.count(self.seen.runs, str(status))
        for pair in fired:
            self.seen.count(self.seen.fired, pair)
        self.checks.removals(told, held=len(rows), approved=allowed, status=status)
        self.checks.cursor_moves_on()
        self.checks.honest(status, fired)
        if clean:
            self.checks.same_items(rows)
            self.checks.in_step(status, patient=bool(order.get("poll")) and not whole)
            self.platform.behind = False
            self.platform.unmarked = self.platform.unmarked and not whole

    def _carry_out(self, work: Callable[[], SyncResult], order: dict[str, Any]) -> str:
        hooks = self.hooks
        hooks.armed = [tuple(fault) for fault in order.get("faults", ())]
        hooks.meanwhile = {
            int(place): _edit(self.platform, step) for place, *step in order.get("meanwhile", ())
        }
        hooks.fired, hooks.raised = [], None
        hooks.reached.clear()
        hooks.is_on = True
        paused = self.is_paused()
        try:
            return work().status
        except Killed:
            return "killed"
        except NeedsPerson:
            assert paused or hooks.fired, "refused without a reason"
            return "refused"
        except Exception as error:
            if not hooks.fired:
                raise
            return f"raised {type(error).__name__}"
        finally:
            hooks.is_on = False
            self.platform.bad = type(self.platform.bad)()
            self.platform.forgotten = 0
            hooks.armed = []
            wait_until_free(self.house.engine)

    # What faults reach (`faults.Scene`).

    def kill_connections(self, *, all_of_them: bool) -> None:
        """The server closes the operation's connections: the one that writes, or every one."""
        with self.house.engine.database.connect() as connection:
            connection.execute("set application_name = 'killer'")
            connection.execute(
                "select pg_terminate_backend(a.pid, 5000) from pg_stat_activity a"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and application_name not in (%s, 'killer')"
                " and (%s or exists (select from pg_locks l where l.pid = a.pid"
                " and l.locktype = 'advisory'))",
                (NAME, all_of_them),
            )

    def take_over(self) -> None:
        """The operation's lease ends, though it lives on, and another worker does the work."""
        self.hooks.is_on, self.lease_is_over = False, True
        try:
            run_sync(self.house.engine, SYNC, trigger=Trigger.PERSON)
        except NeedsPerson:
            assert self.is_paused()
        finally:
            self.hooks.is_on, self.lease_is_over = True, False

    def pause(self) -> None:
        with self.house.engine.database.pooled() as connection:
            catalog.set_state(connection, SYNC, SyncState.PAUSED, "for a while")

    def change_mapping(self) -> None:
        self.mapped_by = 1 - self.mapped_by
        self.configure()

    def is_paused(self) -> bool:
        return bool(self.house.sync_row()["state"] == "paused")


def _edit(platform: Platform, step: Step) -> Callable[[], None]:
    def now() -> None:
        name, *values = step
        assert name in EDITS, name
        getattr(platform, name)(*values)

    return now
