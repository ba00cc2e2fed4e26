"""Sitemaps (sitemaps.org): indexes, gzip and plain text, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from io import BytesIO
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from livesync_pipelines.model.errors import ItemFailure, LiveSyncError, OverBudget
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines.net.decode import GZIP_MAGIC, collect, gunzip
from livesync_pipelines.net.verdict import http_date

from ._website_state import validators
from ._website_url import normalised

MAX_BYTES = 52_428_800
MAX_FILES = 1_000
MAX_DEPTH = 3
MAX_URLS = 50_000
"""Of one file, by the protocol; what follows is not read, and said."""

Kind = Literal["page", "sitemap"]
_ROOTS = ("urlset", "sitemapindex")
_KINDS: dict[str, Kind] = {"url": "page", "sitemap": "sitemap"}


class Unsound(ValueError):
    """A sitemap that cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class Named:
    """A page or a further sitemap that a sitemap names. `lastmod` as it stands there, `sent_at`:
    when the server said so, if it told."""

    kind: Kind
    url: str
    lastmod: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A sitemap that was read to its end. `named`: how its index named it, None for one that no
    index did; `digest` is of what it holds unpacked."""

    url: str
    digest: str
    etag: str | None
    modified: str | None
    named: Named | None


@dataclass
class Sitemaps:
    """Walks sitemaps and the sitemaps that they name. `failures` and `read` fill as `pages` is
    read."""

    client: Client
    strip_tracking: bool
    failures: list[ItemFailure] = field(default_factory=list)
    read: list[Read] = field(default_factory=list)

    def pages(self, sitemaps: list[str]) -> Iterator[Named]:
        """The pages of all sitemaps, their URLs normalised."""
        waiting: list[tuple[str, int, Named | None]]
        waiting, seen = [(url, 0, None) for url in dict.fromkeys(sitemaps)], set(sitemaps)
        while waiting:
            sitemap, depth, named = waiting.pop(0)
            for entry in self._entries(sitemap, named):
                if entry.kind == "page":
                    yield entry
                elif entry.url not in seen and depth < MAX_DEPTH and len(seen) < MAX_FILES:
                    seen.add(entry.url)
                    waiting.append((entry.url, depth + 1, entry))
                elif entry.url not in seen:
                    self._fail(
                        entry.url, "too_many", "Too many sitemaps, or too deep in each other."
                    )

    def _entries(self, sitemap: str, named: Named | None) -> Iterator[Named]:
        try:
            answer = self.client.get(sitemap, max_bytes=MAX_BYTES)
            if answer.status != 200:
                self._fail(sitemap, "not_found", f"The sitemap answered {answer.status}.")
                return
            content = unpacked(answer.content, where=sitemap)
            sent_at = http_date(answer.headers.get("date"))
            for entry in read_sitemap(content):
                tracked = self.strip_tracking and entry.kind == "page"
                url = normalised(entry.url, strip_tracking=tracked)
                if url:
                    yield replace(entry, url=url, sent_at=sent_at)
            self.read.append(_read(sitemap, answer, content, named))
        except OverBudget:
            raise
        except LiveSyncError as error:
            self._fail(sitemap, error.code, error.message)
        except Unsound as error:
            self._fail(sitemap, "malformed", str(error))

    def _fail(self, url: str, code: str, reason: str) -> None:
        self.failures.append(ItemFailure(url, code, reason))


def unpacked(content: bytes, *, where: str) -> bytes:
    """A sitemap may be a gzip file whatever its headers say. Raises as a call does."""
    if not content.startswith(GZIP_MAGIC):
        return content
    return collect(gunzip([content], where=where), max_bytes=MAX_BYTES, where=where)


def digest_of(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def _read(sitemap: str, answer: Answer, content: bytes, named: Named | None) -> Read:
    etag, modified = validators(answer.headers)
    return Read(sitemap, digest_of(content), etag, modified, named)


def read_sitemap(content: bytes) -> Iterator[Named]:
    """What one file names, in order. Raises `Unsound` where it stops making sense."""
    plain = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    entries = _xml(plain) if plain.startswith(b"<") else _lines(plain)
    for count, entry in enumerate(entries):
        if count == MAX_URLS:
            raise Unsound(f"The sitemap names more than {MAX_URLS} URLs.")
        yield entry


def _xml(content: bytes) -> Iterator[Named]:
    """DTDs and entities are refused, and what was read is let go at once. Where it breaks off, the
    last URL counts without its date."""
    open_: list[Element] = []
    said: dict[str, str] = {}
    try:
        for event, element in iterparse(BytesIO(content), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                if not open_ and _name(element) not in _ROOTS:
                    raise Unsound("This is XML, but no sitemap.")
                open_.append(element)
                continue
            open_.pop()
            name = _name(element)
            if open_ and _name(open_[-1]) in _KINDS:
                said[name] = (element.text or "").strip()
            elif name in _KINDS:
                if said.get("loc"):
                    yield Named(_KINDS[name], said["loc"], said.get("lastmod", ""))
                said = {}
            if open_:
                open_[-1].remove(element)
    except (ParseError, DefusedXmlException, LookupError) as error:
        torn = [_KINDS[name] for name in map(_name, open_) if name in _KINDS]
        if torn and said.get("loc"):
            yield Named(torn[-1], said["loc"])
        raise Unsound(f"The sitemap is not sound XML: {type(error).__name__}.") from error


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _lines(content: bytes) -> Iterator[Named]:
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.startswith(("http://", "https://")) and line.strip():
            raise Unsound("This is neither XML nor a list of URLs.")
        yield Named("page", line)
