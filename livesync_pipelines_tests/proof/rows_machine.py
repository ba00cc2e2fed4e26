"""Histories of two tables that Hypothesis makes up: edits at both ends, faults, people."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from livesync_pipelines_tests.proof.rows_play import FIELDS, RowPlay, Setting, Step
from livesync_pipelines_tests.proof.rows_points import row_pairs
from livesync_pipelines_tests.proof.rows_stage import RowStage

PAIRS = list(row_pairs())
sides = st.sampled_from(["source", "target"])
edits: st.SearchStrategy[list[Any]] = st.tuples(
    st.just("edit"),
    sides,
    st.integers(1, 6),
    st.sampled_from(["put", "put", "put", "put", "odd", "odd", "same", "delete"]),
    st.lists(st.sampled_from(FIELDS), min_size=1, max_size=2, unique=True),
    st.sampled_from([0, 0, -60, 60]),
).map(list)
faults = st.tuples(st.sampled_from(PAIRS), st.sampled_from([1, 1, 1, 2])).map(
    lambda drawn: [*drawn[0], drawn[1]]
)
POLICIES = ["latest_wins", "source_wins", "target_wins", "field_merge", "ask_person"]
policies = st.builds(
    lambda default, phone, on_delete, otherwise: {
        "default": default,
        "fields": {"phone": phone},
        "on_delete": on_delete,
        "ask": {"within": "2d", "otherwise": otherwise},
    },
    st.sampled_from(POLICIES),
    st.sampled_from(POLICIES),
    st.sampled_from(["edit_survives", "edit_survives", "delete_wins", "ask_person"]),
    st.sampled_from(["source_wins", "target_wins"]),
)
tables = st.fixed_dictionaries(
    {
        "clocks": st.booleans(),
        "normalises": st.sampled_from([False, False, True]),
        "feeds": st.sampled_from([[], ["source"], ["source", "target"]]),
        "misfits": st.sampled_from([None, "null", "keep"]),
    }
)
ONE_WAY = {"default": "latest_wins"}


class RowHistories(RuleBasedStateMachine):
    """One history; where it fails, it says what it was."""

    stage: ClassVar[RowStage]
    play: RowPlay
    setting: Setting

    @initialize(
        mode=st.sampled_from(["bidirectional"] * 4 + ["pull", "push"]),
        policy=policies,
        ends=tables,
        first=st.lists(edits, min_size=3, max_size=10),
    )
    def begin(
        self, mode: str, policy: dict[str, Any], ends: dict[str, Any], first: list[Step]
    ) -> None:
        both = mode == "bidirectional"
        self.setting = {
            **ends,
            "mode": mode,
            "policy": policy if both else ONE_WAY,
            "normalises": ends["normalises"] and both,
        }
        self.play = self.stage.begin(self.setting)
        for step in first:
            self.do(step)

    def do(self, step: Step) -> None:
        try:
            self.play.do(step)
        except BaseException:
            self._keep()
            raise

    def _keep(self) -> None:
        note(f"{self.setting!r}, {self.play.steps!r}")

    @rule(several=st.lists(edits, min_size=1, max_size=6))
    def edit(self, several: list[Step]) -> None:
        for step in several:
            self.do(step)

    @rule(full=st.integers(0, 5))
    def run(self, full: int) -> None:
        self.do(["run", {"full": full == 5}])

    @rule(full=st.integers(0, 5), struck=st.lists(faults, min_size=1, max_size=4))
    def run_with_faults(self, full: int, struck: list[Any]) -> None:
        self.do(["run", {"full": full == 5, "faults": struck}])

    @rule(side=sides)
    def answer(self, side: str) -> None:
        self.do(["answer", side])

    @rule(back=st.integers(0, 2))
    def restore(self, back: int) -> None:
        self.do(["restore", back])

    @rule()
    def approve(self) -> None:
        self.do(["approve"])

    @rule(hours=st.sampled_from([-30, -1, 1, 30]))
    def clock(self, hours: int) -> None:
        self.do(["clock", hours])

    def teardown(self) -> None:
        if self.stage.playing is None:
            return
        try:
            self.play.settle()
        except BaseException:
            self._keep()
            raise
        finally:
            self.stage.playing = None
