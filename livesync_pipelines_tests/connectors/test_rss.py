"""A feed on a server, with all that servers do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors.base import PAGE_ITEMS, FetchLimits
from livesync_pipelines.connectors.rss import Rss, RssConnection, RssSelection
from livesync_pipelines.model.errors import BadInput, Broken, ItemFailure, Reauthorise, Unavailable
from livesync_pipelines.model.records import Body, Entry, ListingPage

from ..contracts.memory import FakeMemory, all_entries, entries_of
from ..net.site import Reply, Site

KIND = {"content-type": "application/rss+xml"}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def rss(*entries: str, head: str = "") -> str:
    items = "".join(f"<item>{entry}</item>" for entry in entries)
    return (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title>'
        f"{head}{items}</channel></rss>"
    )


def entry(name: str, text: str = "words", link: str = "") -> str:
    return (
        f"<guid isPermaLink='false'>{name}</guid><title>{name}</title>"
        f"<link>{link}</link><description>{text}</description>"
    )


def feed(site: Site, **options: Any) -> closing[Rss]:
    selection = {k: options.pop(k) for k in ("categories", "max_entries") if k in options}
    connection = {"url": site.url("/feed"), "allow_private": True, "pause_s": 0, **options}
    return closing(
        Rss(
            RssConnection.model_validate(connection),
            RssSelection.model_validate(selection),
            FetchLimits(max_bytes=1_000_000, timeout_s=2.0),
        )
    )


def run(site: Site, memory: FakeMemory, **options: Any) -> list[ListingPage]:
    """One run of a sync: list, and keep what was listed."""
    with feed(site, **options) as source:
        pages = list(source.listing(memory))
    memory.keep(pages)
    return pages


def keys(pages: list[ListingPage]) -> list[str]:
    return [e.key for page in pages for e in entries_of(page)]


def answers(site: Site, memory: FakeMemory | None = None, **options: Any) -> dict[str, Any]:
    with feed(site, **options) as source:
        pages = list(source.listing(memory or FakeMemory()))
        return {a.key: a for a in source.fetch(list(all_entries(pages).values()))}


def test_entries_come_with_their_words(site: Site) -> None:
    site.put("/feed", rss(entry("a", "&lt;p&gt;hi&lt;/p&gt;", link="/a"), entry("b")), headers=KIND)
    (page,) = run(site, FakeMemory())
    assert keys([page]) == ["a", "b"]
    assert page.complete
    body = page.bodies["a"]
    assert (body.content, body.title, body.url) == (b"<p>hi</p>", "a", site.url("/a"))
    assert body.version == entries_of(page)[0].version
    assert body.attributes["feed"] == "News"


@pytest.mark.parametrize(
    "validators",
    [{"etag": '"1"'}, {"last-modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, {}],
)
def test_a_feed_that_did_not_change_lists_nothing_and_is_complete(
    site: Site, validators: dict[str, str]
) -> None:
    """Without validators the content itself tells."""
    site.put("/feed", rss(entry("a")), headers=KIND | validators)
    memory = FakeMemory()
    run(site, memory)
    (page,) = run(site, memory)
    assert (keys([page]), page.complete, page.note) == ([], True, None)


def test_a_feed_is_asked_with_its_validators_whether_it_changed(site: Site) -> None:
    site.put("/feed", rss(entry("a")), headers=KIND | {"etag": '"1"'})
    memory = FakeMemory()
    run(site, memory)
    with feed(site) as source:
        first = source.probe(memory)
        assert source.probe(memory) == first
        assert [call.headers.get("if-none-match") for call in site.calls[-2:]] == ['"1"', '"1"']
        site.put("/feed", rss(entry("a"), entry("b")), headers=KIND | {"etag": '"2"'})
        second = source.probe(memory)
    run(site, memory)
    with feed(site) as source:
        assert (second != first, source.probe(memory)) == (True, second)


@pytest.mark.parametrize("options", [{"full_text": True}, {"categories": ["news"]}])
def test_a_feed_of_which_something_is_owed_must_be_read(
    site: Site, options: dict[str, Any]
) -> None:
    site.put("/feed", rss(entry("a")), headers=KIND)
    memory = FakeMemory()
    run(site, memory)
    with feed(site, **options) as source, pytest.raises(Unavailable):
        source.probe(memory)


def test_validators_that_lie_hide_nothing_the_content_shows(site: Site) -> None:
    site.put("/feed", rss(entry("a")), headers=KIND | {"etag": '"1"'})
    memory = FakeMemory()
    run(site, memory)
    site.put("/feed", rss(entry("a"), entry("b")), headers=KIND | {"etag": '"2"'})
    assert keys(run(site, memory)) == ["a", "b"]


def test_another_selection_reads_the_same_feed_again(site: Site) -> None:
    """A kept ETag must not hide what only now was asked for."""
    first = entry("a") + "<category>News</category>"
    site.put("/feed", rss(first, entry("b")), headers=KIND | {"etag": '"1"'})
    memory = FakeMemory()
    assert keys(run(site, memory, categories=["news"])) == ["a"]
    assert keys(run(site, memory)) == ["a", "b"]
    assert keys(run(site, memory, max_entries=1)) == ["a"]


def test_a_feed_that_shrank_or_was_reordered_deletes_nothing(site: Site) -> None:
    site.put("/feed", rss(entry("a"), entry("b"), entry("c")), headers=KIND)
    memory = FakeMemory()
    before = all_entries(run(site, memory))
    site.put("/feed", rss(entry("c"), entry("b")), headers=KIND)
    (page,) = run(site, memory)
    assert page.gone == {}
    assert all(before[e.key] == e for e in entries_of(page))


def test_more_entries_than_a_page_holds_come_in_pages(site: Site) -> None:
    site.put("/feed", rss(*(entry(str(n)) for n in range(PAGE_ITEMS + 2))), headers=KIND)
    first, last = run(site, FakeMemory())
    assert (first.entries.num_rows, last.entries.num_rows) == (PAGE_ITEMS, 2)
    with feed(site) as source:
        assert keys(list(source.listing(FakeMemory(), first.resume))) == keys([last])
    site.put("/feed", rss(entry("new"), entry("0")), headers=KIND)
    with feed(site) as source:
        assert keys(list(source.listing(FakeMemory(), first.resume))) == ["new", "0"]


def older(target: str) -> str:
    return f'<atom:link rel="next" href="{target}"/>'


def test_older_documents_are_read_until_one_brings_nothing_new(site: Site) -> None:
    site.put("/feed", rss(entry("d"), head=older("/2")), headers=KIND)
    site.put("/2", rss(entry("c"), entry("b"), head=older("/3")), headers=KIND)
    site.put("/3", rss(entry("a"), head=older("/feed")), headers=KIND)
    memory = FakeMemory()
    assert keys(run(site, memory)) == ["d", "c", "b", "a"]
    site.put("/feed", rss(entry("e"), entry("d"), head=older("/2")), headers=KIND)
    site.calls.clear()
    assert keys(run(site, memory)) == ["e", "d", "c", "b"]
    assert site.targets() == ["/feed", "/2"]


def test_a_listing_goes_on_at_an_older_document(site: Site) -> None:
    site.put("/feed", rss(entry("b"), head=older("/2")), headers=KIND)
    site.put("/2", rss(entry("a")), headers=KIND)
    first, last = run(site, FakeMemory())
    assert first.note is None
    with feed(site) as source:
        (again,) = source.listing(FakeMemory(), first.resume)
    assert keys([again]) == keys([last]) == ["a"]
    assert again.complete


def test_what_is_older_in_an_older_document_does_not_win(site: Site) -> None:
    site.put("/feed", rss(entry("a", "new"), head=older("/2")), headers=KIND)
    site.put("/2", rss(entry("a", "old"), entry("b")), headers=KIND)
    pages = run(site, FakeMemory())
    assert keys(pages) == ["a", "b"]


def test_a_missing_older_document_costs_a_failure_and_nothing_else(site: Site) -> None:
    site.put("/feed", rss(entry("a"), head=older("/2?token=hush")), headers=KIND)
    first, last = run(site, FakeMemory())
    assert keys([first]) == ["a"]
    assert last.complete
    assert [(f.key, f.code) for f in last.failures] == [(site.url("/2"), "unreadable")]


def test_max_entries_stops_at_the_newest(site: Site) -> None:
    site.put("/feed", rss(entry("c"), entry("b"), head=older("/2")), headers=KIND)
    site.put("/2", rss(entry("a")), headers=KIND)
    assert keys(run(site, FakeMemory(), max_entries=2)) == ["c", "b"]
    assert "/2" not in site.targets()


def test_a_malformed_feed_is_read_and_never_taken_for_settled(site: Site) -> None:
    site.put("/feed", rss(entry("a", "A & B"), entry("b")), headers=KIND | {"etag": '"1"'})
    memory = FakeMemory()
    for _ in range(2):
        (page,) = run(site, memory)
        assert keys([page]) == ["a", "b"]
        assert [(f.key, f.code) for f in page.failures] == [(site.url("/feed"), "malformed")]


def test_a_page_instead_of_a_feed_is_bad_input_and_later_broken(site: Site) -> None:
    site.put("/feed", '<html><head><link rel="alternate" type="application/rss+xml" href="/real">')
    with pytest.raises(BadInput) as caught:
        run(site, FakeMemory())
    assert site.url("/real") in caught.value.hint
    with pytest.raises(Broken):
        run(site, FakeMemory(keys=["a"]))


@pytest.mark.parametrize(
    ("status", "kind"), [(404, BadInput), (410, BadInput), (401, Reauthorise), (403, Reauthorise)]
)
def test_a_refusal_is_no_empty_feed(site: Site, status: int, kind: type[Exception]) -> None:
    site.put("/feed", "no", status=status)
    with pytest.raises(kind, match=str(status)):
        run(site, FakeMemory())


def test_a_login_goes_with_every_document_and_shows_nowhere(site: Site) -> None:
    site.put("/feed", rss(entry("a"), head=older("/2")), headers=KIND)
    site.put("/2", rss(entry("b")), headers=KIND)
    url = site.url("/feed?key=hush").replace("http://", "http://ada:hunter2@")
    site.put("/feed?key=hush", rss(entry("a"), head=older("/2")), headers=KIND)
    with feed(site, url=url) as source:
        pages = list(source.listing(FakeMemory()))
        shown = repr((source.connection, pages, pages[0].resume, pages[-1].note))
    assert [call.headers["authorization"] for call in site.calls] == ["Basic YWRhOmh1bnRlcjI="] * 2
    assert "hunter2" not in shown
    assert "hush" not in shown


def test_what_is_fetched_by_key_is_what_the_feed_shows(site: Site) -> None:
    site.put("/feed", rss(entry("a", "one")), headers=KIND)
    with feed(site) as source:
        there, gone = source.fetch([Entry("a", "v"), Entry("z", "v")])
    assert isinstance(there, Body)
    assert there.content == b"one"
    assert isinstance(gone, ItemFailure)
    assert gone.code == "vanished"


def test_full_text_is_the_page_that_an_entry_links_to(site: Site) -> None:
    site.put("/feed", rss(entry("a", "short", link="/pages/a.html")), headers=KIND)
    site.put("/pages/a.html", "<p>long</p>")
    found = answers(site, full_text=True)["a"]
    assert (found.content, found.name, found.title) == (b"<p>long</p>", "a.html", "a")
    assert (found.media_type, found.url) == (
        "text/html; charset=utf-8",
        site.url("/pages/a.html"),
    )


def test_a_page_that_cannot_be_had_leaves_what_the_feed_says(site: Site) -> None:
    links = {"gone": "/nowhere", "none": "", "odd": "mailto:x@y", "loop": "/loop"}
    site.put("/feed", rss(*(entry(k, "short", link=v) for k, v in links.items())), headers=KIND)
    site.redirect("/loop", "/loop")
    found = answers(site, full_text=True)
    assert {
        k: (b.content, b.attributes["full_text"].partition(":")[0]) for k, b in found.items()
    } == dict.fromkeys(links, (b"short", "missing"))
    assert "404" in found["gone"].attributes["full_text"]


def test_a_page_that_may_be_had_later_is_a_failure_and_listed_again(site: Site) -> None:
    site.put("/feed", rss(entry("a", link="/a")), headers=KIND | {"etag": '"1"'})
    site.queue("/a", [Reply(status=429, headers={"retry-after": "3000"})])
    memory = FakeMemory()
    failed = answers(site, memory, full_text=True)["a"]
    assert isinstance(failed, ItemFailure)
    assert failed.code == "unavailable"
    assert keys(run(site, memory, full_text=True)) == ["a"]
    assert keys(run(site, memory, full_text=True)) == ["a"]


def test_a_private_address_is_not_called_unless_allowed(site: Site) -> None:
    site.put("/feed", rss(entry("a")), headers=KIND)
    with pytest.raises(BadInput):
        run(site, FakeMemory(), allow_private=False)
    assert keys(run(site, FakeMemory(), allow_private=["127.0.0.1"])) == ["a"]
    assert len(site.calls) == 1


def test_a_note_is_plain_json_without_the_url(site: Site) -> None:
    site.put("/feed", rss(entry("a")), headers=KIND | {"etag": '"1"'})
    (page,) = run(site, FakeMemory())
    assert set(json.loads(page.note or "")) == {"asked_for", "digest", "etag"}


def test_settings_are_checked_at_the_door() -> None:
    for wrong in ({"url": ""}, {"url": "x", "pause_s": -1}, {"url": "x", "colour": 1}, {}):
        with pytest.raises(ValidationError):
            RssConnection.model_validate(wrong)
    with pytest.raises(ValidationError):
        RssSelection(max_entries=0)
