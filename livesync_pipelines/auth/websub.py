"""WebSub: what a hub sends, and what it asks back before it does.

https://www.w3.org/TR/websub/, sections 5 and 7, read 2026-11-21.

- Each subscription has a secret of its own, made from the connection's and from the name that the
  callback address carries: nothing needs to be kept, and what one hub knows signs for no other.
- A wrong signature is answered like every other call without a proof, though the hub may then send
  it again: section 7 lets a subscriber acknowledge such a call, it does not ask for it, and an
  answer of its own would tell that there is a subscription.
- SHA-1 is accepted here, for many hubs know nothing else: that collisions of it can be made helps
  nobody to sign (RFC 6194, section 3.3).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from livesync_pipelines.auth.call import Call, Scheme, Told, same
from livesync_pipelines.auth.digests import text_key

NAME = "websub"
WORD = "subscription"
"""What the callback address calls the subscription in its query."""

SUBSCRIBE, UNSUBSCRIBE, DENIED = "subscribe", "unsubscribe", "denied"
_METHODS = ("sha1", "sha256", "sha384", "sha512")
_LONGEST = 2_000
_REASON_CHARS = 200
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGITS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a hub asks back. `lease`: for how long it will send, None where it does not say."""

    subscription: str
    mode: str
    topic: str
    challenge: str = ""
    lease: timedelta | None = None
    reason: str = ""


def asked_back(method: str, query: Mapping[str, str]) -> Asked | None:
    """What is asked of one of our subscriptions; None where this is no such question. It bears no
    proof: it is answered only where we have just asked for exactly that."""
    name, mode = query.get(WORD, ""), query.get("hub.mode", "")
    topic = query.get("hub.topic", "")
    challenge, lease = query.get("hub.challenge", ""), query.get("hub.lease_seconds", "")
    is_known = mode == DENIED or (mode in (SUBSCRIBE, UNSUBSCRIBE) and challenge != "")
    too_long = max(len(challenge), len(topic)) > _LONGEST
    if method != "GET" or not _UUID.fullmatch(name) or not is_known or too_long:
        return None
    if not topic.isprintable():
        return None
    return Asked(
        subscription=name,
        mode=mode,
        topic=topic,
        challenge=challenge,
        lease=timedelta(seconds=max(1, int(lease))) if _DIGITS.fullmatch(lease) else None,
        reason="".join(filter(str.isprintable, query.get("hub.reason", "")))[:_REASON_CHARS],
    )


def secret_of(key: bytes, subscription: str) -> str:
    """What the hub of this subscription signs with."""
    return hmac.new(key, f"{NAME}:{subscription}".encode(), "sha256").hexdigest()


def subscription_of(call: Call) -> str:
    """Which subscription a call is of; empty where it names none, or several."""
    named = parse_qs(urlsplit(call.url).query).get(WORD, [])
    return named[0] if len(named) == 1 else ""


def _proves(call: Call, key: bytes) -> bool:
    name, said = subscription_of(call), call.header("x-hub-signature")
    secret = secret_of(key, name).encode()
    fits = [same(said, f"{m}={hmac.new(secret, call.body, m).hexdigest()}") for m in _METHODS]
    return any(fits) and name != ""


SCHEME = Scheme(
    name=NAME,
    title="WebSub, subscribed to by LiveSync itself",
    how="a long random text, such as $(openssl rand -hex 32)",
    key=text_key,
    proves=_proves,
    tells=lambda _: Told(delivery=None),  # the feed as it is now, and nothing that names it
    subscription=subscription_of,
    secret_of=secret_of,
    docs=("https://www.w3.org/TR/websub/ (2026-11-21)",),
)
