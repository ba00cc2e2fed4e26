"""What every subject of the content benchmark answers to, in a process of its own.

A subject reads one JSON command per line and answers with one. So the peaks of memory do not
mix, everything is imported before a clock starts, and the subjects take turns: a machine that
is busy for a while is as busy for all. This module imports nothing but the standard library,
for it also runs in the environments of the peers.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Protocol


class Subject(Protocol):
    """One way to keep a store in step with a folder of Markdown documents."""

    def prepare(self, url: str, folder: Path) -> None:
        """Make ready, unmeasured, an empty database and this folder for the passes to come."""
        ...

    def run(self) -> dict[str, float]:
        """One pass, measured. May tell how many seconds its stages took."""
        ...


def files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Path below the folder and status of every document, as plainly as it can be done."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                for path, status in files(Path(entry.path)):
                    yield f"{entry.name}/{path}", status
            elif entry.name.endswith(".md"):
                yield entry.name, entry.stat(follow_symlinks=False)


def words(content: bytes) -> str:
    """The text to cut. The chunker asks for normalised text, without blank lines at its ends;
    in all else the documents of this benchmark are so already."""
    return content.decode().strip("\n")


def serve(subject: Subject) -> None:
    """Obey until the input ends. What libraries print goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(_obey(subject, command)), file=answers, flush=True)


def _obey(subject: Subject, command: dict[str, str]) -> dict[str, Any]:
    if command["do"] == "prepare":
        subject.prepare(command["url"], Path(command["folder"]))
        return {}
    began, worked = perf_counter(), process_time()
    stages = subject.run()
    return {
        "wall_s": perf_counter() - began,
        "own_cpu_s": process_time() - worked,
        "peak_mb": peak_mb(),
        "stage_s": stages,
    }


def peak_mb() -> float:
    """The most memory this program has held, with the largest of its children that ended.

    `ru_maxrss` also remembers the program that started this one, so the kernel's own high-water
    mark is preferred where there is one.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    status = Path("/proc/self/status")
    if not status.exists():
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return (own + children) / 1024
    marks = [s for s in status.read_text().splitlines() if s.startswith("VmHWM:")]
    return (int(marks[0].split()[1]) + children) / 1024
