"""The contestants, each in a process of its own, each round with an empty database of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from time import perf_counter
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from livesync_pipelines.core.chunk import chunk
from livesync_pipelines.core.normalise import normalise_text

PHASES = ("first", "unchanged", "changed", "one edited")
BOOKKEEPING = ("operations", "syncs", "queue", "events")
"""Tables that note that a pass took place; what else is written there is work."""

HOUSE = Path(__file__).parent.parent
_LIMIT_QUERY = "select path, text from chunks"
_OUR_QUERY = (
    "select s.key, c.text from livesync.chunks c join livesync.shadow s using (sync_id, item_id)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """`query` reads what is in its store: path and text of every chunk. `indexed`: with a
    full-text index; None where the contestant has no such choice. `held_to`: the limit that it
    is measured by."""

    name: str
    label: str
    command: tuple[str, ...]
    query: str
    indexed: bool | None
    kind: str


def ours_and_limits() -> list[Contestant]:
    def at(module: str, choice: str) -> tuple[str, ...]:
        return (sys.executable, "-m", f"benchmarks.{module}", choice)

    limits = (
        ("index-last", "limit, indexes built last", True),
        ("index-first", "limit, indexes built first", True),
        ("no-index", "limit, no full-text index", False),
    )
    ours = (
        ("english", "**LiveSync**", True),
        ("none", "**LiveSync, no full-text index**", False),
    )
    return [
        Contestant(
            name=f"limit_{name.replace('-', '_')}",
            label=label,
            command=at("limit", name),
            query=_LIMIT_QUERY,
            indexed=indexed,
            kind="limit",
        )
        for name, label, indexed in limits
    ] + [
        Contestant(
            name=f"livesync_{name}",
            label=label,
            command=at("ours", name),
            query=_OUR_QUERY,
            indexed=indexed,
            kind="ours",
        )
        for name, label, indexed in ours
    ]


@dataclass(slots=True)
class Figures:
    """What was measured of one contestant: by phase, one value for each round."""

    contestant: Contestant
    wall_s: dict[str, list[float]] = field(default_factory=lambda: {p: [] for p in PHASES})
    own_cpu_s: dict[str, list[float]] = field(default_factory=lambda: {p: [] for p in PHASES})
    stage_s: dict[str, dict[str, float]] = field(default_factory=dict)
    later_s: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    idle_rows: int = 0
    idle_notes: int = 0
    chunks: int = 0
    right: bool = False
    trouble: str | None = None


class Lost(Exception):
    """The contestant's process ended, or answered with nothing that can be read."""


@dataclass(slots=True)
class Runner:
    """One contestant at work on the server at `server_url`."""

    contestant: Contestant
    server_url: str
    figures: Figures = field(init=False)
    _url: str = ""
    _database: str = ""
    _child: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        self.figures = Figures(self.contestant)
        self._child = subprocess.Popen(
            self.contestant.command,
            cwd=HOUSE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def prepare(self, folder: Path, label: str) -> None:
        """An empty database, made known to the contestant; the one before is dropped."""
        before = self._database
        self._database = f"{self.contestant.name}_{label}"
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(f"create database {self._database}".encode())
        self._url = make_conninfo(self.server_url, dbname=self._database)
        self._ask({"do": "prepare", "url": self._url, "folder": str(folder)})
        if before:
            self._drop(before)

    def warm_up(self, folder: Path) -> None:
        self.prepare(folder, "warm")
        for _ in PHASES:
            self._ask({"do": "run"})

    def measure(self, phase: str) -> None:
        before = self._written() if phase == "unchanged" else {}
        answer = self._ask({"do": "run"})
        if phase == "unchanged":
            self._book_idle(before, self._written())
        figures = self.figures
        figures.wall_s[phase].append(answer["wall_s"])
        figures.own_cpu_s[phase].append(answer["own_cpu_s"])
        figures.stage_s[phase] = answer["stage_s"]
        figures.peak_mb = max(figures.peak_mb, answer["peak_mb"])
        tidied = self._tidy()
        if phase == "first":
            figures.later_s.append(tidied)

    def verify(self, expected: set[bytes]) -> None:
        """Hold the store against what a fresh computation says."""
        found: set[bytes] = set()
        with psycopg.connect(self._url) as connection, connection.cursor("chunks") as cursor:
            cursor.itersize = 2_000
            for path, text in cursor.execute(self.contestant.query.encode()):
                self.figures.chunks += 1
                found.add(mark(path, text))
        self.figures.right = found == expected and self.figures.chunks == len(expected)

    def close(self) -> None:
        """End the process, and give its disk space back."""
        if self._child.stdin:
            with suppress(BrokenPipeError):
                self._child.stdin.close()
        try:
            self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if self._child.stdout:
            self._child.stdout.close()
        if self._database:
            self._drop(self._database)

    def _ask(self, command: dict[str, str]) -> dict[str, Any]:
        assert self._child.stdin
        assert self._child.stdout
        try:
            self._child.stdin.write(json.dumps(command) + "\n")
            self._child.stdin.flush()
            answer: dict[str, Any] = json.loads(self._child.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError) as error:
            raise Lost(f"{self.contestant.label} was lost when asked to {command['do']}") from error
        return answer

    def _written(self) -> dict[str, int]:
        """Rows inserted, updated and deleted so far, by table. A server process tells of its
        rows when it ends, and ours end with each pass."""
        with psycopg.connect(self._url) as connection:
            connection.execute("select pg_sleep(0.3)")
            return dict(
                connection.execute(
                    "select relname, sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint"
                    " from pg_stat_user_tables group by relname"
                ).fetchall()
            )

    def _book_idle(self, before: dict[str, int], after: dict[str, int]) -> None:
        grown = {table: count - before.get(table, 0) for table, count in after.items()}
        notes = sum(grown.pop(table, 0) for table in BOOKKEEPING)
        self.figures.idle_notes = max(self.figures.idle_notes, notes)
        self.figures.idle_rows = max(self.figures.idle_rows, sum(grown.values()))

    def _tidy(self) -> float:
        """What the server would do by itself a little later; so it falls into nobody's pass."""
        began = perf_counter()
        with psycopg.connect(self._url, autocommit=True) as connection:
            tables = connection.execute("select relid::regclass::text from pg_stat_user_tables")
            for (table,) in tables.fetchall():
                connection.execute(f"vacuum (analyze) {table}".encode())
            spent = perf_counter() - began
            connection.execute("checkpoint")
        return spent

    def _drop(self, database: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(f"drop database if exists {database} with (force)".encode())


def expected_marks(folder: Path, paths: Iterable[str]) -> set[bytes]:
    """Every chunk that a store must hold now, computed from the files and nothing else."""
    return {
        mark(path, piece.text)
        for path in paths
        for piece in chunk(normalise_text((folder / path).read_text("utf-8")))
    }


def mark(path: str, text: str) -> bytes:
    return blake2b(f"{path}\0{text}".encode(), digest_size=16).digest()
