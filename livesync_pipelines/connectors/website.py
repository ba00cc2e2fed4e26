"""A web site: its pages, found by links and sitemaps, asked for with conditions.

RFC 9309 (robots.txt) and sitemaps.org/protocol, read 2026-11-21 as quoted in design/PLATFORMS.md.
The crawl is in `_website_crawl`, one visit in `_website_visit`; both say what counts as gone.
What spares a crawl is in `_website_quiet`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.client import USER_AGENT, Client
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.world import World

from ._globs import Glob
from ._website_crawl import Crawl
from ._website_frontier import Frontier
from ._website_quiet import Proof, mark, mark_of
from ._website_robots import Robots
from ._website_sitemap import Sitemaps
from ._website_url import Scope, directory, normalised, origin
from ._website_visit import HTML, Visitor
from .base import Connector, FetchLimits, Memory, Options, Remote


def _http(url: str) -> str:
    if normalised(url) is None:
        raise ValueError("give an http:// or https:// URL of at most 2,048 characters")
    if "@" in url.partition("://")[2].partition("/")[0]:
        raise ValueError("a URL with a name or password in it would show them in every key")
    return url


HttpUrl = Annotated[str, AfterValidator(_http)]


class WebsiteConnection(Remote):
    """`sitemap`: true for those that robots.txt names, else `/sitemap.xml`; or their URLs.
    `allow_private`: true, or the hosts that may lie on private addresses. `pause_s`: between two
    calls to one host; robots.txt may ask for more. `width`: calls side by side. `trust_sitemap`:
    unchanged sitemaps mean unchanged pages for half a day, whatever they date or leave out."""

    start: list[HttpUrl] = Field(min_length=1)
    sitemap: bool | list[HttpUrl] = False
    allow_private: bool | list[str] = False
    user_agent: str = Field(default=USER_AGENT, pattern=r"^[\x20-\x7e]{1,200}$")
    pause_s: float = Field(default=0.5, ge=0, le=60)
    width: int = Field(default=2, ge=1, le=16)
    strip_tracking: bool = True
    trust_sitemap: bool = False

    @model_validator(mode="after")
    def _trusts_what_it_reads(self) -> Self:
        if self.trust_sitemap and not self.sitemap:
            raise ValueError("trust_sitemap needs sitemap: true, or the URLs of sitemaps")
        return self


class WebsiteSelection(Options):
    """Globs over the URL's path without its first slash: pages not included are walked through,
    excluded ones are not visited. `scope`: what lies below the folder of each start URL, or its
    whole host, or below these URLs. `depth`: links from a start URL. `media_types` may end
    in `/*`; add `application/pdf` for linked documents."""

    include: list[Glob] = Field(default=["**"], min_length=1)
    exclude: list[Glob] = Field(default=[])
    scope: Literal["prefix", "host"] | list[HttpUrl] = "prefix"
    depth: int = Field(default=5, ge=0, le=100)
    max_pages: int = Field(default=5_000, ge=1, le=1_000_000)
    media_types: list[str] = Field(default=list(HTML), min_length=1)


class Website(Connector):
    """Pages of a web site. A key is the normalised URL that answers 200 with the content.

    A resumed listing begins anew: pages that were kept answer 304.
    """

    spec = PlatformSpec(
        name="website",
        title="Website",
        clock=Clock(granularity_s=1.0, trusted=False),
        absence=Absence.KEPT,
        explicit_deletes=True,
        docs=(
            "https://datatracker.ietf.org/doc/html/rfc9309 (2026-11-21, as quoted in PLATFORMS.md)",
            "https://www.sitemaps.org/protocol.html (2026-11-21, as quoted in PLATFORMS.md)",
        ),
        quirks=(
            "version is a hash of the body: ETag and Last-Modified only save transfers",
            "content that changes under an unchanged ETag is not seen before a full resync",
            "404 and 410 of a known page mean deleted; 5xx, timeouts and 403 mean a failure",
            "a known page that redirects for good is gone when its new place was seen alive; a "
            "temporary redirect is a failure and takes nothing away",
            "robots.txt: any 4xx allows all, 5xx and silence forbid all, and then nothing is gone",
            "a crawl visits every page, whatever lastmod says of it; a page that no link leads to "
            "is visited still",
            "without a crawl, unchanged sitemaps are believed for twelve hours at most, and only "
            "where they give every page a lastmod that is older than the crawl",
            "a soft 404 (an error page with status 200) is a page",
        ),
    )
    Connection = WebsiteConnection
    Selection = WebsiteSelection

    def __init__(
        self,
        connection: WebsiteConnection,
        selection: WebsiteSelection,
        limits: FetchLimits,
        *,
        world: World | None = None,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._connection, self._selection = connection, selection
        self._client = Client(
            allow_private=connection.allow_private,
            timeout_s=limits.timeout_s,
            max_bytes=limits.max_bytes,
            user_agent=connection.user_agent,
            per_host_s=connection.pause_s,
            pacer=limits.pacer,
            tries=limits.tries,
            world=world or World(),
        )
        said = repr((connection, selection)).encode()
        self._asked_for = blake2b(said, digest_size=16).hexdigest()
        self._roots = tuple(dict.fromkeys(map(self._normalised, connection.start)))
        self._robots = Robots(self._client, connection.user_agent)
        self._visitor = Visitor(
            client=self._client,
            scope=self._scope(),
            media_types=tuple(kind.lower() for kind in selection.media_types),
            max_bytes=limits.max_bytes,
        )

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        known = frozenset(memory.keys())
        frontier = Frontier(
            scope=self._visitor.scope,
            robots=self._robots,
            known=known,
            max_depth=self._selection.depth,
            room=max(0, self._selection.max_pages - len(known)),
        )
        named = self._connection.sitemap
        crawl = Crawl(
            visitor=self._visitor,
            frontier=frontier,
            memory=memory,
            roots=self._roots,
            width=self._connection.width,
            follow_roots=isinstance(self._selection.scope, str),
            sitemaps=Sitemaps(self._client, self._connection.strip_tracking) if named else None,
            proof=Proof(
                began_at=self._client.world.now(),
                asked_for=self._asked_for,
                trusted=self._connection.trust_sitemap,
            ),
            named_sitemaps=() if isinstance(named, bool) else tuple(named),
        )
        yield from crawl.pages()

    def probe(self, memory: Memory) -> str:
        """A digest of robots.txt and of the sitemaps, which are not sent again where they are the
        same. Raises `Unavailable` where they cannot prove that no page has changed."""
        agent = self._connection.user_agent
        return mark(self._client, agent, memory.note, asked_for=self._asked_for)

    def mark_of(self, note: str | None) -> str | None:
        return mark_of(note, asked_for=self._asked_for)

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        """A page that robots.txt no longer allows, or that has moved, is a failure here."""
        asked = ((entry.key, self._robots.allows(entry.key)) for entry in entries)
        yield from fan_out(self._fetched, asked, width=self._connection.width)

    def root(self, key: str) -> str:
        return origin(key)

    def close(self) -> None:
        self._client.close()

    def _fetched(self, asked: tuple[str, bool]) -> Body | ItemFailure:
        url, allowed = asked
        if not allowed:
            return ItemFailure(
                url, "disallowed", "robots.txt does not allow it, or is out of reach."
            )
        return self._visitor.fetch(url)

    def _normalised(self, url: str) -> str:
        return normalised(url, strip_tracking=self._connection.strip_tracking) or url

    def _scope(self) -> Scope:
        chosen = self._selection.scope
        if chosen == "prefix":
            prefixes = {directory(root) for root in self._roots}
        elif chosen == "host":
            prefixes = {directory(f"{origin(root)}/") for root in self._roots}
        else:
            prefixes = {self._normalised(url).partition("://")[2] for url in chosen}
        return Scope(
            frozenset(prefixes),
            include=tuple(self._selection.include),
            exclude=tuple(self._selection.exclude),
            strip_tracking=self._connection.strip_tracking,
        )
