"""The processes that carry out runs: Celery's prefork pool, warm from its first moment."""

from __future__ import annotations

import socket
import sys
from hashlib import blake2b

import click

from livesync_pipelines.auth.vault import KEY_FILE
from livesync_pipelines.cli.children import Child, Stopped, stoppable
from livesync_pipelines.cli.runs import opened
from livesync_pipelines.engine import accounts as work
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import accounts

DEFINITIONS = "livesync_pipelines.definitions"
_APP = "livesync_pipelines.defs.worker"


_LOOK_S = 0.5


def work_along(settings: Settings) -> int:
    """Carry out runs of a `livesync up` elsewhere until a signal comes; returns the exit code.
    Raises `BadInput` where database or broker are those of this home alone, or accounts are sealed
    with a key that another home has."""
    lacking = [
        name
        for name, value in (
            ("LIVESYNC_DATABASE_URL", settings.database_url),
            ("LIVESYNC_BROKER_URL", settings.broker_url),
        )
        if value is None
    ]
    if lacking:
        raise BadInput(
            f"A worker shares database and broker with `livesync up`, and {lacking[0]} is not set.",
            hint="Set LIVESYNC_DATABASE_URL and LIVESYNC_BROKER_URL to the same values on both "
            "machines.",
            where=f"environment: {', '.join(lacking)}",
        )
    with stoppable(), opened(settings) as engine:
        _refuse_without_key(engine, settings)
        try:
            with worker(settings) as child:
                click.echo(f"{settings.runs_at_once} places for runs. Ctrl-C stops them.", err=True)
                while True:
                    if child.restart_if_lost(_LOOK_S):
                        click.echo(f"{child.name} had ended and was started again.", err=True)
        except Stopped:
            click.echo("Stopping.", err=True)
    return 0


def _refuse_without_key(engine: Engine, settings: Settings) -> None:
    """Raises `BadInput` without a key, `Sealed` with another one."""
    with engine.database.pooled() as connection:
        there = accounts.listed(connection)
    named = settings.vault_key is not None or settings.vault_key_file is not None
    if there and (named or (settings.home / KEY_FILE).exists()):
        work.opened(engine.vault(), there[0])
    elif there:
        raise BadInput(
            f"The account {there[0].name} is sealed with a key that this machine does not have.",
            hint="Set LIVESYNC_VAULT_KEY, or LIVESYNC_VAULT_KEY_FILE, to the same on all machines: "
            f"what `{KEY_FILE}` holds in the home of `livesync up`.",
            where="environment: LIVESYNC_VAULT_KEY",
        )


def worker(settings: Settings) -> Child:
    """A worker with `settings.runs_at_once` places, with its log in the home."""
    house = blake2b(f"{settings.home}".encode(), digest_size=4).hexdigest()
    name = f"livesync-{house}@{socket.gethostname()}"
    chatless = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Child(
        "The worker",
        [
            *(sys.executable, "-P", "-m", "celery", "--quiet", "-A", _APP, "worker", "-n", name),
            *("--pool", "prefork", "--concurrency", f"{settings.runs_at_once}"),
            *("--include", DEFINITIONS, "--loglevel", "WARNING", *chatless),
        ],
        port=None,
        log=settings.home / "logs" / "worker.log",
    )
