"""Signed webhooks against the HTTP door, in its own process, while a sync runs in another.

The sender opens connections once and sends each call when its time has come, whether or not the
one before was answered; a time that is missed counts. What was accepted is counted in the database.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from threading import Event, Thread
from time import perf_counter
from urllib.request import urlopen

import psutil
import psycopg
import standardwebhooks

from benchmarks import content
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    SyncConfig,
    Trigger,
    Webhook,
)
from livesync_pipelines.settings import RUN_NICENESS
from livesync_pipelines.store import catalog, embedded
from livesync_pipelines.store.database import Database

WANTED_PER_S, WANTED_P99_MS = 500, 50.0
DOUBLED = 10
"""One call in so many is sent twice."""

SECRET = f"whsec_{b64encode(bytes(range(32))).decode()}"
CONNECTIONS = 64
SYNCS = 50
DOCUMENTS = 2_000
BODY = '{"type":"file.changed","data":{"path":"guides/leave.md"}}'
_SIGNER = standardwebhooks.Webhook(SECRET)
_LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)")


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
    _configure(url, place, documents)
    found = []
    with _door(url, place) as (port, process):
        for number, per_s in enumerate((WANTED_PER_S, 2 * WANTED_PER_S, 0)):
            content.say(f"{calls:,} signed webhooks, {per_s or 'as many as there can be'} a second")
            _forget(url)
            with _syncing(url) as synced:
                before_s = _cpu_s(process)
                figures = asyncio.run(_send(port, calls, per_s=per_s, name=f"round{number}"))
                figures.cpu_ms = (_cpu_s(process) - before_s) / len(figures.took_ms) * 1_000
            figures.synced = synced.count
            _hold_against_the_database(url, figures)
            found.append(figures)
    return found


def _configure(url: str, place: Path, documents: int) -> None:
    """A folder with documents that is synced over and over, and one for whose syncs is called."""
    (place / "docs").mkdir(parents=True)
    for number in range(documents):
        text = f"# Document {number}\n\n" + f"Words of {number}. " * 200
        (place / "docs" / f"{number}.md").write_text(text)
    webhook = Webhook(scheme="standard", secret="${GATE_SECRET}")
    options = {"path": str(place / "docs")}
    names = [f"called-{number}" for number in range(SYNCS)]
    wanted = Desired(
        connections=(
            Connection(name="files", project_id="demo", platform="folder", options=options),
            Connection(
                name="called",
                project_id="demo",
                platform="folder",
                options=options,
                webhook=webhook,
            ),
        ),
        capsules=tuple(Capsule(name=name, project_id="demo") for name in ("docs", *names)),
        syncs=(_sync("busy", "files", "docs"), *(_sync(name, "called", name) for name in names)),
    )
    with psycopg.connect(url, autocommit=True) as connection:
        catalog.apply(connection, wanted)


def _sync(name: str, connection: str, capsule: str) -> SyncConfig:
    return SyncConfig(
        sync_id=name, project_id="demo", connection=connection, capsule=capsule, schedule="daily"
    )


@contextmanager
def _door(url: str, place: Path) -> Iterator[tuple[int, psutil.Process]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        "PATH": os.environ["PATH"],
        "LIVESYNC_DATABASE_URL": url,
        "LIVESYNC_HOME": str(place),
        "LIVESYNC_PORT": str(port),
        "EXTERNAL_SYNC_ENABLED": "true",
        "GATE_SECRET": SECRET,
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


def _forget(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("webhook_events", "webhook_senders", "queue"):
            connection.execute(f"delete from livesync.{table}".encode())


@dataclass(slots=True)
class _Synced:
    count: int = 0


@contextmanager
def _syncing(url: str) -> Iterator[_Synced]:
    """Full resyncs, one after the other, in a process of their own."""
    code = f"from benchmarks import gate; gate.sync_until_told({url!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    synced = _Synced()
    with process:
        assert process.stdout is not None
        process.stdout.readline()  # the first one has begun
        yield synced
        told, _ = process.communicate("\n")
    synced.count = int(told.split()[-1])


def sync_until_told(url: str) -> None:
    """Resync, and print how often, once a line has come in. As a process that carries out runs
    does, this one yields to the door."""
    os.nice(RUN_NICENESS)
    over = Event()

    def listen() -> None:
        sys.stdin.readline()
        over.set()

    Thread(target=listen).start()
    engine = Engine(database=Database(url))
    print("begun", flush=True)
    count = 0
    while not over.is_set():
        run_sync(engine, "busy", trigger=Trigger.PERSON, full=True)
        count += 1
    print(count, flush=True)


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
            waiting.put_nowait((f"msg_{name}_{number}", due_s))
    for _ in senders:
        waiting.put_nowait(None)
    await asyncio.gather(*senders)
    figures.seconds = perf_counter() - begun_s
    return figures


async def _sender(
    port: int, waiting: asyncio.Queue[tuple[str, float | None] | None], figures: Figures
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (told := await waiting.get()) is not None:
        name, due_s = told
        since_s = due_s if due_s is not None else perf_counter()
        writer.write(_request(name))
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        figures.took_ms.append((perf_counter() - since_s) * 1_000)
        if head.startswith(b"HTTP/1.1 200"):
            figures.accepted[name] += 1
        else:
            figures.refused += 1
    writer.close()
    await writer.wait_closed()


def _request(name: str) -> bytes:
    at = datetime.now(UTC)
    return (
        "POST /sync/webhook/folder/called HTTP/1.1\r\nhost: hooks.example.com\r\n"
        f"content-type: application/json\r\ncontent-length: {len(BODY)}\r\n"
        f"webhook-id: {name}\r\nwebhook-timestamp: {int(at.timestamp())}\r\n"
        f"webhook-signature: {_SIGNER.sign(name, at, BODY)}\r\n\r\n{BODY}"
    ).encode()


def _hold_against_the_database(url: str, figures: Figures) -> None:
    """Every call that was accepted is there once, and every double is known for one."""
    calls, twice = len(figures.accepted), figures.accepted.total() - len(figures.accepted)
    with psycopg.connect(url, autocommit=True) as connection:
        kept = connection.execute(
            "select count(*), coalesce(sum(seen), 0) from livesync.webhook_events"
        ).fetchone()
        counted = connection.execute(
            "select delivered, doubled from livesync.webhook_senders"
        ).fetchone()
        queued = connection.execute(
            "select count(*) from livesync.queue where trigger = 'webhook'"
        ).fetchone()
    assert kept is not None
    assert queued is not None
    figures.lost = calls - kept[0]
    figures.doubled = abs(kept[1] - calls - twice) + (counted != (calls, twice))
    figures.queued = queued[0]


def _report(found: Sequence[Figures]) -> str:
    lines = [
        "| asked for | accepted/s | p50 ms | p99 ms | max ms | door's CPU, ms | refused"
        " | lost | doubled | resyncs beside it |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for figures in found:
        asked = f"{figures.wanted_per_s}/s" if figures.wanted_per_s else "all at once"
        p50, p99 = figures.percentile(50), figures.percentile(99)
        lines.append(
            f"| {asked} | {figures.per_s:,.0f} | {p50:.1f} | {p99:.1f} |"
            f" {max(figures.took_ms):.1f} | {figures.cpu_ms:.2f} | {figures.refused} |"
            f" {figures.lost} |"
            f" {figures.doubled} | {figures.synced} |"
        )
    paced = found[0]
    reached = paced.per_s >= WANTED_PER_S and paced.percentile(99) < WANTED_P99_MS
    lines.append(
        f"\nWanted: {WANTED_PER_S}/s with a p99 under {WANTED_P99_MS:.0f} ms:"
        f" {'reached' if reached else 'not reached'}."
    )
    return "\n".join(lines)
