"""HTML: the main content as Markdown, with the title and what the page says about itself."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from .charset import decode
from .html_main import main_content
from .html_markdown import Writer
from .html_tree import tree
from .limits import Job, Reading
from .markdown import joined, one_line

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
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
_FIRST_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


def read(job: Job) -> Reading:
    found = _META_CHARSET.search(job.content[:4_096])
    page = LexborHTMLParser(
        decode(job.content, job.charset or (found[1].decode() if found else None))
    )
    meta = _meta(page)
    text = joined(Writer(job.limits, _base(page, job.url)).blocks(main_content(tree(page))))
    return Reading(text=text, title=_title(page, meta, text), attributes=_attributes(page, meta))


def fragment(html: str, job: Job, base: str = "") -> str:
    """All of a page or mail that has no chrome."""
    return joined(Writer(job.limits, base).blocks(tree(LexborHTMLParser(html)).body))


def _base(page: LexborHTMLParser, url: str) -> str:
    base = page.css_first("base[href]")
    href = base.attributes.get("href") if base else None
    return href if href and href.startswith("http") else url


def _meta(page: LexborHTMLParser) -> dict[str, str]:
    """The first value of each name or property, lower case."""
    meta: dict[str, str] = {}
    for node in page.css("meta[content]"):
        name = node.attributes.get("property") or node.attributes.get("name")
        content = one_line(node.attributes.get("content") or "")
        if name and content:
            meta.setdefault(name.lower(), content)
    return meta


def _title(page: LexborHTMLParser, meta: dict[str, str], text: str) -> str | None:
    """The only first-level heading, else what the page gives to those who share it, else its
    window's title (which often names the site too)."""
    headings = _FIRST_HEADING.findall(text)
    if len(headings) == 1:
        return str(headings[0])
    node = page.css_first("head title")
    titles = (meta.get("og:title"), one_line(node.text()) if node else None, *headings)
    return next((title for title in titles if title), None)


def _attributes(page: LexborHTMLParser, meta: dict[str, str]) -> dict[str, str]:
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
