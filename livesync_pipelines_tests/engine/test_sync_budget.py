"""Real syncs of a real site under a budget: counted by the site, timed by the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status, SyncResult
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    Priority,
    SyncConfig,
    Trigger,
)
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import Database, rows
from livesync_pipelines_tests.connectors.website_runs import links
from livesync_pipelines_tests.net.site import Reply, Site
from livesync_pipelines_tests.store.grants import Grants, most_in_a_window, watched

PAGES = 12
CALLS, PER_S = 20, 1.0


@pytest.fixture
def site() -> Iterator[Site]:
    """Two trees of pages."""
    with Site() as site:
        for tree in ("one", "two"):
            pages = [f"/{tree}/{n}" for n in range(PAGES)]
            site.put(f"/{tree}/", links(*pages))
            for page in pages:
                site.put(page, links(words=f"words of {page}"))
        site.put("/robots.txt", status=404)
        yield site


@pytest.fixture
def grants(engine: Engine) -> Iterator[Grants]:
    with watched(engine.database) as grants:
        yield grants


Configure = Callable[..., None]


@pytest.fixture
def configure(engine: Engine, site: Site) -> Configure:
    """Two syncs of one connection, each of one tree."""

    def applied(priority: Priority = Priority.NORMAL, **options: Any) -> None:
        start = [site.url("/one/"), site.url("/two/")]
        plain = {"start": start, "allow_private": True, "pause_s": 0}
        wanted = Desired(
            connections=(
                Connection(
                    name="site", project_id="demo", platform="website", options=plain | options
                ),
            ),
            capsules=(Capsule(name="web", project_id="demo"),),
            syncs=tuple(a_sync(tree, priority) for tree in ("one", "two")),
        )
        with engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    return applied


def a_sync(tree: str, priority: Priority) -> SyncConfig:
    return SyncConfig(
        sync_id=tree,
        project_id="demo",
        connection="site",
        capsule="web",
        schedule="hourly",
        select={"include": [f"{tree}/**"]},
        priority=priority,
    )


def run(engine: Engine, sync_id: str, *, full: bool = False) -> SyncResult:
    """As a process of its own would: with its own connections."""
    database = Database(engine.database.url)
    try:
        alone = Engine(database=database, enabled=True)
        return run_sync(alone, sync_id, trigger=Trigger.POLL, full=full)
    finally:
        database.close()


def found(engine: Engine, query: str) -> list[Mapping[str, Any]]:
    with engine.database.pooled() as connection:
        return list(rows(connection, query))


def test_two_syncs_of_one_connection_stay_within_its_budget_together(
    engine: Engine, site: Site, configure: Configure, grants: Grants
) -> None:
    configure(budget={"calls": CALLS, "per_s": PER_S})
    site.queue("/one/3", [Reply(status=500), Reply(status=503), Reply(body=b"<p>well</p>")])
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda tree: run(engine, tree), ["one", "two"]))
    assert [result.status for result in results] == [Status.SUCCESS] * 2
    assert [result.counts.added for result in results] == [PAGES + 1] * 2
    times = grants.times()
    assert len(times) == len(site.calls), "every call was counted, retries and robots.txt too"
    assert most_in_a_window(times, PER_S) <= CALLS


def test_a_full_resync_runs_in_the_other_lane(
    engine: Engine, configure: Configure, grants: Grants
) -> None:
    configure(budget={"calls": 1_000, "per_s": 1})
    run(engine, "one")
    live = len(grants.times("live"))
    assert (live > PAGES, len(grants.times("backfill"))) == (True, 0)
    run(engine, "one", full=True)
    assert len(grants.times("live")) == live
    assert len(grants.times("backfill")) > PAGES


def test_a_first_sync_of_low_priority_runs_in_the_other_lane(
    engine: Engine, configure: Configure, grants: Grants
) -> None:
    configure(Priority.LOW, budget={"calls": 1_000, "per_s": 1})
    run(engine, "one")
    assert grants.times("live") == []
    run(engine, "one")
    assert len(grants.times("live")) > PAGES


def test_without_a_budget_the_database_is_asked_nothing(
    engine: Engine, site: Site, configure: Configure
) -> None:
    configure()
    site.put("/one/3", status=429, headers={"retry-after": "3600"})
    run(engine, "one")
    assert found(engine, "select * from livesync.budgets") == []


def test_a_server_that_says_wait_is_obeyed_by_the_other_sync_and_after_a_restart(
    engine: Engine, site: Site, configure: Configure
) -> None:
    configure(budget={"calls": 1_000, "per_s": 1})
    site.put("/one/", status=429, headers={"retry-after": "1800"})
    assert run(engine, "one").status is Status.RATE_LIMITED
    calls = len(site.calls)
    for tree in ("two", "one"):
        limited = run(engine, tree)
        assert limited.status is Status.RATE_LIMITED
        assert limited.error is not None
        assert limited.error["code"] == "over_budget"
    assert len(site.calls) == calls
    (waits,) = found(
        engine,
        "select count(*) as syncs, min(not_before) > now() + interval '20 min' as later"
        " from livesync.queue",
    )
    assert waits == {"syncs": 2, "later": True}


def test_a_page_that_was_not_asked_for_has_not_failed(
    engine: Engine, site: Site, configure: Configure
) -> None:
    """The budget allows a part of the first sync; the next run goes on, and nothing is lost."""
    configure(budget={"calls": 100, "per_s": 86_400})
    assert run(engine, "one").status is Status.RATE_LIMITED
    assert found(engine, "select * from livesync.item_failures") == []
    assert len(site.calls) == 10
    configure(budget={"calls": 1_000, "per_s": 1})
    result = run(engine, "one")
    assert result.status is Status.SUCCESS
    assert found(engine, "select count(*) as items from livesync.shadow") == [{"items": PAGES + 1}]
