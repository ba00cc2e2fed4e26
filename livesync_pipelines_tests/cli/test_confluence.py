"""A wiki from the configuration to the search, as a newcomer does it with the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from livesync_pipelines.sandbox.confluence.planting import planted
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.sandbox.served import ADA, a_sandbox

from .conftest import Terminal

CONFIG = """\
project: demo
capsules:
  garden:
connections:
  wiki:
    platform: confluence
    url: "https://garden.atlassian.net"
    email: EMAIL
    api_token: "${WIKI_TOKEN}"
"""


@contextmanager
def a_wiki(terminal: Terminal, folder: Path) -> Iterator[None]:
    """Serves one of five pages, to which the connection `wiki` leads."""
    world = World()
    terminal.environ["WIKI_TOKEN"] = API_TOKEN
    with a_sandbox(world, site=planted(world, 5)) as sandbox:
        file = folder / "wiki.yaml"
        file.write_text(CONFIG.replace("EMAIL", ADA))
        terminal.environ["CONFLUENCE_API_URL"] = f"{sandbox.address}/confluence"
        assert terminal("apply", str(file)).exit_code == 0
        yield


def test_a_wiki_is_added_run_and_searched(terminal: Terminal, tmp_path: Path) -> None:
    with a_wiki(terminal, tmp_path):
        ends = ("--connection", "wiki", "--capsule", "garden", "-o", "spaces=GARDEN")
        terminal.document("sync", "add", "notes", *ends, "--schedule", "manual")
        done = terminal.process("sync", "run", "notes", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["added"], result["failed"]) == ("success", 9, 0)
    (hit,) = terminal.document("search", "garden", "frost")["hits"]
    assert (hit["title"], hit["sync_id"]) == ("Sowing", "notes")
    assert terminal.document("search", "garden", "orchids")["hits"] == []
    assert API_TOKEN not in done.stdout + done.stderr


def test_a_folder_is_published_in_a_wiki_and_found_there(
    terminal: Terminal, tmp_path: Path
) -> None:
    world = World()
    terminal.environ["WIKI_TOKEN"] = API_TOKEN
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "moss.md").write_text("# Mosses\n\nThey like the damp.\n")
    (docs / "sowing.md").write_text("# Sowing\n\nA title that is taken.\n")
    with a_sandbox(world, site=planted(world, 5)) as sandbox:
        file = tmp_path / "wiki.yaml"
        file.write_text(CONFIG.replace("EMAIL", ADA))
        terminal.environ["CONFLUENCE_API_URL"] = f"{sandbox.address}/confluence"
        terminal("apply", str(file))
        words = ("--name", "docs", "--project", "demo", "-o", f"path={docs}")
        terminal.document("connect", "folder", *words)
        ends = ("--connection", "docs", "--target", "wiki/GARDEN", "--schedule", "manual")
        terminal.document("sync", "add", "published", *ends)
        told = json.loads(terminal.process("sync", "run", "published", "--json").stdout)
        assert (told["status"], told["added"], told["failed"]) == ("partial", 1, 1)
        shown = terminal("status", "published").output
        assert "which this sync has not made, has its title" in shown
        ends = ("--connection", "wiki", "--capsule", "garden", "-o", "spaces=GARDEN")
        terminal.document("sync", "add", "notes", *ends, "--schedule", "manual")
        terminal.process("sync", "run", "notes")
    (hit,) = terminal.document("search", "garden", "damp")["hits"]
    assert hit["title"] == "Mosses"


def test_a_token_that_is_refused_is_to_be_corrected_before_the_sync_is_resumed(
    terminal: Terminal, tmp_path: Path
) -> None:
    with a_wiki(terminal, tmp_path):
        ends = ("--connection", "wiki", "--capsule", "garden", "--schedule", "manual")
        terminal.document("sync", "add", "notes", *ends)
        terminal.environ["WIKI_TOKEN"] = "another"
        failed = json.loads(terminal.process("sync", "run", "notes", "--json").stdout)["error"]
        again = terminal.document("sync", "run", "notes", code=3)["error"]
    assert re.search(r"answered 401 \(request [0-9a-f]{32}\)", failed["message"])
    assert "correct `api_token`" in failed["hint"]
    assert failed["hint"].endswith("Then resume it with `livesync sync resume notes`.")
    assert (again["code"], again["hint"]) == ("needs_person", failed["hint"])


def test_the_platform_says_what_can_be_set(terminal: Terminal) -> None:
    shown = terminal("platforms", "confluence").output
    for word in ("api_token", "spaces", "labels", "archived", "CQL"):
        assert word in shown
