"""A sync as a Dagster run in this process: what `sync run` and the first cycle of `up` do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from livesync_pipelines.cli.progress import shown_progress
from livesync_pipelines.cli.work.notifications import tell
from livesync_pipelines.engine.house import Disabled, Engine, database_url, open_engine
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.settings import DISABLED_REASON, Settings, made
from livesync_pipelines.store import catalog, operations

_PLAINLY: Mapping[str, str] = {}
CHECKOUT = Path(__file__).resolve().parents[2]
"""Where workspace.yaml and dagster.yaml are."""


def run(
    settings: Settings, sync_id: str, *, full: bool, plan: str | None = None
) -> Mapping[str, Any]:
    """Carry out one sync as a Dagster run, and tell who wants to know; returns the SyncResult
    document."""
    how = {"full": "true" if full else "false", **({"plan": plan} if plan else {})}
    with opened(settings) as engine:
        try:
            return run_here(engine, sync_id, trigger=Trigger.PERSON, how=how).as_dict()
        finally:
            tell(engine, settings)


def forget_runs(engine: Engine, *, days: int, dry_run: bool) -> int:
    """Delete Dagster's runs that are older than this; returns how many."""
    from dagster import DagsterInstance

    from livesync_pipelines.defs import cleaning

    before = engine.now() - timedelta(days=days)
    with DagsterInstance.get() as instance:
        return cleaning.forget_runs(instance, before=before, dry_run=dry_run)


@contextmanager
def opened(settings: Settings) -> Iterator[Engine]:
    """The engine, with Dagster's home and its database set for this process and its children."""
    url = database_url(settings)
    os.environ["LIVESYNC_DATABASE_URL"] = url.replace("postgres://", "postgresql://", 1)
    os.environ["DAGSTER_HOME"] = str(_dagster_home(settings))
    engine = open_engine(Settings.load())
    try:
        yield engine
    finally:
        engine.database.close()


def _dagster_home(settings: Settings) -> Path:
    folder = made(settings.home / "dagster")
    text = (CHECKOUT / "dagster.yaml").read_text("utf-8")
    if settings.launcher == "default":
        text = re.sub(r"^run_launcher:\n(?: .*\n)+", "", text, flags=re.MULTILINE)
    (folder / "dagster.yaml").write_text(text, "utf-8")
    return folder


def run_here(
    engine: Engine, sync_id: str, *, trigger: Trigger, how: Mapping[str, str] = _PLAINLY
) -> SyncResult:
    """One Dagster run in this process; `how` are its other tags, by what follows `livesync/`.
    Raises what keeps the operation from beginning."""
    if not engine.enabled:
        raise Disabled(DISABLED_REASON)
    with engine.database.pooled() as connection:
        sync = catalog.sync(connection, sync_id)
        platform = catalog.connection_of(connection, sync.connection).platform
        operations.refuse_busy(connection, sync_id)
    with shown_progress(engine, sync_id):
        run_id, failure = _execute(engine, platform, sync_id, {"trigger": str(trigger), **how})
    with engine.database.pooled() as connection:
        done = operations.of_run(connection, run_id)
        if not done:
            operations.refuse_busy(connection, sync_id)  # another run was a moment faster
    if not done:
        raise Broken(
            f"Run {run_id} of sync '{sync_id}' did not begin its operation: {failure}",
            hint="Look at the run in the Dagster UI, or run `livesync doctor`.",
        )
    return operations.result(done[-1])


def _execute(
    engine: Engine, platform: str, sync_id: str, how: Mapping[str, str]
) -> tuple[str, str]:
    from dagster import DagsterInstance

    from livesync_pipelines.definitions import defs
    from livesync_pipelines.defs.orphans import close_orphans, held_tags
    from livesync_pipelines.defs.partitions import add

    with DagsterInstance.get() as instance, engine.database.connect() as connection:
        add(instance, platform, sync_id)
        close_orphans(instance, connection)
        result = defs.resolve_job_def(f"sync_{platform}").execute_in_process(
            instance=instance,
            partition_key=sync_id,
            tags={
                **held_tags(connection),
                **{f"livesync/{name}": value for name, value in how.items()},
            },
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        failures = [e.message or "" for e in result.all_events if e.is_failure]
        return result.run_id, "; ".join(failures)
