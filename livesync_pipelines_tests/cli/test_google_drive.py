"""Google Drive from the terminal: an account, a connection, a sync, and what is found in it."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace

import pytest

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.cli.children import free_port
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.sandbox.google.planting import planted
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.engine.drawer import KEY
from livesync_pipelines_tests.sandbox.served import Sandbox, a_sandbox

from .conftest import Terminal

WORDS = ("connect", "google_drive", "--account", "me", "--name", "drive")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    world = World()
    with a_sandbox(world, planted(world, 10)) as served:
        yield served


@pytest.fixture
def at(terminal: Terminal, sandbox: Sandbox) -> Terminal:
    """A terminal whose browser agrees."""
    terminal.environ |= {
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_OAUTH_URL": f"{sandbox.address}/google",
        "GOOGLE_API_URL": f"{sandbox.address}/google",
        "LIVESYNC_VAULT_KEY": b64encode(KEY).decode(),
        "LIVESYNC_PORT": f"{free_port()}",
        "BROWSER": f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing allow %s",
    }
    return terminal


def test_a_drive_is_connected_and_shows_what_there_is_to_sync(at: Terminal) -> None:
    done = at.process(*WORDS)
    assert done.returncode == 0, done.stderr
    assert "Account me is connected: ada@example.com at google_drive." in done.stdout
    assert "Connection drive to google_drive: added." in done.stdout


def test_what_a_drive_says_is_found(at: Terminal, engine: Engine) -> None:
    at.process(*WORDS)
    added = at("sync", "add", "mine", "--connection", "drive", "--capsule", "handbook")
    assert added.exit_code == 0, added.output
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    assert run_sync(known, "mine", trigger=Trigger.PERSON).status is Status.SUCCESS
    found = at.document("search", "handbook", "Opening hours")["hits"]
    assert "Opening hours" in str(found[0])
