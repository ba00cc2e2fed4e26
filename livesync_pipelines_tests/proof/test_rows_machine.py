"""Rows of two real ends against the reference model: any history, any fault at any step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test as play

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.engine.two_ends import KINDS, two_ends
from livesync_pipelines_tests.proof.rows_machine import RowHistories
from livesync_pipelines_tests.proof.rows_play import Step
from livesync_pipelines_tests.proof.rows_points import Pair, Seen, row_pairs
from livesync_pipelines_tests.proof.rows_stage import RowStage, a_row_stage

PROVES = "LIVESYNC_PROVE" in os.environ
HISTORIES = int(os.environ.get("LIVESYNC_PROVE", "8"))
"""`make prove` asks for many more, from a seed that it prints."""
BOTH_WAYS = {
    "mode": "bidirectional",
    "policy": {"default": "source_wins"},
    "clocks": False,
    "normalises": False,
}


@pytest.fixture
def stage(engine: Engine, kind: str, tmp_path: Path) -> Iterator[RowStage]:
    with two_ends(engine, kind, tmp_path) as ends, a_row_stage(ends) as stage:
        yield stage


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_happens_two_tables_come_in_step_and_no_edit_is_lost(stage: RowStage) -> None:
    class Here(RowHistories):
        pass

    Here.stage = stage
    play(
        Here,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=10,
            deadline=None,
            derandomize=not PROVES,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink] if PROVES else [Phase.generate],
        ),
    )
    show(stage.seen)
    refuse_empty(stage.seen)


def faults() -> Iterator[tuple[str, Pair]]:
    """Every fault at either kind of target in turn; `make prove` has each at both."""
    for number, pair in enumerate(row_pairs()):
        in_turn = KINDS if PROVES else [KINDS[number % len(KINDS)]]
        for kind in ["postgres"] if pair[2].endswith("followed") else in_turn:
            yield kind, pair


@pytest.mark.parametrize(("kind", "pair"), list(faults()))
def test_a_fault_between_two_tables_strikes_and_loses_nothing(stage: RowStage, pair: Pair) -> None:
    """Everything that a page can hold: rows added, updated and deleted at both ends, conflicts."""
    scans = pair[2].endswith("scanned")
    playing = stage.begin({**BOTH_WAYS, "feeds": [] if scans else ["source", "target"]})
    for key in (1, 2, 3, 4):
        playing.do(["edit", "source", key, "put", ["phone"], 0])
    playing.do(["run", {}])
    for turn in (1, 2):
        for step in _a_full_page(turn):
            playing.do(step)
        playing.do(["run", {"faults": [[*pair, turn]]}])
    playing.settle()
    assert stage.seen.fired[pair], "it never struck"


def _a_full_page(turn: int) -> list[Step]:
    def edit(side: str, key: int, what: str = "put", field: str = "phone") -> Step:
        return ["edit", side, key, what, [field], 0]

    return [
        edit("source", 1),
        edit("target", 1, field="name"),
        edit("source", 2),
        edit("target", 2),
        edit("source", 2 + turn, "delete"),
        edit("target", 4, field="size"),
        edit("source", 4 + turn),
        edit("target", 6 + turn),
    ]


def show(seen: Seen) -> None:
    """What was played, what struck where, and what became of it."""
    possible = set(row_pairs())
    lines = [
        f"{seen.histories} histories, {seen.runs.total()} runs: {dict(seen.runs)}",
        f"steps: {dict(seen.steps)}",
        f"edits and what became of their values: {dict(seen.edits)}",
        f"conflicts: {dict(seen.conflicts)}",
        f"faults fired {seen.fired.total()};"
        f" fault x step coverage: {len(+seen.fired)} of {len(possible)}",
        f"in step again after {seen.rounds} quiet runs at most",
    ]
    print("\n".join(lines))


def refuse_empty(seen: Seen) -> None:
    """Raises `AssertionError` where nothing was edited, nothing struck, or nothing conflicted; and
    with `make prove`, where some fault never struck (else each has a test of its own)."""
    for what in ("inserts", "updates", "deletes", "visible", "kept"):
        assert seen.edits[what], f"no {what}"
    assert seen.fired, "no fault struck"
    assert seen.conflicts, "nothing was in conflict"
    missing = set(row_pairs()) - (+seen.fired).keys()
    assert not missing or HISTORIES < 300, f"these have never struck: {missing}"
