"""A Notion workspace from the configuration to the search, as a newcomer does it."""

from __future__ import annotations

import json
from pathlib import Path

from livesync_pipelines.sandbox.notion.planting import planted
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import a_sandbox

from .conftest import Terminal

CONFIG = """\
project: demo
capsules:
  garden:
connections:
  notes: {platform: notion, token: "${NOTION_TOKEN}"}
"""


def test_a_workspace_is_added_run_and_searched(terminal: Terminal, tmp_path: Path) -> None:
    space = planted(World(), 3)
    terminal.environ["NOTION_TOKEN"] = SECRET
    with a_sandbox(space.world, space=space) as sandbox:
        file = tmp_path / "notes.yaml"
        file.write_text(CONFIG)
        terminal.environ["NOTION_API_URL"] = f"{sandbox.address}/notion"
        assert terminal("apply", str(file)).exit_code == 0
        ends = ("--connection", "notes", "--capsule", "garden", "-o", "rows=true")
        terminal.document("sync", "add", "handbook", *ends, "--schedule", "manual")
        done = terminal.process("sync", "run", "handbook", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["added"], result["failed"]) == ("success", 7, 0)
    (hit,) = terminal.document("search", "garden", "frost")["hits"]
    assert (hit["title"], hit["sync_id"]) == ("Handbook", "handbook")
    assert SECRET not in done.stdout + done.stderr


def test_the_platform_says_what_can_be_set(terminal: Terminal) -> None:
    shown = terminal("platforms", "notion").output
    for word in ("token", "account", "pages", "databases", "rows", "search"):
        assert word in shown
