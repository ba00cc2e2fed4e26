"""The subscriber's side of WebSub, for a feed that names a hub.

https://www.w3.org/TR/websub/, sections 4 and 5, read 2026-11-21.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin, urlsplit

from livesync_pipelines.auth.websub import SUBSCRIBE, UNSUBSCRIBE
from livesync_pipelines.connectors._feed_pages import FeedPages, public
from livesync_pipelines.connectors.subscribing import Held, Wish
from livesync_pipelines.model.errors import BadInput, Broken
from livesync_pipelines.net.client import Answer, Client
from livesync_pipelines.net.links import links

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_MOVED = frozenset({307, 308})
_HOPS = 3
_UNKNOWN = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSub:
    """`state` is the hub's address, the topic the feed's own. `plain`: True, or the hosts of hubs
    that may be told a secret without TLS."""

    client: Client
    pages: FeedPages
    plain: bool | Collection[str] = False

    def found(self, held: Held) -> Held:
        answer = self.pages.get("", known=True)
        named = links(answer)
        if "hub" not in named or "self" not in named:
            feed = self.pages.parsed(answer, known=True)
            embedded = {"hub": feed.hub, "self": feed.own}
            named = {rel: urljoin(answer.url, url) for rel, url in embedded.items() if url}
        for rel, lacks in (("hub", "no hub"), ("self", "a hub, but not itself")):
            if rel not in named:
                raise BadInput(
                    f"the feed names {lacks}: nobody can be asked to tell of its changes",
                    hint="It is polled all the same. Take `webhook` out of the connection.",
                    where=f"feed {public(answer.url)}",
                )
        return Held(topic=named["self"], state=json.dumps({"hub": named["hub"]}))

    def subscribe(self, wish: Wish, held: Held) -> Held:
        self._post(
            _hub(held),
            {
                "hub.mode": SUBSCRIBE,
                "hub.topic": held.topic,
                "hub.callback": wish.callback,
                "hub.lease_seconds": str(int(wish.lease.total_seconds())),
                "hub.secret": wish.secret,
            },
        )
        return Held(topic=held.topic, state=held.state, confirmed=False)

    def renew(self, wish: Wish, held: Held) -> Held:
        """Asked for anew: the hub then goes on without a gap."""
        return self.subscribe(wish, held)

    def unsubscribe(self, wish: Wish, held: Held) -> bool:
        said = {
            "hub.mode": UNSUBSCRIBE,
            "hub.topic": held.topic,
            "hub.callback": wish.callback,
        }
        return self._post(_hub(held), said, unknown=_UNKNOWN).status in _UNKNOWN

    def close(self) -> None:
        self.client.close()

    def _post(
        self, hub: str, form: dict[str, str], *, unknown: frozenset[int] = frozenset()
    ) -> Answer:
        """Raises `Broken` where the hub does not take it; `unknown`: what else it may answer."""
        content = urlencode(form).encode()
        for _ in range(_HOPS):
            self._refuse_plain(hub)
            answer = self.client.post(hub, content=content, headers=_FORM)
            if answer.status not in _MOVED or "location" not in answer.headers:
                break
            hub = urljoin(hub, answer.headers["location"])
        if 200 <= answer.status < 300 or answer.status in unknown:
            return answer
        raise Broken(
            f"the hub answered {answer.status} to `{form['hub.mode']}`",
            hint="It may not take this feed, or not our address (LIVESYNC_PUBLIC_URL).",
            where=f"hub {public(hub)}",
        )

    def _refuse_plain(self, hub: str) -> None:
        parts = urlsplit(hub)
        if parts.scheme == "https" or self.plain is True:
            return
        if isinstance(self.plain, bool) or parts.hostname not in self.plain:
            raise BadInput(
                "the feed's hub is called without TLS, and would be told a secret",
                hint="Name its host under `allow_private` of the connection to allow it.",
                where=f"hub {public(hub)}",
            )


def _hub(held: Held) -> str:
    return str(json.loads(held.state)["hub"])
