"""Work that goes on in a process of its own while something else is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.settings import RUN_NICENESS
from livesync_pipelines.store.database import Database


@dataclass(slots=True)
class Work:
    """How often it was done, once it is over."""

    count: int = 0


@contextmanager
def resyncing(url: str, sync_id: str) -> Iterator[Work]:
    """Full resyncs of one sync, one after the other, as long as this lasts."""
    with _working("resync", url, sync_id) as work:
        yield work


@contextmanager
def sweeping(url: str) -> Iterator[Work]:
    """Sweeps over all syncs, each of which is made due before, as long as this lasts."""
    with _working("sweep", url) as work:
        yield work


@contextmanager
def _working(*words: str) -> Iterator[Work]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.beside", *words],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    work = Work()
    with process:
        assert process.stdout is not None
        process.stdout.readline()  # it has begun
        yield work
        told, _ = process.communicate("\n")
    work.count = int(told.split()[-1])


def all_due(engine: Engine) -> None:
    with engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = null where state = 'active'")


def _resync(engine: Engine, sync_id: str) -> None:
    """By as much as what carries out runs, this process yields to the doors."""
    os.setpriority(os.PRIO_PROCESS, 0, RUN_NICENESS)
    run_sync(engine, sync_id, trigger=Trigger.PERSON, full=True)


def _sweep(engine: Engine) -> None:
    all_due(engine)
    sweep(engine)


_KINDS: dict[str, Callable[..., None]] = {"resync": _resync, "sweep": _sweep}


def _until_told(kind: str, url: str, *words: str) -> None:
    """Work, and print how often it was done, once a line has come in."""
    over = Event()

    def listen() -> None:
        sys.stdin.readline()
        over.set()

    Thread(target=listen).start()
    engine = Engine(database=Database(url))
    print("begun", flush=True)
    count = 0
    while not over.is_set():
        _KINDS[kind](engine, *words)
        count += 1
    print(count, flush=True)


if __name__ == "__main__":
    _until_told(*sys.argv[1:])
