"""When an unchanged sitemap spares a crawl, and when it must not."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors.base import Probes
from livesync_pipelines.connectors.website import Website, WebsiteConnection
from livesync_pipelines.model.errors import LiveSyncError, RateLimited, Unavailable
from livesync_pipelines_tests.net.site import Reply, Site

from .website_runs import Crawler, links

OLD = "2026-01-03T10:00:00+00:00"
NEW = "2026-01-04"
HALF_A_DAY_S = 12 * 3600.0
SITEMAP = {"sitemap": True}
TRUSTED = {"sitemap": True, "trust_sitemap": True}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def crawler(site: Site) -> Crawler:
    return Crawler(site)


def urlset(site: Site, dates: Mapping[str, str | None]) -> str:
    pages = "".join(f"<url>{_dated(site, path, day)}</url>" for path, day in dates.items())
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{pages}</urlset>'


def index(site: Site, dates: Mapping[str, str | None]) -> str:
    named = "".join(f"<sitemap>{_dated(site, path, day)}</sitemap>" for path, day in dates.items())
    return f"<sitemapindex>{named}</sitemapindex>"


def _dated(site: Site, path: str, day: str | None) -> str:
    lastmod = "" if day is None else f"<lastmod>{day}</lastmod>"
    return f"<loc>{site.url(path)}</loc>{lastmod}"


def two_pages(site: Site, dates: Mapping[str, str | None] | None = None) -> None:
    """Both have a date, unless said otherwise; the sitemap has no validator."""
    site.put("/", links("/a"))
    site.put("/a", links())
    site.put("/sitemap.xml", urlset(site, dates or {"/": OLD, "/a": NEW}))


def indexed(site: Site, date: str | None) -> None:
    two_pages(site)
    site.put("/sitemap.xml", index(site, {"/one.xml": date, "/two.xml": date}))
    site.put("/one.xml", urlset(site, {"/": OLD}))
    site.put("/two.xml", urlset(site, {"/a": OLD}))


def test_a_site_whose_sitemap_dates_every_page_answers_alike_until_it_changes(
    site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt", "/sitemap.xml"]
    assert crawler.mark(SITEMAP) == before
    crawler.run(SITEMAP)
    assert crawler.mark(SITEMAP) == before, "a crawl that found nothing changes nothing"
    site.put("/sitemap.xml", urlset(site, {"/": OLD, "/a": "2026-02-01"}))
    assert crawler.mark(SITEMAP) != before


def test_a_sitemap_with_validators_is_not_sent_again(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    sent = {"etag": '"s"', "last-modified": "Sat, 03 Jan 2026 10:00:00 GMT"}
    site.put("/sitemap.xml", urlset(site, {"/": OLD, "/a": OLD}), headers=sent)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    asked = site.calls[-1].headers
    assert (asked["if-none-match"], asked["if-modified-since"]) == tuple(sent.values())
    changed = urlset(site, {"/": OLD, "/a": NEW})
    site.put("/sitemap.xml", changed, headers={"etag": '"t"'})
    assert crawler.mark(SITEMAP) != before


def test_an_etag_that_changes_over_the_same_words_is_no_news(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    words = urlset(site, {"/": OLD, "/a": NEW})
    site.put("/sitemap.xml", words, headers={"etag": '"other"'})
    assert crawler.mark(SITEMAP) == before


def test_a_packed_sitemap_is_known_by_what_it_holds(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    site.put("/robots.txt", f"Sitemap: {site.url('/s.xml.gz')}\n")
    words = urlset(site, {"/": OLD, "/a": OLD}).encode()
    site.put("/s.xml.gz", gzip.compress(words, mtime=1))
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    site.put("/s.xml.gz", gzip.compress(words, mtime=2))
    assert crawler.mark(SITEMAP) == before
    site.put("/s.xml.gz", words, headers={"content-encoding": "identity"})
    assert crawler.mark(SITEMAP) == before


@pytest.mark.parametrize(
    "dates",
    [
        {"/": OLD},
        {"/": OLD, "/a": None},
        {"/": OLD, "/a": ""},
        {"/": OLD, "/a": "yesterday"},
        {"/": OLD, "/a": "2026-11"},
        {"/": OLD, "/a": "2026-11-20T23:59:30Z"},
        {"/": OLD, "/a": "2026-11-20"},
        {"/": OLD, "/a": "2036-11-20"},
        {"/": OLD, "/a": "2026-11-20T13:00:00"},
    ],
    ids=[
        "a page that only links lead to",
        "no date",
        "an empty date",
        "no sound date",
        "a month",
        "half a minute old",
        "a day that is not over everywhere",
        "the future",
        "a time without a zone",
    ],
)
def test_a_sitemap_that_need_not_show_the_next_change_proves_nothing_unless_it_is_trusted(
    dates: Mapping[str, str | None], site: Site, crawler: Crawler
) -> None:
    """The crawl begins as 2026-11-21 does in London."""
    two_pages(site, dates)
    crawler.run(SITEMAP)
    with pytest.raises(Unavailable, match="do not answer for every page"):
        crawler.mark(SITEMAP)
    assert site.calls == [], "so nobody is asked"
    crawler.run(TRUSTED)
    assert crawler.mark(TRUSTED) == crawler.mark(TRUSTED)


def test_a_sitemap_that_lies_is_believed_for_half_a_day_and_no_longer(
    site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    site.put("/a", links(words="new"))
    crawler.watch.slept_s.append(HALF_A_DAY_S - 60)
    assert crawler.mark(SITEMAP) == before
    crawler.watch.slept_s.append(60)
    with pytest.raises(Unavailable, match="too long ago"):
        crawler.mark(SITEMAP)
    assert list(crawler.run(SITEMAP).bodies) == [site.url("/a")]
    assert crawler.mark(SITEMAP) == before


def test_without_a_sitemap_nothing_is_proved(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    crawler.run()
    with pytest.raises(Unavailable):
        crawler.mark()
    assert site.calls == []
    with pytest.raises(ValidationError, match="trust_sitemap needs sitemap"):
        WebsiteConnection.model_validate({"start": [site.url("/")], "trust_sitemap": True})


def test_nothing_is_proved_before_the_first_crawl_nor_after_another_question(
    site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)
    crawler.run(SITEMAP)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP, exclude=["b"])


@pytest.mark.parametrize("status", [500, 403, 404])
def test_a_crawl_in_which_something_failed_proves_nothing(
    status: int, site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    site.put("/sitemap.xml", status=status)
    crawler.run(SITEMAP)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)
    two_pages(site)
    site.put("/a", status=500)
    crawler.run(SITEMAP)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)


def test_a_failure_on_an_earlier_page_of_the_listing_counts_too(
    site: Site, crawler: Crawler
) -> None:
    pages = [f"/p{n:03}" for n in range(120)]
    site.put("/", links(*pages))
    for page in pages:
        site.put(page, links(words=page))
    site.put("/p000", status=500)
    site.put("/sitemap.xml", urlset(site, dict.fromkeys(["/", *pages], OLD)))
    assert crawler.run(SITEMAP).pages > 1
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)
    site.put("/p000", links())
    crawler.run(SITEMAP)
    assert crawler.mark(SITEMAP)


@pytest.mark.parametrize("status", [500, 503, 403, 404, 304])
def test_a_sitemap_that_cannot_be_had_proves_nothing_and_is_asked_once(
    status: int, site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    site.put("/sitemap.xml", status=status)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt", "/sitemap.xml"]


def test_a_304_has_no_body_and_needs_none(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    words = urlset(site, {"/": OLD, "/a": OLD})
    site.put("/sitemap.xml", words, headers={"etag": '"s"'})
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    bare = Reply(raw=b"HTTP/1.1 304 Not Modified\r\n\r\n")
    site.queue("/sitemap.xml", [bare])
    assert crawler.mark(SITEMAP) == before


def test_a_robots_txt_that_says_something_else_is_a_reason_to_crawl(
    site: Site, crawler: Crawler
) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    site.put("/robots.txt", "User-agent: *\nDisallow: /a\n")
    assert crawler.mark(SITEMAP) != before


def test_a_site_whose_robots_txt_fails_is_asked_nothing_else(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    site.put("/robots.txt", status=503)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt"]


def test_a_site_that_says_wait_is_left_alone(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    crawler.run(SITEMAP)
    site.put("/sitemap.xml", status=429, headers={"retry-after": "600"})
    with pytest.raises(RateLimited):
        crawler.mark(SITEMAP)
    assert crawler.watch.slept_s == []


def test_the_pace_that_a_site_asks_for_is_kept_or_the_site_is_not_asked(
    site: Site, crawler: Crawler
) -> None:
    indexed(site, None)
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 6\n")
    crawler.run(SITEMAP)
    crawler.watch.slept_s.clear()
    assert crawler.mark(SITEMAP)
    assert crawler.watch.slept_s == [6.0, 6.0]
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 25\n")
    with pytest.raises(Unavailable, match="within 20 s"):
        crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt"]


def test_a_sitemap_that_has_moved_to_a_private_address_is_not_called(site: Site) -> None:
    crawler = Crawler(site)
    crawler.watch.names = {"inner.test": [["127.0.0.1"]]}
    two_pages(site)
    allowed = {**SITEMAP, "allow_private": ["127.0.0.1"]}
    crawler.run(allowed)
    site.redirect("/sitemap.xml", site.url("/inner.xml", host="inner.test"))
    site.put("/inner.xml", urlset(site, {"/": OLD, "/a": NEW}))
    with pytest.raises(LiveSyncError, match=r"inner\.test"):
        crawler.mark(allowed)
    assert "/inner.xml" not in site.targets()


def test_sitemaps_that_their_index_dates_are_not_asked_themselves(
    site: Site, crawler: Crawler
) -> None:
    indexed(site, OLD)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt", "/sitemap.xml"]
    site.put("/sitemap.xml", index(site, {"/one.xml": OLD, "/two.xml": NEW}))
    assert crawler.mark(SITEMAP) != before


def test_sitemaps_that_their_index_does_not_date_are_asked_too(
    site: Site, crawler: Crawler
) -> None:
    indexed(site, None)
    crawler.run(SITEMAP)
    before = crawler.mark(SITEMAP)
    assert site.targets() == ["/robots.txt", "/sitemap.xml", "/one.xml", "/two.xml"]
    site.put("/two.xml", urlset(site, {"/a": NEW}))
    assert crawler.mark(SITEMAP) != before


def test_more_sitemaps_than_a_look_can_ask_prove_nothing(site: Site, crawler: Crawler) -> None:
    two_pages(site)
    names = {f"/{n}.xml": None for n in range(20)}
    site.put("/sitemap.xml", index(site, names))
    for name in names:
        site.put(name, urlset(site, {"/": OLD, "/a": OLD}))
    crawler.run(SITEMAP)
    with pytest.raises(Unavailable):
        crawler.mark(SITEMAP)


def test_pages_that_are_only_walked_through_need_no_date(site: Site, crawler: Crawler) -> None:
    two_pages(site, {"/a": OLD})
    crawler.run(SITEMAP, include=["a"])
    assert crawler.mark(SITEMAP, include=["a"])


def test_websites_can_be_asked() -> None:
    assert issubclass(Website, Probes)
