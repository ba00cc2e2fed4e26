"""Signed webhooks against the HTTP door, in its own process, while a sync runs in another.

The sender opens connections once and sends each call when its time has come, whether or not the
one before was answered; a time that is missed counts. What was accepted is counted in the database.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from urllib.request import urlopen
from uuid import uuid4

import psutil
import psycopg

from benchmarks import calls as signed
from benchmarks import content
from benchmarks.beside import resyncing
from benchmarks.tables import table
from livesync_pipelines.cli.children import free_port
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog, embedded
from livesync_pipelines.store.database import Database

WANTED_PER_S, WANTED_P99_MS = 500, 50.0
DOUBLED = 10
"""One call in so many is sent twice."""

CONNECTIONS = 64
SYNCS = 50
DOCUMENTS = 2_000
SENDER = "called"
_WHERE = signed.path("folder", SENDER)
_RATES = (WANTED_PER_S, 2 * WANTED_PER_S, 0)


@dataclass(slots=True, kw_only=True)
class Figures:
    """`wanted_per_s`: 0 for all at once. `cpu_ms`: of the door's process, for each call."""

    wanted_per_s: int
    cpu_ms: float = 0.0
    seconds: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    refused: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    queued: int = 0
    synced: int = 0

    @property
    def per_s(self) -> float:
        return self.accepted.total() / self.seconds

    def percentile(self, percent: int) -> float:
        return quantiles(self.took_ms, n=100)[percent - 1]

    @property
    def is_right(self) -> bool:
        """Who asks for all there can be, asks for more than a sender has: some are refused."""
        refused = self.refused if self.wanted_per_s else 0
        return not (refused or self.lost or self.doubled) and self.queued == SYNCS


def main(calls: int) -> int:
    """Prints the table; 1 where a call was lost or doubled."""
    found = measure(calls)
    print(_report(found))
    return 0 if all(figures.is_right for figures in found) else 1


def measure(
    calls: int, *, documents: int = DOCUMENTS, server_url: str | None = None
) -> list[Figures]:
    place = content.a_place(None)
    url = server_url or embedded.start(place / "home")
    Database(url).migrate()
    configure(url, place, documents)
    return list(rounds(url, place, calls, _RATES))


