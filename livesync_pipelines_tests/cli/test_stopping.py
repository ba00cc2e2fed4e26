"""Ctrl-C at the terminal, with a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from .conftest import Terminal

SITE = """\
project: demo
capsules:
  handbook:
connections:
  site: {{platform: website, start: ["http://127.0.0.1:{port}/"], allow_private: true}}
syncs:
  pages: {{connection: site, target: {{capsule: handbook}}, schedule: daily}}
"""


class Slow(ThreadingHTTPServer):
    """A site that gives no answer before `over`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Never)
        self.asked, self.over = Event(), Event()


class _Never(BaseHTTPRequestHandler):
    server: Slow

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.over.wait()
        page = b"<h1>Herons</h1><p>They came late.</p>"
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("content-length", f"{len(page)}")
        self.end_headers()
        with suppress(ConnectionError):
            self.wfile.write(page)


@pytest.fixture
def slow() -> Iterator[Slow]:
    with Slow() as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.over.set()
        site.shutdown()


def test_a_run_that_is_cancelled_says_so_and_how_to_go_on(
    terminal: Terminal, slow: Slow, tmp_path: Path
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE.format(port=slow.server_address[1]))
    assert terminal("apply", f"{file}").exit_code == 0
    with subprocess.Popen(
        [sys.executable, "-m", "livesync_pipelines.cli", "sync", "run", "pages"],
        env=terminal.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert slow.asked.wait(60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert out.startswith("pages: cancelled in ")
    assert "livesync sync run pages" in err
    (sync,) = terminal.document("status")["syncs"]
    assert sync["last_error"]["code"] == "cancelled"
    assert "cancelled" in terminal("status").stdout
    (line,) = terminal("history", "pages").stdout.splitlines()[1:]
    assert "cancelled" in line
    assert "failed" not in line
