"""A Notion workspace from the configuration to the search, as a newcomer does it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from livesync_pipelines.sandbox.notion.planting import planted
from livesync_pipelines.sandbox.notion.texts import rich
from livesync_pipelines.sandbox.notion.workspace import SECRET, Workspace
from livesync_pipelines.sandbox.world import Json, World
from livesync_pipelines_tests.sandbox.served import a_sandbox

from .conftest import Terminal

CONFIG = """\
project: demo
capsules:
  garden:
connections:
  notes: {platform: notion, token: "${NOTION_TOKEN}"}
"""

PLANTS = """\
project: demo
connections:
  notes: {platform: notion, token: "${NOTION_TOKEN}"}
  warehouse: {platform: sql_table, url: "sqlite:///PLACE"}
syncs:
  plants:
    connection: notes
    select: {database: ADDRESS, key: [Code]}
    target: {connection: warehouse, table: plants, key: [code]}
    mode: bidirectional
    mapping:
      - {from: Code, to: code}
      - {from: Name, to: name}
      - {from: Height, to: height}
"""


def test_a_database_is_kept_in_step_with_a_new_table_both_ways(
    terminal: Terminal, tmp_path: Path
) -> None:
    space, place = Workspace(World()), tmp_path / "garden.db"
    schema: dict[str, Json] = {
        "Name": {"title": {}},
        "Code": {"rich_text": {}},
        "Height": {"number": {}},
    }
    twice: Json = {"Twice": {"formula": {"expression": 'prop("Height") * 2'}}}
    source = space.database("Plants", {**schema, **twice}, parent=space.page("Home").id)
    row = space.row(source, {"Code": {"rich_text": rich("a")}, "Height": {"number": 1}})
    with closing(sqlite3.connect(place)) as empty:
        empty.execute("vacuum")
    terminal.environ["NOTION_TOKEN"] = SECRET
    with a_sandbox(space.world, space=space) as sandbox:
        terminal.environ["NOTION_API_URL"] = f"{sandbox.address}/notion"
        file = tmp_path / "plants.yaml"
        file.write_text(PLANTS.replace("PLACE", str(place)).replace("ADDRESS", source.id))
        applied = terminal("apply", str(file))
        assert applied.exit_code == 0, applied.output
        first = terminal.process("sync", "run", "plants", "--json")
        assert first.returncode == 0, first.stderr
        with closing(sqlite3.connect(place, isolation_level=None)) as table:
            table.execute("update plants set height = 2")
        again = terminal.process("sync", "run", "plants", "--json")
        assert again.returncode == 0, again.stderr
    (height,) = (one.id for one in source.schema.values() if one.name == "Height")
    assert row.values[height] == 2


@contextmanager
def a_workspace(terminal: Terminal, folder: Path) -> Iterator[None]:
    """Serves one of three rows, to which the connection `notes` leads."""
    space = planted(World(), 3)
    terminal.environ["NOTION_TOKEN"] = SECRET
    with a_sandbox(space.world, space=space) as sandbox:
        file = folder / "notes.yaml"
        file.write_text(CONFIG)
        terminal.environ["NOTION_API_URL"] = f"{sandbox.address}/notion"
        assert terminal("apply", str(file)).exit_code == 0
        yield


def test_a_workspace_is_added_run_and_searched(terminal: Terminal, tmp_path: Path) -> None:
    with a_workspace(terminal, tmp_path):
        ends = ("--connection", "notes", "--capsule", "garden", "-o", "rows=true")
        terminal.document("sync", "add", "handbook", *ends, "--schedule", "manual")
        done = terminal.process("sync", "run", "handbook", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["added"], result["failed"]) == ("success", 7, 0)
    (hit,) = terminal.document("search", "garden", "frost")["hits"]
    assert (hit["title"], hit["sync_id"]) == ("Handbook", "handbook")
    assert SECRET not in done.stdout + done.stderr


def test_a_token_that_is_refused_is_to_be_corrected_before_the_sync_is_resumed(
    terminal: Terminal, tmp_path: Path
) -> None:
    with a_workspace(terminal, tmp_path):
        ends = ("--connection", "notes", "--capsule", "garden", "--schedule", "manual")
        terminal.document("sync", "add", "handbook", *ends)
        terminal.environ["NOTION_TOKEN"] = "ntn_other"
        failed = json.loads(terminal.process("sync", "run", "handbook", "--json").stdout)["error"]
        again = terminal.document("sync", "run", "handbook", code=3)["error"]
        found = terminal.document("doctor")["checks"]
        terminal.environ["NOTION_TOKEN"] = SECRET
        terminal("sync", "resume", "handbook")
        mended = terminal.process("sync", "run", "handbook", "--json")
    assert re.search(r"answered 401 unauthorized \(request [0-9a-f-]{36}\)", failed["message"])
    assert "correct `token` of the connection" in failed["hint"]
    assert failed["hint"].endswith("Then resume it with `livesync sync resume handbook`.")
    assert (again["code"], again["hint"]) == ("needs_person", failed["hint"])
    assert failed["hint"] in {one["do"] for one in found}
    assert mended.returncode == 0, mended.stderr


def test_who_connects_is_shown_what_there_is_to_choose_from(terminal: Terminal) -> None:
    space = planted(World(), 3)
    terminal.environ["NOTION_TOKEN"] = SECRET
    with a_sandbox(space.world, space=space) as sandbox:
        terminal.environ["NOTION_API_URL"] = f"{sandbox.address}/notion"
        words = ("connect", "notion", "--name", "notes", "-o", "token=${NOTION_TOKEN}")
        shown = terminal(*words)
        told = terminal.document(*words)
    assert shown.exit_code == 0, shown.output
    (handbook,) = (one for one in told["sees"]["choices"] if one["title"] == "Handbook")
    assert f'pages: ["{handbook["values"][0]}"]' in shown.output
    assert SECRET not in shown.output


def test_the_platform_says_what_can_be_set(terminal: Terminal) -> None:
    shown = terminal("platforms", "notion").output
    for word in ("token", "account", "pages", "databases", "rows", "search"):
        assert word in shown