def rounds(url: str, place: Path, calls: int, rates: Sequence[int]) -> Iterator[Figures]:
    """One for each rate, against a door of their own on what was configured."""
    with _door(url, place) as (port, process):
        for per_s in rates:
            content.say(f"{calls:,} signed webhooks, {per_s or 'as many as there can be'} a second")
            name = f"round-{uuid4().hex[:8]}"
            known = _counted(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("delete from livesync.queue")
            with resyncing(url, "busy") as synced:
                before_s = _cpu_s(process)
                figures = asyncio.run(_send(port, calls, per_s=per_s, name=name))
                figures.cpu_ms = (_cpu_s(process) - before_s) / len(figures.took_ms) * 1_000
            figures.synced = synced.count
            _hold_against_the_database(url, figures, name=name, known=known)
            yield figures


def configure(url: str, place: Path, documents: int) -> None:
    """A folder with documents that is synced over and over, and one for whose syncs is called."""
    (place / "docs").mkdir(parents=True)
    for number in range(documents):
        text = f"# Document {number}\n\n" + f"Words of {number}. " * 200
        (place / "docs" / f"{number}.md").write_text(text)
    wanted = Desired(
        connections=(
            _connection("files", place / "docs"),
            replace(_connection(SENDER, place / "docs"), webhook=signed.WEBHOOK),
        ),
        capsules=tuple(Capsule(name=name, project_id="demo") for name in ("docs", *names())),
        syncs=(_sync("busy", "files", "docs"), *(_sync(name, SENDER, name) for name in names())),
    )
    with psycopg.connect(url, autocommit=True) as connection:
        catalog.apply(connection, wanted)


def names() -> list[str]:
    """Of the syncs that are called for."""
    return [f"called-{number}" for number in range(SYNCS)]


def _connection(name: str, folder: Path) -> Connection:
    options = {"path": f"{folder}"}
    return Connection(name=name, project_id="demo", platform="folder", options=options)


def _sync(name: str, connection: str, capsule: str) -> SyncConfig:
    return SyncConfig(
        sync_id=name, project_id="demo", connection=connection, capsule=capsule, schedule="daily"
    )


@contextmanager
def _door(url: str, place: Path) -> Iterator[tuple[int, psutil.Process]]:
    port = free_port()
    environ = {
        "PATH": os.environ["PATH"],
        "LIVESYNC_DATABASE_URL": url,
        "LIVESYNC_HOME": str(place),
        "LIVESYNC_PORT": str(port),
        "EXTERNAL_SYNC_ENABLED": "true",
        **signed.ENVIRON,
    }
    command = [sys.executable, "-m", "livesync_pipelines.web.serve"]
    with subprocess.Popen(command, env=environ) as process:
        try:
            _await_door(port, process)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _await_door(port: int, process: subprocess.Popen[bytes]) -> None:
    until = perf_counter() + 60
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            if process.poll() is not None or perf_counter() > until:
                raise


async def _send(port: int, calls: int, *, per_s: int, name: str) -> Figures:
    figures = Figures(wanted_per_s=per_s)
    waiting: asyncio.Queue[tuple[str, float | None] | None] = asyncio.Queue()
    senders = [asyncio.create_task(_sender(port, waiting, figures)) for _ in range(CONNECTIONS)]
    begun_s = perf_counter()
    for number in range(calls):
        due_s = begun_s + number / per_s if per_s else None
        if due_s is not None:
            await asyncio.sleep(max(0.0, due_s - perf_counter()))
        for _ in range(2 if number % DOUBLED == 0 else 1):
            waiting.put_nowait((f"{name}-{number}", due_s))
    for _ in senders:
        waiting.put_nowait(None)
    await asyncio.gather(*senders)
    figures.seconds = perf_counter() - begun_s
    return figures


async def _sender(
    port: int, waiting: asyncio.Queue[tuple[str, float | None] | None], figures: Figures
) -> None:
    line = await signed.Line.opened(port)
    while (told := await waiting.get()) is not None:
        name, due_s = told
        since_s = due_s if due_s is not None else perf_counter()
        status, _ = await line.call(_WHERE, name)
        figures.took_ms.append((perf_counter() - since_s) * 1_000)
        if status == 200:
            figures.accepted[name] += 1
        else:
            figures.refused += 1
    await line.close()


def _counted(url: str) -> tuple[int, int]:
    """How many deliveries of the sender are counted: new ones, and doubles."""
    with psycopg.connect(url, autocommit=True) as connection:
        counted = connection.execute(
            "select delivered, doubled from livesync.webhook_senders where connection = %s",
            (SENDER,),
        ).fetchone()
    return counted or (0, 0)


def _hold_against_the_database(
    url: str, figures: Figures, *, name: str, known: tuple[int, int]
) -> None:
    """Every call that was accepted is there once, and every double is known for one."""
    calls, twice = len(figures.accepted), figures.accepted.total() - len(figures.accepted)
    with psycopg.connect(url, autocommit=True) as connection:
        kept = connection.execute(
            "select count(*), coalesce(sum(seen), 0) from livesync.webhook_events"
            " where connection = %s and starts_with(delivery_id, %s)",
            (SENDER, name),
        ).fetchone()
        queued = connection.execute(
            "select count(*) from livesync.queue where trigger = 'webhook'"
        ).fetchone()
    assert kept is not None
    assert queued is not None
    delivered, doubled = _counted(url)
    counted = (delivered - known[0], doubled - known[1])
    figures.lost = calls - kept[0]
    figures.doubled = abs(kept[1] - calls - twice) + (counted != (calls, twice))
    figures.queued = queued[0]


def _report(found: Sequence[Figures]) -> str:
    head = ("asked for", "accepted/s", "p50 ms", "p99 ms", "max ms", "door's CPU, ms", "refused")
    lines = [
        *table((*head, "lost", "doubled", "resyncs beside it"), map(_row, found)),
        "",
        f"Wanted: {WANTED_PER_S}/s with a p99 under {WANTED_P99_MS:.0f} ms:"
        f" {'reached' if _is_reached(found[0]) else 'not reached'}.",
    ]
    return "\n".join(lines)


def _row(figures: Figures) -> list[str]:
    return [
        f"{figures.wanted_per_s}/s" if figures.wanted_per_s else "all at once",
        f"{figures.per_s:,.0f}",
        f"{figures.percentile(50):.1f}",
        f"{figures.percentile(99):.1f}",
        f"{max(figures.took_ms):.1f}",
        f"{figures.cpu_ms:.2f}",
        f"{figures.refused}",
        f"{figures.lost}",
        f"{figures.doubled}",
        f"{figures.synced}",
    ]


def _is_reached(paced: Figures) -> bool:
    return paced.per_s >= WANTED_PER_S and paced.percentile(99) < WANTED_P99_MS
