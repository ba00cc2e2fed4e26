"""The app that `celery worker` runs: warm processes, each of which carries out one run at a time.

The definitions are imported before the first fork. When their code changes on disk the worker
ends, once its runs have, and whoever started it starts it anew.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import dagster as dg
import psycopg
from celery import Celery, Task, signals
from dagster._grpc.types import ExecuteRunArgs, ResumeRunArgs
from dagster._serdes import unpack_value
from dagster._utils.interrupts import capture_interrupts
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

import livesync_pipelines
from livesync_pipelines.defs.launcher import celery_of, database
from livesync_pipelines.defs.resources import LiveSync
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.settings import RUN_NICENESS, Settings
from livesync_pipelines.store import holders
from livesync_pipelines.store.database import Connection, OwnConnection

_CODE = Path(livesync_pipelines.__file__).parent
_LOOK_S, _HOLD_S = 2.0, 0.5
_logger = logging.getLogger(__name__)


class HeldRun(Task):  # type: ignore[misc]  # Celery has no types
    """A run that its process holds a lock on while it lives, so that nobody else begins it and
    everybody sees when it is dead."""

    def __call__(self, packed: Any) -> Any:
        run_id = unpack_value(packed, (ExecuteRunArgs, ResumeRunArgs)).run_id
        with closing(OwnConnection(database())) as own:
            with own.used() as connection:
                if not holders.hold_run(connection, run_id):
                    return 0
            with _held_again(own, run_id), _interrupted_by_terminate():
                return super().__call__(packed)


@contextmanager
def _held_again(own: OwnConnection, run_id: str) -> Iterator[None]:
    """Meanwhile a thread takes the lock anew when the database that had it comes back: who works
    on must not be taken for dead."""
    over = Event()

    def hold() -> None:
        while not over.wait(_HOLD_S):
            with suppress(Unavailable), own.used() as connection:
                if not holders.is_run_held(connection, run_id):
                    holders.hold_run(connection, run_id)

    thread = Thread(target=hold, name="holder", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _interrupted_by_terminate() -> Iterator[None]:
    """SIGTERM cancels the run inside; outside it ends the process, as Celery expects."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        with capture_interrupts():
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _freeze(instance: Any, **_: Any) -> None:
    """Make the graph of what was included; it stays shared with the processes that are forked
    from this one, as all that is imported."""
    for name in instance.app.conf.include:
        included = getattr(sys.modules[name], "defs", None)
        if isinstance(included, dg.Definitions):
            included.get_repository_def()
    gc.collect()
    gc.freeze()


def _warm_up(**_: Any) -> None:
    """What a run would otherwise do first: open the engine and Dagster's storage."""
    os.nice(RUN_NICENESS)
    LiveSync().engine()
    with dg.DagsterInstance.get() as instance:
        instance.get_runs_count()


class _Keeper:
    """A thread beside the worker: offers its places, and ends it when its code is old."""

    def __init__(self) -> None:
        self._ending = Event()
        self._thread = Thread(target=self._keep, name="keeper", daemon=True)
        self._imported = fingerprint()

    def begin(self, places: int) -> None:
        self._places = places
        self._thread.start()

    def end(self) -> None:
        """Offer no places any more: what is queued is for other workers."""
        self._ending.set()

    def _keep(self) -> None:
        while not self._ending.is_set():
            try:
                with database().connect() as connection:
                    self._offer(connection)
            except (Unavailable, psycopg.OperationalError) as error:
                _logger.warning("This worker offers no places until Postgres is back: %s", error)
                self._ending.wait(_LOOK_S)

    def _offer(self, connection: Connection) -> None:
        for _ in range(self._places):
            holders.hold(connection)
        while not self._ending.wait(_LOOK_S):
            connection.execute("select 1")
            if fingerprint() != self._imported:
                _logger.warning("The code has changed: this worker ends after its runs.")
                os.kill(os.getpid(), signal.SIGTERM)
                return


def fingerprint() -> int:
    """Of the code as it is on disk: another one when any file was changed, added or removed."""
    files = sorted(_CODE.rglob("*.py"))
    return hash(tuple((f"{file}", file.stat().st_mtime_ns) for file in files))


_keeper = _Keeper()


def _offer_places(sender: Any, **_: Any) -> None:
    _keeper.begin(sender.pool.num_processes)


def _offer_none(**_: Any) -> None:
    _keeper.end()


def _made() -> Celery:
    signals.celeryd_after_setup.connect(_freeze)
    signals.worker_process_init.connect(_warm_up)
    signals.worker_ready.connect(_offer_places)
    signals.worker_shutting_down.connect(_offer_none)
    # dagster-celery has no types here.
    made: Celery = make_app(dict(celery_of(Settings.load())))  # type: ignore[no-untyped-call]  # it has no types
    held: Any = {"base": HeldRun}
    create_execute_job_task(made, **held)
    create_resume_job_task(made, **held)
    return made


app = _made()
