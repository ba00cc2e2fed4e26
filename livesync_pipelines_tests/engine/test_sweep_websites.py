"""A real site with a sitemap, looked at by the real sweep: what has not changed costs no run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from livesync_pipelines.connectors.website import Website
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.connectors.website_runs import links
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.net.site import Site

PAGES = ("/", "/a", "/b")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        publish(site)
        yield site


def publish(site: Site, *, day: str = "2020-01-01", words: str = "words") -> None:
    """All pages link to one another; the sitemap gives all of them this day."""
    for page in PAGES:
        site.put(page, links(*PAGES, words=f"{words} of {page}"))
    named = (f"<url><loc>{site.url(p)}</loc><lastmod>{day}</lastmod></url>" for p in PAGES)
    site.put("/sitemap.xml", f"<urlset>{''.join(named)}</urlset>")


@pytest.fixture
def house(engine: Engine, site: Site) -> Engine:
    """One hourly sync of the site."""
    options = {"start": [site.url("/")], "sitemap": True, "allow_private": True, "pause_s": 0}
    wanted = Desired(
        connections=(
            Connection(name="site", project_id="demo", platform="website", options=options),
        ),
        capsules=(Capsule(name="web", project_id="demo"),),
        syncs=(
            SyncConfig(
                sync_id="pages",
                project_id="demo",
                connection="site",
                capsule="web",
                schedule="hourly",
            ),
        ),
    )
    with engine.database.pooled() as connection:
        catalog.apply(connection, wanted)
    return replace(engine, now=Clock(), registry={"website": Website})


def cycle(engine: Engine) -> list[str]:
    """An hour later: what is due is looked at, and what was queued is run."""
    assert isinstance(engine.now, Clock)
    engine.now.now += timedelta(hours=1)
    queued = sweep(engine)
    for sync_id in queued:
        run_sync(engine, sync_id, trigger=Trigger.POLL)
    return queued


def settled(engine: Engine) -> None:
    """The first run shows what proves a second to be needless."""
    assert [cycle(engine), cycle(engine)] == [["pages"], []]


def test_an_unchanged_site_costs_no_run_but_two_calls(house: Engine, site: Site) -> None:
    settled(house)
    site.calls.clear()
    assert cycle(house) == []
    assert site.targets() == ["/robots.txt", "/sitemap.xml"]
    with house.database.pooled() as connection:
        told = rows(connection, "select count(*) as runs from livesync.operations")
        looked = rows(connection, "select asked, changed from livesync.looks order by at desc")
    assert told == [{"runs": 1}]
    assert looked[0] == {"asked": 1, "changed": 0}


def test_a_sitemap_that_tells_of_a_change_costs_one_run(house: Engine, site: Site) -> None:
    settled(house)
    publish(site, day="2020-02-02", words="other words")
    assert cycle(house) == ["pages"]
    assert cycle(house) == []
    with house.database.pooled() as connection:
        held = rows(
            connection,
            "select c.text from livesync.documents d join livesync.contents c"
            " using (sync_id, content_hash)",
        )
    assert [row["text"].count("other words") for row in held] == [1] * len(PAGES)


def test_a_site_that_answers_nothing_is_queued_so_that_its_run_tells(
    house: Engine, site: Site
) -> None:
    settled(house)
    site.put("/robots.txt", status=503)
    assert cycle(house) == ["pages"]
