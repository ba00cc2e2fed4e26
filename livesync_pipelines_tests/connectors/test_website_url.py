from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.connectors._website_page import header_wishes, is_media, read_page, text_of
from livesync_pipelines.connectors._website_url import Scope, directory, normalised

SAME = [
    ("HTTP://Example.COM:80/a", "http://example.com/a"),
    ("https://example.com:443", "https://example.com/"),
    ("https://example.com:8443/", "https://example.com:8443/"),
    ("http://example.com./a", "http://example.com/a"),
    ("http://ann:pw@example.com/a#part", "http://example.com/a"),
    ("http://example.com/a/./b/../c", "http://example.com/a/c"),
    ("http://example.com/../../a/..", "http://example.com/"),
    ("http://example.com/a//b", "http://example.com/a//b"),
    ("http://example.com/%7euser/%e4%b8%ad%2f", "http://example.com/~user/%E4%B8%AD%2F"),
    ("http://example.com/%FF", "http://example.com/%FF"),
    ("http://example.com/ü b", "http://example.com/%C3%BC%20b"),
    ("http://example.com/100%", "http://example.com/100%25"),
    ("http://example.com/a?", "http://example.com/a"),
    ("http://example.com/a?b=2&a=1&b", "http://example.com/a?b=2&a=1&b"),
    ("http://example.com/a?utm_source=x&b=1&fbclid=2", "http://example.com/a?b=1"),
    ("http://example.com/a;jsessionid=12AB?b=1", "http://example.com/a?b=1"),
    ("http://münchen.example/", "http://xn--mnchen-3ya.example/"),
    ("http://[::1]:80/a", "http://[::1]/a"),
    (" http://exa\nmple.com/a\t ", "http://example.com/a"),
    ("http:\\\\example.com\\a", None),
    ("http://example.com/docs\\a", "http://example.com/docs/a"),
    ("mailto:a@b", None),
    ("javascript:void(0)", None),
    ("//example.com/a", None),
    ("http://", None),
    ("http://exa%41mple.com/", None),
    ("http://[::1/", None),
    ("http://a:99999/", None),
    ("http://\ud800/", None),
    ("http://a/\ud800", None),
    ("http://a/" + "x" * 3000, None),
    ("http://a/" + "ü" * 1000, None),
]


@pytest.mark.parametrize(("url", "spelling"), SAME)
def test_a_url_has_one_spelling(url: str, spelling: str | None) -> None:
    assert normalised(url) == spelling


def test_a_link_is_read_from_its_page() -> None:
    base = "https://example.com/docs/page?x=1"
    found = {href: normalised(href, base=base) for href in ("a", "/a", "../b", "//h/c", "?y", "")}
    assert found == {
        "a": "https://example.com/docs/a",
        "/a": "https://example.com/a",
        "../b": "https://example.com/b",
        "//h/c": "https://h/c",
        "?y": "https://example.com/docs/page?y",
        "": base,
    }


def test_tracking_parameters_can_be_left_alone() -> None:
    url = "http://example.com/a?utm_source=x"
    assert normalised(url, strip_tracking=False) == url


@given(st.text(), st.text(alphabet="/.%?#&=aZ~é\\:@ 47eE", max_size=40))
def test_a_spelling_is_its_own_spelling(host: str, rest: str) -> None:
    for url in (f"http://example.com/{rest}", f"http://{host}/{rest}"):
        found = normalised(url)
        assert found is None or normalised(found) == found


def test_a_directory_is_what_lies_beside_and_below() -> None:
    assert directory("https://example.com/") == "example.com/"
    assert directory("https://example.com/docs") == "example.com/"
    assert directory("https://example.com/docs/a?b=/c") == "example.com/docs/"


def test_a_scope_is_the_same_under_http_and_https_and_ends_at_its_host() -> None:
    scope = Scope(frozenset({"example.com/"}))
    assert scope.reaches("http://example.com/a")
    assert scope.reaches("https://example.com/a")
    assert not scope.reaches("https://example.com.evil.example/")
    assert not scope.reaches("https://evil.example/example.com/")
    assert not scope.reaches("https://example.com:8443/")


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("é".encode(), "text/html", "é"),
        ("é".encode("latin-1"), "text/html; charset=ISO-8859-1", "é"),
        (b'<meta charset="windows-1251">' + "я".encode("cp1251"), "", "я"),
        (b"\xef\xbb\xbf" + "é".encode(), "text/html; charset=latin-1", "é"),
        ("é".encode(), "text/html; charset=klingon", "é"),
        ("é".encode(), "text/html; charset=rot13", "é"),
        (b"\xff", "text/html", "\ufffd"),
    ],
)
def test_a_page_is_decoded_as_a_browser_would(content: bytes, content_type: str, text: str) -> None:
    assert text_of(content, content_type).endswith(text)


def test_wishes_in_a_header_may_be_for_somebody_else() -> None:
    agent = "LiveSync/0.1 (x)"
    assert header_wishes("noindex, nofollow", agent) == {"noindex", "nofollow"}
    assert header_wishes("googlebot: noindex", agent) == set()
    assert header_wishes("googlebot: none, livesync: noindex", agent) == {"noindex"}


def test_pictures_and_archives_are_known_by_name() -> None:
    assert is_media("http://a/b.PNG?x=1")
    assert not is_media("http://a.zip/b")
    assert not is_media("http://a/b.pdf")


@pytest.mark.parametrize(
    "content",
    [
        b"<div>" * 200_000,
        b"<a href=x>" * 100_000,
        b"<table><tr><td>" * 50_000,
        b"<b><i><a href=x><p>" * 20_000,
        b"<meta http-equiv=refresh content='0;" + b" " * 500_000 + b"'>",
        b"<!--" * 200_000,
    ],
    ids=["divs", "anchors", "tables", "formatting", "refresh", "comments"],
)
def test_no_page_keeps_a_crawl_busy_for_long(content: bytes) -> None:
    """A tree builder needs minutes for the first of these."""
    began_s = process_time()
    read_page(content, url="http://a/", headers={}, agent="LiveSync", strip_tracking=True)
    assert process_time() - began_s < 5


@given(st.binary(max_size=2000))
def test_no_page_is_too_strange_to_read(content: bytes) -> None:
    for page in (content, b"<a href='" + content + b"'><title>" + content):
        read_page(page, url="http://a/", headers={}, agent="LiveSync", strip_tracking=True)
