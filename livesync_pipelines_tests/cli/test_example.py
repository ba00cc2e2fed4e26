"""What a newcomer sees: the example with its sandbox, from the start to the last answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import sleep
from typing import Any

import httpx
import psycopg
import pytest

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.engine.house import SANDBOX
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.sandbox.oauth import CLIENT_SECRET
from livesync_pipelines_tests.cli.agreeing import agree

from .conftest import Terminal
from .left_behind import channel_tokens, leaks, tokens_of

HERE = Path(__file__).parents[2]
FILES = ("examples/livesync.yaml", "examples/sandbox.yaml")


class Start:
    """`make run`, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.process = process
        self._lines = process.stderr
        self.said = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read on until a line has this."""
        for line in self._lines:
            self.said += line
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it never said {pattern!r}:\n{self.said}")


@pytest.fixture
def at(terminal: Terminal, tmp_path: Path) -> Terminal:
    """Beside a copy of the examples."""
    shutil.copytree(HERE / "examples", tmp_path / "examples")
    terminal.environ |= {
        "HOME": f"{tmp_path}",
        "LIVESYNC_PORT": f"{free_port()}",
        "LIVESYNC_DAGSTER_PORT": f"{free_port()}",
        "LIVESYNC_SANDBOX_PORT": f"{free_port()}",
        "LIVESYNC_RUNS_AT_ONCE": "1",
    }
    return terminal


def started(environ: Mapping[str, str]) -> subprocess.Popen[str]:
    words = ["up", "--sandbox", *FILES]
    return subprocess.Popen(
        [sys.executable, "-m", "livesync_pipelines.cli", *words],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def start(at: Terminal) -> Iterator[Start]:
    with started(at.environ) as process:
        try:
            yield Start(process)
        finally:
            process.send_signal(signal.SIGINT)


def test_make_run_starts_the_example_with_its_sandbox() -> None:
    told = subprocess.run(
        ["make", "-n", "run"], cwd=HERE, env=os.environ, capture_output=True, text=True, check=True
    )
    assert f"livesync up --sandbox {' '.join(FILES)}" in told.stdout


def test_a_newcomer_sees_a_sign_in_a_call_and_a_conflict_and_no_secret_is_left_behind(
    at: Terminal, start: Start, tmp_path: Path
) -> None:
    here = f"http://localhost:{at.environ['LIVESYNC_PORT']}"
    home, database_url = tmp_path / "home", at.environ["LIVESYNC_DATABASE_URL"]
    sign_in = start.until(r"Sign in +(\S+)")[1]
    start.until("is up")
    html = {"accept": "text/html"}
    assert sign_in.removeprefix(here).replace("&", "&amp;") in httpx.get(here, headers=html).text
    consent = httpx.get(sign_in, headers=html).headers["location"]
    back = agree(consent, "allow")
    assert "The account ada is connected" in back.text
    start.until(r"drive-docs \(\w+\) success: 42 added")
    hook = json.loads((home / SANDBOX).read_text())["SANDBOX"]["SANDBOX_HOOK"]
    used = {"state": back.url.params["state"], "code": back.url.params["code"]}
    used |= {"client secret": CLIENT_SECRET, "API token": API_TOKEN, "webhook secret": hook}
    used |= {"token of Notion": SECRET}
    used |= {f"first {name}": one for name, one in tokens_of(database_url, home, "ada").items()}
    assert "Sign in" not in httpx.get(here, headers=html).text

    until_it_calls(at)
    of_sandbox(at, "POST", "/oauth/google/expire")
    edited = at("sandbox", "edit", "Petal 1.md", "The zebrafish exhibit opens on Sunday.")
    assert edited.exit_code == 0, edited.output
    start.until(r"drive-docs \((webhook|subscribed)\) success: 0 added, 1 updated")
    (hit,) = at.document("search", "garden", "zebrafish")["hits"]
    assert hit["title"] == "Petal 1"

    (conflict,) = at.document("conflicts", "list")["conflicts"]
    assert (conflict["source"], conflict["target"]) == ("020 7946 0103", "020 7946 0193")
    at.document("conflicts", "resolve", f"{conflict['conflict_id']}", "--take", "source")
    start.until(r"grower-list \(person\) success")
    assert "020 7946 0103" in (tmp_path / "examples" / "growers" / "counter.csv").read_text()

    for path in ("/", "/operations", "/sync/status", "/sync/operations", "/sync/conflicts"):
        start.said += httpx.get(f"{here}{path}", headers=html).raise_for_status().text
    start.process.send_signal(signal.SIGINT)
    start.until("Stopping")
    start.process.wait(60)
    assert not (home / SANDBOX).exists()
    assert "The sandbox is up" in (home / "logs" / "sandbox.log").read_text()
    used |= tokens_of(database_url, home, "ada") | channel_tokens(database_url, hook)
    assert used["access token"] != used["first access token"], "it was renewed on the way"
    assert leaks(used, home, database_url) == []
    assert [name for name, secret in used.items() if secret in start.said] == []


def test_a_secret_that_is_left_behind_is_found(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "web.log").write_text("GET /callback?code=4-very-secret-code\n")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table public.some_log (event text, body bytea)")
        values = ('{"url": "https://x/?token=a-hidden-token"}', b"a-sealed-thing")
        connection.execute("insert into public.some_log values (%s, %s)", values)
    used = {"code": "4-very-secret-code", "token": "a-hidden-token", "thing": "a-sealed-thing"}
    assert leaks({**used, "other": "something else"}, tmp_path, database_url) == [
        "the code is in web.log",
        "the token is in public.some_log",
        "the thing is in public.some_log",
    ]


def of_sandbox(at: Terminal, method: str, path: str) -> Any:
    """What the control of the sandbox answers."""
    address = f"http://127.0.0.1:{at.environ['LIVESYNC_SANDBOX_PORT']}/sandbox{path}"
    return httpx.request(method, address).raise_for_status().json()


def until_it_calls(at: Terminal) -> None:
    """The pretend Drive is asked to call a moment after the account is there."""
    for _ in range(600):
        if of_sandbox(at, "GET", "/truth/google")["channels"]:
            return
        sleep(0.1)
    raise AssertionError("nobody has asked the pretend Drive to call")
