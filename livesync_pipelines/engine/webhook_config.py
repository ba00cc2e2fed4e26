"""What a configuration file may say of who calls for a connection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from livesync_pipelines.auth import signatures
from livesync_pipelines.auth.call import Scheme
from livesync_pipelines.auth.certificates import Certificates
from livesync_pipelines.auth.references import BARE, NO_LITERALS, expand_text
from livesync_pipelines.connectors.base import Connector
from livesync_pipelines.connectors.rows import RowEnd
from livesync_pipelines.engine._checked import Trouble, checked, nearest
from livesync_pipelines.model.sync import Webhook

_LITERAL = "a secret is written out here, and would be stored"


class WebhookDoor(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    scheme: str | None = None
    secret: str | None = None
    also: str | None = None
    topic: str | None = None
    url: str | None = None


@cache
def known() -> Mapping[str, Scheme]:
    """The schemes, to look things up in; a gate has its own."""
    return signatures.schemes(Certificates())


def webhook_of(
    raw: Any, kind: type[Connector] | type[RowEnd] | None, environ: Mapping[str, str]
) -> tuple[Webhook | None, list[Trouble]]:
    """What was said under `webhook`, and everything that is wrong with it; None where nothing was
    said, or of no platform that is known."""
    if raw is None or kind is None:
        return None, []
    if not isinstance(raw, dict):
        hint = 'For example webhook: {secret: "${NAME}"}.'
        return None, [Trouble((), "a mapping of keys belongs here", hint)]
    door, wrong = checked(WebhookDoor, raw)
    if door is None:
        return None, wrong
    said = {**door.model_dump(), "scheme": door.scheme or kind.spec.webhook}
    webhook = Webhook(**said)
    return webhook, list(troubles(webhook, environ))


def troubles(webhook: Webhook, environ: Mapping[str, str]) -> Iterator[Trouble]:
    """What keeps this webhook from being understood, here and now."""
    scheme = known().get(webhook.scheme)
    if scheme is None:
        said = f"there is no scheme {webhook.scheme!r}"
        yield Trouble(("scheme",), said, nearest(webhook.scheme, known()))
        return
    yield from _of_keys(webhook, scheme, environ)
    if webhook.url is not None and urlsplit(webhook.url).scheme not in {"http", "https"}:
        yield Trouble(
            ("url",), "this is no address", "Write https://..., as the platform calls it."
        )


def _of_keys(webhook: Webhook, scheme: Scheme, environ: Mapping[str, str]) -> Iterator[Trouble]:
    if scheme.keyed_by == "topic":
        for name in ("secret", "also"):
            if getattr(webhook, name) is not None:
                yield Trouble((name,), f"{scheme.title} has no secret", f"Write {scheme.how}.")
        if webhook.topic is None:
            yield Trouble((), "'topic' is missing, and without it nobody may call", _how(scheme))
        elif _key(scheme, webhook.topic) is None:
            yield Trouble(("topic",), f"{webhook.topic!r} cannot be one", _how(scheme))
        return
    if webhook.secret is None and not scheme.sends_secret:
        hint = f'Write secret: "${{NAME}}"; the variable holds {scheme.how}.'
        yield Trouble((), "'secret' is missing, and without it nobody may call", hint)
    for name in ("secret", "also"):
        text = getattr(webhook, name)
        if text is not None:
            yield from _of_secret(name, text, scheme, environ)


def _of_secret(
    name: str, text: str, scheme: Scheme, environ: Mapping[str, str]
) -> Iterator[Trouble]:
    if not BARE.fullmatch(text):
        yield Trouble((name,), _LITERAL, NO_LITERALS)
        return
    filled, trouble = expand_text(text, environ)
    if trouble is not None:
        yield Trouble((name,), *trouble)
    elif _key(scheme, filled) is None:
        yield Trouble((name,), f"{text} holds no key of {scheme.title}", _how(scheme))


def _how(scheme: Scheme) -> str:
    return f"Set it to {scheme.how}."


def keys_of(webhook: Webhook, scheme: Scheme, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    """The keys that may have signed; none where anything is missing or wrong: no entry then."""
    if scheme.keyed_by == "topic":
        written = [webhook.topic or ""]
    else:
        texts = [text for text in (webhook.secret, webhook.also) if text is not None]
        filled = [expand_text(text, environ) for text in texts if BARE.fullmatch(text)]
        written = [text for text, trouble in filled if trouble is None]
    found = [_key(scheme, text) for text in written]
    return tuple(key for key in found if key is not None)


def _key(scheme: Scheme, text: str) -> bytes | None:
    try:
        return scheme.key(text)
    except ValueError:
        return None
