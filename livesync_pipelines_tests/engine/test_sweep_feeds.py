"""A feed that has just been read is not read again before it says something else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.house import looked_at_now
from livesync_pipelines_tests.net.site import Site

KIND = {"content-type": "application/rss+xml"}


@pytest.fixture
def site(engine: Engine) -> Iterator[Site]:
    with Site() as site:
        news = Connection(
            name="news",
            project_id="demo",
            platform="rss",
            options={"url": site.url("/feed"), "allow_private": True, "pause_s": 0},
        )
        sync = SyncConfig(
            sync_id="news",
            project_id="demo",
            connection="news",
            capsule="news",
            schedule="every_15_minutes",
        )
        capsule = Capsule(name="news", project_id="demo")
        with engine.database.pooled() as connection:
            catalog.apply(
                connection, Desired(connections=(news,), capsules=(capsule,), syncs=(sync,))
            )
        yield site


def show(site: Site, *names: str) -> None:
    items = "".join(
        f"<item><guid>{name}</guid><title>{name}</title><description>{name}</description></item>"
        for name in names
    )
    text = f"<rss version='2.0'><channel><title>News</title>{items}</channel></rss>"
    site.put("/feed", text, headers=KIND | {"etag": f'"{len(names)}"'})


def test_whoever_asked_for_the_run_what_it_read_costs_no_other(engine: Engine, site: Site) -> None:
    show(site, "one")
    run_sync(engine, "news", trigger=Trigger.PERSON)
    assert looked_at_now(engine) == []
    show(site, "one", "two")
    assert run_sync(engine, "news", trigger=Trigger.WEBHOOK).counts.added == 1
    assert looked_at_now(engine) == []
    assert site.calls[-1].headers["if-none-match"] == '"2"'
    show(site, "one", "two", "three")
    assert looked_at_now(engine) == ["news"]


def test_what_is_shown_after_the_run_has_read_is_found(engine: Engine, site: Site) -> None:
    show(site, "one")
    run_sync(engine, "news", trigger=Trigger.PERSON)
    show(site, "one", "two")
    assert looked_at_now(engine) == ["news"]
    run_sync(engine, "news", trigger=Trigger.POLL)
    assert looked_at_now(engine) == []
