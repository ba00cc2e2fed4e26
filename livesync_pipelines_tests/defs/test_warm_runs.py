"""Runs in warm processes, with a real worker: how they go, and how they are lost and found."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psutil
import psycopg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import WorkerStatus
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import SubmitRunContext
from dagster._daemon.monitoring import execute_concurrency_slots_iteration
from dagster._daemon.monitoring.run_monitoring import monitor_started_run

from livesync_pipelines.cli.children import Child
from livesync_pipelines.cli.worker import worker
from livesync_pipelines.defs import worker as worker_app
from livesync_pipelines.defs.housekeeping import send_again
from livesync_pipelines.defs.launcher import WarmLauncher
from livesync_pipelines.engine.house import Engine, utc_now
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import holders
from livesync_pipelines.store.database import Database
from livesync_pipelines.store.locks import AdvisoryLock
from livesync_pipelines_tests.conftest import created

from . import odd_jobs

PATIENCE_S = 30.0
CHECKOUT = Path(__file__).parents[2]


@dataclass
class Warm:
    """A home of its own, with one worker of two places."""

    home: Path
    database: Database
    instance: dg.DagsterInstance
    child: Child

    def run_of(self, job: dg.JobDefinition, **tags: str) -> dg.DagsterRun:
        code = ReconstructableRepository.for_module(odd_jobs.__name__, "defs", f"{CHECKOUT}")
        origin = code.get_reconstructable_job(job.name).get_python_origin()
        location = GrpcServerCodeLocationOrigin("localhost", port=1, location_name="odd")
        run = self.instance.create_run_for_job(
            job,
            tags=tags,
            job_code_origin=origin,
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "odd"), job.name),
        )
        assert isinstance(run, dg.DagsterRun)
        return run

    def launched(self, job: dg.JobDefinition, **tags: str) -> str:
        return self.instance.launch_run(self.run_of(job, **tags).run_id, None).run_id  # type: ignore[arg-type]  # no workspace

    def hanging(self, **tags: str) -> tuple[str, int]:
        """A run that hangs, and the process that it hangs in."""
        at = self.home / f"{monotonic()}.pid"
        run_id = self.launched(odd_jobs.hang, **{odd_jobs.AT_TAG: f"{at}"}, **tags)
        until(at.exists)
        return run_id, int(at.read_text())

    def submitted(self, **tags: str) -> dg.DagsterRun:
        """A run that says something, and what became of it when it was submitted."""
        context = SubmitRunContext(self.run_of(odd_jobs.speak, **tags), None)  # type: ignore[arg-type]  # no workspace
        self.instance.run_coordinator.submit_run(context)
        return self.run(context.dagster_run.run_id)

    def run(self, run_id: str) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def ended(self, run_id: str) -> dg.DagsterRunStatus:
        until(lambda: self.run(run_id).is_finished)
        return self.run(run_id).status

    def launcher(self) -> WarmLauncher:
        launcher = self.instance.run_launcher
        assert isinstance(launcher, WarmLauncher)
        return launcher

    def health(self, run_id: str) -> WorkerStatus:
        return self.launcher().check_run_worker_health(self.run(run_id)).status

    def places(self) -> int:
        with self.database.pooled() as connection:
            return holders.places(connection)

    def claims(self) -> set[str]:
        """The runs that have a place in the pool, or wait for one."""
        pool = self.instance.event_log_storage.get_concurrency_info(odd_jobs.POOL)
        return {*pool.active_run_ids, *pool.pending_run_ids}

    def messages(self) -> list[Path]:
        return list((self.home / "broker" / "queue").glob("*.dagster.msg"))

    def process(self) -> psutil.Process:
        """The worker itself, which has the processes of its runs as children."""
        return next(
            found
            for found in psutil.Process().children()
            if "livesync_pipelines.defs.worker" in found.cmdline()
        )

    def living(self) -> set[int]:
        """The processes of its runs, without the dead that nobody has buried yet."""
        found = set()
        for child in self.process().children():
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE:
                    found.add(child.pid)
        return found


def until(holds: Callable[[], bool]) -> None:
    end = monotonic() + PATIENCE_S
    while not holds():
        assert monotonic() < end, "waited in vain"
        sleep(0.05)


@pytest.fixture(scope="module")
def warm(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    home = tmp_path_factory.mktemp("warm")
    url = created(server_url)
    Database(url).migrate()
    (home / "dagster").mkdir()
    (home / "dagster" / "dagster.yaml").write_text((CHECKOUT / "dagster.yaml").read_text())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVESYNC_DATABASE_URL", url)
        patch.setenv("LIVESYNC_HOME", f"{home}")
        patch.setenv("LIVESYNC_RUNS_AT_ONCE", "2")
        patch.setenv("DAGSTER_HOME", f"{home / 'dagster'}")
        patch.setenv("EXTERNAL_SYNC_ENABLED", "true")
        with dg.DagsterInstance.get() as instance, worker(Settings.load()) as child:
            made = Warm(home, Database(url), instance, child)
            until(lambda: made.places() == 2)
            yield made
            made.database.close()


def test_a_run_is_carried_out_by_a_warm_process_and_what_it_prints_is_kept(warm: Warm) -> None:
    run_id = warm.launched(odd_jobs.speak)
    assert warm.ended(run_id) is dg.DagsterRunStatus.SUCCESS
    (captured,) = [
        record.event_log_entry.dagster_event.logs_captured_data
        for record in warm.instance.get_records_for_run(run_id).records
        if record.event_log_entry.dagster_event_type is dg.DagsterEventType.LOGS_CAPTURED
        and record.event_log_entry.dagster_event is not None
    ]
    manager = warm.instance.compute_log_manager
    key = manager.build_log_key_for_run(run_id, captured.file_key)
    until(lambda: manager.is_capture_complete(key))
    assert b"a heron was here" in (manager.get_log_data(key).stdout or b"")


def test_a_run_that_hangs_is_cancelled_and_its_process_goes_on(warm: Warm) -> None:
    run_id, process = warm.hanging()
    assert warm.health(run_id) is WorkerStatus.RUNNING
    assert warm.launcher().terminate(run_id)
    assert warm.ended(run_id) is dg.DagsterRunStatus.CANCELED
    assert psutil.pid_exists(process)
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS


def test_a_run_whose_process_is_killed_fails_and_its_place_is_taken_by_another(
    warm: Warm,
) -> None:
    run_id, process = warm.hanging()
    os.kill(process, signal.SIGKILL)
    until(lambda: warm.health(run_id) is WorkerStatus.FAILED)
    record = warm.instance.get_run_record_by_id(run_id)
    assert record is not None
    monitor_started_run(warm.instance, None, record, logging.getLogger(__name__))  # type: ignore[arg-type]  # no workspace
    assert warm.run(run_id).status is dg.DagsterRunStatus.FAILURE
    until(lambda: len(warm.living()) == 2)
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS


def test_a_run_whose_database_went_away_is_soon_seen_to_live(warm: Warm) -> None:
    run_id, _ = warm.hanging()
    with psycopg.connect(warm.database.url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory'"
            " and classid = %s and objid::int = hashtext(%s)",
            (AdvisoryLock.RUN, run_id),
        )
    until(lambda: warm.health(run_id) is WorkerStatus.RUNNING)
    assert warm.launcher().terminate(run_id)
    assert warm.ended(run_id) is dg.DagsterRunStatus.CANCELED


def test_a_run_whose_process_is_killed_gives_back_its_place_in_the_pool(warm: Warm) -> None:
    run_id, process = warm.hanging()
    assert run_id in warm.claims()
    os.kill(process, signal.SIGKILL)
    until(lambda: warm.health(run_id) is WorkerStatus.FAILED)
    warm.instance.report_run_failed(warm.run(run_id))
    monitored: Any = SimpleNamespace(instance=warm.instance)

    def freed() -> bool:
        list(execute_concurrency_slots_iteration(monitored, logging.getLogger(__name__)))
        return run_id not in warm.claims()

    until(freed)


def test_idle_processes_that_are_killed_take_no_others_work_with_them(warm: Warm) -> None:
    until(lambda: len(warm.living()) == 2)
    for idle in warm.living():
        os.kill(idle, signal.SIGKILL)
        assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS
        until(lambda: len(warm.living()) == 2)
        assert idle not in warm.living()


def test_a_launch_that_the_broker_lost_is_sent_again_and_carried_out_once(warm: Warm) -> None:
    warm.process().suspend()
    run_id = warm.launched(odd_jobs.speak)
    for message in warm.messages():
        message.unlink()
    later = Engine(database=warm.database, now=lambda: utc_now() + timedelta(minutes=1))
    assert send_again(warm.instance, later) == 1
    assert send_again(warm.instance, later) == 1
    assert len(warm.messages()) == 2
    warm.process().resume()
    assert warm.ended(run_id) is dg.DagsterRunStatus.SUCCESS
    until(lambda: not warm.messages())
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS
    begun = warm.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.RUN_START)
    assert len(begun.records) == 1


def test_a_run_that_no_worker_has_begun_is_cancelled_at_once(warm: Warm) -> None:
    warm.process().suspend()
    run_id = warm.launched(odd_jobs.speak)
    assert warm.launcher().terminate(run_id)
    assert warm.run(run_id).status is dg.DagsterRunStatus.CANCELED
    warm.process().resume()
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS
    assert warm.run(run_id).status is dg.DagsterRunStatus.CANCELED


def test_a_run_is_launched_at_once_where_there_is_a_place_and_queued_where_there_is_none(
    warm: Warm,
) -> None:
    until(lambda: not warm.instance.get_runs(dg.RunsFilter(statuses=[*UNFINISHED])))
    assert warm.ended(warm.submitted().run_id) is dg.DagsterRunStatus.SUCCESS
    hanging = [warm.hanging()[0], warm.hanging()[0]]
    waiting = warm.submitted()
    assert waiting.status is dg.DagsterRunStatus.QUEUED
    for run_id in hanging:
        warm.launcher().terminate(run_id)
        warm.ended(run_id)
    assert warm.submitted().status is dg.DagsterRunStatus.QUEUED, "nobody passes one who waits"
    for run in warm.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])):
        warm.instance.run_coordinator.cancel_run(run.run_id)


UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED)


def test_the_death_of_a_whole_worker_is_seen_and_another_takes_its_place(warm: Warm) -> None:
    run_id, process = warm.hanging()
    warm.process().kill()
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    until(lambda: warm.places() == 0)
    until(lambda: warm.health(run_id) is WorkerStatus.FAILED)
    waiting = warm.launched(odd_jobs.speak)
    assert warm.child.restart_if_lost(PATIENCE_S)
    assert warm.ended(waiting) is dg.DagsterRunStatus.SUCCESS
    assert warm.places() == 2


def test_storage_outlives_a_server_that_drops_its_connections(warm: Warm) -> None:
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS
    with psycopg.connect(warm.database.url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert warm.instance.get_runs_count() > 0
    until(lambda: warm.places() == 2)
    assert warm.ended(warm.launched(odd_jobs.speak)) is dg.DagsterRunStatus.SUCCESS


def test_a_worker_sees_that_its_code_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_app, "_CODE", tmp_path)
    (tmp_path / "one.py").write_text("1")
    before = worker_app.fingerprint()
    assert worker_app.fingerprint() == before
    (tmp_path / "two.py").write_text("2")
    assert worker_app.fingerprint() != before
