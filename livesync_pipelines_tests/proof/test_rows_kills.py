"""`kill -9` of a real process between two real tables: the next run completes the work."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.engine.two_ends import KINDS, TwoEnds, two_ends
from livesync_pipelines_tests.proof.rows_points import ROW_STEPS
from livesync_pipelines_tests.proof.rows_victim import WRITE


@pytest.fixture(params=KINDS)
def ends(engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwoEnds]:
    with two_ends(engine, request.param, tmp_path) as ends:
        yield ends


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", [WRITE, "an intent is recorded", "the ledger is written"])
def test_a_process_that_is_killed_between_two_tables_doubles_and_loses_no_row(
    ends: TwoEnds, step: str, when: str
) -> None:
    assert step in {WRITE, *ROW_STEPS}
    for table in (ends.source, ends.target):
        table.create({"id": "integer", "name": "text", "phone": "text"}, ["id"], {})
    for number in range(5):
        ends.source.insert({"id": number, "name": f"n{number}", "phone": "1"})
    ends.configure({"mode": "bidirectional"}, {})
    assert ends.run().counts.added == 5
    ends.source.insert({"id": 7, "name": "new", "phone": "1"})
    ends.target.insert({"id": 8, "name": "far", "phone": "1"})
    ends.source.update({"id": 1, "name": "edited"})
    ends.target.update({"id": 1, "phone": "edited"})
    ends.source.delete(2)
    _killed(ends, step, when)
    ends.restart()
    assert ends.run().status == "success"
    wanted = {
        0: {"id": 0, "name": "n0", "phone": "1"},
        1: {"id": 1, "name": "edited", "phone": "edited"},
        3: {"id": 3, "name": "n3", "phone": "1"},
        4: {"id": 4, "name": "n4", "phone": "1"},
        7: {"id": 7, "name": "new", "phone": "1"},
        8: {"id": 8, "name": "far", "phone": "1"},
    }
    assert ends.source.rows() == wanted
    assert ends.target.rows() == wanted
    assert ends.conflicts() == []
    assert ends.verified()
    assert ends.run().counts.synced_items == 0


def _killed(ends: TwoEnds, step: str, when: str) -> None:
    order = {
        "url": ends.engine.database.url,
        "environ": dict(ends.engine.environ),
        "step": step,
        "when": when,
    }
    command = [sys.executable, "-m", "livesync_pipelines_tests.proof.rows_victim"]
    done = subprocess.run([*command, json.dumps(order)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, "nobody was killed"
