from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {
        "PATH": os.environ["PATH"],
        "LIVESYNC_DATABASE_URL": database_url,
        "LIVESYNC_HOME": str(tmp_path),
        "LIVESYNC_PORT": str(port),
    }


def start(environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "livesync_pipelines.web.serve"],
        env=environ,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def served(environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves, and its address."""
    with start(environ) as process:
        yield process, f"http://127.0.0.1:{environ['LIVESYNC_PORT']}"
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_door_opens_answers_and_closes_when_asked(
    served: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, address = served
    transport = httpx.HTTPTransport(retries=12)  # with growing pauses, until the door is open
    with httpx.Client(transport=transport, timeout=30) as client:
        told = client.get(f"{address}/health").json()
        assert told["external_sync"]["enabled"] is False
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    assert process.returncode in {0, -number}


def test_a_port_that_is_taken_is_one_sentence(environ: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environ["LIVESYNC_PORT"]))), start(environ) as door:
        _, said = door.communicate(timeout=30)
    assert door.returncode == 2
    assert said.startswith(f"Port {environ['LIVESYNC_PORT']} cannot be opened")
    assert len(said.splitlines()) == 1
