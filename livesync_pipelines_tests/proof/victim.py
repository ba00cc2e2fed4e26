"""Runs syncs in processes that are killed where they are told to; see `kills.Victims`.

Reads one JSON order per line, forks, carries it out in the child, and answers in one JSON line.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from livesync_pipelines.connectors import folder
from livesync_pipelines.engine import reading
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store.database import Database
from livesync_pipelines_tests.proof.points import STEPS

PAGE, BATCH = 4, 2
"""Items: small, so that a few files make several pages of several batches each."""


def main() -> None:
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_in_a_child(json.loads(line))) + "\n")
        sys.stdout.flush()


def _in_a_child(order: dict[str, Any]) -> dict[str, Any]:
    come, go = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(come)
        try:
            with os.fdopen(go, "w") as out:
                json.dump(_carry_out(order), out)
        finally:
            os._exit(0)  # whatever was raised: nothing was told
    os.close(go)
    with os.fdopen(come) as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    answer: dict[str, Any] = json.loads(text) if text else {}
    return {"killed": os.WIFSIGNALED(status), **answer}


def _carry_out(order: dict[str, Any]) -> dict[str, Any]:
    folder.PAGE_ITEMS, reading.BATCH_ITEMS = PAGE, BATCH  # type: ignore[attr-defined]  # imported there
    reached: Counter[str] = Counter()
    for step, (module, name) in STEPS.items():
        _watch(importlib.import_module(module), name, _Step(step, order, reached))
    database = Database(order["url"])
    try:
        result = run_sync(
            Engine(database=database, enabled=True),
            "docs",
            trigger=Trigger.PERSON,
            full=order["full"],
        )
    finally:
        database.close()
    return {"status": result.status, "error": result.error, "reached": dict(reached)}


class _Step:
    """Counts how often a step is reached, tells which files are read, and dies when told to."""

    def __init__(self, name: str, order: dict[str, Any], reached: Counter[str]) -> None:
        self.name = name
        self.order = order
        self.reached = reached

    def before(self, args: tuple[Any, ...]) -> None:
        self.reached[self.name] += 1
        if self.name == "a file is read":
            with Path(self.order["log"]).open("a") as log:
                log.write(f"{args[1]}\n")
        self._die("before")

    def after(self) -> None:
        self._die("after")

    def _die(self, when: str) -> None:
        here = self.order.get("step"), self.order.get("when"), self.order.get("turn")
        if here == (self.name, when, self.reached[self.name]):
            os.kill(self.order.get("victim") or os.getpid(), signal.SIGKILL)


def _watch(module: Any, name: str, step: _Step) -> None:
    real: Callable[..., Any] = getattr(module, name)

    def watched(*args: Any, **named: Any) -> Any:
        step.before(args)
        answer = real(*args, **named)
        step.after()
        return answer

    setattr(module, name, watched)


if __name__ == "__main__":
    main()
