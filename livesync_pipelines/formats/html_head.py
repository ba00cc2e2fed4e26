"""What a page says about itself: title, author, dates, address."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from .markdown import one_line

_META_NAMES = {
    "author": "author",
    "article:author": "author",
    "dc.creator": "author",
    "description": "description",
    "og:description": "description",
    "keywords": "keywords",
    "article:published_time": "created",
    "dcterms.created": "created",
    "date": "created",
    "article:modified_time": "modified",
    "last-modified": "modified",
    "og:site_name": "site",
}
_FIRST_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


def base_of(page: LexborHTMLParser, url: str) -> str:
    base = page.css_first("base[href]")
    href = base.attributes.get("href") if base else None
    return href if href and href.startswith("http") else url


def meta_of(page: LexborHTMLParser) -> dict[str, str]:
    """The first value of each name or property, lower case."""
    meta: dict[str, str] = {}
    for node in page.css("meta[content]"):
        name = node.attributes.get("property") or node.attributes.get("name")
        content = one_line(node.attributes.get("content") or "")
        if name and content:
            meta.setdefault(name.lower(), content)
    return meta


def title_of(window: str, meta: dict[str, str], text: str) -> str | None:
    """The only first-level heading; else the first heading, if the window's title begins with it
    and goes on with the name of the site; else what the page gives to those who share it; else
    the window's title."""
    headings = _FIRST_HEADING.findall(text)
    top = [words for level, words in headings if level == "#"]
    if len(top) == 1:
        return str(top[0])
    if headings and window.startswith(headings[0][1]):
        return str(headings[0][1])
    return next(filter(None, (meta.get("og:title"), window, *top)), None)


def attributes_of(page: LexborHTMLParser, meta: dict[str, str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for name, key in _META_NAMES.items():
        if name in meta:
            attributes.setdefault(key, meta[name])
    canonical = page.css_first("link[rel=canonical]")
    if canonical is not None and (href := canonical.attributes.get("href")):
        attributes["canonical"] = href
    html = page.css_first("html")
    if html is not None and (language := html.attributes.get("lang")):
        attributes["language"] = language
    return attributes
