"""HTML: its main content through html-to-markdown, and what the page says about itself."""

from __future__ import annotations

import re
from dataclasses import replace

from html_to_markdown import ConversionOptions, convert
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from .charset import decode
from .html_page import drop_invisible, main_content
from .html_table import read_through, repeat_cells
from .limits import Job, Reading, Unreadable
from .markdown import one_line

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
_OPTIONS = ConversionOptions(
    bullets="-",
    compact_tables=True,
    br_in_tables=True,
    hidden_content="reachable",
    highlight_style="none",
    expand_abbreviations=False,
    extract_metadata=False,
    autolinks=False,
)
_NO_LINKS = "a:not([href]), a[href=''], a[href^='#'], a[href^='javascript:'], a[href^='data:']"
_NO_ABSOLUTE_LINKS = "a:not([href^='http:'], [href^='https:'], [href^='mailto:'], [href^='tel:'])"
_FIRST_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


def read(job: Job) -> Reading:
    found = _META_CHARSET.search(job.content[:4_096])
    charset = job.charset or (found[1].decode() if found else None)
    page = _parsed(decode(job.content, charset))
    meta = _meta(page)
    attributes = _attributes(page, meta)
    base = _base(page, job.url)
    window_title = page.css_first("head title")
    window = one_line(window_title.text()) if window_title else ""
    text = ""
    if page.body is not None:
        text = _markdown(page, main_content(page.body, window), job, base)
    return Reading(text=text, title=_title(window, meta, text), attributes=attributes)


def fragment(html: str, job: Job, base: str = "") -> str:
    """All of a page or mail that has no chrome."""
    page = _parsed(html)
    if page.body is None:
        return ""
    drop_invisible(page.body)
    return _markdown(page, page.body, job, base)


def _markdown(page: LexborHTMLParser, root: LexborNode, job: Job, base: str) -> str:
    """Of what is nested too deeply for the converter, the bare words."""
    read_through(page, root)
    repeat_cells(root, job.limits)
    for image in root.css("img"):
        image.replace_with(image.attributes.get("alt") or "")
    for link in root.css(_NO_LINKS if base.startswith("http") else _NO_ABSOLUTE_LINKS):
        link.unwrap()
    result = convert(root.html or "", replace(_OPTIONS, base_url=base or None))
    if result.warnings:
        return root.text(separator="\n")
    return result.content.strip()


def _parsed(html: str) -> LexborHTMLParser:
    """Every text is HTML to its parser: it fails only where memory ends."""
    try:
        return LexborHTMLParser(html)
    except SelectolaxError as error:
        reason = "It needs more memory than one file may have."
        raise Unreadable("out_of_memory", reason) from error


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


def _title(window: str, meta: dict[str, str], text: str) -> str | None:
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
