"""Where histories are played: a house per history, and every step of the engine watched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import tenure
from livesync_pipelines_tests.engine.fake_source import Source
from livesync_pipelines_tests.engine.house import DATA, Clock, House
from livesync_pipelines_tests.proof.connectors import connector
from livesync_pipelines_tests.proof.faults import watch
from livesync_pipelines_tests.proof.play import Play, Seen, Step
from livesync_pipelines_tests.proof.reference import Counts
from livesync_pipelines_tests.proof.source import Platform

Setting = Mapping[str, Any]
"""How the platform is: `flavour`, `page_items`, `with_bodies`."""


@dataclass(slots=True)
class Stage:
    """Plays histories one after the other; `seen` and `counts` are of all of them."""

    engine: Engine
    seen: Seen = field(default_factory=Seen)
    counts: Counts = field(default_factory=Counts)
    playing: Play | None = None

    def begin(self, setting: Setting) -> Play:
        """An empty house over an empty platform."""
        platform = Platform(**setting)
        registry = {"fake": connector(platform)}
        engine = replace(self.engine, registry=registry, environ={}, now=Clock())
        house = House(engine, Source())
        for table in (*DATA, "unsettled", "kept", "queue", "operations", "syncs"):
            house.execute(f"delete from livesync.{table}")
        self.playing = Play(house, platform, self.seen)
        self.seen.histories += 1
        return self.playing

    def end(self) -> None:
        """Everything settles: first what is poisoned stays so, then it heals."""
        play, self.playing = self.playing, None
        if play is None:
            return
        try:
            play.do_settle()
            poisoned = list(play.platform.poisoned)
            for key in poisoned:
                play.platform.heal(key)
            if poisoned:
                play.do_settle()
                assert play.house.failures() == {}
            self.counts.add(play.reference.judged(play.platform.values()))
        finally:
            play.reader.connection.close()

    def play(self, setting: Setting, steps: Sequence[Step]) -> Play:
        """A whole history."""
        play = self.begin(setting)
        try:
            play.play(steps)
        except BaseException:
            play.reader.connection.close()
            raise
        self.end()
        return play

    def reach(self, step: str, when: str) -> None:
        if self.playing is not None:
            self.playing.hooks.reach(step, when)


@contextmanager
def a_stage(engine: Engine) -> Iterator[Stage]:
    """A stage, while every step of the engine is watched."""
    stage = Stage(engine)
    with pytest.MonkeyPatch.context() as patch:
        watch(patch, stage.reach)
        patch.setattr(tenure, "_lock", _leased(stage, tenure._lock))
        yield stage


def _leased(stage: Stage, lock: Callable[..., None]) -> Callable[..., None]:
    """The lock on a sync, which a worker whose lease is over holds no longer."""

    def leased(*args: Any) -> None:
        if stage.playing is None or not stage.playing.lease_is_over:
            lock(*args)

    return leased
