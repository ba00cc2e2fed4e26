"""What an old database costs: two houses are alike, but into the database of one months of events,
operations and runs have been put. All is measured in both, in turns, so that whatever else the
machine does slows both.

Four loads share a database; the syncs of those whose turn it is not are paused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import burst, calls, content, feeds, gate, pages, past, quiet, running, webhooks
from benchmarks.tables import percentile, table
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import embedded
from livesync_pipelines.store.database import Database

WANTED_RATIO = 1.3
YOUNG, OLD = "young", "old"
_FOREVER = {f"LIVESYNC_KEEP_{what}_DAYS": "never" for what in ("OPERATIONS", "LEDGER", "DAGSTER")}
_FOUND = "webhook to found, s"
_PACED = f"gate at {gate.WANTED_PER_S}/s, ms"
_TAILS = {_FOUND: 95, _PACED: 99}
"""Of which the slowest are told too, up to that percentile."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """`old`: of each kind. `bursts`: syncs that a burst is over. `events`, `burst` and `calls` are
    of each of the `turns`."""

    old: int = 100_000
    turns: int = 3
    events: int = 20
    feeds: int = 10
    burst: int = 2_000
    bursts: int = 40
    asks: int = 40
    calls: int = 5_000
    documents: int = gate.DOCUMENTS
    quiet: int = 1_000


@dataclass(slots=True)
class Figures:
    """`took`: by what was measured and in which house, how long it took each time. `wrong`: what
    was lost, doubled, or begun without need."""

    took: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, where: str, what: str, *took: float) -> None:
        self.took.setdefault(what, {}).setdefault(where, []).extend(took)

    def rows(self) -> Iterator[tuple[str, float, float]]:
        """What was measured, and how long that takes in the young house and in the old."""
        for what, took in self.took.items():
            for percent in (50, *([_TAILS[what]] if what in _TAILS else [])):
                tail = "" if percent == 50 else f", p{percent}"
                young, old = (percentile(took[where], percent) for where in (YOUNG, OLD))
                yield f"{what}{tail}", young, old


@dataclass(frozen=True, slots=True)
class Ground:
    """Where all is of one house: `wanted` is the configuration of the feeds that are called for."""

    name: str
    place: Path
    engine: Engine
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

    @contextmanager
    def up(self) -> Iterator[running.House]:
        self.only("feed-%", "burst-%")
        environ = {**calls.ENVIRON, **_FOREVER}
        with running.up(self.place, self.wanted, environ=environ) as house:
            yield house


def main(old: int) -> int:
    """Prints the table; 1 where something was lost, doubled, or begun without need."""
    figures = measure(Sizes(old=old))
    print(report(figures, old))
    return 1 if figures.wrong else 0


def measure(sizes: Sizes) -> Figures:
    figures = Figures()
    with ExitStack() as stack:
        young, old = grounds = [stack.enter_context(_ground(n, sizes)) for n in (YOUNG, OLD)]
        _grow(young, len(young.fed))
        _grow(old, sizes.old)
        _while_up(grounds, sizes, figures)
        for ground in _turns(grounds, sizes):
            _gate(ground, sizes, figures)
        for ground in _turns(grounds, sizes):
            _sweep(ground, figures)
    return figures


@contextmanager
def _ground(name: str, sizes: Sizes) -> Iterator[Ground]:
    """After the first runs of its feeds."""
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
        ground = Ground(name, place, engine, called, hit, names, wanted)
        content.say(f"{name}: first runs")
        with ground.up(), psycopg.connect(ground.url, autocommit=True) as connection:
            past.one_run(connection, called[0])
        yield ground
    engine.database.close()


def _grow(ground: Ground, count: int) -> None:
    """Put so many old events, operations and runs there."""
    content.say(f"{ground.name}: {count:,} old events, operations and runs")
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


def _turns(grounds: Sequence[Ground], sizes: Sizes) -> Iterator[Ground]:
    """Each as often, and as often first."""
    for number in range(sizes.turns):
        yield from reversed(grounds) if number % 2 else grounds


def _while_up(grounds: Sequence[Ground], sizes: Sizes, figures: Figures) -> None:
    content.say("`livesync up`, twice")
    with ExitStack() as stack:
        houses = {ground.name: stack.enter_context(ground.up()) for ground in grounds}
        for ground in _turns(grounds, sizes):
            _idle(ground, houses[ground.name], sizes, figures)
        for ground in _turns(grounds, sizes):
            _burst(ground, houses[ground.name], sizes, figures)
        _pages(grounds, houses, sizes, figures)


def _idle(ground: Ground, house: running.House, sizes: Sizes, figures: Figures) -> None:
    found = webhooks.follow(
        house,
        ground.place / "feeds",
        ground.called,
        count=sizes.events,
        per_s=webhooks.IDLE_PER_S,
        title="idle",
    )
    figures.note(ground.name, _FOUND, *(event.took_s for event in found.events))
    if not found.is_right:
        figures.wrong.append(f"{ground.name}: a webhook was lost")


def _burst(ground: Ground, house: running.House, sizes: Sizes, figures: Figures) -> None:
    found = burst.send(house, ground.place / "feeds", ground.burst, sizes.burst)
    figures.note(ground.name, "burst accepted, s", found.accepted_s)
    figures.note(ground.name, "burst reflected, s", found.reflected_s)
    if not found.is_right:
        told = burst.report(found, len(ground.burst))
        figures.wrong.append(f"{ground.name}: the burst\n{told}")


def _pages(
    grounds: Sequence[Ground],
    houses: Mapping[str, running.House],
    sizes: Sizes,
    figures: Figures,
) -> None:
    """Each page of one house after that of the other."""
    content.say(f"pages, {sizes.asks} times each")
    asked = {
        ground.name: pages.of(
            houses[ground.name],
            platform="rss",
            sync_id=ground.called[0],
            capsule=webhooks.capsule_of(ground.called[0]),
        )
        for ground in grounds
    }
    pairs = zip(*asked.values(), strict=True)
    pages.ask([page for pair in pairs for page in pair], times=sizes.asks, meanwhile="")
    for where, of_it in asked.items():
        for page in of_it:
            figures.note(where, f"{page.name}, ms", *page.took_ms[""])


def _gate(ground: Ground, sizes: Sizes, figures: Figures) -> None:
    ground.only("busy", "called-%")
    rates = (gate.WANTED_PER_S, 0)
    paced, rushed = gate.rounds(ground.url, ground.place, sizes.calls, rates)
    figures.note(ground.name, _PACED, *paced.took_ms)
    figures.note(ground.name, "gate all at once, s for 1,000", 1_000 / rushed.per_s)
    figures.wrong += [
        f"{ground.name}: the gate has lost {one.lost}, doubled {one.doubled}, refused {one.refused}"
        for one in (paced, rushed)
        if not one.is_right
    ]


def _sweep(ground: Ground, figures: Figures) -> None:
    ground.only("quiet-%")
    swept = quiet.swept(ground.engine, len(ground.quiet), 1)
    figures.note(ground.name, "a sweep, s", *swept.seconds)
    if swept.queued:
        figures.wrong.append(f"{ground.name}: sweeps have queued {swept.queued} syncs")


def report(figures: Figures, old: int) -> str:
    """Markdown."""
    found = [(what, young, aged, aged / young) for what, young, aged in figures.rows()]
    rows = [(what, f"{y:,.2f}", f"{o:,.2f}", f"{ratio:.2f}") for what, y, o, ratio in found]
    slower = [what for what, _, _, ratio in found if ratio > WANTED_RATIO]
    head = ("median, where no percentile is named", YOUNG, f"{old:,} old of each", "ratio")
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
