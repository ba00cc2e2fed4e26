"""The documents of a feed and the pages that it links to, as the server gives them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from livesync_pipelines.connectors._feeds import Feed, Item, NotAFeed, parse
from livesync_pipelines.connectors.base import listing_table
from livesync_pipelines.model.errors import (
    BadInput,
    Broken,
    ItemFailure,
    OverBudget,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines.net.verdict import BadAnswer

_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class FeedPages:
    """`url` is the feed's own, with user and password where it needs them. `known` says below
    whether it ever worked: a feed that never did has a wrong URL, one that did is broken."""

    client: Client
    url: str = field(repr=False)

    def get(self, url: str, *, known: bool, validators: Mapping[str, str] | None = None) -> Answer:
        """A document of the feed (`url` empty: the first), with status 200, or 304 where
        validators were sent."""
        url = url or self.url
        answer = self.client.get(
            self._with_login(url), headers={"accept": _ACCEPT, **(validators or {})}
        )
        where = f"feed {public(url)}"
        if answer.status in (401, 403):
            raise Reauthorise(
                f"the feed refuses us ({answer.status})",
                hint="Put user and password into the URL: https://${USER}:${PASSWORD}@...",
                where=where,
            )
        if answer.status != 200 and not (answer.status == 304 and validators):
            raise _mistake(known)(
                f"the feed answered {answer.status}", hint="Open the URL in a browser.", where=where
            )
        return answer

    def parsed(self, answer: Answer, *, known: bool) -> Feed:
        kind = answer.headers.get("content-type", "")
        found = parse(answer.content, url=answer.url, content_type=kind)
        if isinstance(found, NotAFeed):
            offers = ", ".join(map(public, found.offers[:3]))
            raise _mistake(known)(
                f"there is no feed, but something of type {kind or 'unknown'}",
                hint=f"This page names as its feeds: {offers}" if offers else "Mend `url`.",
                where=f"feed {public(answer.url)}",
            )
        return found

    def body(self, item: Item, *, lacks: str = "") -> Body:
        """What the feed itself says of an entry. `lacks` says why it is not the linked page."""
        missing = {"full_text": f"missing: {lacks}"} if lacks else {}
        return Body(
            key=item.key,
            version=item.version,
            content=item.content.encode("utf-8", "replace"),
            name="entry.html" if item.media_type.startswith("text/html") else "entry.txt",
            url=item.link or public(self.url),
            media_type=item.media_type,
            title=item.title or None,
            modified_at=item.modified_at,
            attributes={**item.attributes, **missing},
        )

    def linked(self, item: Item) -> Body | ItemFailure:
        """The page that an entry links to. Where there is none to be had, what the feed itself
        says, with a note of it; where it may be had later, a failure, and it is asked for again."""
        if not item.link:
            return self.body(item, lacks="the entry has no link")
        try:
            answer = self.client.get(item.link)
        except (BadAnswer, BadInput) as error:
            return self.body(item, lacks=error.message)
        except OverBudget:
            raise
        except Unavailable as error:
            return ItemFailure(item.key, "unavailable", error.message)
        if answer.status != 200:
            return self.body(item, lacks=f"the page answered {answer.status}")
        path = urlsplit(answer.url).path.rstrip("/")
        return replace(
            self.body(item),
            content=answer.content,
            name=path.rpartition("/")[2] or "index.html",
            media_type=answer.headers.get("content-type"),
        )

    def _with_login(self, url: str) -> str:
        """The URL with the feed's own user and password, if it is on the same server."""
        own, other = urlsplit(self.url), urlsplit(url)
        login, at, server = own.netloc.rpartition("@")
        if (own.scheme, server) != (other.scheme, other.netloc):
            return url
        return other._replace(netloc=f"{login}{at}{server}").geturl()


def listed(
    items: Sequence[Item],
    *,
    bodies: Mapping[str, Body] | None = None,
    failures: tuple[ItemFailure, ...],
    resume: str | None,
    note: str | None,
) -> ListingPage:
    """A page of a listing."""
    return ListingPage(
        entries=listing_table(
            Entry(item.key, item.version, modified_at=item.modified_at, state=item.version)
            for item in items
        ),
        bodies=bodies or {},
        failures=failures,
        resume=resume,
        complete=resume is None,
        note=note,
    )


def public(url: str) -> str:
    """The URL without login and query, which may hold secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _mistake(known: bool) -> type[BadInput | Broken]:
    return Broken if known else BadInput
