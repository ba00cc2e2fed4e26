"""A process that does what it is told, a line each, and answers with a line of JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).parent.parent


@contextmanager
def ordered(command: Sequence[str]) -> Iterator[Callable[[str], dict[str, float]]]:
    """What asks it; entered once it has said that it is there. It ends when nothing more comes."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOUSE
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, heard = process.stdin, process.stdout
        heard.readline()

        def ask(order: str) -> dict[str, float]:
            given.write(f"{order}\n")
            given.flush()
            told: dict[str, float] = json.loads(heard.readline())
            return told

        yield ask
        given.close()
