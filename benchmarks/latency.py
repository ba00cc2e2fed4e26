"""How long after an edit its words are found, through the processes of a real `livesync up`.

Files in watched folders are edited one after the other; a search asks for the new words all the
time. Where the time goes is told by what is stored: when the sync was queued (it is in the key of
its request), when its run was made, when that began, when its operation did.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import monotonic, sleep, time
from typing import Any
from uuid import uuid4

import psycopg
import yaml

from livesync_pipelines.cli.children import free_port
from livesync_pipelines.store import capsules, embedded

LEGS = ("noticed", "sensor", "launch", "run begins", "operation, until found")
_FILES = 100
"""So many files are in a folder, so that no edit covers one that has not been found."""

_WARM_UP = 3
_PATIENCE_S = 60.0
_OPERATIONS = """
    select o.sync_id, o.run_id, extract(epoch from o.started_at)::float8,
        extract(epoch from r.create_timestamp at time zone 'utc')::float8, r.start_time, t.value
    from livesync.operations o
    join public.runs r on r.run_id = o.run_id
    join public.run_tags t on t.run_id = o.run_id and t.key = 'dagster/run_key'
    order by o.started_at
"""


@dataclass(slots=True)
class Edit:
    """A word that was written into a sync's file at a moment (seconds since 1970), and when it
    was found."""

    sync_id: str
    word: str
    at: float
    found_at: float | None = None
    legs: list[float] = field(default_factory=list)

    @property
    def took_s(self) -> float:
        return (self.found_at or float("inf")) - self.at


@dataclass(frozen=True, slots=True)
class Ground:
    """A home in which `livesync up` is at work, with folders that it watches."""

    room: Path
    url: str
    syncs: Sequence[str]

    def edit(self, sync_id: str, number: int) -> Edit:
        word = f"w{uuid4().hex[:12]}"
        text = f"# Notes\n\nA heron, {word}.\n"
        (self.room / sync_id / f"{number % _FILES}.md").write_text(text)
        return Edit(sync_id, word, time())


def main(edits: int, syncs: int, per_s: float) -> int:
    with _up(syncs) as ground, psycopg.connect(ground.url, autocommit=True) as connection:
        _edited(ground, connection, _WARM_UP, per_s=0.5)
        sleep(2)
        found = _edited(ground, connection, edits, per_s=per_s)
        _tell_legs(connection, found)
    print(report(found, syncs, per_s))
    return 1 if any(edit.found_at is None for edit in found) else 0


@contextmanager
def _up(syncs: int) -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="livesync-latency-", dir="/var/tmp") as folder:
        room = Path(folder)
        room.chmod(0o755)
        names = [f"notes-{number}" for number in range(syncs)]
        for name in names:
            (room / name).mkdir()
            for number in range(_FILES):
                (room / name / f"{number}.md").write_text(f"# Notes {number}\n")
        file = room / "livesync.yaml"
        file.write_text(yaml.safe_dump(_configuration(room, names)))
        ports = {"LIVESYNC_PORT": free_port(), "LIVESYNC_DAGSTER_PORT": free_port()}
        environ = {
            **os.environ,
            **{name: f"{port}" for name, port in ports.items()},
            "EXTERNAL_SYNC_ENABLED": "true",
            "LIVESYNC_HOME": f"{room / 'home'}",
        }
        command = [sys.executable, "-m", "livesync_pipelines.cli", "up", f"{file}"]
        with subprocess.Popen(
            command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        ) as up:
            assert up.stderr is not None
            try:
                _read_until_up(up.stderr)
                yield Ground(room, embedded.start(room / "home"), names)
            finally:
                up.terminate()
                up.stderr.read()
                up.wait()
                embedded.stop(room / "home")


def _configuration(room: Path, names: Sequence[str]) -> dict[str, Any]:
    return {
        "capsules": {"notes": {}},
        "connections": {n: {"platform": "folder", "path": f"{room / n}"} for n in names},
        "syncs": {n: {"connection": n, "target": "notes", "schedule": "realtime"} for n in names},
    }


def _read_until_up(lines: Any) -> None:
    said = []
    for line in lines:
        said.append(line)
        if "is up" in line:
            return
    raise SystemExit("livesync up has ended:\n" + "".join(said[-20:]))


def _edited(
    ground: Ground, connection: psycopg.Connection[Any], count: int, *, per_s: float
) -> list[Edit]:
    """Edit at this rate, whether or not what was edited before has been found; at random moments,
    so that they do not fall into step with whoever looks."""
    chance = random.Random(7)
    edits: list[Edit] = []
    next_at = monotonic()
    until = next_at + count / per_s + _PATIENCE_S
    while len(edits) < count or any(edit.found_at is None for edit in edits):
        if len(edits) < count and monotonic() >= next_at:
            edits.append(ground.edit(ground.syncs[len(edits) % len(ground.syncs)], len(edits)))
            next_at += chance.uniform(0.5, 1.5) / per_s
        for edit in edits:
            if edit.found_at is None and capsules.search(connection, "notes", edit.word):
                edit.found_at = time()
        if monotonic() > until:
            break
        sleep(0.01)
    return edits


def _tell_legs(connection: psycopg.Connection[Any], edits: Sequence[Edit]) -> None:
    """What is stored of the operation that brought each edit in: the first of its sync that began
    after the edit."""
    operations = connection.execute(_OPERATIONS).fetchall()
    for edit in edits:
        for sync_id, _, started_at, made_at, began_at, key in operations:
            if sync_id == edit.sync_id and started_at > edit.at and edit.found_at:
                queued_at = float(key.rsplit(":", 2)[1])
                moments = [edit.at, queued_at, made_at, began_at, started_at, edit.found_at]
                edit.legs = [max(0.0, b - a) for a, b in pairwise(moments)]
                break


def report(edits: Sequence[Edit], syncs: int, per_s: float) -> str:
    """Markdown: the whole, and each leg."""
    lost = sum(edit.found_at is None for edit in edits)
    lines = [
        f"{len(edits)} edits in {syncs} watched folders, {per_s:g} a second; {lost} not found.",
        "",
        "| leg, s | median | p95 |",
        "| --- | --- | --- |",
        _line("**edit to found**", [edit.took_s for edit in edits]),
    ]
    for number, leg in enumerate(LEGS):
        seconds = [edit.legs[number] for edit in edits if edit.legs]
        if seconds:
            lines.append(_line(leg, seconds))
    return "\n".join([*lines, ""])


def _line(name: str, seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"| {name} | {median(ordered):.2f} | {p95:.2f} |"
