"""`livesync sandbox edit`: what somebody writes at each pretend vendor arrives."""

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
from livesync_pipelines.model.sync import Trigger
from livesync_pipelines.sandbox.confluence import planting as wiki
from livesync_pipelines.sandbox.dropbox import boxes
from livesync_pipelines.sandbox.google import planting as papers
from livesync_pipelines.sandbox.notion import planting as notes
from livesync_pipelines.sandbox.workspace import variables
from livesync_pipelines.sandbox.world import World
from livesync_pipelines_tests.engine.drawer import KEY
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

from .conftest import Terminal

PLATFORMS = ("google_drive", "dropbox", "confluence", "notion")
MANY = 6
WORDS = "The zebrafish < exhibit & pond > open on Sunday."


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    world = World()
    drive, files = papers.planted(world, MANY), boxes.planted(world, MANY)
    site, space = wiki.planted(world, MANY), notes.planted(world, MANY)
    with a_sandbox(world, drive, files, site, space) as served:
        yield served


@pytest.fixture
def at(terminal: Terminal, sandbox: Sandbox) -> Terminal:
    """A terminal that takes the sandbox for the vendors, and whose browser agrees."""
    for said in variables(sandbox.address).values():
        terminal.environ |= said
    terminal.environ |= {
        "LIVESYNC_VAULT_KEY": b64encode(KEY).decode(),
        "LIVESYNC_PORT": f"{free_port()}",
        "LIVESYNC_SANDBOX_PORT": sandbox.address.rpartition(":")[2],
        "BROWSER": f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing allow %s",
    }
    return terminal


OPTIONS = {
    "confluence": (
        "url=https://garden.atlassian.net",
        f"email={ADA}",
        "api_token=${SANDBOX_API_TOKEN}",
    ),
    "notion": ("token=${SANDBOX_NOTION_TOKEN}",),
}


def connected(at: Terminal, platform: str) -> None:
    """A sync `mine` of everything there."""
    words = ["connect", platform, "--name", "ends", "--project", "demo"]
    for option in OPTIONS.get(platform, ()):
        words += ["-o", option]
    words += [] if platform in OPTIONS else ["--account", "mine"]
    done = at.process(*words)
    assert done.returncode == 0, done.stderr
    ends = ("--connection", "ends", "--capsule", "garden", "--schedule", "manual")
    at.document("sync", "add", "mine", *ends)


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("google_drive", "Plum 6"),
        ("google_drive", "Opening hours.md"),
        ("dropbox", "Bloom 1.md"),
        ("confluence", "Watering"),
        ("notion", "Handbook"),
    ],
)
def test_what_is_written_at_a_pretend_vendor_is_found(
    at: Terminal, engine: Engine, platform: str, name: str
) -> None:
    connected(at, platform)
    known = replace(engine, environ=at.environ, vault=lambda: Vault([KEY]))
    run_sync(known, "mine", trigger=Trigger.PERSON)
    told = at.document("sandbox", "edit", name, WORDS)
    assert (told["platform"], told["name"], told["person"]) == (platform, name, ADA)
    counts = run_sync(known, "mine", trigger=Trigger.PERSON).counts
    assert (counts.added, counts.updated, counts.removed) == (0, 1, 0)
    (hit,) = at.document("search", "garden", "zebrafish")["hits"]
    assert WORDS in hit["text"].replace("\\", "")


def test_a_name_that_several_platforms_have_is_said_with_its_platform_or_by_its_id(
    at: Terminal, sandbox: Sandbox
) -> None:
    asked = at("sandbox", "edit", "Bed 1", WORDS)
    assert asked.exit_code == 2
    assert "2 documents are called 'Bed 1'" in asked.output
    assert "--platform" in asked.output
    before = sandbox.control("GET", "/truth/confluence")
    done = at.document("sandbox", "edit", "Bed 1", WORDS, "--platform", "notion")
    assert (done["platform"], done["name"]) == ("notion", "Bed 1")
    assert sandbox.control("GET", "/truth/confluence") == before
    again = at.document("sandbox", "edit", done["id"], WORDS)
    assert (again["id"], again["name"]) == (done["id"], "Bed 1")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_document_that_is_not_there_is_told_with_those_that_are(
    at: Terminal, platform: str
) -> None:
    missing = at("sandbox", "edit", "Nothing.md", "x", "--platform", platform)
    assert missing.exit_code == 2
    assert f"no text document 'Nothing.md' in the pretend {platform}" in missing.output
    there = {"google_drive": "Petal 1.md", "dropbox": "Bloom 1.md", "confluence": "Watering"}
    assert f"'{there.get(platform, 'Handbook')}'" in missing.output


def test_a_name_that_is_nearly_right_is_told_the_right_one(at: Terminal) -> None:
    missing = at("sandbox", "edit", "Waterin", "x")
    assert missing.exit_code == 2
    assert "There are: 'Watering' (confluence)" in missing.output


def test_a_platform_that_the_sandbox_does_not_have_is_told_with_those_that_it_has(
    at: Terminal,
) -> None:
    missing = at("sandbox", "edit", "Bed 1", "x", "--platform", "sharepoint")
    assert missing.exit_code == 2
    assert "does not pretend to be 'sharepoint'" in missing.output
    assert "confluence, dropbox, google_drive, notion" in missing.output


def test_without_a_sandbox_it_is_said_how_one_is_started(at: Terminal) -> None:
    missing = at("sandbox", "edit", "Bed 1", "x", LIVESYNC_SANDBOX_PORT=f"{free_port()}")
    assert missing.exit_code == 1
    assert "No sandbox answers at port" in missing.output
    assert "livesync up --sandbox" in missing.output


def test_who_controls_the_sandbox_is_told_what_cannot_be_written_to(sandbox: Sandbox) -> None:
    for where, said in (("nowhere", "nothing is written at nowhere"), ("notion", "no document x")):
        answer = sandbox.client.post(f"/sandbox/documents/{where}", json={"id": "x", "words": "x"})
        assert answer.status_code == 400
        assert said in answer.json()["error"]
