"""Where histories of rows are played, and every step of the engine is watched."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from livesync_pipelines_tests.engine.two_ends import TwoEnds
from livesync_pipelines_tests.proof import rows_points as points
from livesync_pipelines_tests.proof.rows_play import RowPlay, Setting
from livesync_pipelines_tests.proof.rows_points import Seen


@dataclass(slots=True)
class RowStage:
    """Plays histories one after the other."""

    ends: TwoEnds
    seen: Seen = field(default_factory=Seen)
    playing: RowPlay | None = None

    def begin(self, setting: Setting) -> RowPlay:
        self.playing = RowPlay(self.ends, setting, self.seen)
        return self.playing

    def reach(self, step: str, when: str) -> None:
        if self.playing is not None:
            self.playing.reach(step, when)


@contextmanager
def a_row_stage(ends: TwoEnds) -> Iterator[RowStage]:
    """A stage, while every step of the engine is watched."""
    stage = RowStage(ends)
    with pytest.MonkeyPatch.context() as patch:
        for step, (module, name) in points.ROW_STEPS.items():
            home = importlib.import_module(module)
            patch.setattr(home, name, _watched(getattr(home, name), step, stage.reach))
        yield stage


def _watched(
    real: Callable[..., Any], step: str, reach: Callable[[str, str], None]
) -> Callable[..., Any]:
    def watched(*args: Any, **named: Any) -> Any:
        reach(step, "before")
        answer = real(*args, **named)
        reach(step, "after")
        return answer

    return watched
