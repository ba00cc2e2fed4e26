"""What a platform asks before it sends anything, answered with what it asked.

Such a question bears no proof, so its answer is the same for every connection, one that does not
exist included, and tells nothing; only the hub of a feed must name the feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = 2_000


@dataclass(frozen=True, slots=True)
class Challenge:
    """A request with this method and this word in its query is answered with the word's value, as
    plain text, within ten seconds."""

    method: str
    word: str
    asked_by: str


CHALLENGES = (
    Challenge("GET", "challenge", "dropbox"),
    Challenge("POST", "validationToken", "graph"),
)
_SUBSCRIBE = "subscribe"


def answer(method: str, query: Mapping[str, str], *, topic: str | None) -> str | None:
    """The text to answer with; None where nothing was asked that may be answered. `topic` is the
    feed to which this connection wants to be subscribed: a hub is confirmed that and nothing else,
    never an end of the subscription."""
    for one in CHALLENGES:
        said = query.get(one.word)
        if method == one.method and said is not None and len(said) <= LONGEST:
            return said
    return _for_hub(method, query, topic)


def _for_hub(method: str, query: Mapping[str, str], topic: str | None) -> str | None:
    said = query.get("hub.challenge", "")
    wanted = topic is not None and query.get("hub.topic") == topic
    asked = method == "GET" and query.get("hub.mode") == _SUBSCRIBE
    return said if asked and wanted and len(said) <= LONGEST else None
