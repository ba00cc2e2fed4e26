"""HTML: its main content through html-to-markdown, with what the page says about itself."""

from __future__ import annotations

import re
from dataclasses import replace

from html_to_markdown import ConversionOptions, convert
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from .charset import decode
from .html_head import attributes_of, base_of, meta_of, title_of
from .html_page import drop_invisible, main_content
from .html_table import read_through, repeat_cells
from .limits import Job, Reading, Unreadable
from .markdown import one_line

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
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


def read(job: Job) -> Reading:
    found = _META_CHARSET.search(job.content[:4_096])
    charset = job.charset or (found[1].decode() if found else None)
    page = _parsed(decode(job.content, charset))
    meta = meta_of(page)
    attributes = attributes_of(page, meta)
    base = base_of(page, job.url)
    window_title = page.css_first("head title")
    window = one_line(window_title.text()) if window_title else ""
    text = ""
    if page.body is not None:
        text = _markdown(page, main_content(page.body, window), job, base)
    return Reading(text=text, title=title_of(window, meta, text), attributes=attributes)


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
    return (result.content or "").strip()


def _parsed(html: str) -> LexborHTMLParser:
    """Every text is HTML to its parser: it fails only where memory ends."""
    try:
        return LexborHTMLParser(html)
    except SelectolaxError as error:
        reason = "It needs more memory than one file may have."
        raise Unreadable("out_of_memory", reason) from error
