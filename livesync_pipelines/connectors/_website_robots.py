"""robots.txt, one per origin, read once a run (RFC 9309)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from protego import Protego

from livesync_pipelines.model.errors import LiveSyncError, OverBudget, Unavailable
from livesync_pipelines.net.client import Client

from ._website_url import host, origin

MAX_BYTES = 5_000_000
MAX_CRAWL_DELAY_S = 30.0


@dataclass
class Robots:
    """Asked by one thread. A host whose robots.txt cannot be had is closed for this run: `errors`
    says why, by origin."""

    client: Client
    agent: str
    errors: dict[str, LiveSyncError] = field(default_factory=dict)
    _read: dict[str, Protego | None] = field(default_factory=dict)
    _digests: dict[str, str] = field(default_factory=dict)

    @property
    def digests(self) -> Mapping[str, str]:
        """Of every robots.txt that was had, by origin; one that is not there is an empty one."""
        return self._digests

    def allows(self, url: str) -> bool:
        rules = self._rules(url)
        return rules is not None and rules.can_fetch(url, self.agent)

    def error(self, url: str) -> LiveSyncError | None:
        """Why nothing is known of the URL's origin, or None."""
        self._rules(url)
        return self.errors.get(origin(url))

    def sitemaps(self, url: str) -> list[str]:
        """The sitemaps that the URL's origin names."""
        rules = self._rules(url)
        return list(rules.sitemaps) if rules else []

    def _rules(self, url: str) -> Protego | None:
        place = origin(url)
        if place not in self._read:
            self._read[place] = self._ask(place)
        return self._read[place]

    def _ask(self, place: str) -> Protego | None:
        try:
            answer = self.client.get(f"{place}/robots.txt", max_bytes=MAX_BYTES)
            if answer.status == 304:
                raise Unavailable(f"GET {place}/robots.txt answered 304 to nothing", where=place)
        except OverBudget:
            raise
        except LiveSyncError as error:
            self.errors[place] = error
            return None
        self._digests[place] = blake2b(answer.content, digest_size=16).hexdigest()
        rules = Protego.parse(answer.content.decode("utf-8-sig", "replace"))
        delay_s = rules.crawl_delay(self.agent)
        if delay_s:
            self.client.slow_down(host(place), min(delay_s, MAX_CRAWL_DELAY_S))
        return rules
