"""How long after a signed webhook was accepted its words are found, through a real `livesync up`.

A feed changes, and its publisher calls; nothing else tells of it, for its sync is due once a day.
The times of the legs are those of Postgres (when the words were committed, by
`track_commit_timestamp`), of Dagster's runs and of our operations, on the clock of one machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep, time
from typing import Any

import httpx
import psycopg

from benchmarks import calls, content, feeds, running
from benchmarks.pursuit import Sought, legs_table, lost, new_word, pursued
from benchmarks.running import House
from benchmarks.tables import percentile
from livesync_pipelines.engine.desired import SYNCS_PER_CAPSULE
from livesync_pipelines.store import embedded

LEGS = {
    "gate: call begun to accepted": "-",
    "queue and sensor: accepted to run made": "0.13, with the next",
    "coordinator: run made to launched": "",
    "launch: launched to run begun": "0.06",
    "run begun to operation begun": "0.23, with the next",
    "operation begun to words committed": "",
    "committed to found": "-",
}
"""And what each costs Dagster alone (see `pursuit.FLOOR_S`)."""
IDLE_PER_S, STEADY_PER_S = 0.5, 1.0
WANTED_IDLE_S, WANTED_STEADY_S = 2.0, 5.0
_ENTRIES = 100
"""So many are in a feed, so that no change covers one that has not been found."""

_WARM_UP = 5
_ITS_CHUNK = """
    select extract(epoch from pg_xact_commit_timestamp(c.xmin))::float8,
        extract(epoch from o.started_at)::float8,
        extract(epoch from r.create_timestamp at time zone 'utc')::float8,
        (select extract(epoch from min(e.timestamp) at time zone 'utc')::float8
            from public.event_logs e
            where e.run_id = r.run_id and e.dagster_event_type = 'PIPELINE_STARTING'),
        r.start_time
    from livesync.chunks c
    join livesync.operations o using (operation_id)
    join public.runs r on r.run_id = o.run_id
    where c.chunk_id = %s
