"""From the bytes of a feed, however broken, to its items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.connectors._feeds import Feed, Item, NotAFeed, parse

URL = "https://h.example/feed/x.xml"
RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
 xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>News &amp;amp; views</title><link>https://h.example/</link>{}</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://base.example/x/">
<title>News</title><updated>2026-01-01T00:00:00Z</updated>{}</feed>"""


def feed(text: str | bytes, content_type: str = "application/xml") -> Feed:
    content = text.encode() if isinstance(text, str) else text
    found = parse(content, url=URL, content_type=content_type)
    assert isinstance(found, Feed)
    return found


def rss(*entries: str) -> Feed:
    return feed(RSS.format("".join(f"<item>{entry}</item>" for entry in entries)))


def atom(*entries: str) -> Feed:
    return feed(ATOM.format("".join(f"<entry>{entry}</entry>" for entry in entries)))


def one(found: Feed) -> Item:
    (item,) = found.items
    return item


def test_an_rss_item_is_read_whole() -> None:
    item = one(
        rss(
            "<guid isPermaLink='false'>g1</guid><title>Fish &amp;amp; chips</title><link>a/b</link>"
            "<description>short</description><content:encoded><![CDATA[<p>long <a href='q'>l</a>"
            "]]></content:encoded><pubDate>Sat, 21 Nov 26 01:02:03 +0100</pubDate>"
            "<category>x</category><category>y</category><dc:creator>Ada</dc:creator>"
        )
    )
    assert (item.key, item.title, item.link) == (
        "g1",
        "Fish & chips",
        "https://h.example/feed/a/b",
    )
    assert 'href="https://h.example/feed/q"' in item.content
    assert item.media_type == "text/html; charset=utf-8"
    assert item.modified_at == datetime(2026, 11, 21, 0, 2, 3, tzinfo=UTC)
    assert item.attributes == {"author": "Ada", "categories": "x, y", "feed": "News & views"}


def test_an_atom_entry_is_read_whole() -> None:
    item = one(
        atom(
            "<id>urn:1</id><title type='html'>A &lt;i&gt;b&lt;/i&gt; 1 &amp;lt; 2</title>"
            "<link href='a'/><updated>2026-01-02T00:00:00Z</updated>"
            "<published>2025-01-01T00:00:00Z</published>"
            "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>x <a href='z'>z</a>"
            "</p></div></content>"
        )
    )
    assert (item.key, item.title, item.link) == ("urn:1", "A b 1 < 2", "https://base.example/x/a")
    assert 'href="https://base.example/x/z"' in item.content
    assert item.modified_at == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "key"),
    [
        ("<guid> g </guid><link>https://x/1</link>", "g"),
        ("<guid isPermaLink='false'>17</guid>", "17"),
        ("<guid>https://x/2</guid><link>https://x/1</link>", "https://x/2"),
        ("<link>https://x/1</link><title>t</title>", "https://x/1"),
    ],
)
def test_the_key_is_the_id_else_the_link(entry: str, key: str) -> None:
    assert one(rss(entry)).key == key


def test_without_id_and_link_the_key_is_title_and_date_else_the_text() -> None:
    dated = "<title>t</title><pubDate>Sat, 21 Nov 2026 00:00:00 GMT</pubDate>"
    first, later = rss(dated), rss(dated + "<description>more</description>")
    assert one(first).key == one(later).key
    assert one(first).version != one(later).version
    assert (
        one(rss("<description>a</description>")).key != one(rss("<description>b</description>")).key
    )


def test_an_id_that_makes_a_bad_key_is_hashed() -> None:
    long, odd = rss(f"<guid>{'x' * 3000}</guid>"), rss("<guid>a\nb</guid>")
    assert all(one(found).key.startswith("entry:") for found in (long, odd))


@pytest.mark.parametrize(
    "touch",
    [
        "<pubDate>Sun, 22 Nov 2026 00:00:00 GMT</pubDate>",
        "<comments>https://x/9</comments>",
    ],
)
def test_a_version_tells_words_and_not_dates(touch: str) -> None:
    base = "<guid>1</guid><title>t</title><description>d</description>"
    assert one(rss(base)).version == one(rss(base + touch)).version
    assert one(rss(base)).version != one(rss(base.replace(">d<", ">e<"))).version
    assert one(rss(base)).version != one(rss(base.replace(">t<", ">u<"))).version


def test_of_two_entries_with_one_id_the_newest_counts() -> None:
    old = "<id>1</id><title>old</title><updated>2026-01-01T00:00:00Z</updated>"
    new = "<id>1</id><title>new</title><updated>2026-01-02T00:00:00Z</updated>"
    undated = "<id>1</id><title>undated</title>"
    assert one(atom(old, new)).title == one(atom(new, old)).title == "new"
    assert one(atom(old, undated)).title == "old"


