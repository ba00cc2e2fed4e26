"""What proved calls say: the name of the delivery, and what may have changed.

Payloads come from outside: whatever is not as the vendor's pages say is left out, and nothing
raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote_plus

import orjson

from livesync_pipelines.auth.call import Call, Told

HINTS = 20
"""How many hints of one call are kept, each up to `HINT_CHARS` long."""

HINT_CHARS = 512
_NAME_CHARS = 200


def parsed(text: bytes | str) -> Any:
    """The JSON, or None."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def at(value: Any, *path: str) -> Any:
    """What stands there; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def named(value: Any) -> str | None:
    """A name for a delivery, if this is one; a long one by its digest."""
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        return None
    text = _plain(str(value))
    return text if len(text) <= _NAME_CHARS else digest(text.encode())


def hints(values: Sequence[Any]) -> tuple[str, ...]:
    found = [_plain(str(v))[:HINT_CHARS] for v in values if isinstance(v, (str, int)) and v != ""]
    return tuple(dict.fromkeys(found))[:HINTS]


def _plain(text: str) -> str:
    """Without what Postgres has no place for."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\\0")


def standard(call: Call) -> Told:
    """Standard Webhooks: the id is part of what is signed."""
    said = parsed(call.body)
    return Told(delivery=named(call.header("webhook-id")), hints=hints([at(said, "type")]))


def hub(call: Call) -> Told:
    """WebSub sends the feed; GitHub, Bitbucket and Jira name the delivery in a header that they do
    not sign, so it only tells apart what has the same body."""
    headers = ("x-github-delivery", "x-request-uuid", "x-atlassian-webhook-identifier")
    name = "".join(map(call.header, headers))
    return Told(
        delivery=digest(name.encode("latin-1", "replace") + b"." + call.body) if name else None,
        test=call.header("x-github-event") == "ping",
    )


def box(call: Call) -> Told:
    """The header BOX-DELIVERY-ID changes with every try, the id in the body does not."""
    said = parsed(call.body)
    return Told(
        delivery=named(at(said, "id")) or digest(call.body),
        hints=hints([at(said, "source", "id")]),
    )


def dropbox(call: Call) -> Told:
    """Two changes of one account have the same body."""
    return Told(delivery=None, hints=hints(each(at(parsed(call.body), "list_folder", "accounts"))))


def notion(call: Call) -> Told:
    said = parsed(call.body)
    return Told(
        delivery=named(at(said, "id")) or digest(call.body),
        hints=hints([at(said, "entity", "id")]),
        test=set(said) == {"verification_token"} if isinstance(said, dict) else False,
    )


def airtable(call: Call) -> Told:
    """A ping: it names base and webhook and the time, and nothing of what has changed."""
    return Told(delivery=digest(call.body), hints=hints([at(parsed(call.body), "base", "id")]))


def hubspot(call: Call) -> Told:
    """`attemptNumber` counts on when a batch is sent again; the rest stays."""
    batch = [event for event in each(parsed(call.body)) if isinstance(event, dict)]
    lasting = [{k: v for k, v in event.items() if k != "attemptNumber"} for event in batch]
    body = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS) if lasting else call.body
    return Told(delivery=digest(body), hints=hints([e.get("objectId") for e in batch]))


def google(call: Call) -> Told:
    """The first message of a channel only says that it is open."""
    channel, number = call.header("x-goog-channel-id"), call.header("x-goog-message-number")
    return Told(
        delivery=named(f"{channel}:{number}") if channel and number else None,
        hints=hints([call.header("x-goog-resource-id")]),
        test=call.header("x-goog-resource-state") == "sync",
    )


def graph(call: Call) -> Told:
    """Two changes below one folder have the same body."""
    changes = each(at(parsed(call.body), "value"))
    return Told(delivery=None, hints=hints([at(change, "resource") for change in changes]))


def bucket(call: Call) -> Told:
    """Events of S3 and of stores that speak its language, posted as they are."""
    return of_bucket(parsed(call.body), call.body)


def of_bucket(said: Any, body: bytes) -> Told:
    """Every event bears its time and a sequencer, so equal bodies are one delivery; what bears none
    is not told apart."""
    records = each(at(said, "Records"))
    stamped = [at(r, "s3", "object", "sequencer") or at(r, "eventTime") for r in records]
    return Told(
        delivery=digest(body) if stamped and all(stamped) else None,
        hints=hints(list(_keys(records))),
        test=at(said, "Event") == "s3:TestEvent",
    )


def _keys(records: Sequence[Any]) -> Iterator[str]:
    for record in records:
        key = at(record, "s3", "object", "key")
        if isinstance(key, str):
            yield unquote_plus(key)
