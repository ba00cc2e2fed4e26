"""The processes that carry out runs: Celery's prefork pool, warm from its first moment."""

from __future__ import annotations

import socket
import sys
from hashlib import blake2b

from livesync_pipelines.cli.children import Child
from livesync_pipelines.settings import Settings

DEFINITIONS = "livesync_pipelines.definitions"
_APP = "livesync_pipelines.defs.worker"


def worker(settings: Settings) -> Child:
    """A worker with `settings.runs_at_once` places, with its log in the home."""
    house = blake2b(f"{settings.home}".encode(), digest_size=4).hexdigest()
    name = f"livesync-{house}@{socket.gethostname()}"
    chatless = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Child(
        "The worker",
        [
            *(sys.executable, "-m", "celery", "--quiet", "-A", _APP, "worker", "-n", name),
            *("--pool", "prefork", "--concurrency", f"{settings.runs_at_once}"),
            *("--include", DEFINITIONS, "--loglevel", "WARNING", *chatless),
        ],
        port=None,
        log=settings.home / "logs" / "worker.log",
    )
