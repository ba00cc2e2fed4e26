"""What an old database costs: the same is measured before and after months of events, operations
and runs were put into it. A first time that does not count brings it into the state in which both
find it: with the documents of all loads, each synced more than once, and one run of every sync.

Four loads share one database and take turns; the syncs of those whose turn it is not are paused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks import burst, calls, content, feeds, gate, pages, past, quiet, running, webhooks
from benchmarks.tables import percentile, table
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import embedded
from livesync_pipelines.store.database import Database

WANTED_RATIO = 1.3
FIRST, BEFORE, AFTER = "first", "before", "after"
_FOREVER = {f"LIVESYNC_KEEP_{what}_DAYS": "never" for what in ("OPERATIONS", "LEDGER", "DAGSTER")}
_SWEEPS = 3
_ASKS = 40
_GATE = ("busy", "called-%")


@dataclass(frozen=True, slots=True)
class Sizes:
    """`old`: of each kind. `bursts`: syncs that a burst is over."""

    old: int = 100_000
    events: int = 50
    feeds: int = 10
    burst: int = 2_000
    bursts: int = 40
    calls: int = 10_000
    documents: int = gate.DOCUMENTS
    quiet: int = 1_000


@dataclass(slots=True)
class Figures:
    """By what was measured: how long it took before and after. `wrong`: what was lost, doubled, or
    begun without need."""

    took: dict[str, dict[str, float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, when: str, what: str, took: float) -> None:
        self.took.setdefault(what, {})[when] = took

    def ratio(self, what: str) -> float:
        return self.took[what][AFTER] / self.took[what][BEFORE]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where all is: `wanted` is the configuration of the feeds that are called for."""

    place: Path
    engine: Engine
    sizes: Sizes
    called: Sequence[str]
    burst: Sequence[str]
    quiet: Sequence[str]
    wanted: Mapping[str, Any]

    @property
    def fed(self) -> Sequence[str]:
        """The syncs of feeds."""
        return [*self.called, *self.burst, *self.quiet]

    @property
    def url(self) -> str:
        return self.engine.database.url

    def only(self, *patterns: str) -> None:
        """Let the syncs with such names be active, and pause all others, for which nothing waits
        any more."""
        with self.engine.database.connect() as connection:
            connection.execute(
                "update livesync.syncs set state = case when sync_id like any(%s) then 'active'"
                " else 'paused' end",
                (list(patterns),),
            )
            connection.execute(
                "delete from livesync.queue q using livesync.syncs s"
                " where s.sync_id = q.sync_id and s.state = 'paused'"
            )


def main(old: int) -> int:
    """Prints the table; 1 where something was lost, doubled, or begun without need."""
    figures = measure(Sizes(old=old))
    print(report(figures, old))
    return 1 if figures.wrong else 0


def measure(sizes: Sizes) -> Figures:
    figures = Figures()
    with _ground(sizes) as ground:
        _measure(ground, FIRST, figures)
        _grow_old(ground, len(ground.fed))
        _measure(ground, BEFORE, figures)
        _grow_old(ground, sizes.old)
        _measure(ground, AFTER, figures)
    return figures


@contextmanager
def _ground(sizes: Sizes) -> Iterator[Ground]:
    place = content.a_place(None)
    webhooks.know_commits(place)
    engine = Engine(database=Database(embedded.start(place / "home")))
    engine.database.migrate()
    called = webhooks.names_of(sizes.feeds)
    hit = webhooks.names_of(sizes.bursts, prefix="burst")
    webhooks.write_feeds(place / "feeds", called)
    burst.write_feeds(place / "feeds", hit)
    gate.configure(engine.database.url, place, sizes.documents)
    with quiet.served(place) as quiet_port, feeds.served(place / "feeds") as port:
        names = quiet.configure(engine, sizes.quiet, quiet_port)
        wanted = webhooks.configuration(port, [*called, *hit])
        yield Ground(place, engine, sizes, called, hit, names, wanted)
    engine.database.close()


