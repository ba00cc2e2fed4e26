"""Runs that begin in a process which has everything imported already: Celery's prefork workers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
from dagster._core.launcher import (
    CheckRunHealthResult,
    LaunchRunContext,
    ResumeRunContext,
    WorkerStatus,
)
from dagster._grpc.types import ExecuteRunArgs, ResumeRunArgs
from dagster._serdes import ConfigurableClassData, pack_value
from dagster_celery.config import TASK_EXECUTE_JOB_NAME, TASK_RESUME_JOB_NAME
from dagster_celery.launcher import CeleryRunLauncher
from kombu.exceptions import OperationalError

from livesync_pipelines.defs.broker import broker_of
from livesync_pipelines.defs.orphans import HOLDER_TAG
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import holders
from livesync_pipelines.store.database import Database

QUEUE = "dagster"


def celery_of(settings: Settings) -> Mapping[str, Any]:
    """The arguments of the Celery app: whose broker, and that nothing is kept of what is done,
    for Dagster keeps it."""
    broker = broker_of(settings)
    return {
        "broker": broker["broker_url"],
        "backend": None,
        "config_source": {
            "task_default_queue": QUEUE,
            "task_ignore_result": True,
            "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0.2},
            "broker_connection_retry_on_startup": True,
            **broker,
            "worker_prefetch_multiplier": 1,
            "worker_max_tasks_per_child": 500,
            "worker_proc_alive_timeout": 90.0,
            "worker_redirect_stdouts": False,
            "worker_hijack_root_logger": False,
        },
    }


def database() -> Database:
    """The database of this process, without the engine: Dagster's UI and daemon need no more."""
    url = Settings.load().database_url
    assert url is not None, "dagster.yaml needs LIVESYNC_DATABASE_URL"
    return _database(url.get_secret_value(), os.getpid())


@cache
def _database(url: str, process: int) -> Database:
    return Database(url)


class WarmLauncher(CeleryRunLauncher):
    """Celery's launcher of Dagster, which LIVESYNC_BROKER_URL configures.

    It differs in whom it asks for a run's health. Celery's results say `started` for ever where a
    whole worker was killed; here a run is alive for as long as its process holds a lock in
    Postgres. A run's task has the run's own id, so that it can be stopped from the first moment.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(default_queue=QUEUE, inst_data=inst_data, **celery_of(Settings.load()))

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> WarmLauncher:
        return cls(inst_data=inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        self._send(context.dagster_run, TASK_EXECUTE_JOB_NAME, ExecuteRunArgs)

    def resume_run(self, context: ResumeRunContext) -> None:
        self._send(context.dagster_run, TASK_RESUME_JOB_NAME, ResumeRunArgs)

    def send_again(self, run: dg.DagsterRun) -> None:
        """Send a run that was lost on its way; of two that arrive, the second does nothing."""
        self._instance.report_engine_event("No worker has begun this run: it is sent again.", run)
        self._send(run, TASK_EXECUTE_JOB_NAME, ExecuteRunArgs)

    def _send(
        self,
        run: dg.DagsterRun,
        task: str,
        args_of: type[ExecuteRunArgs] | type[ResumeRunArgs],
    ) -> None:
        """A broker that does not answer fails no run: what was not sent is sent again, as all
        that is lost on its way."""
        assert run.job_code_origin is not None
        args = args_of(
            job_origin=run.job_code_origin,
            run_id=run.run_id,
            instance_ref=self._instance.get_ref(),
            set_exit_code_on_failure=True,
        )
        try:
            self.celery.send_task(task, (pack_value(args),), task_id=run.run_id, queue=QUEUE)
        except OperationalError as error:
            self._instance.report_engine_event(
                f"The broker of the workers does not answer ({error}); this run is sent again "
                "when it does.",
                run,
                cls=type(self),
            )

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run, or take it back from the broker."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        self.celery.control.revoke(run_id, terminate=True)
        if not is_alive(run):
            self._instance.report_run_canceled(run)
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if is_alive(run):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "The process of this run has ended.")

    def get_run_worker_debug_info(
        self,
        run: dg.DagsterRun,
        include_container_logs: bool | None = True,
    ) -> str | None:
        with database().pooled() as connection:
            places = holders.places(connection)
        return f"{places} runs can be carried out at once by the workers that live now."


def is_alive(run: dg.DagsterRun) -> bool:
    """Whether a living process carries out this run: a worker's, or a terminal's."""
    with database().pooled() as connection:
        holder = run.tags.get(HOLDER_TAG)
        if holder is not None:
            return holders.is_held(connection, int(holder))
        return holders.is_run_held(connection, run.run_id)
