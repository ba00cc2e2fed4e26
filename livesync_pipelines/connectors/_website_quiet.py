"""What a crawl notes of a site's sitemaps, and whether they still prove that nothing has changed.

They prove it where the crawl came to its end without a failure, every page that was kept stands in
a sitemap with a `lastmod` that the page's next change must alter, and neither the sitemaps nor any
robots.txt are other than they were. They are believed for half a day: whoever looks oftener
than that crawls at least once a day all the same, and whoever looks less often crawls every time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.pace import PATIENCE_S

from ._website_robots import Robots
from ._website_sitemap import MAX_BYTES, Named, Read, digest_of, unpacked
from ._website_state import LAST_MODIFIED_AGE_S
from ._website_url import host

BELIEVED = timedelta(hours=12)
MAX_CALLS = 20

_FARTHEST_ZONE = timedelta(hours=12)
"""West of UTC, where a day ends last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Of one crawl. `asked_for` is a digest of what was asked for; `trusted`: an unchanged sitemap
    is believed whatever it dates."""

    began_at: datetime
    asked_for: str
    trusted: bool

    def dates(self, named: Named) -> bool:
        """Whether this `lastmod` would be another one after a change from now on: it is as much
        older as it is coarse."""
        now = min(self.began_at, named.sent_at or self.began_at)
        try:
            moment = datetime.fromisoformat(named.lastmod)
        except ValueError:
            return False
        if moment.tzinfo is None:
            return moment.date() < (now - _FARTHEST_ZONE).date()
        return (now - moment).total_seconds() >= LAST_MODIFIED_AGE_S

    def none(self) -> str:
        """The note of a crawl that proves nothing."""
        return json.dumps({"asked_for": self.asked_for})

    def of(self, sitemaps: Sequence[Read], robots: Mapping[str, str]) -> str:
        """The note of a crawl whose pages all are in these sitemaps. One that an index dates
        needs not be asked itself."""
        asked = [one for one in sitemaps if not (one.named and self.dates(one.named))]
        if len(asked) + len(robots) > MAX_CALLS:
            return self.none()
        return json.dumps(
            {
                "asked_for": self.asked_for,
                "began_at": self.began_at.isoformat(),
                "robots": dict(robots),
                "sitemaps": [[one.url, one.digest, one.etag, one.modified] for one in asked],
            }
        )


def mark_of(note: str | None, *, asked_for: str) -> str | None:
    """A digest of what the noted robots.txt and sitemaps were; None where they prove nothing."""
    noted = json.loads(note or "{}")
    if noted.get("asked_for") != asked_for or "sitemaps" not in noted:
        return None
    sitemaps = [(url, digest) for url, digest, _, _ in noted["sitemaps"]]
    return _mark([*noted["robots"].items(), *sitemaps])


def mark(client: Client, agent: str, note: str | None, *, asked_for: str) -> str:
    """A digest of what the noted robots.txt and sitemaps are now. Raises `Unavailable` where they
    prove nothing, or cannot be had soon; and as a call does."""
    if note is None or mark_of(note, asked_for=asked_for) is None:
        raise Unavailable("the sitemaps do not answer for every page")
    noted = json.loads(note)
    age = client.world.now() - datetime.fromisoformat(noted["began_at"])
    if not timedelta(0) <= age < BELIEVED:
        raise Unavailable("the last crawl is too long ago to believe the sitemaps")
    until_s = client.world.monotonic() + PATIENCE_S
    robots = Robots(client, agent)
    seen = []
    for place in noted["robots"]:
        _in_time(client, f"{place}/", until_s)
        if error := robots.error(f"{place}/"):
            raise error
        seen.append((place, robots.digests[place]))
    for url, digest, etag, modified in noted["sitemaps"]:
        _in_time(client, url, until_s)
        seen.append((url, _digest(client, url, digest, etag=etag, modified=modified)))
    return _mark(seen)


def _mark(seen: Sequence[tuple[str, str]]) -> str:
    return blake2b(json.dumps(seen).encode(), digest_size=16).hexdigest()


def _in_time(client: Client, url: str, until_s: float) -> None:
    """A look is over soon: a site that wants long pauses is left to its crawl."""
    if client.world.monotonic() + client.pause_s(host(url)) > until_s:
        raise Unavailable(f"{host(url)} cannot be asked within {PATIENCE_S:.0f} s", where=url)


def _digest(
    client: Client, url: str, digest: str, *, etag: str | None, modified: str | None
) -> str:
    wanted = {"if-none-match": etag, "if-modified-since": modified}
    conditions = {name: value for name, value in wanted.items() if value}
    answer = client.get(url, headers=conditions, max_bytes=MAX_BYTES)
    if answer.status == 304 and conditions:
        return digest
    if answer.status != 200:
        raise Unavailable(f"the sitemap answered {answer.status}", where=url)
    return digest_of(unpacked(answer.content, where=url))
