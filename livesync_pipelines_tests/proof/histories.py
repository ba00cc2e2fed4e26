"""Histories that failed once, kept as data in `histories.jsonl`: `make test` plays each again.

To keep another one, run the line that a failing history prints: it appends to that file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

FILE = Path(__file__).with_suffix(".jsonl")


@dataclass(frozen=True, slots=True)
class History:
    """One line of the file: what it showed (`name`), how its platform is, what was done."""

    name: str
    setting: dict[str, Any]
    steps: list[list[Any]]


def kept() -> list[History]:
    return [History(**json.loads(line)) for line in FILE.read_text().splitlines()]


def spelled(setting: Any, steps: Sequence[Any], name: str = "SAY WHAT IT SHOWS") -> str:
    """The one line that keeps a history."""
    line = json.dumps({"name": name, "setting": setting, "steps": list(steps)})
    return f"echo {quote(line)} >> livesync_pipelines_tests/proof/{FILE.name}"
