"""Platforms are asked to tell us of changes: it is asked for, kept up, and taken back.

Whoever calls `keep_up` works on all that is due; one process at a time does. Everything that was
begun and not brought to its end is taken up again by a later call.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import takewhile
from time import monotonic
from urllib.parse import quote

from livesync_pipelines.auth.call import Scheme
from livesync_pipelines.auth.references import expand_text
from livesync_pipelines.auth.websub import WORD
from livesync_pipelines.connectors.subscribing import Forgotten, Held, Subscriber, Subscribes, Wish
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.pacing import subscriber_of
from livesync_pipelines.engine.webhook_config import keys_of, known
from livesync_pipelines.model.errors import BadInput, Broken, LiveSyncError
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.store import (
    catalog,
    catching_up,
    database,
    silence,
    subscription_notices,
    subscriptions,
)
from livesync_pipelines.store.subscriptions import LEASE, Subscription, Terms

BUDGET_S = 10.0
"""So long a call goes on to begin new requests."""

_WIDTH = 8
"""So many platforms are asked side by side; one that hangs holds up none of the others."""

_REFERRED = re.compile(r"(?<!\$)\$\{[^{}]*\}")
_SHORTEST = 6
"""A value that has fewer characters stands in other words too, and is no secret."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Key:
    """What a subscription's secret is made of; both None where its platform does not call."""

    scheme: Scheme | None = None
    key: bytes | None = None

    def secret(self, name: str) -> str:
        if self.scheme is None or self.key is None or self.scheme.secret_of is None:
            return ""
        return self.scheme.secret_of(self.key, name)

    def mark(self, name: str) -> bytes:
        """By which another secret is noticed, and this one is not found out."""
        return sha256(self.secret(name).encode()).digest()[:2]


def keep_up(engine: Engine, *, budget_s: float = BUDGET_S) -> int:
    """Ask for what is due; returns for how many subscriptions something was asked. Where another
    process does so just now, or nothing is synced here, none."""
    if not engine.enabled:
        return 0
    with (
        engine.database.connect() as connection,
        subscriptions.looked_after(connection) as is_mine,
    ):
        if not is_mine:
            return 0
        until = monotonic() + budget_s
        subscriptions.reconcile(
            connection, list(asked_for(engine)), base=engine.public_url or "", now=engine.now()
        )
        _look(engine, connection)
        found = subscriptions.due(connection, now=engine.now())
        ends = [one for one in found if not one.wanted]
        rest = [one for one in found if one.wanted]
        asked = sum(_all_of(engine, ends, until)) + sum(_all_of(engine, rest, until))
        subscription_notices.tell(connection, now=engine.now())
        return asked


def asked_for(engine: Engine) -> Iterator[tuple[str, str, str]]:
    """Of each platform that can be subscribed to: the key of a connection that asks for it, and the
    platform's scheme."""
    for name in engine.registry:
        kind = engine.registry[name]
        if issubclass(kind, Subscribes):
            yield name, kind.spec.subscribed_by, kind.spec.webhook


def _look(engine: Engine, held: database.Connection) -> None:
    """Whether platforms have fallen silent, and whether they were told the secrets of now."""
    looked = silence.look(held, now=engine.now())
    sources = catalog.connections(held, [connection for _, connection, _ in looked])
    other = [
        name
        for name, connection, mark in looked
        if connection in sources and _is_other(_key(engine, sources[connection]), name, mark)
    ]
    if other:
        silence.renew_now(held, other, now=engine.now())


def _is_other(key: _Key, name: str, mark: bytes) -> bool:
    return key.key is not None and key.mark(name) != mark


def _all_of(engine: Engine, found: Iterable[Subscription], until: float) -> Iterator[bool]:
    in_time = takewhile(lambda _: monotonic() < until, found)
    return fan_out(partial(_attended, engine), in_time, width=_WIDTH)


def _attended(engine: Engine, one: Subscription) -> bool:
    """Whether something was asked; what comes of it is noted, whatever it is."""
    with engine.database.pooled() as connection:
        taken = subscriptions.take(connection, one, now=engine.now())
    if taken is None:
        return False
    try:
        _ask(engine, taken)
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
        said = _told(taken, error)
        with engine.database.pooled() as connection:
            subscriptions.failed(connection, taken, said, now=engine.now())
    return True


