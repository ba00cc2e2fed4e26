from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.connectors.website import Website, WebsiteConnection
from livesync_pipelines.model.errors import BadInput, ItemFailure, RateLimited, Unavailable
from livesync_pipelines.model.records import Body, Entry
from livesync_pipelines_tests.net.site import Reply, Site

from .website_runs import Crawler, Kept, links

OLD = "Sat, 03 Jan 2026 10:00:00 GMT"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


@pytest.fixture
def crawler(site: Site) -> Crawler:
    return Crawler(site)


def small_site(site: Site) -> None:
    site.put("/", links("/a", "b/"), headers={"etag": '"root"'})
    site.put("/a", links("/"), headers={"etag": '"a"', "last-modified": OLD})
    site.put("/b/", links("../a#part", "c?x=1"))
    site.put("/b/c?x=1", links(words="leaf"))


def test_a_site_is_walked_along_its_links(site: Site, crawler: Crawler) -> None:
    small_site(site)
    seen = crawler.run()
    assert crawler.paths(seen) == ["/", "/a", "/b/", "/b/c?x=1"]
    assert seen.complete
    assert not seen.failures
    assert set(seen.bodies) == set(seen.versions) == set(seen.wrote)
    assert sorted(site.targets()) == ["/", "/a", "/b/", "/b/c?x=1", "/robots.txt"]


def test_of_a_slow_site_what_was_found_is_handed_over_after_ten_seconds(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links(*[f"/{n}" for n in range(8)]))
    for n in range(8):
        site.put(f"/{n}", links())
    found: dict[int, list[int]] = {}
    for pause_s in (0, 4):
        website = crawler.website({"pause_s": pause_s, "width": 1})
        found[pause_s] = [len(page.entries) for page in website.listing(Kept())]
        website.close()
    assert found[0] == [9]
    assert sum(found[4]) == 9
    assert max(found[4]) <= 4


def test_a_body_says_where_it_is_and_what_it_calls_itself(site: Site, crawler: Crawler) -> None:
    head = '<title> The\n Page </title><meta name="description" content="Of words">'
    site.put("/", f'<html lang="en">{links(head=head)}', headers={"last-modified": OLD})
    body = crawler.run().bodies[site.url("/")]
    assert (body.title, body.url, body.name) == ("The Page", site.url("/"), "index.html")
    assert body.media_type == "text/html; charset=utf-8"
    assert body.attributes == {"description": "Of words", "language": "en"}
    assert body.modified_at is not None
    assert body.modified_at.isoformat() == "2026-01-03T10:00:00+00:00"


def test_an_unchanged_site_brings_no_body_and_writes_nothing(site: Site, crawler: Crawler) -> None:
    small_site(site)
    first, second = crawler.run(), crawler.run()
    assert second.versions == first.versions
    assert (second.bodies, second.wrote, second.gone) == ({}, [], {})
    asked = {c.target: c.headers for c in site.calls[5:]}
    assert asked["/a"]["if-none-match"] == '"a"'
    assert asked["/a"]["if-modified-since"] == OLD


