"""What a newcomer sees: the example with its sandbox, from the start to the last answer."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import sleep

import httpx
import pytest

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.engine.house import SANDBOX
from livesync_pipelines_tests.cli.agreeing import agree

from .conftest import Terminal
from .test_sandbox import until_it_answers

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


def test_a_newcomer_sees_a_sign_in_a_call_and_a_conflict(
    at: Terminal, start: Start, tmp_path: Path
) -> None:
    here = f"http://localhost:{at.environ['LIVESYNC_PORT']}"
    sign_in = start.until(r"Sign in +(\S+)")[1]
    start.until("is up")
    html = {"accept": "text/html"}
    assert sign_in.removeprefix(here).replace("&", "&amp;") in httpx.get(here, headers=html).text
    consent = httpx.get(sign_in, headers=html).headers["location"]
    assert "The account ada is connected" in agree(consent, "allow").text
    start.until(r"drive-docs \(\w+\) success: 42 added")
    assert "Sign in" not in httpx.get(here, headers=html).text

    until_it_calls(at)
    edited = at("sandbox", "edit", "Petal 1.md", "The zebrafish exhibit opens on Sunday.")
    assert edited.exit_code == 0, edited.output
    start.until(r"drive-docs \(webhook\) success: 0 added, 1 updated")
    (hit,) = at.document("search", "garden", "zebrafish")["hits"]
    assert hit["title"] == "Petal 1"

    (conflict,) = at.document("conflicts", "list")["conflicts"]
    assert (conflict["source"], conflict["target"]) == ("020 7946 0103", "020 7946 0193")
    at.document("conflicts", "resolve", f"{conflict['conflict_id']}", "--take", "source")
    start.until(r"grower-list \(person\) success")
    assert "020 7946 0103" in (tmp_path / "examples" / "growers" / "counter.csv").read_text()

    start.process.send_signal(signal.SIGINT)
    start.process.wait(60)
    assert not (tmp_path / "home" / SANDBOX).exists()


def until_it_calls(at: Terminal) -> None:
    """The pretend Drive is asked to call a moment after the account is there."""
    truth = f"http://127.0.0.1:{at.environ['LIVESYNC_SANDBOX_PORT']}/sandbox/truth/google"
    for _ in range(600):
        if httpx.get(truth).json()["channels"]:
            return
        sleep(0.1)
    raise AssertionError("nobody has asked the pretend Drive to call")


def test_a_document_that_the_pretend_drive_does_not_have_is_said_to_be_missing(
    at: Terminal,
) -> None:
    environ = {**at.environ, "LIVESYNC_SANDBOX_PORT": f"{free_port()}"}
    words = [sys.executable, "-m", "livesync_pipelines.cli", "sandbox"]
    with subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        next(line for line in sandbox.stdout if "is up" in line)
        port = environ["LIVESYNC_SANDBOX_PORT"]
        until_it_answers(int(port))
        missing = at("sandbox", "edit", "Nothing.md", "x", LIVESYNC_SANDBOX_PORT=port)
        native = at("sandbox", "edit", "Plum 6", "Plums ripen.", LIVESYNC_SANDBOX_PORT=port)
        sandbox.send_signal(signal.SIGINT)
    assert missing.exit_code == 2
    assert "no text document 'Nothing.md'" in missing.output
    assert native.exit_code == 0, native.output
