"""Full resyncs of one sync, one after the other, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.store.database import Database


@dataclass(slots=True)
class Resyncs:
    """How many there were, once they are over."""

    count: int = 0


@contextmanager
def resyncing(url: str, sync_id: str) -> Iterator[Resyncs]:
    """They go on as long as this lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.resyncs", url, sync_id],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    resyncs = Resyncs()
    with process:
        assert process.stdout is not None
        process.stdout.readline()  # the first one has begun
        yield resyncs
        told, _ = process.communicate("\n")
    resyncs.count = int(told.split()[-1])


def _until_told(url: str, sync_id: str) -> None:
    """Resync, and print how often, once a line has come in."""
    over = Event()

    def listen() -> None:
        sys.stdin.readline()
        over.set()

    Thread(target=listen).start()
    engine = Engine(database=Database(url))
    print("begun", flush=True)
    count = 0
    while not over.is_set():
        run_sync(engine, sync_id, trigger=Trigger.PERSON, full=True)
        count += 1
    print(count, flush=True)


if __name__ == "__main__":
    _until_told(*sys.argv[1:])
