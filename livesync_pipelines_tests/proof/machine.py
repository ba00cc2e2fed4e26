"""Histories that Hypothesis makes up: edits, runs with faults, people; all of it as plain steps."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from livesync_pipelines_tests.proof.faults import pairs
from livesync_pipelines_tests.proof.histories import spelled
from livesync_pipelines_tests.proof.play import Play, Step
from livesync_pipelines_tests.proof.source import FLAVOURS, KEYS
from livesync_pipelines_tests.proof.stage import Setting, Stage

PAIRS = list(pairs())
keys = st.sampled_from(KEYS)
topics = st.text("xyz", max_size=3)
reasons = st.sampled_from(["trashed", "out_of_scope", "access_lost"])
codes = st.sampled_from(["malformed", "timed_out"])
edits: st.SearchStrategy[list[Any]] = st.one_of(
    st.tuples(st.just("put"), keys, topics),
    st.tuples(st.just("put"), keys, topics),
    st.tuples(st.sampled_from(["put_late", "put_unmarked", "replace"]), keys, topics),
    st.tuples(st.sampled_from(["touch", "remove", "remove", "back", "heal"]), keys),
    st.tuples(st.sampled_from(["rename", "rename", "swap"]), keys, keys),
    st.tuples(st.just("hide"), keys, reasons),
    st.tuples(st.just("poison"), keys, codes),
    st.tuples(st.just("tick"), st.sampled_from([1, 30, 60, 600])),
    st.tuples(st.just("clock_back"), st.sampled_from([1, 45, 60, 100, 160, 3600])),
).map(list)
faults = st.tuples(st.sampled_from(PAIRS), st.sampled_from([1, 1, 1, 2, 3, 4])).map(
    lambda drawn: [*drawn[0], drawn[1]]
)
meanwhile = st.tuples(st.integers(0, 7), edits).map(lambda drawn: [drawn[0], *drawn[1]])
others: st.SearchStrategy[list[Any]] = st.one_of(
    st.sampled_from(["plan", "pause", "resume", "approve", "settle"]).map(lambda name: [name]),
    st.lists(faults, max_size=2).map(lambda drawn: ["replay", {"faults": drawn}]),
    st.tuples(st.just("map"), st.integers(0, 1)).map(list),
    st.tuples(st.just("clock"), st.sampled_from([-30, -1, 1, 30])).map(list),
)
"""What people and clocks do."""


class Histories(RuleBasedStateMachine):
    """One history on the stage; where it fails, it says how to keep it."""

    stage: ClassVar[Stage]
    play: Play
    setting: Setting

    @initialize(
        flavour=st.sampled_from(sorted(FLAVOURS)),
        page_items=st.integers(1, 4),
        with_bodies=st.booleans(),
        first=st.lists(st.tuples(keys, topics), min_size=2, max_size=9),
    )
    def begin(
        self, flavour: str, page_items: int, with_bodies: bool, first: list[tuple[str, str]]
    ) -> None:
        self.setting = {
            "flavour": flavour,
            "page_items": page_items,
            "with_bodies": with_bodies,
        }
        self.play = self.stage.begin(self.setting)
        for key, words in first:
            self.do(["put", key, words])

    def do(self, step: Step) -> None:
        try:
            self.play.do(step)
        except BaseException:
            self._keep()
            raise

    def _keep(self) -> None:
        note(f"To keep this history:\n{spelled(self.setting, self.play.steps)}")

    @rule(several=st.lists(edits, min_size=1, max_size=6))
    def edit(self, several: list[Step]) -> None:
        for step in several:
            self.do(step)

    @rule(several=st.lists(keys, min_size=3, max_size=6))
    def purge(self, several: list[str]) -> None:
        """So many at once that a person must be asked."""
        for key in several:
            self.do(["remove", key])
        self.do(["run"])

    @rule(full=st.integers(0, 5), poll=st.booleans())
    def run(self, full: int, poll: bool) -> None:
        self.do(["run", {"full": full == 5, "poll": poll}])

    @rule(
        full=st.integers(0, 5),
        poll=st.booleans(),
        faults=st.lists(faults, min_size=1, max_size=6),
        meanwhile=st.lists(meanwhile, max_size=3),
    )
    def run_with_faults(
        self, full: int, poll: bool, faults: list[Any], meanwhile: list[Any]
    ) -> None:
        order = {"full": full == 5, "poll": poll, "faults": faults, "meanwhile": meanwhile}
        self.do(["run", order])

    @rule(step=others)
    def other(self, step: Step) -> None:
        self.do(step)

    def teardown(self) -> None:
        try:
            self.stage.end()
        except BaseException:
            self._keep()
            raise
