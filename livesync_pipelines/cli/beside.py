"""The sandbox of `livesync up --sandbox`: a child, and how every process here finds it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livesync_pipelines.cli.children import LOOPBACK, Child, refuse_taken
from livesync_pipelines.engine.house import PUBLIC_URL, SANDBOX
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.sandbox.workspace import variables
from livesync_pipelines.settings import Settings, made

_READY_S = 30.0


@contextmanager
def sandbox_beside(settings: Settings) -> Iterator[Child]:
    """Serve the pretend vendors as long as this lasts, and let this home take them for the real
    ones, where the environment says nothing else. Raises `BadInput` where the port is taken, or
    runs may be carried out where nobody knows of this home."""
    _refuse_shared(settings)
    port = settings.sandbox_port
    refuse_taken(port, "the sandbox", "LIVESYNC_SANDBOX_PORT")
    command = [sys.executable, "-P", "-m", "livesync_pipelines.cli", "sandbox", "--port", f"{port}"]
    place = made(settings.home) / SANDBOX
    door = {"LIVESYNC": {PUBLIC_URL: f"http://localhost:{settings.port}"}}
    log = settings.home / "logs" / "sandbox.log"
    with Child("The sandbox", command, port=port, log=log) as child:
        child.wait_until_ready(_READY_S)
        _write(place, json.dumps({**variables(f"http://{LOOPBACK}:{port}"), **door}))
        try:
            yield child
        finally:
            place.unlink(missing_ok=True)


def forget_sandbox(settings: Settings) -> None:
    """Of a `livesync up` that could not take it back, the last word."""
    (settings.home / SANDBOX).unlink(missing_ok=True)


def _refuse_shared(settings: Settings) -> None:
    if settings.broker_url is not None:
        raise BadInput(
            "The sandbox is known on this machine only, and LIVESYNC_BROKER_URL shares runs with "
            "workers on others: these would call the real vendors, with the sandbox's tokens.",
            hint="Unset LIVESYNC_BROKER_URL to try things out, or start without --sandbox.",
            where="environment: LIVESYNC_BROKER_URL",
        )


def _write(place: Path, text: str) -> None:
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