def _measure(ground: Ground, when: str, figures: Figures) -> None:
    content.say(f"{when}: `livesync up`")
    ground.only("feed-%", "burst-%")
    environ = {**calls.ENVIRON, **_FOREVER}
    with running.up(ground.place, ground.wanted, environ=environ) as house:
        _idle(ground, house, when, figures)
        _burst(ground, house, when, figures)
        _pages(ground, house, when, figures)
    _gate(ground, when, figures)
    _sweeps(ground, when, figures)


def _idle(ground: Ground, house: running.House, when: str, figures: Figures) -> None:
    found = webhooks.follow(
        house,
        ground.place / "feeds",
        ground.called,
        count=ground.sizes.events,
        per_s=webhooks.IDLE_PER_S,
        title="idle",
    )
    took = [event.took_s for event in found.events]
    figures.note(when, "webhook to found, median, s", median(took))
    figures.note(when, "webhook to found, p95, s", percentile(took, 95))
    if not found.is_right:
        figures.wrong.append(f"{when}: a webhook was lost")


def _burst(ground: Ground, house: running.House, when: str, figures: Figures) -> None:
    found = burst.send(house, ground.place / "feeds", ground.burst, ground.sizes.burst)
    figures.note(when, "burst accepted, s", found.accepted_s)
    figures.note(when, "burst reflected, s", found.reflected_s)
    if not found.is_right:
        figures.wrong.append(f"{when}: the burst\n{burst.report(found, len(ground.burst))}")


def _pages(ground: Ground, house: running.House, when: str, figures: Figures) -> None:
    name = ground.called[0]
    asked = pages.of(house, platform="rss", sync_id=name, capsule=webhooks.capsule_of(name))
    pages.ask(asked, times=_ASKS, meanwhile=when)
    for page in asked:
        figures.note(when, f"{page.name}, median, ms", median(page.took_ms[when]))


def _gate(ground: Ground, when: str, figures: Figures) -> None:
    ground.only(*_GATE)
    rates = (gate.WANTED_PER_S, 0)
    paced, rushed = gate.rounds(ground.url, ground.place, ground.sizes.calls, rates)
    figures.note(when, f"gate at {gate.WANTED_PER_S}/s, p99, ms", paced.percentile(99))
    figures.note(when, "gate all at once, s for 1,000", 1_000 / rushed.per_s)
    figures.wrong += [
        f"{when}: the gate has lost {one.lost}, doubled {one.doubled}, refused {one.refused}"
        for one in (paced, rushed)
        if not one.is_right
    ]


def _sweeps(ground: Ground, when: str, figures: Figures) -> None:
    ground.only("quiet-%")
    swept = quiet.swept(ground.engine, len(ground.quiet), _SWEEPS)
    figures.note(when, "a sweep, s", median(swept.seconds))
    if swept.queued:
        figures.wrong.append(f"{when}: sweeps have queued {swept.queued} syncs")


def _grow_old(ground: Ground, count: int) -> None:
    content.say(f"{count:,} old events, operations and runs")
    with psycopg.connect(ground.url, autocommit=True) as connection:
        known, like = connection.execute(
            "select (select count(*) from public.runs), (select run_id from public.runs"
            " where pipeline_name = 'sync_rss' and status = 'SUCCESS' order by id desc limit 1)"
        ).fetchone() or (0, "")
        past.add_ours(connection, [*ground.fed, *gate.names()], count)
        past.add_runs(connection, ground.fed, count, like=like)
        past.settle(connection)
    with running.dagster_of(ground.place) as instance:
        past.check(instance, ground.fed, like=like, known=known, count=count)


def report(figures: Figures, old: int) -> str:
    """Markdown."""
    rows = [
        (what, f"{took[BEFORE]:,.2f}", f"{took[AFTER]:,.2f}", f"{figures.ratio(what):.2f}")
        for what, took in figures.took.items()
    ]
    slower = [what for what in figures.took if figures.ratio(what) > WANTED_RATIO]
    head = ("", BEFORE, f"with {old:,} old of each", "ratio")
    return "\n".join(
        [
            *table(head, rows),
            "",
            f"Wanted: a ratio of {WANTED_RATIO} at most."
            + (f" Above it: {'; '.join(slower)}." if slower else " Reached."),
            f"Load: {os.getloadavg()[0]:.1f}. Lost, doubled or begun without need:"
            f" {'; '.join(figures.wrong) or 'nothing'}.",
            "",
        ]
    )
