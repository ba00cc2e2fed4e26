"""What a web page says to a crawler. Pure: bytes in, links and wishes out."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from ._website_url import normalised

MAX_LINKS = 5_000
"""Links taken of one page; an index longer than this should come as a sitemap."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_REFRESH = re.compile(r"^\s*[\d.]+\s*[;,]\s*(?:url\s*=)?\s*[\"']?([^\"'\s]+)", re.IGNORECASE)
_LINKS = "a[href], area[href], frame[src], iframe[src]"
_MEDIA_NAME = re.compile(
    r"\.(?:png|jpe?g|gif|webp|avif|svg|ico|bmp|tiff?|css|m?js|map|woff2?|ttf|otf|eot|mp[34]|m4[av]"
    r"|mov|avi|mkv|webm|og[gv]|wav|flac|zip|t?gz|bz2|xz|7z|rar|tar|exe|msi|dmg|deb|rpm|iso|jar|whl"
    r"|apk)(?:\?|$)",
    re.IGNORECASE,
)
_DATED_WISHES = ("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview")


@dataclass(frozen=True, slots=True)
class Page:
    """`links` in document order, each once, normalised; `attributes` for a reader of the item."""

    links: tuple[str, ...] = ()
    canonical: str | None = None
    noindex: bool = False
    title: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def read_page(
    content: bytes, *, url: str, headers: Mapping[str, str], agent: str, strip_tracking: bool
) -> Page:
    tree = LexborHTMLParser(text_of(content, headers.get("content-type", "")))
    base = _base(tree, url)
    wishes = header_wishes(headers.get("x-robots-tag", ""), agent) | set(_meta_wishes(tree, agent))
    nofollow = bool(wishes & {"nofollow", "none"})
    links = () if nofollow else tuple(_links(tree, base, url, strip_tracking))
    canonical = _attribute(tree, 'link[rel~="canonical" i][href]', "href")
    return Page(
        links=links,
        canonical=normalised(canonical, base=base, strip_tracking=strip_tracking)
        if canonical
        else None,
        noindex=bool(wishes & {"noindex", "none"}),
        title=_text(tree.css_first("head title") or tree.css_first("title")),
        attributes=_attributes(tree),
    )


def text_of(content: bytes, content_type: str) -> str:
    """Decoded as a browser would: mark, header, `<meta charset>`, UTF-8; never fails."""
    if content.startswith(codecs.BOM_UTF8):
        return content.decode("utf-8-sig", "replace")
    said = _CHARSET.search(content_type)
    meta = _META_CHARSET.search(content[:2_048])
    name = said[1] if said else meta[1].decode("ascii") if meta else "utf-8"
    try:
        return content.decode(name, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def header_wishes(header: str, agent: str) -> set[str]:
    """The directives of `X-Robots-Tag` that concern us: `noindex`, `otherbot: nofollow`."""
    wishes, for_us = set[str](), True
    for part in header.lower().split(","):
        name, colon, rest = (word.strip() for word in part.partition(":"))
        named = bool(colon) and name not in _DATED_WISHES
        if named:
            for_us = name in agent.lower()
        if for_us:
            wishes.add(rest if named else name)
    return wishes


def is_media(url: str) -> bool:
    """Whether a URL is, by its name, nothing to read: pictures, films, styles, archives."""
    return _MEDIA_NAME.search(url) is not None


def _base(tree: LexborHTMLParser, url: str) -> str:
    href = _attribute(tree, "base[href]", "href")
    return (normalised(href, base=url, strip_tracking=False) or url) if href else url


def _meta_wishes(tree: LexborHTMLParser, agent: str) -> Iterator[str]:
    for meta in tree.css("meta[name][content]"):
        name = (meta.attributes.get("name") or "").strip().lower()
        if name == "robots" or (name and name == agent.partition("/")[0].lower()):
            yield from (
                w.strip() for w in (meta.attributes.get("content") or "").lower().split(",")
            )


def _links(tree: LexborHTMLParser, base: str, url: str, strip_tracking: bool) -> Iterator[str]:
    """Absolute links, the page itself and `rel=nofollow` left out."""
    seen = {url}
    for href in _hrefs(tree):
        link = normalised(href, base=base, strip_tracking=strip_tracking)
        if link and link not in seen and not is_media(link):
            seen.add(link)
            yield link
            if len(seen) > MAX_LINKS:
                return


def _hrefs(tree: LexborHTMLParser) -> Iterator[str]:
    for meta in tree.css('meta[http-equiv="refresh" i][content]'):
        found = _REFRESH.match(meta.attributes.get("content") or "")
        if found:
            yield found[1]
    for node in tree.css(_LINKS):
        if "nofollow" not in (node.attributes.get("rel") or "").lower().split():
            yield node.attributes.get("href") or node.attributes.get("src") or ""


def _attributes(tree: LexborHTMLParser) -> dict[str, str]:
    found = {
        "description": _attribute(tree, 'meta[name="description" i][content]', "content"),
        "language": _attribute(tree, "html[lang]", "lang"),
    }
    return {name: value for name, value in found.items() if value}


def _attribute(tree: LexborHTMLParser, selector: str, name: str) -> str | None:
    node = tree.css_first(selector)
    return " ".join((node.attributes.get(name) or "").split()) or None if node else None


def _text(node: LexborNode | None) -> str | None:
    return " ".join(node.text().split()) or None if node else None
