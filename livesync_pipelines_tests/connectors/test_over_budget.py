"""Whichever call a budget refuses: the run ends there, and no page, feed or entry is blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from livesync_pipelines.connectors.base import Connector, FetchLimits
from livesync_pipelines.connectors.rss import Rss, RssConnection, RssSelection
from livesync_pipelines.connectors.website import Website, WebsiteConnection, WebsiteSelection
from livesync_pipelines.model.errors import ItemFailure, OverBudget
from livesync_pipelines.model.records import Entry
from livesync_pipelines_tests.connectors.website_runs import Kept, links
from livesync_pipelines_tests.contracts.memory import entries_of
from livesync_pipelines_tests.net.site import Site
from livesync_pipelines_tests.net.ticker import Ticker

FEED = """<rss version="2.0"><channel><title>News</title>{items}</channel></rss>"""
ITEM = "<item><guid>{n}</guid><title>t</title><link>{url}</link></item>"

Make = Callable[[Site, Ticker], Connector]


@pytest.fixture
def site() -> Iterator[Site]:
    """robots.txt names a sitemap, the sitemap a page that no link leads to; and a feed."""
    with Site() as site:
        pages = [site.url(f"/{n}") for n in range(3)]
        site.put("/robots.txt", f"Sitemap: {site.url('/map.txt')}")
        site.put("/map.txt", f"{site.url('/lonely')}\n")
        site.put("/", links(*pages))
        for path in ("/0", "/1", "/2", "/lonely"):
            site.put(path, links(words=path))
        site.put("/feed", FEED.format(items="".join(ITEM.format(n=p, url=p) for p in pages)))
        yield site


def website(site: Site, pacer: Ticker) -> Connector:
    options = {"start": [site.url("/")], "sitemap": True, "allow_private": True, "pause_s": 0}
    limits = FetchLimits(timeout_s=5, pacer=pacer)
    return Website(WebsiteConnection.model_validate(options), WebsiteSelection(), limits)


def rss(site: Site, pacer: Ticker) -> Connector:
    options = {"url": site.url("/feed"), "full_text": True, "allow_private": True, "pause_s": 0}
    limits = FetchLimits(timeout_s=5, pacer=pacer)
    return Rss(RssConnection.model_validate(options), RssSelection(), limits)


def failures(connector: Connector) -> list[ItemFailure]:
    """Everything is listed and read; what failed of it."""
    found: list[ItemFailure] = []
    entries: list[Entry] = []
    for page in connector.listing(Kept()):
        found += page.failures
        entries += entries_of(page)
    answers = connector.fetch(entries)
    return [*found, *(a for a in answers if isinstance(a, ItemFailure))]


@pytest.mark.parametrize("make", [website, rss])
def test_a_refused_call_ends_the_run_and_blames_nothing(site: Site, make: Make) -> None:
    pacer = Ticker()
    whole = make(site, pacer)
    assert failures(whole) == []
    whole.close()
    total = len(pacer.asked)
    assert total >= 4
    for allowed in range(total):
        calls = len(site.calls)
        connector = make(site, Ticker(*[0.0] * allowed, 600.0))
        with pytest.raises(OverBudget):
            failures(connector)
        assert len(site.calls) - calls == allowed
        connector.close()