def _told(one: Subscription, error: Exception) -> Mapping[str, str]:
    if isinstance(error, LiveSyncError):
        return error.as_dict()
    _log.error("subscription of connection %s", one.connection, exc_info=error)
    return Broken(f"A fault of LiveSync: {type(error).__name__}", hint="Report it.").as_dict()


def _ask(engine: Engine, one: Subscription) -> None:
    """Ask for it, have it go on, or have it end. Raises what the platform raises."""
    source = Connection(
        name=one.connection,
        project_id=one.project_id,
        platform=one.platform,
        options=one.options,
    )
    held = Held(name=one.name, topic=one.topic, state=one.held, expires_at=one.expires_at)
    with subscriber_of(engine, source) as peer:
        if not one.wanted:
            _end(engine, one, peer, held)
            return
        key = _key_of(engine, one)
        wish = _wish(one, secret=key.secret(one.id))
        held = peer.found(held)
        _refuse_secrets(engine, source, held)
        with engine.database.pooled() as connection:
            if not subscriptions.found(connection, one, _terms(one, held, key)):
                return
        _note(engine, one, _asked(engine, one, peer, wish, held), key)


def _asked(engine: Engine, one: Subscription, peer: Subscriber, wish: Wish, held: Held) -> Held:
    lasts = one.expires_at is None or one.expires_at > engine.now()
    if one.confirmed_at is not None and lasts:
        try:
            return peer.renew(wish, held)
        except Forgotten:
            with engine.database.pooled() as connection:
                catching_up.forgotten(connection, one.id, fence=one.fence)
    return peer.subscribe(wish, held)


def _note(engine: Engine, one: Subscription, held: Held, key: _Key) -> None:
    terms, now = _terms(one, held, key), engine.now()
    with engine.database.pooled() as connection:
        if held.confirmed:
            subscriptions.confirmed(connection, one, terms, now=now)
        else:
            subscriptions.asked(connection, one, mark=terms.key_mark, now=now)


def _terms(one: Subscription, held: Held, key: _Key) -> Terms:
    return Terms(
        topic=held.topic,
        name=held.name,
        held=held.state,
        expires_at=held.expires_at,
        key_mark=key.mark(one.id),
    )


def _end(engine: Engine, one: Subscription, peer: Subscriber, held: Held) -> None:
    over = peer.unsubscribe(_wish(one), held)
    now = engine.now()
    with engine.database.pooled() as connection:
        if over:
            subscriptions.ended(connection, one, now=now)
        else:
            subscriptions.asked(connection, one, mark=b"", now=now)


def _wish(one: Subscription, *, secret: str = "") -> Wish:
    path = f"/sync/webhook/{one.platform}/{one.connection}?{WORD}={one.id}"
    callback = f"{one.base}{path}" if one.base else ""
    return Wish(name=one.id, lease=LEASE, callback=callback, secret=secret)


def _key_of(engine: Engine, one: Subscription) -> _Key:
    """Raises BadInput where the platform is to call and nobody could tell whether it is it."""
    if not one.base:
        return _Key()
    with engine.database.pooled() as connection:
        key = _key(engine, catalog.connection_of(connection, one.connection))
    if key.key is None:
        raise BadInput(
            "there is no secret that the platform could sign with: it is polled only",
            hint="Set the variable that `webhook` names as its `secret`.",
            where=f"connection {one.connection}",
        )
    return key


def _key(engine: Engine, source: Connection) -> _Key:
    """The first of the keys, which is the one to come where there are two."""
    scheme = known().get(source.webhook.scheme) if source.webhook else None
    keys = keys_of(source.webhook, scheme, engine.environ) if source.webhook and scheme else ()
    return _Key(scheme, keys[0] if keys else None)


def _refuse_secrets(engine: Engine, source: Connection, held: Held) -> None:
    """Nothing of what is kept and told to others may hold what the user keeps elsewhere."""
    kept = f"{held.name}\0{held.topic}\0{held.state}"
    for name in _REFERRED.findall(json.dumps(dict(source.options))):
        value, _ = expand_text(name, engine.environ)
        if len(value) >= _SHORTEST and (value in kept or quote(value, safe="") in kept):
            raise BadInput(
                f"what would be subscribed to holds the value of {name}, and would be stored",
                hint="It is polled all the same. Take `webhook` out of the connection.",
                where=f"connection {source.name}",
            )
