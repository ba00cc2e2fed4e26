"""Google Drive from the terminal: an account, a connection, a sync, and what is found in it."""

from __future__ import annotations

import json
import sqlite3
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.cli.children import free_port
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.sandbox.google.files import SPREADSHEET
from livesync_pipelines.sandbox.google.planting import planted
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
        **sandbox.environ("google"),
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


def test_what_an_account_sees_is_shown_with_the_lines_that_choose_it(
    at: Terminal, sandbox: Sandbox
) -> None:
    done = at.process("connect", "google_drive", "--account", "me")
    shown = at.process("accounts", "show", "me")
    assert (done.returncode, shown.returncode) == (0, 0), done.stderr + shown.stderr
    assert 'folders: ["root"]' in done.stdout
    lines = [line.split("  ")[0] for line in shown.stdout.splitlines()]
    assert lines[1:5] == ["IT SEES", "My Drive", "Greenhouse", "My Drive/Handbook"]
    assert set(shown.stdout.splitlines()) - set(done.stdout.splitlines()) == {
        "Account me: ada@example.com at google_drive, connected."
    }
    told = json.loads(at.process("connect", "google_drive", "--account", "me", "--json").stdout)
    assert [one["title"] for one in told["sees"]] == lines[2:5]
    sandbox.fault("GET /google/drive/v3/drives", "500", times=9)
    again = at.process("connect", "google_drive", "--account", "me")
    assert again.returncode == 0
    assert "Account me is connected" in again.stdout
    assert "Note: what the account sees could not be asked" in again.stderr


def test_what_is_chosen_is_what_is_synced(at: Terminal, engine: Engine) -> None:
    at.process(*WORDS)
    (handbook,) = [
        one for one in at.document("accounts", "show", "me")["sees"] if "Handbook" in one["title"]
    ]
    chosen = f"{handbook['option']}={json.dumps(handbook['values'])}"
    ends = ("--connection", "drive", "--capsule", "handbook", "-o", chosen)
    assert at("sync", "add", "mine", *ends).exit_code == 0
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    assert run_sync(known, "mine", trigger=Trigger.PERSON).counts.added == 10


def test_where_no_sync_may_run_no_account_is_asked_what_it_sees(at: Terminal) -> None:
    done = at.process("connect", "google_drive", "--account", "me", EXTERNAL_SYNC_ENABLED="")
    assert done.returncode == 0
    assert "EXTERNAL_SYNC_ENABLED is not true" in done.stderr
    refused = at("accounts", "show", "me", EXTERNAL_SYNC_ENABLED="")
    assert refused.exit_code == 2
    assert at("accounts", "show", "nobody").exit_code == 2


def test_what_a_drive_says_is_found(at: Terminal, engine: Engine) -> None:
    at.process(*WORDS)
    added = at("sync", "add", "mine", "--connection", "drive", "--capsule", "handbook")
    assert added.exit_code == 0, added.output
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    assert run_sync(known, "mine", trigger=Trigger.PERSON).status is Status.SUCCESS
    found = at.document("search", "handbook", "Opening hours")["hits"]
    assert "Opening hours" in str(found[0])


def test_files_are_copied_there_once_the_account_may_write(
    at: Terminal, sandbox: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    shown = at.process(*WORDS)
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


def test_behind_the_slash_stands_a_file_beside_a_table_and_a_folder_beside_files(
    at: Terminal, sandbox: Sandbox, engine: Engine, tmp_path: Path
) -> None:
    at.process(*WORDS)
    files = sandbox.control("GET", "/truth/google")["files"]
    (sheet,) = (one["id"] for one in files if one["mimeType"] == SPREADSHEET)
    place = DrivePlace(sandbox, "Copies")
    place.put("a.txt", b"one")
    (tmp_path / "docs").mkdir()
    at("connect", "folder", "--name", "docs", "-o", f"path={tmp_path / 'docs'}")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as empty:
        empty.execute("vacuum")
    crm = f"connections: {{crm: {{platform: sql_table, url: 'sqlite:///{tmp_path}/crm.db'}}}}"
    (tmp_path / "crm.yaml").write_text(crm)
    at("apply", f"{tmp_path / 'crm.yaml'}")
    for source, far, more in (
        (f"drive/{sheet}", "crm/beds", ("--key", "number")),
        (f"drive/{place.folder}", "docs", ()),
    ):
        said = ("--connection", source, "--target", far, "--mode", "pull", *more)
        added = at("sync", "add", f"from-{len(more)}", *said)
        assert added.exit_code == 0, added.output
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    for name in ("from-2", "from-0"):
        result = run_sync(known, name, trigger=Trigger.PERSON)
        assert result.status is Status.SUCCESS, result.error
    assert (tmp_path / "docs" / "a.txt").read_bytes() == b"one"
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        assert connection.execute("select count(*) from beds").fetchone() == (32,)