def test_links_of_a_page_that_answers_304_are_remembered(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    crawler.kept.items = {site.url("/"): crawler.kept.items[site.url("/")]}
    assert crawler.paths(crawler.run()) == ["/", "/a", "/b/", "/b/c?x=1"]


def test_a_changed_page_comes_with_its_body_and_no_other_does(site: Site, crawler: Crawler) -> None:
    small_site(site)
    first = crawler.run()
    site.put("/a", links("/", words="new"), headers={"etag": '"a2"'})
    second = crawler.run()
    assert list(second.bodies) == second.wrote == [site.url("/a")]
    assert second.bodies[site.url("/a")].version == second.versions[site.url("/a")]
    assert second.versions[site.url("/a")] != first.versions[site.url("/a")]


def test_an_etag_that_lies_about_a_change_changes_no_version(site: Site, crawler: Crawler) -> None:
    site.put("/", links(), headers={"etag": '"1"'})
    first = crawler.run()
    for etag in ('"2"', '"3"'):
        site.put("/", links(), headers={"etag": etag})
        again = crawler.run()
        assert (again.versions, again.bodies) == (first.versions, {})


def test_a_server_that_lies_about_changes_each_time_is_written_about_twice_at_most(
    site: Site, crawler: Crawler
) -> None:
    wrote = []
    for n in range(6):
        site.put("/", links(), headers={"etag": f'"{n}"'})
        wrote.append(len(crawler.run().wrote))
    assert wrote == [1, 1, 1, 0, 0, 0]


def test_a_last_modified_as_young_as_its_answer_is_no_validator(
    site: Site, crawler: Crawler
) -> None:
    """Within its one second the page may change again, and nothing would show it."""
    site.put("/", links(), headers={"last-modified": "Fri, 21 Nov 2036 10:00:00 GMT"})
    crawler.run()
    crawler.run()
    assert "if-modified-since" not in site.calls[-1].headers


def test_a_change_under_the_same_etag_is_seen_by_a_full_resync_only(
    site: Site, crawler: Crawler
) -> None:
    """Known limit: the server says 304, and there is no way to know better."""
    site.put("/", links(), headers={"etag": '"1"'})
    first = crawler.run()
    site.put("/", links(words="other"), headers={"etag": '"1"'})
    assert crawler.run().versions == first.versions
    crawler.kept.items = {}
    assert crawler.run().versions != first.versions


def test_a_304_to_nothing_is_a_failure(site: Site, crawler: Crawler) -> None:
    site.put("/", status=304)
    seen = crawler.run()
    assert seen.failures == {site.url("/"): "bad_answer"}


# --- gone, and what is not ---------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_a_known_page_that_answers_404_or_410_is_deleted(
    status: int, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/a", status=status)
    seen = crawler.run()
    assert seen.gone == {site.url("/a"): "deleted"}
    assert not seen.failures


def test_a_broken_link_to_a_page_never_known_is_nothing(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/nowhere"))
    seen = crawler.run()
    assert (crawler.paths(seen), seen.gone, seen.failures) == (["/"], {}, {})


@pytest.mark.parametrize("status", [500, 503, 403, 401, 418])
def test_a_page_that_fails_is_a_failure_and_never_gone(
    status: int, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/a", status=status)
    seen = crawler.run()
    assert seen.gone == {}
    assert list(seen.failures) == [site.url("/a")]
    assert crawler.paths(seen) == ["/", "/b/", "/b/c?x=1"]


def test_a_page_cut_short_is_a_failure_and_keeps_its_version(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    site.queue("/a", [Reply(raw=b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n<p>ha")])
    seen = crawler.run()
    assert seen.failures == {site.url("/a"): "unavailable"}
    assert site.url("/a") not in seen.bodies


def test_a_page_over_the_limit_is_a_failure(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/big", "/bomb"))
    site.put("/big", b"w" * 200_001)
    site.put("/bomb", gzip.compress(b"w" * 9_000_000), headers={"content-encoding": "gzip"})
    assert crawler.run().failures == {site.url("/big"): "too_large", site.url("/bomb"): "too_large"}


def test_a_page_that_nobody_links_to_any_more_stays(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    site.put("/", links("/b/"))
    site.put("/b/", links("c?x=1"))
    seen = crawler.run()
    assert site.url("/a") in seen.versions
    assert seen.gone == {}


def test_a_known_page_beyond_a_new_scope_is_out_of_scope_and_not_visited(
    site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.calls.clear()
    seen = crawler.run(exclude=["b"])
    assert seen.gone == {site.url("/b/"): "out_of_scope", site.url("/b/c?x=1"): "out_of_scope"}
    assert sorted(site.targets()) == ["/", "/a", "/robots.txt"]


def test_a_wider_selection_finds_links_that_were_passed_by(site: Site, crawler: Crawler) -> None:
    """Pages that would answer 304 are read again: their remembered links knew another scope."""
    small_site(site)
    assert crawler.paths(crawler.run(exclude=["b"])) == ["/", "/a"]
    assert crawler.paths(crawler.run()) == ["/", "/a", "/b/", "/b/c?x=1"]


# --- redirects and canonical links -------------------------------------------------------


def test_a_redirect_leads_to_the_item_at_its_end(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/old", "/older"))
    site.redirect("/older", "/old", 301)
    site.redirect("/old", "/new", 302)
    site.put("/new", links())
    seen = crawler.run()
    assert crawler.paths(seen) == ["/", "/new"]
    assert (seen.gone, seen.failures) == ({}, {})


@pytest.mark.parametrize("status", [301, 308])
def test_a_known_page_that_redirects_for_good_has_moved(
    status: int, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.redirect("/a", "/a2", status)
    site.put("/a2", links())
    seen = crawler.run()
    assert seen.gone == {site.url("/a"): "moved"}
    assert site.url("/a2") in seen.bodies


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_temporary_redirect_takes_nothing_away(status: int, site: Site, crawler: Crawler) -> None:
    """A login wall or a maintenance page must not empty a capsule."""
    small_site(site)
    crawler.run()
    site.redirect("/a", "/login", status)
    site.put("/login", links())
    seen = crawler.run()
    assert (seen.gone, seen.failures) == ({}, {site.url("/a"): "moved"})


@pytest.mark.parametrize(
    ("target", "status", "gone", "failed"),
    [
        ("/missing", 404, "deleted", False),
        ("/broken", 500, None, True),
        ("/a", 200, None, True),
        ("http://elsewhere.invalid/", 200, "out_of_scope", False),
    ],
)
def test_a_move_is_believed_as_far_as_its_end_can_be_seen(
    target: str, status: int, gone: str | None, failed: bool, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put(target, status=status)
    site.redirect("/a", target, 301)
    seen = crawler.run()
    assert seen.gone.get(site.url("/a")) == gone
    assert (site.url("/a") in seen.failures) is failed


def test_a_circle_of_redirects_is_a_failure_of_a_known_page(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    site.redirect("/a", "/a2", 301)
    site.redirect("/a2", "/a", 301)
    assert crawler.run().failures == {site.url("/a"): "moved"}


def test_an_endless_chain_of_redirects_ends(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/r0"))
    for n in range(50):
        site.redirect(f"/r{n}", f"/r{n + 1}", 301)
    crawler.run()
    assert len(site.calls) == 13


def test_a_canonical_link_names_the_item(site: Site, crawler: Crawler) -> None:
    canonical = '<link rel="canonical" href="/real">'
    site.put("/", links("/copy?a=1", "/copy?a=2"))
    site.put("/copy?a=1", links("/deeper", head=canonical))
    site.put("/copy?a=2", links(head=canonical))
    site.put("/real", links(head=canonical))
    site.put("/deeper", links())
    seen = crawler.run()
    assert crawler.paths(seen) == ["/", "/deeper", "/real"]


def test_a_known_page_that_names_another_as_canonical_has_moved(
    site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/a", links(head='<link rel="canonical" href="/real">'))
    site.put("/real", links())
    seen = crawler.run()
    assert seen.gone == {site.url("/a"): "moved"}
    assert site.url("/real") in seen.bodies


@pytest.mark.parametrize("status", [404, 500, 302])
def test_a_canonical_link_that_fails_is_not_believed(
    status: int, site: Site, crawler: Crawler
) -> None:
    canonical = '<link rel="canonical" href="/real">'
    site.put("/", links("/copy"))
    site.put("/copy", links(head=canonical), headers={"etag": '"c"'})
    site.put("/real", status=status, headers={"location": "/"})
    first, second = crawler.run(), crawler.run()
    assert crawler.paths(first) == crawler.paths(second) == ["/", "/copy"]
    assert (second.bodies, second.wrote, second.gone) == ({}, [], {})


def test_two_pages_that_name_each_other_as_canonical_are_both_kept(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links("/a", "/b"))
    site.put("/a", links(head='<link rel="canonical" href="/b">'))
    site.put("/b", links(head='<link rel="canonical" href="/a">'))
    assert crawler.paths(crawler.run()) == ["/", "/a", "/b"]


def test_a_canonical_link_out_of_the_selection_is_not_followed(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links(head='<link rel="canonical" href="http://elsewhere.invalid/">'))
    assert crawler.paths(crawler.run()) == ["/"]


def test_a_start_url_takes_its_scope_along_when_it_redirects_within_the_site(
    site: Site, crawler: Crawler
) -> None:
    site.redirect("/docs/", "/manual/en/", 302)
    site.put("/manual/en/", links("a"))
    site.put("/manual/en/a", links("/manual/other"))
    seen = crawler.run({"start": [site.url("/docs/")]})
    assert crawler.paths(seen) == ["/manual/en/", "/manual/en/a"]
    assert seen.complete


def test_a_start_url_that_leads_to_another_site_is_a_failure(site: Site, crawler: Crawler) -> None:
    site.redirect("/", "http://elsewhere.invalid/", 301)
    seen = crawler.run()
    assert seen.failures == {site.url("/"): "moved"}
    assert not seen.complete


# --- robots ------------------------------------------------------------------------------


def test_robots_txt_is_obeyed(site: Site, crawler: Crawler) -> None:
    small_site(site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /b/\nAllow: /b/c\n")
    assert crawler.paths(crawler.run()) == ["/", "/a"]
    assert "/b/" not in site.targets()


def test_robots_txt_rules_for_us_by_name_win(site: Site, crawler: Crawler) -> None:
    small_site(site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n\nUser-agent: livesync\nDisallow: /a\n")
    assert crawler.paths(crawler.run()) == ["/", "/b/", "/b/c?x=1"]


def test_a_known_page_that_robots_txt_forbids_is_out_of_scope(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    site.put("/robots.txt", "User-agent: *\nDisallow: /a\n")
    assert crawler.run().gone == {site.url("/a"): "out_of_scope"}


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_robots_txt_that_is_not_there_allows_all(
    status: int, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n", status=status)
    assert len(crawler.run().versions) == 4


@pytest.mark.parametrize("status", [500, 503])
def test_a_robots_txt_that_fails_forbids_all_and_takes_nothing_away(
    status: int, site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/robots.txt", status=status)
    site.calls.clear()
    with pytest.raises(Unavailable, match=r"robots\.txt"):
        crawler.run()
    assert set(site.targets()) == {"/robots.txt"}


def test_one_of_two_sites_without_its_robots_txt_blinds_that_site_only(
    site: Site, crawler: Crawler
) -> None:
    with Site() as second:
        second.put("/", links())
        start = {"start": [site.url("/"), second.url("/")]}
        small_site(site)
        crawler.run(start)
        second.put("/robots.txt", status=500)
        seen = crawler.run(start)
        assert len(seen.versions) == 4
        assert seen.failures == {second.url("/robots.txt"): "unavailable"}
        assert seen.blind == (second.url("/"),)
        assert not seen.complete
        assert seen.gone == {}


def test_a_start_url_that_robots_txt_forbids_is_a_failure(site: Site, crawler: Crawler) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    seen = crawler.run()
    assert seen.failures == {site.url("/"): "not_selected"}
    assert not seen.complete


def test_a_crawl_delay_is_kept(site: Site, crawler: Crawler) -> None:
    small_site(site)
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 7\n")
    crawler.run()
    assert crawler.watch.slept_s == [7, 7, 7]


def test_an_absurd_crawl_delay_is_kept_up_to_half_a_minute(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/a"))
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 86400\n")
    crawler.run()
    assert crawler.watch.slept_s == [30]


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        ('<meta name="robots" content="noindex">', {}),
        ('<META NAME="Robots" CONTENT="NoIndex, noarchive">', {}),
        ('<meta name="LiveSync" content="noindex">', {}),
        ("", {"x-robots-tag": "noarchive, noindex"}),
        ("", {"x-robots-tag": "livesync: noindex"}),
        ("", {"x-robots-tag": "otherbot: nofollow, livesync: noindex"}),
    ],
)
def test_noindex_is_no_item_but_leads_on(
    head: str, headers: dict[str, str], site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/b/", links("c?x=1", "/b/new", head=head), headers=headers)
    site.put("/b/new", links())
    seen = crawler.run()
    assert seen.gone == {site.url("/b/"): "out_of_scope"}
    assert crawler.paths(seen) == ["/", "/a", "/b/c?x=1", "/b/new"]


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        (
            '<meta name="robots" content="noindex">',
            {"x-robots-tag": "unavailable_after: 2099-01-01"},
        ),
        ("", {"x-robots-tag": "otherbot: noindex, nofollow"}),
        ('<meta name="otherbot" content="noindex">', {}),
    ],
)
def test_wishes_to_others_are_not_ours(
    head: str, headers: dict[str, str], site: Site, crawler: Crawler
) -> None:
    site.put("/", links("/a", head=head if "otherbot" in head else ""), headers=headers)
    site.put("/a", links())
    assert crawler.paths(crawler.run()) == ["/", "/a"]


def test_nofollow_is_an_item_that_leads_nowhere(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/a", head='<meta name="robots" content="nofollow">'))
    site.put("/a", links())
    assert crawler.paths(crawler.run()) == ["/"]


def test_a_nofollow_link_is_not_followed(site: Site, crawler: Crawler) -> None:
    site.put("/", '<a href="/a" rel="external nofollow">x</a>')
    site.put("/a", links())
    assert crawler.paths(crawler.run()) == ["/"]


# --- sitemaps ----------------------------------------------------------------------------


def urlset(*urls: str) -> str:
    locs = "".join(f"<url><loc>{u}</loc><lastmod>2026-01-01</lastmod></url>" for u in urls)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locs}</urlset>'


def sitemapindex(*urls: str) -> str:
    locs = "".join(f"<sitemap><loc>{u}</loc></sitemap>" for u in urls)
    return (
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locs}</sitemapindex>'
    )


def lonely_pages(site: Site) -> None:
    for target in ("/", "/one", "/two"):
        site.put(target, links())


SITEMAP = {"sitemap": True}


def test_a_sitemap_shows_pages_that_no_link_does(site: Site, crawler: Crawler) -> None:
    lonely_pages(site)
    site.put("/sitemap.xml", urlset(site.url("/one"), "http://elsewhere.invalid/"))
    seen = crawler.run(SITEMAP)
    assert crawler.paths(seen) == ["/", "/one"]
    assert seen.complete


def test_robots_txt_names_sitemaps_and_they_name_others_packed_or_plain(
    site: Site, crawler: Crawler
) -> None:
    lonely_pages(site)
    site.put("/robots.txt", f"Sitemap: {site.url('/index.xml')}\n")
    site.put("/index.xml", sitemapindex(site.url("/m.xml.gz"), site.url("/m.txt")))
    site.put("/m.xml.gz", gzip.compress(urlset(site.url("/one")).encode()))
    site.put("/m.txt", f"{site.url('/two')}\n")
    assert crawler.paths(crawler.run(SITEMAP)) == ["/", "/one", "/two"]
    assert "/sitemap.xml" not in site.targets()


def test_sitemaps_can_be_named(site: Site, crawler: Crawler) -> None:
    lonely_pages(site)
    site.put("/mine.xml", urlset(site.url("/two")))
    assert crawler.paths(crawler.run({"sitemap": [site.url("/mine.xml")]})) == ["/", "/two"]


def test_sitemaps_that_name_each_other_are_read_once(site: Site, crawler: Crawler) -> None:
    lonely_pages(site)
    site.put("/sitemap.xml", sitemapindex(site.url("/sitemap.xml"), site.url("/other.xml")))
    site.put("/other.xml", sitemapindex(site.url("/sitemap.xml")))
    assert crawler.run(SITEMAP).complete
    assert site.targets().count("/sitemap.xml") == 1


BILLION = (
    '<!DOCTYPE z [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
)
OUTSIDER = '<!DOCTYPE z [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>'


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (BILLION, 200, "malformed"),
        (OUTSIDER, 200, "malformed"),
        ("<urlset><url>", 200, "malformed"),
        ("<html><p>no sitemap<br></html>", 200, "malformed"),
        ("", 404, "not_found"),
        ("", 500, "unavailable"),
        (gzip.compress(b"<urlset>" + b" " * 60_000_000), 200, "too_large"),
        (gzip.compress(b"<urlset>" * 100)[:-12], 200, "unavailable"),
    ],
    ids=["billion", "outsider", "cut", "html", "missing", "failing", "bomb", "torn"],
)
def test_a_sitemap_that_cannot_be_read_leaves_the_listing_incomplete(
    body: str | bytes, status: int, code: str, site: Site, crawler: Crawler
) -> None:
    lonely_pages(site)
    site.put("/sitemap.xml", body, status=status)
    seen = crawler.run(SITEMAP)
    assert seen.failures == {site.url("/sitemap.xml"): code}
    assert not seen.complete
    assert crawler.paths(seen) == ["/"]


def test_what_a_broken_sitemap_names_before_it_breaks_is_visited(
    site: Site, crawler: Crawler
) -> None:
    lonely_pages(site)
    site.put("/sitemap.xml", urlset(site.url("/one"))[:-12])
    seen = crawler.run(SITEMAP)
    assert crawler.paths(seen) == ["/", "/one"]
    assert not seen.complete


# --- what is selected --------------------------------------------------------------------


def test_by_default_only_what_lies_below_the_start_is_visited(site: Site, crawler: Crawler) -> None:
    site.put("/docs/start", links("a", "/blog", "/docs/b/c", "/docsother"))
    for target in ("/docs/a", "/blog", "/docs/b/c", "/docsother"):
        site.put(target, links())
    start = {"start": [site.url("/docs/start")]}
    assert crawler.paths(crawler.run(start)) == ["/docs/a", "/docs/b/c", "/docs/start"]
    assert "/blog" in crawler.paths(crawler.run(start, scope="host"))
    chosen = crawler.run(start, scope=[site.url("/docs/start"), site.url("/blog")])
    assert crawler.paths(chosen) == ["/blog", "/docs/start"]


def test_pages_that_are_not_included_are_walked_through(site: Site, crawler: Crawler) -> None:
    small_site(site)
    assert crawler.paths(crawler.run(include=["b/*"])) == ["/b/", "/b/c?x=1"]


def test_a_page_no_longer_included_is_out_of_scope(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.run()
    assert crawler.run(include=["b/**"]).gone == {
        site.url("/"): "out_of_scope",
        site.url("/a"): "out_of_scope",
    }


def test_only_chosen_media_types_are_items(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/doc.pdf", "/data", "/pic.png", "/app.zip"))
    site.put("/doc.pdf", b"%PDF-1.7", headers={"content-type": "application/pdf"})
    site.put("/data", b"{}", headers={"content-type": "application/json"})
    assert crawler.paths(crawler.run()) == ["/"]
    seen = crawler.run(media_types=["text/html", "application/pdf"])
    assert crawler.paths(seen) == ["/", "/doc.pdf"]
    assert seen.bodies[site.url("/doc.pdf")].name == "doc.pdf"
    assert {"/pic.png", "/app.zip"}.isdisjoint(site.targets())


def test_links_that_are_no_pages_are_not_visited(site: Site, crawler: Crawler) -> None:
    long = "/" + "x" * 3000
    site.put("/", links("mailto:a@b", "javascript:go()", "tel:1", "data:,x", "#top", "", long,
                        "http://[broken/", "http://h:99999/", "ftp://h/"))  # fmt: skip
    seen = crawler.run()
    assert (crawler.paths(seen), seen.failures) == (["/"], {})
    assert site.targets() == ["/robots.txt", "/"]


def test_base_frames_and_refreshes_are_followed(site: Site, crawler: Crawler) -> None:
    head = '<base href="/deep/"><meta http-equiv="Refresh" content="0; URL=next">'
    site.put("/", links("a", head=head) + '<iframe src="framed"></iframe>')
    for target in ("/deep/a", "/deep/next", "/deep/framed"):
        site.put(target, links())
    assert crawler.paths(crawler.run()) == ["/", "/deep/a", "/deep/framed", "/deep/next"]


def test_the_depth_is_counted_in_links(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/1"))
    for n in range(1, 9):
        site.put(f"/{n}", links(f"/{n + 1}"))
    assert crawler.paths(crawler.run(depth=0)) == ["/"]
    assert crawler.paths(crawler.run(depth=3)) == ["/", "/1", "/2", "/3"]


def test_an_endless_calendar_ends_at_max_pages_and_that_is_said(
    site: Site, crawler: Crawler
) -> None:
    for n in range(200):
        site.put("/" if n == 0 else f"/day?n={n}", links(f"/day?n={n + 1}", f"/day?n={n + 2}"))
    seen = crawler.run(depth=100, max_pages=120)
    assert len(seen.versions) == 120
    assert seen.pages == 3
    assert seen.failures == {f"{site.url('/')}#max_pages": "too_many"}
    assert not seen.complete


def test_known_pages_are_visited_even_when_there_are_more_than_max_pages(
    site: Site, crawler: Crawler
) -> None:
    small_site(site)
    crawler.run()
    site.put("/", links("/a", "b/", "/new"))
    site.put("/new", links())
    assert crawler.paths(crawler.run(max_pages=2)) == ["/", "/a", "/b/", "/b/c?x=1"]


def test_one_page_under_many_spellings_is_one_item(site: Site, crawler: Crawler) -> None:
    host = site.url("").replace("127.0.0.1", "LOCALHOST")
    site.put(
        "/", links("/%7Euser", "/~user", "/x/../~user#a", f"{host}/~user?utm_source=n", "/~user?")
    )
    site.put("/~user", links())
    seen = crawler.run({"start": [site.url("/", host="LocalHost")]})
    assert sorted(seen.versions) == [site.url("/", "localhost"), site.url("/~user", "localhost")]


# --- safety and bad days -----------------------------------------------------------------


def test_a_private_start_url_is_refused_unless_allowed(site: Site, crawler: Crawler) -> None:
    with pytest.raises(BadInput, match="public internet") as told:
        crawler.run({"allow_private": False})
    assert "allow_private" in told.value.hint
    assert site.calls == []


def test_links_and_redirects_to_private_hosts_are_not_called(site: Site, crawler: Crawler) -> None:
    inside = Site()
    with inside:
        inside.put("/x", links())
        crawler.watch.names = {"public.example": [["127.0.0.1"]]}
        site.put("/", links("/r", inside.url("/x")))
        site.redirect("/r", inside.url("/x"), 302)
        options: dict[str, Any] = {
            "start": [site.url("/", "public.example")],
            "allow_private": ["public.example"],
        }
        seen = crawler.run(options, scope=[site.url("/", "public.example"), inside.url("/")])
        assert inside.calls == []
        assert list(seen.versions) == [site.url("/", "public.example")]
        assert seen.failures == {inside.url("/robots.txt"): "refused_address"}


def test_a_start_url_with_a_password_is_bad_input() -> None:
    with pytest.raises(ValidationError, match="name or password"):
        WebsiteConnection(start=["https://ann:s3cret@example.com/"])
    with pytest.raises(ValidationError, match="http"):
        WebsiteConnection(start=["ftp://example.com/"])


def test_one_limited_page_is_a_failure_and_a_limited_site_ends_the_run(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links("/1", "/2", "/3", "/4"))
    for n in range(1, 5):
        site.put(f"/{n}", links())
    site.put("/2", status=429)
    assert crawler.run().failures == {site.url("/2"): "rate_limited"}
    for n in range(1, 5):
        site.put(f"/{n}", status=429, headers={"retry-after": "99"})
    with pytest.raises(RateLimited) as told:
        crawler.run()
    assert told.value.after_s == 99


def test_a_site_that_goes_down_ends_the_run_and_what_was_seen_is_kept(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links("/fine", *(f"/{n}" for n in range(60))))
    site.put("/fine", links())
    for n in range(60):
        site.put(f"/{n}", status=500)
    with pytest.raises(Unavailable):
        crawler.run()
    assert sorted(crawler.kept.items) == [site.url("/"), site.url("/fine")]
    assert len(site.calls) < 100


def test_a_missing_start_url_is_said(site: Site, crawler: Crawler) -> None:
    seen = crawler.run()
    assert seen.failures == {site.url("/"): "not_found"}
    assert not seen.complete


def test_pages_come_in_bounded_pieces_and_only_the_last_ends_the_listing(
    site: Site, crawler: Crawler
) -> None:
    site.put("/", links(*(f"/{n}" for n in range(119))))
    for n in range(119):
        site.put(f"/{n}", links())
    website = crawler.website()
    pages = list(website.listing(crawler.kept))
    website.close()
    assert [len(page.entries) for page in pages] == [50, 50, 20]
    assert [page.resume is None for page in pages] == [False, False, True]
    assert [page.complete for page in pages] == [False, False, True]


def test_a_reader_that_stops_early_leaves_nothing_running(site: Site, crawler: Crawler) -> None:
    site.put("/", links(*(f"/{n}" for n in range(119))))
    for n in range(119):
        site.put(f"/{n}", links())
    website = crawler.website()
    listing = website.listing(crawler.kept)
    next(listing)
    del listing
    website.close()
    assert len(site.calls) < 119


def test_single_pages_can_be_fetched_again(site: Site, crawler: Crawler) -> None:
    small_site(site)
    listed = crawler.run()
    site.put("/gone", status=404)
    site.redirect("/moved", "/a", 301)
    site.put("/robots.txt", "User-agent: *\nDisallow: /b/\n")
    website = crawler.website()
    keys = [site.url(t) for t in ("/a", "/gone", "/moved", "/b/")]
    answers = list(website.fetch([Entry(key=key, version="?") for key in keys]))
    website.close()
    body, *failures = answers
    assert isinstance(body, Body)
    assert body.version == listed.versions[body.key]
    assert [f.code for f in failures if isinstance(f, ItemFailure)] == [
        "not_found",
        "moved",
        "disallowed",
    ]


def test_a_state_of_another_time_is_forgotten(site: Site, crawler: Crawler) -> None:
    small_site(site)
    crawler.kept.items = {site.url("/a"): "{not json", site.url("/b/"): "[1]"}
    assert len(crawler.run().bodies) == 4


def test_the_spec_says_what_the_listing_does() -> None:
    assert issubclass(Website, Connector)
    assert Website.spec.explicit_deletes
    assert not Website.spec.ordered
    assert all("2026-11-21" in page for page in Website.spec.docs)


def test_known_pages_deeper_than_the_depth_are_visited_still(site: Site, crawler: Crawler) -> None:
    site.put("/", links("/1"))
    for n in range(1, 5):
        site.put(f"/{n}", links(f"/{n + 1}"))
    crawler.run(depth=3)
    seen = crawler.run(depth=1)
    assert crawler.paths(seen) == ["/", "/1", "/2", "/3"]
    assert seen.gone == {}
