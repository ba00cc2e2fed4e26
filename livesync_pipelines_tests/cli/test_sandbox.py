"""`livesync sandbox`, as a process of its own."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from time import sleep

import httpx
import pytest

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.sandbox.confluence.site import API_TOKEN
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.sandbox.oauth import CLIENT_SECRET

from .conftest import Terminal

_UP = "The sandbox is up."


@pytest.fixture
def served() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and all that it says before it is up."""
    words = ["sandbox", "--port", f"{free_port()}", "--documents", "30", "--seed", "7"]
    command = [sys.executable, "-m", "livesync_pipelines.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = ""
        while _UP not in said and process.poll() is None:
            said += process.stdout.readline()
        yield process, said
        process.kill()


def test_it_says_where_it_is_and_what_to_try_but_no_secret_and_ends_in_order(
    served: tuple[subprocess.Popen[str], str],
) -> None:
    process, said = served
    (token_url,) = re.findall(r"curl -s (\S+/token) -d", said)
    (body,) = re.findall(r"/token -d '([^']+)'", said)
    (files_url,) = re.findall(r"curl -s (\S+/files) ", said)
    until_it_answers(httpx.URL(token_url).port or 0)
    token = httpx.post(token_url, content=body).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    asked = {"q": "name contains 'Chapter'", "pageSize": "1000"}
    folders = httpx.get(files_url, params=asked, headers=headers).json()["files"]
    assert sorted(folder["name"] for folder in folders) == ["Chapter 1", "Chapter 2"]
    (where,) = re.findall(r"curl -s (\S+/secrets)", said)
    told = httpx.get(where).json()
    held = {CLIENT_SECRET, API_TOKEN, SECRET}
    assert held < set(told.values())
    assert [one for one in held if one in said] == []
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0


def test_a_port_that_is_taken_is_refused_before_anything_is_made(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = terminal("sandbox", "--port", port)
    assert result.exit_code != 0
    assert f"Port {port}, meant for the sandbox, is taken" in result.output


def until_it_answers(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.1)
    raise AssertionError("the sandbox does not answer")
