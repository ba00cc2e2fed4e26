"""The engine against the reference model: any history, any fault at any step."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test as play

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.proof import report
from livesync_pipelines_tests.proof.connectors import PAGE
from livesync_pipelines_tests.proof.directed import directed
from livesync_pipelines_tests.proof.faults import FAULTS, pairs
from livesync_pipelines_tests.proof.histories import History, kept, spelled
from livesync_pipelines_tests.proof.machine import Histories
from livesync_pipelines_tests.proof.source import FLAVOURS
from livesync_pipelines_tests.proof.stage import Stage, a_stage

PROVES = "LIVESYNC_PROVE" in os.environ
HISTORIES = int(os.environ.get("LIVESYNC_PROVE", "8"))
"""`make prove` asks for many more, from a seed that it prints."""


@pytest.fixture
def stage(engine: Engine) -> Iterator[Stage]:
    with a_stage(engine) as stage:
        yield stage


def test_whatever_happens_a_reader_sees_what_the_reference_allows(stage: Stage) -> None:
    class Here(Histories):
        pass

    Here.stage = stage
    play(
        Here,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=12,
            deadline=None,
            derandomize=not PROVES,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
    report.show(stage)
    report.refuse_empty(stage)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_strikes_and_does_no_harm(stage: Stage, fault: str) -> None:
    """Before and after every step at which it can happen; without `make prove`, at one of them."""
    possible = [pair for pair in pairs() if pair[0] == fault]
    chosen = possible if PROVES else possible[len(fault) % len(possible) :][:1]
    for pair in chosen:
        setting, steps = directed(pair)
        try:
            stage.play(setting, steps)
        except BaseException as error:
            error.add_note(f"To keep this history:\n{spelled(setting, steps)}")
            raise
    missing = set(chosen) - stage.seen.fired.keys()
    assert not missing, f"these have never struck: {missing}"


@pytest.mark.parametrize("history", kept(), ids=lambda history: history.name)
def test_a_history_that_failed_once_holds(stage: Stage, history: History) -> None:
    stage.play(history.setting, history.steps)


def test_an_item_that_is_renamed_and_cannot_be_read_keeps_its_last_good_version(
    stage: Stage,
) -> None:
    play = stage.begin({"flavour": "ordered"})
    play.play([["put", "a", "x"], ["run"], ["poison", "b", "malformed"], ["rename", "a", "b"]])
    play.do(["run"])
    held = [row["version"] for row in play.reader.rows()]
    stage.end()
    assert held == ["v1"]


def test_the_same_history_is_the_same_each_time(stage: Stage) -> None:
    """Of what was written, in which order, and at what time of the virtual clock."""
    for flavour in FLAVOURS:
        first, second = (_ledger(stage, flavour) for _ in range(2))
        assert first == second
        assert len(first) > 10


def _ledger(stage: Stage, flavour: str) -> list[Any]:
    setting, steps = directed(("a person pauses it", "before", PAGE))
    play = stage.play({**setting, "flavour": flavour}, steps)
    return [(e["op"], e["item_id"], e["after"], e["at"]) for e in play.house.entries()]
