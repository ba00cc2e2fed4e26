"""Google Drive from the terminal: an account, a connection, a sync, and what is found in it."""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

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
from livesync_pipelines_tests.connectors.drive_place import DrivePlace
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
        "LIVESYNC_VAULT_KEY": b64encode(KEY).decode(),
        "LIVESYNC_PORT": f"{free_port()}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "BROWSER": f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing allow %s",
    }
    return terminal


def connected(at: Terminal, sandbox: Sandbox) -> subprocess.CompletedProcess[str]:
    return at.process(*WORDS, "-o", f"endpoint={sandbox.address}/google")


def test_a_drive_is_connected_and_shows_what_there_is_to_sync(
    at: Terminal, sandbox: Sandbox
) -> None:
    done = connected(at, sandbox)
    assert done.returncode == 0, done.stderr
    assert "Account me is connected: ada@example.com at google_drive." in done.stdout
    assert "Connection drive to google_drive: added." in done.stdout


def test_what_a_drive_says_is_found(at: Terminal, sandbox: Sandbox, engine: Engine) -> None:
    connected(at, sandbox)
    added = at("sync", "add", "mine", "--connection", "drive", "--capsule", "handbook")
    assert added.exit_code == 0, added.output
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    assert run_sync(known, "mine", trigger=Trigger.PERSON).status is Status.SUCCESS
    found = at.document("search", "handbook", "Opening hours")["hits"]
    assert "Opening hours" in str(found[0])


def test_files_are_copied_there_once_the_account_may_write(
    at: Terminal, sandbox: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    shown = connected(at, sandbox)
    assert "connect it again with --write" in shown.stderr
    place = DrivePlace(sandbox, "Copies")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("one")
    assert (
        at("connect", "folder", "--name", "docs", "-o", f"path={tmp_path / 'docs'}").exit_code == 0
    )
    added = at("sync", "add", "out", "--connection", "docs", "--target", f"drive/{place.folder}")
    assert added.exit_code == 0, added.output
    assert "it lacks the scope https://www.googleapis.com/auth/drive" in added.stderr
    again = at.process(*WORDS[:4], "--write")
    assert again.returncode == 0, again.stderr
    assert "--write" not in again.stderr
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    assert run_sync(known, "out", trigger=Trigger.PERSON).status is Status.SUCCESS
    assert place.get("a.txt") == b"one"
    told = at("platforms", "google_drive").stdout
    assert "and to be written to: https://www.googleapis.com/auth/drive or " in told
    assert "folder: text (required)" in told
