from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from livesync_pipelines.cli.main import livesync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Trigger

CONFIG = """\
project: demo
capsules:
  handbook:
connections:
  docs: {platform: folder, path: docs}
syncs:
  handbook-docs: {connection: docs, target: handbook, schedule: hourly}
"""

FILES = {
    "leave.md": "# Leave\n\n## Parental leave\n\nParents may ask for **parental leave** early.\n",
    "travel.md": "# Travel\n\nBook trains through the portal.\n",
    "sub/printers.md": "# Printers\n\nThe printer on floor two jams.\n",
}


class Terminal:
    """`livesync` in this process, with its own home and the test's database."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __call__(self, *words: str, **environ: str) -> Result:
        return CliRunner().invoke(livesync, list(words), env={**self.environ, **environ})

    def document(self, *words: str, code: int = 0, **environ: Any) -> dict[str, Any]:
        """What a command prints with --json: one document and nothing else."""
        result = self(*words, "--json", **environ)
        assert result.exit_code == code, result.output
        found: dict[str, Any] = json.loads(result.stdout)
        return found

    def process(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """The same as a process of its own."""
        return subprocess.run(
            [sys.executable, "-m", "livesync_pipelines.cli", *words],
            env={**self.environ, **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def terminal(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.chdir(tmp_path)
    return Terminal(
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LIVESYNC_DATABASE_URL": database_url,
            "LIVESYNC_HOME": str(tmp_path / "home"),
            "EXTERNAL_SYNC_ENABLED": "true",
        }
    )


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """A folder of documents."""
    for name, text in FILES.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "docs"


@pytest.fixture
def applied(terminal: Terminal, docs: Path, tmp_path: Path) -> Path:
    """A configuration file that has been applied."""
    file = tmp_path / "livesync.yaml"
    file.write_text(CONFIG)
    assert terminal("apply", str(file)).exit_code == 0
    return file


Run = Callable[[], dict[str, Any]]


@pytest.fixture
def run(engine: Engine, applied: Path) -> Run:
    """Runs the sync of the applied file, without Dagster."""

    def once() -> dict[str, Any]:
        return run_sync(engine, "handbook-docs", trigger=Trigger.PERSON).as_dict()

    return once


@pytest.fixture
def synced(run: Run) -> dict[str, Any]:
    """The result of the first run."""
    return run()
