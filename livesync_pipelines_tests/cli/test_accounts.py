"""`livesync connect --account`, `accounts` and `vault`, with a browser and a pretend Google."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.auth.vault import KEY_FILE, keys_of_file
from livesync_pipelines.cli.children import free_port
from livesync_pipelines.sandbox.google.door import READONLY
from livesync_pipelines.sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from livesync_pipelines_tests.sandbox.served import ADA, Sandbox, a_sandbox

from .conftest import Terminal

Done = subprocess.CompletedProcess[str]
At = Callable[..., Done]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with a_sandbox() as served:
        yield served


@pytest.fixture
def at(terminal: Terminal, sandbox: Sandbox) -> At:
    """`livesync`, with the platform `drawer`; its browser agrees."""
    browser = f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing allow %s"
    terminal.environ |= {
        "GOOGLE_CLIENT_ID": CLIENT_ID,
        "GOOGLE_CLIENT_SECRET": CLIENT_SECRET,
        "GOOGLE_OAUTH_URL": f"{sandbox.address}/google",
        "LIVESYNC_PORT": f"{free_port()}",
        "BROWSER": browser,
    }

    def run(*words: str, **environ: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "livesync_pipelines_tests.cli.at_the_drawer", *words],
            env={**terminal.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def listed(at: At) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(at("accounts", "--json").stdout)["accounts"]
    return found


def test_an_account_is_connected_listed_and_removed(at: At) -> None:
    done = at("connect", "drawer", "--account", "ada", "--project", "demo")
    assert done.returncode == 0, done.stderr
    assert f"Account ada is connected: {ADA} at drawer." in done.stdout
    (account,) = listed(at)
    assert (account["name"], account["who"], account["missing"]) == ("ada", ADA, [])
    assert ADA in at("accounts").stdout
    assert "is removed" in at("accounts", "remove", "ada").stdout
    assert listed(at) == []
    assert at("accounts", "remove", "ada").returncode == 2


def test_an_account_and_a_connection_are_made_in_one_go(at: At, sandbox: Sandbox) -> None:
    words = ("connect", "drawer", "--account", "ada", "--name", "papers")
    url = f"url={sandbox.address}/google"
    done = at(*words, "-o", url)
    assert done.returncode == 0, done.stderr
    assert "It shows 1 item:" in done.stdout
    assert "Connection papers to drawer: added." in done.stdout
    again = at(*words, "-o", url, BROWSER="false")
    assert (again.returncode, again.stderr) == (0, ""), "it is connected: nobody is asked"
    assert "unchanged" in again.stdout


def test_who_removes_an_account_is_told_which_syncs_stop(at: At, sandbox: Sandbox) -> None:
    url = f"url={sandbox.address}/google"
    at("connect", "drawer", "--account", "ada", "--name", "papers", "-o", url)
    add = ("sync", "add", "mine", "--connection", "papers", "--capsule", "notes")
    done = at(*add, "--schedule", "manual")
    assert done.returncode == 0, done.stderr
    done = at("accounts", "remove", "ada")
    assert "These syncs stop at their next run" in done.stdout
    assert "mine" in done.stdout
    assert at("sync", "pause", "mine").returncode == 0
    for words in (("resume",), ("run",)):
        done = at("sync", *words, "mine")
        assert done.returncode == 1
        assert "livesync connect drawer --account ada" in done.stderr
    assert "paused" in at("sync", "list").stdout


def test_an_account_that_is_there_stays_in_its_project_where_none_is_said(
    at: At, sandbox: Sandbox
) -> None:
    at("connect", "drawer", "--account", "ada", "--project", "demo")
    again = at("connect", "drawer", "--account", "ada")
    assert again.returncode == 0, again.stderr
    url = f"url={sandbox.address}/google"
    named = at("connect", "drawer", "--account", "ada", "--name", "papers", "-o", url)
    assert named.returncode == 0, named.stderr
    (account,) = listed(at)
    assert account["project_id"] == "demo"


def test_a_new_account_is_of_the_project_that_waits_for_it(at: At, sandbox: Sandbox) -> None:
    words = ("connect", "drawer", "--name", "papers", "--project", "demo", "--no-check")
    done = at(*words, "-o", "account=ada", "-o", f"url={sandbox.address}/google")
    assert done.returncode == 0, done.stderr
    at("connect", "drawer", "--account", "ada")
    (account,) = listed(at)
    assert account["project_id"] == "demo"


def test_another_project_than_the_accounts_own_is_refused_with_its_name(at: At) -> None:
    at("connect", "drawer", "--account", "ada", "--project", "demo")
    done = at("connect", "drawer", "--account", "ada", "--project", "other")
    assert done.returncode == 2
    assert "is of the project demo" in done.stderr
    assert "Leave --project out" in done.stderr


def test_who_says_no_is_told_so(at: At) -> None:
    browser = f"{sys.executable} -m livesync_pipelines_tests.cli.agreeing deny %s"
    done = at("connect", "drawer", "--account", "ada", BROWSER=browser)
    assert done.returncode == 2
    assert "access was not allowed there" in done.stderr
    assert listed(at) == []


def test_a_program_gets_one_document(at: At) -> None:
    done = at("connect", "drawer", "--account", "ada", "--json")
    told = json.loads(done.stdout)
    known = {"account": "ada", "platform": "drawer", "who": ADA}
    assert told == {**known, "missing": [], "writes": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("connect", "drawer"), "What is to be connected?"),
        (("connect", "drawer", "--account", "a", "-o", "url=x"), "Options are of a connection"),
        (("connect", "folder", "--account", "a"), "has no accounts to connect"),
        (("connect", "drawr", "--account", "a"), "There is no platform 'drawr'"),
    ],
)
def test_what_cannot_be_connected_is_said_before_a_browser_opens(
    at: At, words: tuple[str, ...], said: str
) -> None:
    done = at(*words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_client_that_is_not_set_up_is_named(at: At) -> None:
    done = at("connect", "drawer", "--account", "a", GOOGLE_CLIENT_ID="")
    assert done.returncode == 2
    assert "GOOGLE_CLIENT_ID is not set" in done.stderr


def test_the_homes_own_key_is_rotated(at: At, terminal: Terminal) -> None:
    at("connect", "drawer", "--account", "ada")
    file = Path(terminal.environ["LIVESYNC_HOME"], KEY_FILE)
    (first,) = keys_of_file(file)
    assert json.loads(at("vault", "rotate", "--json").stdout) == {"resealed": 1, "new_key": True}
    second, before = keys_of_file(file)
    assert (before, second == first) == (first, False)
    at("vault", "rotate")
    assert keys_of_file(file)[1] == second
    assert at("connect", "drawer", "--account", "ada").returncode == 0


def test_keys_of_the_environment_are_rotated_by_putting_one_before(at: At) -> None:
    old, new = (b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    at("connect", "drawer", "--account", "ada", LIVESYNC_VAULT_KEY=old)
    done = at("vault", "rotate", "--json", LIVESYNC_VAULT_KEY=f"{new},{old}")
    assert json.loads(done.stdout) == {"resealed": 1, "new_key": False}
    assert at("accounts", "remove", "ada", "--json", LIVESYNC_VAULT_KEY=new).stderr == ""


def findings(at: At) -> dict[str, dict[str, str]]:
    return {one["check"]: one for one in json.loads(at("doctor", "--json").stdout)["checks"]}


def test_doctor_says_which_account_is_well_and_what_the_others_need(
    at: At, sandbox: Sandbox
) -> None:
    at("connect", "drawer", "--account", "ada", "--name", "papers", "-o", "url=http://x")
    assert findings(at)["account ada"]["verdict"] == "ok"
    sandbox.control("POST", "/oauth/google/withdraw", {"person": ADA})
    url = f"url={sandbox.address}/google"
    done = at("connect", "drawer", "--account", "ada", "--name", "papers", "-o", url)
    assert "The account 'ada' was revoked" in done.stderr
    found = findings(at)["account ada"]
    assert found["verdict"] == "failed"
    assert "livesync connect drawer --account ada" in found["do"]


def test_a_platform_shows_what_its_accounts_must_grant(at: At) -> None:
    assert READONLY in at("platforms", "drawer").stdout