def test_text_without_markup_stays_text() -> None:
    plain = one(rss("<guid>1</guid><description>two\nlines</description>"))
    assert (plain.content, plain.media_type) == ("two\nlines", "text/plain; charset=utf-8")
    not_html = one(atom("<id>1</id><summary>a &lt;b&gt; c</summary>"))
    assert (not_html.content, not_html.media_type) == ("a <b> c", "text/plain; charset=utf-8")
    assert one(rss("<guid>1</guid>")).content == ""


def test_a_link_that_cannot_be_called_is_none() -> None:
    assert one(rss("<guid>urn:1</guid><link>javascript:alert(1)</link>")).link == ""


def test_older_documents_are_named() -> None:
    paged = feed(
        RSS.format('<atom:link rel="next" href="/feed?page=2"/><item><guid>1</guid></item>')
    )
    assert paged.older == "https://h.example/feed?page=2"
    archived = feed(ATOM.format('<link rel="prev-archive" href="a/1"/><entry><id>1</id></entry>'))
    assert archived.older == "https://base.example/x/a/1"
    assert rss().older is None


def test_a_feed_that_is_not_well_formed_is_read_and_said_to_be() -> None:
    found = rss("<guid>1</guid><title>A & B</title>", "<guid>2</guid>")
    assert [item.key for item in found.items] == ["1", "2"]
    assert found.complaint == "the feed is not well-formed, it was read as far as possible"


@pytest.mark.parametrize("keeps", [0.5, 0.7, 0.9])
def test_half_an_entry_never_replaces_a_whole_one(keeps: float) -> None:
    entries = [
        f"<guid>{n}</guid><title>t</title><description>{'w ' * 99}</description>" for n in range(9)
    ]
    whole = rss(*entries)
    text = RSS.format("".join(f"<item>{entry}</item>" for entry in entries))
    torn = feed(text[: int(len(text) * keeps)])
    assert torn.complaint == "the feed breaks off in the middle, its last entry was left out"
    assert 0 < len(torn.items) < 9
    assert (
        set(torn.items) <= set(whole.items) if False else all(i in whole.items for i in torn.items)
    )


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/html; charset=latin-1", "", "nonsense"]
)
def test_a_wrong_content_type_is_no_complaint(content_type: str) -> None:
    found = feed(RSS.format("<item><guid>1</guid></item>"), content_type)
    assert (len(found.items), found.complaint) == (1, None)


def test_an_encoding_in_the_document_is_followed() -> None:
    text = RSS.replace("utf-8", "windows-1252").format("<item><title>café</title></item>")
    assert one(feed(text.encode("cp1252"))).title == "café"


@pytest.mark.parametrize(
    "text", ["", "hello", "<html><body>no feed</body></html>", '{"json": true}', "<a/>"]
)
def test_something_else_is_not_an_empty_feed(text: str) -> None:
    assert parse(text.encode(), url=URL, content_type="text/html") == NotAFeed()


def test_a_page_that_links_to_its_feed_offers_it() -> None:
    page = (
        '<html><head><link rel="alternate" type="application/rss+xml" href="/f.xml"></head></html>'
    )
    assert parse(page.encode(), url=URL, content_type="text/html") == NotAFeed(
        ("https://h.example/f.xml",)
    )


def test_a_file_name_is_not_opened(tmp_path: Path) -> None:
    """feedparser opens a string that names a file."""
    file = tmp_path / "feed.xml"
    file.write_text(RSS.format("<item><guid>1</guid></item>"))
    assert parse(str(file).encode(), url=URL, content_type="") == NotAFeed()


_TAGS = ["item", "entry", "guid", "title", "link", "description", "content", "channel", "rss"]
_ODD = [
    *["&", "&#0;", "&#xD800;", "<![CDATA[", "]]>", "<!DOCTYPE x [", "<!--", "\x00", "é"],
    *["<link href='//[bad'/>", "http://[::1", "<a href='http://[x'>", "<content type='x'>"],
    *["<pubDate>99</pubDate>", "<pubDate>Sat, 31 Feb 0000 25:61:61 Z</pubDate>", "<category/>"],
    *["<dc:date>10000-01-01</dc:date>", "<pubDate>Mon, 01 Jan 0001 00:00:00 +2300</pubDate>"],
    *["<guid>1</guid>", "<guid>http://[x</guid>", "<link>//[x</link>"],
]
_PIECES = st.lists(
    st.sampled_from([*_ODD, *(f"<{tag}>" for tag in _TAGS), *(f"</{tag}>" for tag in _TAGS)]),
    max_size=25,
)


@given(_PIECES)
def test_no_feed_is_too_broken_to_be_judged(pieces: list[str]) -> None:
    found = parse(RSS.format("".join(pieces)).encode(), url=URL, content_type="text/xml")
    keys = [item.key for item in found.items] if isinstance(found, Feed) else []
    assert len(set(keys)) == len(keys)
    assert all(key and "\0" not in key for key in keys)
