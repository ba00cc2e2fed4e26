"""Sitemaps (sitemaps.org): indexes, gzip and plain text, whoever wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Literal
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from livesync_pipelines.model.errors import ItemFailure, LiveSyncError, OverBudget
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.decode import GZIP_MAGIC, collect, gunzip

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


@dataclass
class Sitemaps:
    """Walks sitemaps and the sitemaps that they name. `failures` fills as `urls` is read."""

    client: Client
    strip_tracking: bool
    failures: list[ItemFailure] = field(default_factory=list)

    def urls(self, sitemaps: list[str]) -> Iterator[str]:
        """The pages of all sitemaps, normalised; lastmod is not believed and not read."""
        waiting, seen = [(url, 0) for url in dict.fromkeys(sitemaps)], set(sitemaps)
        while waiting:
            sitemap, depth = waiting.pop(0)
            for kind, url in self._entries(sitemap):
                if kind == "page":
                    yield url
                elif url not in seen and depth < MAX_DEPTH and len(seen) < MAX_FILES:
                    seen.add(url)
                    waiting.append((url, depth + 1))
                elif url not in seen:
                    self._fail(url, "too_many", "Too many sitemaps, or too deep in each other.")

    def _entries(self, sitemap: str) -> Iterator[tuple[Kind, str]]:
        try:
            answer = self.client.get(sitemap, max_bytes=MAX_BYTES)
            if answer.status != 200:
                self._fail(sitemap, "not_found", f"The sitemap answered {answer.status}.")
                return
            for kind, text in read_sitemap(answer.content, where=sitemap):
                url = normalised(text, strip_tracking=self.strip_tracking and kind == "page")
                if url:
                    yield kind, url
        except OverBudget:
            raise
        except LiveSyncError as error:
            self._fail(sitemap, error.code, error.message)
        except Unsound as error:
            self._fail(sitemap, "malformed", str(error))

    def _fail(self, url: str, code: str, reason: str) -> None:
        self.failures.append(ItemFailure(url, code, reason))


def read_sitemap(content: bytes, *, where: str) -> Iterator[tuple[Kind, str]]:
    """What one file names, in order. Raises `Unsound` where it stops making sense."""
    if content.startswith(GZIP_MAGIC):
        content = collect(gunzip([content], where=where), max_bytes=MAX_BYTES, where=where)
    plain = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    entries = _xml(plain) if plain.startswith(b"<") else _lines(plain)
    for count, entry in enumerate(entries):
        if count == MAX_URLS:
            raise Unsound(f"The sitemap names more than {MAX_URLS} URLs.")
        yield entry


def _xml(content: bytes) -> Iterator[tuple[Kind, str]]:
    """DTDs and entities are refused, and what was read is let go at once."""
    open_: list[Element] = []
    try:
        for event, element in iterparse(BytesIO(content), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                if not open_ and _name(element) not in _ROOTS:
                    raise Unsound("This is XML, but no sitemap.")
                open_.append(element)
                continue
            open_.pop()
            kind = _KINDS.get(_name(open_[-1])) if open_ else None
            if kind and _name(element) == "loc" and element.text:
                yield kind, element.text
            if open_:
                open_[-1].remove(element)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise Unsound(f"The sitemap is not sound XML: {type(error).__name__}.") from error


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _lines(content: bytes) -> Iterator[tuple[Kind, str]]:
    for line in content.decode("utf-8", "replace").splitlines():
        if not line.startswith(("http://", "https://")) and line.strip():
            raise Unsound("This is neither XML nor a list of URLs.")
        yield "page", line
