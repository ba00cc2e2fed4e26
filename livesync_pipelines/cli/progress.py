"""How far a sync is, on standard error, while a person watches."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import operations

_LOOK_S = 0.25


@contextmanager
def shown_progress(engine: Engine, sync_id: str) -> Iterator[None]:
    """A bar for as long as the block works; nothing where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    done = Event()
    watcher = Thread(target=_watch, args=(engine, sync_id, done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _watch(engine: Engine, sync_id: str, done: Event) -> None:
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{sync_id}: starting")
        while not done.wait(_LOOK_S):
            with engine.database.pooled() as connection:
                counts = operations.counts_in_flight(connection, sync_id)
            if counts:
                bar.update(
                    task,
                    description=f"{sync_id}: {counts.progress}, {counts.added} added, "
                    f"{counts.updated} updated, {counts.unchanged} unchanged, "
                    f"{counts.chunks_written} chunks written",
                )
