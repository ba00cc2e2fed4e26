"""Everything on one machine: database, HTTP door, Dagster's UI and daemon, workers."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import click

from livesync_pipelines.cli.beside import forget_sandbox, sandbox_beside
from livesync_pipelines.cli.children import (
    LOOPBACK,
    Child,
    Stopped,
    free_port,
    only_one,
    refuse_taken,
    stoppable,
)
from livesync_pipelines.cli.runs import opened, run_here
from livesync_pipelines.cli.work.notifications import tell
from livesync_pipelines.cli.worker import DEFINITIONS, worker
from livesync_pipelines.engine import report
from livesync_pipelines.engine.desired import from_environment, load
from livesync_pipelines.engine.difference import changed, difference
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.unsigned import unsigned
from livesync_pipelines.engine.watching import watch
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.model.sync import Desired, Trigger
from livesync_pipelines.settings import DISABLED_REASON, Settings
from livesync_pipelines.store import catalog, embedded, operations, sweeps
from livesync_pipelines.store.database import OwnConnection

_OF_DAGSTER = {
    # so many sensors and schedules can be evaluated at once: most wait for something to do
    "DAGSTER_GRPC_MAX_WORKERS": "24",
    # a backfill goes on once the code server is there (again), instead of failing
    "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "true",
}

_LOCATION = "livesync"
_SHOWN_FIRST, _SHOWN_FOR_S = 10, 15.0
_READY_S = 90.0
_LOOK_S = 0.5


def up(settings: Settings, files: Sequence[Path], *, once: bool, sandbox: bool) -> int:
    """Run everything until a signal comes, or (`once`) one cycle; returns the exit code. `sandbox`:
    with the pretend vendors beside it."""
    with ExitStack() as alone:
        if not once:
            alone.enter_context(only_one(settings.home))
            forget_sandbox(settings)
        return _up(settings, files, once=once, sandbox=sandbox)


def _up(settings: Settings, files: Sequence[Path], *, once: bool, sandbox: bool) -> int:
    if not once:
        refuse_taken(settings.port, "the HTTP door", "LIVESYNC_PORT")
        refuse_taken(settings.dagster_port, "the Dagster UI", "LIVESYNC_DAGSTER_PORT")
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)  # what it tells, we tell
    with stoppable(), ExitStack() as stack:
        try:
            beside = [stack.enter_context(sandbox_beside(settings))] if sandbox else []
            engine = stack.enter_context(opened(settings))
            _configure(engine, settings, files)
            if once:
                code = _cycle(engine)
                tell(engine, settings)
                return code
            seen, new = engine.now(), _new(engine)
            _say(f"Starting; logs are in {settings.home / 'logs'}.")
            children = beside + [stack.enter_context(child) for child in _children(settings)]
            for child in children:
                stack.callback(child.ask_to_stop)  # all at once, before any is waited for
            for child in children:
                child.wait_until_ready(_READY_S)
            stack.enter_context(_watching(engine))
            seen = _show(engine, new[:_SHOWN_FIRST], seen)
            following = set(new) - _known(engine) if engine.enabled else ()
            _say(welcome(settings, following=len(following), starts=_starts(engine)))
            _stay(engine, settings, children, seen)
        except Stopped:
            _say("Stopping.")
        return 0


@contextmanager
def _watching(engine: Engine) -> Iterator[None]:
    """Wait beside realtime sources, as long as this lasts."""
    over = Event()
    thread = Thread(target=watch, args=(engine, over), name="watching")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _say(line: str) -> None:
    click.echo(line, err=True)


def _configure(engine: Engine, settings: Settings, files: Sequence[Path]) -> None:
    paths = list(files) or list(settings.config)
    with engine.database.connect() as connection:
        known = catalog.stored(connection)
        if paths:
            wanted = load(paths, engine.registry, engine.environ, known=known)
            _apply(engine, wanted)
        _apply(engine, from_environment(settings))


def _apply(engine: Engine, wanted: Desired) -> None:
    with engine.database.connect() as connection:
        changes = difference(catalog.stored(connection), wanted)
        catalog.apply(connection, changed(wanted, changes))
    for change in changes:
        if change.action != "unchanged":
            _say(f"{change.action} {change.kind} {change.name}")


def _children(settings: Settings) -> list[Child]:
    """The servers, in the order in which they need each other. One code server serves both
    Dagster's UI and its daemon: itself, and not through the proxy of `dagster code-server`, which
    does not notice the death of what is behind it."""
    logs, python = settings.home / "logs", (sys.executable, "-P", "-m")
    code_port = free_port()
    workspace = settings.home / "dagster" / "workspace.yaml"
    server = {"host": LOOPBACK, "port": code_port, "location_name": _LOCATION}
    workspace.write_text(json.dumps({"load_from": [{"grpc_server": server}]}))
    at = ("-h", LOOPBACK, "-p")
    ui = ("dagster_webserver", "-w", str(workspace), *at, str(settings.dagster_port))
    for name, value in _OF_DAGSTER.items():
        os.environ.setdefault(name, value)
    named = ("--location-name", _LOCATION, "--use-python-environment-entry-point")
    code = ("dagster", "api", "grpc", "-m", DEFINITIONS, *named, *at, str(code_port))
    return [
        Child(
            "The HTTP door",
            [*python, "livesync_pipelines.web.serve"],
            port=settings.port,
            log=logs / "web.log",
        ),
        Child("The code server", [*python, *code], port=code_port, log=logs / "code.log"),
        *([worker(settings)] if settings.launcher == "warm" else []),
        Child("The Dagster UI", [*python, *ui], port=settings.dagster_port, log=logs / "ui.log"),
        Child(
            "The Dagster daemon",
            [*python, "dagster._daemon", "run", "-w", str(workspace)],
            port=None,
            log=logs / "daemon.log",
            needs=code_port,  # a run that it cannot begin anew at once it begins no more
        ),
    ]


def _due(engine: Engine) -> list[str]:
    with engine.database.pooled() as connection:
        return [sync_id for sync_id, _, _ in sweeps.due(connection, now=engine.now())]


def _new(engine: Engine) -> list[str]:
    """The due syncs of which no run has ended yet, and that wait for nobody to sign in."""
    known = _known(engine)
    with engine.database.pooled() as connection:
        waiting = {name for one in unsigned(engine, connection) for name in one.connections}
        sources = {one.sync_id: one.connection for one in catalog.stored(connection).syncs}
    due = (sync_id for sync_id in _due(engine) if sync_id not in known)
    return [sync_id for sync_id in due if sources.get(sync_id) not in waiting]


def _known(engine: Engine) -> set[str]:
    with engine.database.pooled() as connection:
        return operations.seen(connection)


def _starts(engine: Engine) -> list[str]:
    """Where people begin to sign in for whom syncs wait."""
    with engine.database.pooled() as connection:
        return [one.start for one in unsigned(engine, connection)]


def _show(engine: Engine, first: Sequence[str], seen: datetime) -> datetime:
    """Whoever has just made some syncs sees what comes of the first of them, for as long as he may
    want to wait: prints each SyncResult, as Dagster's runs end. Returns until when all was told."""
    if not engine.enabled:
        _say(DISABLED_REASON)
        return seen
    awaited, until = set(first), monotonic() + _SHOWN_FOR_S
    with closing(OwnConnection(engine.database)) as own, suppress(Unavailable):
        while awaited and monotonic() < until:
            sleep(_LOOK_S)
            for row in _ended(own, seen):
                seen = row["finished_at"]
                if row["sync_id"] in awaited:
                    awaited.remove(row["sync_id"])
                    click.echo(json.dumps(operations.result(row).as_dict(), indent=2))
                else:
                    _say(report.line(row))
    return seen


