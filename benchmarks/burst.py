"""A burst of signed webhooks over many syncs, through a real `livesync up`, until all is reflected.

Each event is a change of a feed, then a call that tells of it. The calls go out as fast as the gate
takes them; one that is refused is sent again when its answer says. What was accepted, and what the
capsule holds in the end, are held against the source.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

import psycopg

from benchmarks import calls, content, feeds, running, webhooks
from benchmarks.pursuit import new_word
from benchmarks.running import House
from benchmarks.tables import table
from livesync_pipelines.store import capsules, operations, queue

ENTRIES = 5
_LINES = 64
_LOOK_S = 0.2
_PATIENCE_S = 1_800.0
_WORD = re.compile(r"w[0-9a-f]{12}")
_BUSY = (429, 503)
_ENDED = ["SUCCESS", "FAILURE", "CANCELED"]

Texts = Mapping[str, Mapping[int, str]]
"""What each feed says: text by number."""


@dataclass(slots=True)
class Burst:
    """Seconds since the first call. `kept`: deliveries in the database, of which `doubled` are
    there more than once. `late`: syncs that do not show what their source says. `failed`: runs
    and operations that did not end well."""

    batch: str
    began_at: float = 0.0
    accepted: int = 0
    refused: int = 0
    accepted_s: float = 0.0
    reflected_s: float = float("inf")
    kept: int = 0
    doubled: int = 0
    late: list[str] = field(default_factory=list)
    waiting: int = 0
    runs: int = 0
    operations: int = 0
    failed: int = 0

    @property
    def is_right(self) -> bool:
        wrong = self.doubled or self.late or self.waiting or self.failed
        return not wrong and self.kept == self.accepted


def main(events: int, syncs: int) -> int:
    """Prints the table; 1 where an event was lost or doubled, or is not reflected."""
    found = measure(events, syncs)
    print(report(found, syncs))
    return 0 if found.is_right else 1


def measure(events: int, syncs: int) -> Burst:
    place = content.a_place(None)
    folder, names = place / "feeds", webhooks.names_of(syncs)
    write_feeds(folder, names)
    with feeds.served(folder) as port:
        content.say(f"{syncs} feeds: `livesync up`, and their first syncs")
        wanted = webhooks.configuration(port, names)
        with running.up(place, wanted, environ=calls.ENVIRON) as house:
            return send(house, folder, names, events)


def write_feeds(folder: Path, names: Sequence[str]) -> None:
    """Every feed as it is before the burst."""
    folder.mkdir(exist_ok=True)
    for name in names:
        feeds.write(folder, name, _first(name))


def send(house: House, folder: Path, names: Sequence[str], events: int) -> Burst:
    """Send so many events, each feed in its turn, and wait until all is reflected."""
    burst = Burst(batch=new_word())
    texts = {name: dict(_first(name)) for name in names}
    content.say(f"{events:,} events over {len(names)} feeds")
    burst.began_at = time()
    asyncio.run(_send(house, folder, texts, events, burst))
    burst.accepted_s = time() - burst.began_at
    content.say(f"accepted after {burst.accepted_s:.1f} s")
    with psycopg.connect(house.url, autocommit=True) as connection:
        _wait(connection, texts, burst)
        _count(connection, burst)
    return burst


def _first(name: str) -> dict[int, str]:
    return {number: f"A pond, {name}, {number}." for number in range(ENTRIES)}


async def _send(
    house: House, folder: Path, texts: dict[str, dict[int, str]], events: int, burst: Burst
) -> None:
    names = list(texts)
    numbers = iter(range(events))

    async def keep_sending() -> None:
        line = await calls.Line.opened(house.port)
        for number in numbers:
            name = names[number % len(names)]
            texts[name][(number // len(names)) % ENTRIES] = f"A heron, {new_word()}."
            feeds.write(folder, name, texts[name])
            await _told(line, name, f"{burst.batch}-{number}", burst)
        await line.close()

    await asyncio.gather(*(keep_sending() for _ in range(_LINES)))


async def _told(line: calls.Line, name: str, delivery: str, burst: Burst) -> None:
    while True:
        status, after_s = await line.call(calls.path("rss", name), delivery)
        if status == 200:
            burst.accepted += 1
            return
        if status not in _BUSY:
            raise SystemExit(f"The gate has answered {status} to a good call.")
        burst.refused += 1
        await asyncio.sleep(after_s)


def _wait(connection: psycopg.Connection[Any], texts: Texts, burst: Burst) -> None:
    """Until nothing waits or is worked on, and every sync shows its source; then until the last run
    has ended."""
    until = monotonic() + _PATIENCE_S
    while monotonic() < until:
        burst.waiting = queue.depth(connection)[0]
        if not burst.waiting and not operations.in_flight(connection):
            burst.late = list(_late(connection, texts))
            if not burst.late:
                burst.reflected_s = time() - burst.began_at
                break
        sleep(_LOOK_S)
    while _unfinished(connection) and monotonic() < until:
        sleep(_LOOK_S)


def _late(connection: psycopg.Connection[Any], texts: Texts) -> Iterator[str]:
    """The syncs whose chunks are not one for each entry with its words as they are now, or whose
    words are not found."""
    found: dict[str, list[str]] = {name: [] for name in texts}
    for sync_id, text in connection.execute(
        "select sync_id, text from livesync.chunks where sync_id = any(%s)", (list(texts),)
    ):
        found[sync_id].append(text)
    for name, entries in texts.items():
        wanted = sorted(word for text in entries.values() for word in _WORD.findall(text))
        shown = sorted(word for text in found[name] for word in _WORD.findall(text))
        capsule = webhooks.capsule_of(name)
        is_found = all(capsules.search(connection, capsule, w, limit=1) for w in wanted)
        if len(found[name]) != len(entries) or shown != wanted or not is_found:
            yield name


def _unfinished(connection: psycopg.Connection[Any]) -> int:
    return _number(connection, "select count(*) from runs where not status = any(%s)", (_ENDED,))


def _count(connection: psycopg.Connection[Any], burst: Burst) -> None:
    began = (burst.began_at,)
    of_batch = "from livesync.webhook_events where starts_with(delivery_id, %s)"
    since = "create_timestamp at time zone 'utc' >= to_timestamp(%s)"
    burst.kept = _number(connection, f"select count(*) {of_batch}", (burst.batch,))
    seen = _number(connection, f"select coalesce(sum(seen), 0) {of_batch}", (burst.batch,))
    burst.doubled = seen - burst.kept
    burst.runs = _number(connection, f"select count(*) from public.runs where {since}", began)
    burst.operations = _number(
        connection,
        "select count(*) from livesync.operations where started_at >= to_timestamp(%s)",
        began,
    )
    burst.failed = _number(
        connection,
        "select (select count(*) from public.runs where status <> 'SUCCESS' and"
        f" {since}) + (select count(*) from livesync.operations"
        " where status <> 'success' and started_at >= to_timestamp(%s))",
        (*began, *began),
    )


def _number(connection: psycopg.Connection[Any], query: str, values: Sequence[Any]) -> int:
    row = connection.execute(query.encode(), values).fetchone()
    assert row is not None
    return int(row[0])


def report(burst: Burst, syncs: int) -> str:
    """Markdown."""
    per_operation = burst.accepted / max(1, burst.operations)
    rows = [
        ("events accepted", f"{burst.accepted:,}"),
        ("answered with a 429 or 503 first", f"{burst.refused:,}"),
        ("s to accept them", f"{burst.accepted_s:.1f}"),
        ("s until all was reflected", f"{burst.reflected_s:.1f}"),
        ("runs", f"{burst.runs:,}"),
        ("operations (events for each)", f"{burst.operations:,} ({per_operation:.1f})"),
        ("runs and operations that failed", f"{burst.failed}"),
        ("lost, doubled", f"{burst.accepted - burst.kept}, {burst.doubled}"),
        ("syncs that do not show their source", f"{len(burst.late)}"),
        ("left in the queue", f"{burst.waiting}"),
    ]
    return "\n".join([*table((f"a burst over {syncs} syncs", ""), rows), ""])
