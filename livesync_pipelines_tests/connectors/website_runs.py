"""A crawl of a real site on loopback, and the memory that one crawl leaves to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.website import Website, WebsiteConnection, WebsiteSelection
from livesync_pipelines.model.records import Body, ListingPage
from livesync_pipelines_tests.net.site import Site, Watch

LIMITS = FetchLimits(timeout_s=2, max_bytes=200_000)


def links(*hrefs: str, head: str = "", words: str = "words") -> str:
    anchors = "".join(f'<a href="{href}">x</a>' for href in hrefs)
    return f"<html><head>{head}</head><body><p>{words}</p>{anchors}</body></html>"


class Kept:
    """What the engine keeps between runs: states by key, written only where they came."""

    def __init__(self) -> None:
        self.items: dict[str, str] = {}
        self.note: str | None = None

    def states(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {key: self.items[key] for key in keys if key in self.items}

    def keys(self) -> Iterator[str]:
        return iter(sorted(self.items))


@dataclass
class Seen:
    """A whole listing in one piece. `wrote` are the keys whose state came anew."""

    versions: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    wrote: list[str] = field(default_factory=list)
    blind: tuple[str, ...] = ()
    complete: bool = False
    pages: int = 0

    def add(self, page: ListingPage, kept: Kept) -> None:
        for row in page.entries.to_pylist():
            assert row["key"] not in self.versions, "listed twice"
            self.versions[row["key"]] = row["version"]
            if row["state"] is not None:
                self.wrote.append(row["key"])
                kept.items[row["key"]] = row["state"]
        self.bodies |= page.bodies
        self.gone |= page.gone
        self.failures |= {failure.key: failure.code for failure in page.failures}
        self.blind += page.blind
        self.complete = page.complete
        self.pages += 1
        kept.note = kept.note if page.note is None else page.note
        assert not self.gone.keys() & (self.versions.keys() | self.failures.keys())


class Crawler:
    """Crawls `site` again and again, each time as a new connector, without waiting."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.kept = Kept()
        self.watch = Watch()

    def website(
        self,
        connection: Mapping[str, Any] | None = None,
        *,
        limits: FetchLimits = LIMITS,
        **selection: Any,
    ) -> Website:
        options = {"start": [self.site.url("/")], "allow_private": True, "pause_s": 0}
        return Website(
            WebsiteConnection.model_validate(options | dict(connection or {})),
            WebsiteSelection.model_validate(selection),
            limits,
            world=self.watch.world(),
        )

    def run(self, connection: Mapping[str, Any] | None = None, **selection: Any) -> Seen:
        """One listing; what it learned is kept only when it comes to its end."""
        website, seen = self.website(connection, **selection), Seen()
        try:
            for page in website.listing(self.kept):
                seen.add(page, self.kept)
        finally:
            website.close()
        for key in seen.gone:
            del self.kept.items[key]
        return seen

    def mark(self, connection: Mapping[str, Any] | None = None, **selection: Any) -> str:
        """What a look says, which tries once; what it called is in the site's calls alone."""
        self.site.calls.clear()
        website = self.website(connection, limits=replace(LIMITS, tries=1), **selection)
        try:
            return website.probe(self.kept)
        finally:
            website.close()

    def paths(self, seen: Seen) -> list[str]:
        return sorted(key.removeprefix(self.site.url("")) for key in seen.versions)