def _cycle(engine: Engine) -> int:
    """Run the syncs that are due, one after the other; prints each SyncResult."""
    if not engine.enabled:
        _say(DISABLED_REASON)
        return 0
    failed = False
    with engine.database.connect() as connection, sweeps.alone(connection):
        for sync_id in _due(engine):
            _say(f"Syncing {sync_id} ...")
            document = _attempt(engine, sync_id)
            failed = failed or "error" in document
            click.echo(json.dumps(document, indent=2))
    return 1 if failed else 0


def _attempt(engine: Engine, sync_id: str) -> dict[str, Any]:
    try:
        return run_here(engine, sync_id, trigger=Trigger.POLL).as_dict()
    except LiveSyncError as error:
        return {"sync_id": sync_id, "error": error.as_dict()}


def welcome(settings: Settings, *, following: int, starts: Sequence[str] = ()) -> str:
    """Where the doors are, and where people sign in (paths at the HTTP door); and how many new
    syncs are `following`, which nobody has seen yet."""
    here = f"http://localhost:{settings.port}"
    return (
        f"\n  Status page   {here}/"
        f"\n  Dagster UI    http://localhost:{settings.dagster_port}/"
        f"\n  API           {here}/docs"
        + "".join(f"\n  Sign in       {here}{start}" for start in starts)
        + f"\n\n{_of_others(following)}LiveSync is up. Ctrl-C stops it.\n"
    )


def _of_others(following: int) -> str:
    match following:
        case 0:
            return ""
        case 1:
            return "1 more new sync follows by itself. "
    return f"{following} more new syncs follow by themselves. "


def _stay(engine: Engine, settings: Settings, children: Sequence[Child], seen: datetime) -> None:
    """Tell of every operation that ends after what was `seen`, until a signal comes.

    A child that dies is started again, and so is the embedded database; another database that
    goes away is waited for.
    """
    answered = True
    with closing(OwnConnection(engine.database)) as own:
        while True:
            for child in children:
                if child.restart_if_lost(_LOOK_S / len(children)):
                    _say(f"{child.name} had ended by itself, and was started again.")
            try:
                for row in _ended(own, seen):
                    seen = row["finished_at"]
                    _say(report.line(row))
                answered = True
            except Unavailable as error:
                if answered:
                    _say(error.message)
                answered = False
            if settings.database_url is None and (
                not answered or embedded.is_ending(settings.home)
            ):
                embedded.start(settings.home)
                _say("The embedded Postgres had ended by itself, and was started again.")


def _ended(own: OwnConnection, seen: datetime) -> list[dict[str, Any]]:
    with own.used() as connection:
        return operations.since(connection, seen)
