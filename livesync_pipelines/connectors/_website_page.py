"""What a web page says to a crawler. Pure: bytes in, links and wishes out."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lxml import etree

from ._website_url import normalised

MAX_LINKS = 5_000
"""Links taken of one page; an index longer than this should come as a sitemap."""
MAX_HREFS = 50_000
"""Different `href`s looked at to find them."""

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_REFRESH = re.compile(r"\s*+[\d.]++\s*+[;,]\s*+(?:url\s*+=\s*+)?[\"']?([^\"'\s]++)", re.IGNORECASE)
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
    found = _tags(text_of(content, headers.get("content-type", "")))
    base = normalised(found.base, base=url, strip_tracking=False) or url
    wishes = header_wishes(headers.get("x-robots-tag", ""), agent) | found.wishes(agent)
    nofollow = bool(wishes & {"nofollow", "none"})
    canonical = found.canonical
    return Page(
        links=() if nofollow else tuple(_links(found.hrefs, base, url, strip_tracking)),
        canonical=normalised(canonical, base=base, strip_tracking=strip_tracking)
        if canonical
        else None,
        noindex=bool(wishes & {"noindex", "none"}),
        title=" ".join("".join(found.title).split()) or None,
        attributes={name: value for name, value in found.attributes().items() if value},
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


def _links(hrefs: Iterable[str], base: str, url: str, strip_tracking: bool) -> Iterator[str]:
    """Absolute links, the page itself left out."""
    seen = {url}
    for href in hrefs:
        link = normalised(href, base=base, strip_tracking=strip_tracking)
        if link and link not in seen and not is_media(link):
            seen.add(link)
            yield link
            if len(seen) > MAX_LINKS:
                return


def _tags(text: str) -> _Tags:
    found = _Tags()
    if text.strip():
        parser = etree.HTMLParser(target=found, encoding="utf-8", huge_tree=True)
        parser.feed(text.encode("utf-8", "replace"))
        parser.close()
    return found


@dataclass
class _Tags:
    """What the tags of a page say, heard one by one: no tree is built.

    Tree builders are no option here: HTML's rules make them quadratic in the depth of nesting,
    and a megabyte of `<div>` keeps Lexbor busy for minutes, libxml2's tokeniser for a second.
    """

    base: str = ""
    language: str = ""
    canonical: str = ""
    title: list[str] = field(default_factory=list)
    hrefs: dict[str, None] = field(default_factory=dict)
    metas: list[tuple[str, str]] = field(default_factory=list)
    _titles: int = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        match tag:
            case "a" | "area":
                self._link(attributes)
            case "frame" | "iframe":
                self._lead(attributes.get("src", ""))
            case "meta":
                self._meta(attributes)
            case "link":
                if "canonical" in attributes.get("rel", "").lower().split():
                    self.canonical = self.canonical or attributes.get("href", "").strip()
            case "base":
                self.base = self.base or attributes.get("href", "")
            case "html":
                self.language = self.language or attributes.get("lang", "").strip()
            case "title":
                self._titles += 1

    def end(self, tag: str) -> None:
        if tag == "title":
            self._titles += 1

    def data(self, text: str) -> None:
        """Between the first `<title>` and its end the count is one."""
        if self._titles == 1:
            self.title.append(text)

    def close(self) -> None:
        """Nothing to give back: the reader holds what it heard."""

    def wishes(self, agent: str) -> set[str]:
        names = {"robots", agent.partition("/")[0].lower()}
        said = [content for name, content in self.metas if name in names]
        return {wish.strip() for wish in ",".join(said).lower().split(",")}

    def attributes(self) -> dict[str, str]:
        said = (content for name, content in self.metas if name == "description")
        return {"description": " ".join(next(said, "").split()), "language": self.language}

    def _link(self, attributes: Mapping[str, str]) -> None:
        if "nofollow" not in attributes.get("rel", "").lower().split() and "href" in attributes:
            self._lead(attributes["href"])

    def _meta(self, attributes: Mapping[str, str]) -> None:
        name, content = attributes.get("name", "").strip().lower(), attributes.get("content", "")
        if name:
            self.metas.append((name, content))
        refresh = attributes.get("http-equiv", "").lower() == "refresh" and _REFRESH.match(content)
        if refresh:
            self._lead(refresh[1])

    def _lead(self, href: str) -> None:
        if len(self.hrefs) < MAX_HREFS:
            self.hrefs[href] = None
