"""Many feeds, all due, none of them changed: what a sweep over them costs, and how fast the pages
of Dagster and our own answer meanwhile.

A server in another process answers 304 to who knows the feed already. All connections name the same
address; one sync has run, and what its run has left behind is given to all of them.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

import psycopg

from benchmarks import beside, content, feeds, pages, past, running
from benchmarks.pages import Page
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Capsule, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog, embedded
from livesync_pipelines.store.database import Connection, Database

PROJECT = "benchmark"
CAPSULE = "quiet"
ASKS = 20


@dataclass(slots=True)
class Figures:
    """Of each round: seconds, and the peak after it. `queued`: syncs, of all rounds."""

    count: int
    seconds: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=list)
    queued: int = 0
    pages: list[Page] = field(default_factory=list)
    sweeps_beside: int = 0


def main(count: int, rounds: int, *, with_pages: bool) -> int:
    """Prints the figures; 1 where a sync was queued though nothing had changed."""
    figures = measure(count, rounds, asks=ASKS if with_pages else 0)
    print(_report(figures))
    return 1 if figures.queued else 0


def measure(count: int, rounds: int, *, asks: int) -> Figures:
    place = content.a_place(None)
    database = Database(embedded.start(place / "home"))
    database.migrate()
    engine = Engine(database=database)
    with served(place) as port:
        content.say(f"{count:,} feeds are configured")
        names = configure(engine, count, port)
        figures = swept(engine, count, rounds)
        if asks:
            _ask_pages(engine, place, names, figures, asks=asks)
    database.close()
    return figures


def served(place: Path) -> AbstractContextManager[int]:
    """The one feed, on a port."""
    folder = place / "quiet"
    folder.mkdir()
    feeds.write(folder, "feed", {1: "Some words."})
    return feeds.served(folder)


def swept(engine: Engine, count: int, rounds: int) -> Figures:
    """So many sweeps over these feeds, all of which are due."""
    figures = Figures(count)
    for number in range(rounds):
        beside.all_due(engine)
        begun = perf_counter()
        figures.queued += len(sweep(engine))
        figures.seconds.append(perf_counter() - begun)
        _assert_all_were_asked(engine, count)
        figures.peaks_mb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        content.say(f"round {number + 1}: {figures.seconds[-1]:.1f} s")
    return figures


def configure(engine: Engine, count: int, port: int) -> list[str]:
    """The syncs, as they are after a first run of each."""
    names = [f"quiet-{number:05d}" for number in range(count)]
    wanted = Desired(
        connections=tuple(feeds.connection(n, port, project=PROJECT, path="feed") for n in names),
        capsules=(Capsule(name=CAPSULE, project_id=PROJECT),),
        syncs=tuple(
            SyncConfig(
                sync_id=name,
                project_id=PROJECT,
                connection=name,
                capsule=CAPSULE,
                schedule="every_15_minutes",
            )
            for name in names
        ),
    )
    with engine.database.connect() as connection:
        catalog.apply(connection, wanted)
        run_sync(engine, names[0], trigger=Trigger.POLL)
        _ask_alone(engine, connection, names[0])
        connection.execute(
            "update livesync.syncs s set note = f.note, mark = f.mark,"
            " chunker_version = f.chunker_version, mapping_version = f.mapping_version"
            " from livesync.syncs f where f.sync_id = %s and s.sync_id = any(%s)",
            (names[0], names),
        )
        connection.execute(
            "insert into livesync.operations (operation_id, sync_id, trigger, mode, status,"
            " started_at, finished_at, counts, stage_s) select gen_random_uuid(), n, o.trigger,"
            " o.mode, o.status, o.started_at, o.finished_at, o.counts, o.stage_s"
            " from livesync.operations o, unnest(%s::text[]) n where o.sync_id = %s",
            (names[1:], names[0]),
        )
    return names


def _ask_alone(engine: Engine, connection: Connection, first: str) -> None:
    """Sweep over this one."""
    connection.execute(
        "update livesync.syncs set next_due_at = case when sync_id <> %s then"
        " now() + interval '1 day' end",
        (first,),
    )
    sweep(engine)
    connection.execute("delete from livesync.queue")


def _assert_all_were_asked(engine: Engine, count: int) -> None:
    with engine.database.connect() as connection:
        asked = connection.execute(
            "select count(*) from livesync.syncs where looked_at > now() - interval '10 minutes'"
            " and mark is not null and next_due_at is not null and project_id = %s",
            (PROJECT,),
        ).fetchone()
    assert asked == (count,), asked


def _ask_pages(
    engine: Engine, place: Path, names: Sequence[str], figures: Figures, *, asks: int
) -> None:
    """With a run of every sync in Dagster's history."""
    content.say("`livesync up`, and a run of every sync")
    _none_due(engine)
    with running.up(place) as house, psycopg.connect(house.url, autocommit=True) as connection:
        like = past.one_run(connection, names[0])
        past.add_runs(connection, names, len(names), like=like)
        past.settle(connection)
        figures.pages = pages.of(house, platform="rss", sync_id=names[0], capsule=CAPSULE)
        content.say(f"{asks} times {len(figures.pages)} pages, twice")
        pages.ask(figures.pages, times=asks, meanwhile="alone")
        with beside.sweeping(house.url) as work:
            pages.ask(figures.pages, times=asks, meanwhile="while a sweep goes on")
        figures.sweeps_beside = work.count
        figures.queued += _queued(connection)


def _none_due(engine: Engine) -> None:
    """What is due when `livesync up` begins is run at once, one after the other."""
    with engine.database.connect() as connection:
        connection.execute("update livesync.syncs set next_due_at = now() + interval '1 day'")


def _queued(connection: psycopg.Connection) -> int:
    """What sweeps have queued since, waiting or begun already; told, for there should be none."""
    found = connection.execute(
        "select sync_id, queued_at as at, 'waits' from livesync.queue union all"
        " select sync_id, started_at, status from livesync.operations"
        " where run_id is not null and trigger = 'poll' order by at"
    ).fetchall()
    for sync_id, at, status in found[:10]:
        content.say(f"queued without need: {sync_id} at {at:%H:%M:%S}, {status}")
    return len(found)


def _report(figures: Figures) -> str:
    middle, count = median(figures.seconds), figures.count
    lines = [
        f"## {count:,} feeds, all due, nothing changed",
        "",
        f"- a sweep: {middle:.1f} s (least {min(figures.seconds):.1f}),"
        f" {1000 * middle / count:.1f} ms a feed",
        f"- runs that were asked for: {figures.queued}",
        f"- peak after each round: {', '.join(f'{peak:,.0f}' for peak in figures.peaks_mb)} MB",
        f"- load: {os.getloadavg()[0]:.1f}",
    ]
    if figures.pages:
        beside_ = (
            f"{figures.sweeps_beside} sweeps and a part of one went on beside the last column."
        )
        lines += ["", pages.report(figures.pages), beside_]
    return "\n".join(lines)
