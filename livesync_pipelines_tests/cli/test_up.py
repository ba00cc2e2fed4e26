"""`livesync up`, as its own process with everything that it starts."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from livesync_pipelines.cli.children import Child, free_port, only_one, patience_left
from livesync_pipelines.cli.up import welcome
from livesync_pipelines.engine.house import SANDBOX
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.settings import Settings

from .test_stopping import Slow, slow

__all__ = ["slow"]

COMMAND = [sys.executable, "-P", "-m", "livesync_pipelines.cli", "up"]


def _children(parent: int, name: str) -> list[psutil.Process]:
    """Those that live: one that has died has no command line."""
    found = []
    for child in psutil.Process(parent).children():
        with suppress(psutil.NoSuchProcess):
            if name in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    docs = tmp_path / "docs"
    docs.mkdir()
    (tmp_path / "gql.py").write_text("raise SystemExit('somebody has a module of this name here')")
    (docs / "one.md").write_text("# One\n\nA heron stands in the shallows.\n")
    (tmp_path / "sync.yaml").write_text(
        f"capsules: {{notes: {{}}}}\nconnections: {{docs: {{platform: folder, path: {docs}}}}}\n"
        "syncs: {notes: {connection: docs, target: notes, schedule: realtime}}\n"
    )
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "HOME": str(tmp_path),
        "EXTERNAL_SYNC_ENABLED": "true",
        "LIVESYNC_DATABASE_URL": database_url,
        "LIVESYNC_HOME": str(tmp_path / "home"),
        "LIVESYNC_PORT": str(free_port()),
        "LIVESYNC_DAGSTER_PORT": str(free_port()),
    }


def up(
    environ: Mapping[str, str], tmp_path: Path, *options: str
) -> subprocess.CompletedProcess[str]:
    """One that ends by itself."""
    return subprocess.run(
        [*COMMAND, *options, str(tmp_path / "sync.yaml")],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_one_cycle_syncs_what_is_due_and_prints_its_result(
    environ: dict[str, str], tmp_path: Path
) -> None:
    first = up(environ, tmp_path, "--once")
    assert first.returncode == 0, first.stderr
    result = json.loads(first.stdout)
    assert (result["sync_id"], result["status"], result["added"]) == ("notes", "success", 1)
    assert "added sync notes" in first.stderr


def test_a_second_cycle_goes_on_where_the_first_stopped(
    environ: dict[str, str], tmp_path: Path
) -> None:
    up(environ, tmp_path, "--once")
    (tmp_path / "docs" / "two.md").write_text("# Two\n\nAn otter.\n")
    with psycopg.connect(environ["LIVESYNC_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("update livesync.syncs set next_due_at = now()")
    result = json.loads(up(environ, tmp_path, "--once").stdout)
    assert (result["added"], result["unchanged"]) == (1, 1)


@pytest.mark.parametrize(
    ("following", "said"),
    [
        (0, "\n\nLiveSync is up."),
        (1, "1 more new sync follows by itself. LiveSync is up."),
        (990, "990 more new syncs follow by themselves. LiveSync is up."),
    ],
)
def test_the_new_syncs_that_are_still_to_run_are_counted(following: int, said: str) -> None:
    assert said in welcome(Settings.load({}), following=following)


def test_a_taken_port_is_told_in_one_sentence(environ: dict[str, str], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environ["LIVESYNC_PORT"])))
        taken.listen()
        done = up(environ, tmp_path)
    assert done.returncode == 2
    assert f"Port {environ['LIVESYNC_PORT']}" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("more", [(), ("--once",)])
def test_a_sandbox_is_not_served_where_workers_of_other_machines_share_the_runs(
    environ: dict[str, str], tmp_path: Path, more: Sequence[str]
) -> None:
    environ["LIVESYNC_BROKER_URL"] = "redis://:hunter2@127.0.0.1:1/0"
    done = up(environ, tmp_path, "--sandbox", *more)
    assert done.returncode == 2
    assert "LIVESYNC_BROKER_URL shares runs with workers on others" in done.stderr
    assert "start without --sandbox" in done.stderr
    assert "hunter2" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / SANDBOX).exists()


def test_a_home_has_one_livesync_up(environ: dict[str, str], tmp_path: Path) -> None:
    with only_one(Path(environ["LIVESYNC_HOME"])):
        second = up(environ, tmp_path)
    assert second.returncode == 2
    assert "Another `livesync up` is at work" in second.stderr


def test_children_that_were_asked_to_stop_together_share_one_patience() -> None:
    assert patience_left(100.0, now=100.0) == 5.0
    assert patience_left(100.0, now=103.0) == 2.0
    assert patience_left(100.0, now=125.0) == 0.0


def test_a_child_that_needs_another_is_not_started_before_it_answers(tmp_path: Path) -> None:
    port = free_port()
    serves = f"import http.server as h; h.test(h.BaseHTTPRequestHandler, port={port})"
    asks = f"import socket; socket.create_connection(('127.0.0.1', {port})).close()"
    needed = Child("a", [sys.executable, "-c", serves], port=port, log=tmp_path / "a.log")
    needs = Child("b", [sys.executable, "-c", asks], port=None, log=tmp_path / "b.log", needs=port)
    with needed, needs, pytest.raises(Broken, match=r"exit code 0"):
        needs.raise_if_lost(30)


def test_a_child_that_does_not_stop_is_ended_once_its_patience_is_over(tmp_path: Path) -> None:
    deaf = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); signal.pause()"
    before = set(psutil.Process().children())
    with ExitStack() as stack:
        for name in ("one", "two"):
            command = [sys.executable, "-c", deaf]
            child = Child(name, command, port=None, log=tmp_path / f"{name}.log")
            stack.callback(stack.enter_context(child).ask_to_stop)
        started = set(psutil.Process().children()) - before
    assert not [child for child in started if child.is_running()]


def test_a_database_that_does_not_answer_is_told_in_one_sentence(
    environ: dict[str, str], tmp_path: Path
) -> None:
    environ["LIVESYNC_DATABASE_URL"] = f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    done = up(environ, tmp_path, "--once")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_child_that_dies_is_started_again_and_an_interrupt_stops_all(
    environ: dict[str, str], tmp_path: Path
) -> None:
    with started(environ, tmp_path) as up:
        assert up.stderr is not None
        for name in ("web.serve", "dagster api grpc", "dagster._daemon"):
            (child,) = _children(up.pid, name)
            child.kill()
            assert next(line for line in up.stderr if "started again" in line)
        (tmp_path / "docs" / "two.md").write_text("# Two\n\nAn otter dives.\n")
        assert next(line for line in up.stderr if "1 added" in line), "its work is done again"
        family = psutil.Process(up.pid).children(recursive=True)
    assert len(family) >= 4
    _, alive = psutil.wait_procs(family, timeout=10)
    assert alive == []


def test_a_new_sync_that_takes_long_holds_up_nobody(
    environ: dict[str, str], tmp_path: Path, slow: Slow
) -> None:
    site = f"{{platform: website, start: ['http://127.0.0.1:{slow.server_address[1]}/']"
    config = (tmp_path / "sync.yaml").read_text()
    config = config.replace("connections: {", f"connections: {{a: {site}, allow_private: true}}, ")
    config = config.replace("syncs: {", "syncs: {a: {connection: a, target: notes}, ")
    (tmp_path / "sync.yaml").write_text(config)
    with started(environ, tmp_path) as up:
        assert up.stderr is not None
        assert slow.asked.wait(60)
        (tmp_path / "docs" / "two.md").write_text("# Two\n\nAn otter dives.\n")
        assert next(line for line in up.stderr if "notes" in line and "1 added" in line)


@contextmanager
def started(environ: Mapping[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """One that is up, and ends as an interrupt wants it to."""
    with subprocess.Popen(
        [*COMMAND, str(tmp_path / "sync.yaml")],
        env=environ,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as up:
        assert up.stderr is not None
        assert any("is up" in line for line in up.stderr)
        yield up
        up.send_signal(signal.SIGINT)
        up.stderr.read()
        assert up.wait(60) == 0