"""


@dataclass(slots=True)
class Announced(Sought):
    """`at`: when the call was accepted."""

    called_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """One load, and what became of its events. `kept`: deliveries in the database."""

    title: str
    events: list[Announced]
    kept: int

    @property
    def p95_s(self) -> float:
        return percentile([event.took_s for event in self.events], 95)

    @property
    def is_right(self) -> bool:
        return not lost(self.events) and self.kept == len(self.events)


class Publisher:
    """Feeds that it changes, and of which it tells."""

    def __init__(self, house: House, folder: Path, names: Sequence[str], *, batch: str) -> None:
        self._folder = folder
        self._names = names
        self._batch = batch
        self._texts = {name: entries_of(name) for name in names}
        self._door = httpx.Client(base_url=f"http://127.0.0.1:{house.port}", timeout=30.0)

    def publish(self, number: int) -> Announced:
        name, word = self._names[number % len(self._names)], new_word()
        self._texts[name][(number // len(self._names)) % _ENTRIES] = f"A heron, {word}."
        feeds.write(self._folder, name, self._texts[name])
        called_at = time()
        answer = self._door.post(
            calls.path("rss", name),
            content=calls.BODY,
            headers=calls.headers(f"{self._batch}-{number}"),
        )
        answer.raise_for_status()
        return Announced(name, word, time(), called_at=called_at)

    def close(self) -> None:
        self._door.close()


def main(events: int, syncs: int) -> int:
    """Prints the table; 1 where an event was lost."""
    found = measure(events, syncs)
    print(report(found, syncs))
    return 0 if all(one.is_right for one in found) else 1


def measure(events: int, syncs: int) -> list[Found]:
    place = content.a_place(None)
    names = names_of(syncs)
    with _feeds_up(place, names) as house:
        return [
            follow(house, place / "feeds", names, count=events, per_s=IDLE_PER_S, title="idle"),
            follow(house, place / "feeds", names, count=events, per_s=STEADY_PER_S, title="steady"),
        ]


def follow(
    house: House, folder: Path, names: Sequence[str], *, count: int, per_s: float, title: str
) -> Found:
    """So many events at this rate, after a few that do not count."""
    publisher = Publisher(house, folder, names, batch=f"{title}-{new_word()}")
    try:
        with psycopg.connect(house.url, autocommit=True) as connection:
            pursued(connection, capsule_of, publisher.publish, count=_WARM_UP, per_s=IDLE_PER_S)
            sleep(2)
            before = _deliveries(connection)
            content.say(f"{count} webhooks, {per_s:g} a second")
            events = pursued(
                connection,
                capsule_of,
                lambda number: publisher.publish(_WARM_UP + number),
                count=count,
                per_s=per_s,
            )
            _set_legs(connection, events)
            return Found(f"{title}, {per_s:g}/s", events, _deliveries(connection) - before)
    finally:
        publisher.close()


def names_of(syncs: int, *, prefix: str = "feed") -> list[str]:
    return [f"{prefix}-{number:05d}" for number in range(syncs)]


def capsule_of(name: str) -> str:
    """Where the feed of this name goes: as many as can be share a capsule."""
    prefix, _, number = name.rpartition("-")
    return f"{prefix}s-{int(number) // SYNCS_PER_CAPSULE}"


def write_feeds(folder: Path, names: Sequence[str]) -> None:
    """Every feed as it is before anybody calls."""
    folder.mkdir(exist_ok=True)
    for name in names:
        feeds.write(folder, name, entries_of(name))


def entries_of(name: str) -> dict[int, str]:
    return {number: f"A pond, {name}, {number}." for number in range(_ENTRIES)}


@contextmanager
def _feeds_up(place: Path, names: Sequence[str]) -> Iterator[House]:
    folder = place / "feeds"
    write_feeds(folder, names)
    know_commits(place)
    with feeds.served(folder) as port:
        content.say(f"{len(names)} feeds: `livesync up`, and their first syncs")
        with running.up(place, configuration(port, names), environ=calls.ENVIRON) as house:
            yield house


def know_commits(place: Path) -> None:
    """Let the server of this place write down when each transaction was committed."""
    with psycopg.connect(embedded.start(place / "home"), autocommit=True) as connection:
        connection.execute("alter system set track_commit_timestamp = on")
    embedded.stop(place / "home")


def configuration(port: int, names: Sequence[str]) -> Mapping[str, Any]:
    webhook = {"scheme": calls.WEBHOOK.scheme, "secret": calls.WEBHOOK.secret}
    return {
        "capsules": {capsule_of(name): {} for name in names},
        "connections": {
            name: {
                "platform": "rss",
                "url": f"http://127.0.0.1:{port}/{name}",
                "allow_private": True,
                "webhook": webhook,
            }
            for name in names
        },
        "syncs": {
            name: {"connection": name, "target": capsule_of(name), "schedule": "daily"}
            for name in names
        },
    }


def _deliveries(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select count(*) from livesync.webhook_events").fetchone()
    assert row is not None
    return int(row[0])


def _set_legs(connection: psycopg.Connection[Any], events: Sequence[Announced]) -> None:
    for event in events:
        row = connection.execute(_ITS_CHUNK, (event.chunk_id,)).fetchone() if event.found_at else ()
        if row:
            committed, begun, made, launched, run_begun = row
            run = (made, launched, run_begun)
            found_at = event.found_at or 0.0
            event.set_legs([event.called_at, event.at, *run, begun, committed, found_at])


def report(found: Sequence[Found], syncs: int) -> str:
    """Markdown: the whole, each leg and its share, and what became of the events."""
    rows = legs_table(
        "accepted to found", LEGS, [(f"{one.title}, {syncs} feeds", one.events) for one in found]
    )
    lines = [*rows, ""]
    for one, wanted_s in zip(found, (WANTED_IDLE_S, WANTED_STEADY_S), strict=False):
        reached = "reached" if one.p95_s < wanted_s else "not reached"
        lines.append(
            f"{one.title}: {len(one.events)} accepted, {one.kept} in the database,"
            f" {lost(one.events)} not found. Wanted: a p95 under {wanted_s:g} s: {reached}."
        )
    return "\n".join([*lines, ""])
