"""The gate: who may call, how often, and what becomes of a call.

A stranger costs the same work as a sender who signs wrongly: both are held against keys, and
neither is told which he is.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import inf
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

from livesync_pipelines.auth import handshakes, signatures, websub
from livesync_pipelines.auth.call import Call, Scheme, Told, verify
from livesync_pipelines.auth.certificates import Certificates
from livesync_pipelines.core.allowance import Allowance
from livesync_pipelines.engine.house import Disabled, Engine
from livesync_pipelines.engine.noting import Noter
from livesync_pipelines.engine.webhook_config import keys_of
from livesync_pipelines.model.errors import RateLimited
from livesync_pipelines.model.sync import Connection
from livesync_pipelines.settings import DISABLED_REASON
from livesync_pipelines.store import asked_back, catalog, database
from livesync_pipelines.store.webhooks import Event

FRESH_S = 1.0
"""What is known of the senders is learned anew after this time, beside the calls."""

BELIEVED_S = 3.0
"""And after this time no call is answered before it is: so long a change of what is configured may
go unseen here."""

CALLS_PER_S = 1_000
"""Of one sender; what is more is answered with a 429. Whoever cannot prove himself takes nothing
of it."""

ANSWERS_PER_S = 200
"""So many questions of platforms that ask back are held against the database, of whoever it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who may call for a connection. `is_known` is False for one who may not, whatever he sends:
    nobody has his key. `awaits_secret`: the platform is to send it."""

    connection: str
    scheme: Scheme
    keys: tuple[bytes, ...]
    topic: str | None = None
    url: str | None = None
    is_known: bool = True
    awaits_secret: bool = False


class Gate:
    """One for each HTTP process; may be shared by threads. `folder` takes the secrets that a
    platform sends; None: nobody may send one."""

    def __init__(
        self,
        engine: Engine,
        *,
        folder: Path | None = None,
        certificates: Certificates | None = None,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._certificates = certificates or Certificates()
        self._schemes = signatures.schemes(self._certificates)
        self._strangers_keys = (signatures.strangers_key(),)
        self._senders: dict[tuple[str, str], Sender] = {}
        self._read_at = -inf
        self._reading = Lock()
        self._learning: Future[None] | None = None
        self._allowance = Allowance(CALLS_PER_S)
        self._noter = Noter(engine)
        self._subscriptions: Mapping[str, str] = {}
        self._answers = Allowance(ANSWERS_PER_S)

    def refuse_disabled(self) -> None:
        """Raises `Disabled` where no sync runs."""
        if not self._engine.enabled:
            raise Disabled(DISABLED_REASON)

    @property
    def age_s(self) -> float:
        """How long ago it was learned who may call."""
        return monotonic() - self._read_at

    def learn(self) -> Future[None]:
        """Done once it is known who may call now; its exception is `Unavailable` where the database
        does not answer."""
        with self._reading:
            if self._learning is None or self._learning.done():
                self._learning = self._noter.ask(self._read)
            return self._learning

    def _read(self, connection: database.Connection) -> None:
        found = catalog.called(connection)
        self._senders = {(one.platform, one.name): self._known(one) for one in found}
        self._subscriptions = asked_back.live(connection)
        self._read_at = monotonic()

    def sender(self, platform: str, connection: str) -> Sender:
        """Who calls under this address, if he can prove it."""
        known = self._senders.get((platform, connection))
        return known or Sender(
            connection=connection,
            scheme=self._schemes[signatures.STANDARD],
            keys=self._strangers_keys,
            is_known=False,
        )

    def missing(self, sender: Sender, call: Call) -> list[Future[Any]]:
        """What the proof of this call has to wait for. Raises `Unavailable` where that cannot be
        had now."""
        asks = sender.scheme.asks
        found = [asks(call, key) for key in sender.keys] if asks is not None else []
        return [each for each in found if each is not None]

    def proved(self, sender: Sender, call: Call) -> Told | None:
        """What the call tells; None where it has no proof, which is counted. Raises what the client
        raises where a certificate cannot be had now."""
        told = verify(sender.scheme, call, sender.keys)
        if told is None and sender.awaits_secret and self._folder is not None:
            told = handshakes.secret_sent(sender.scheme, call, self._folder / sender.connection)
        if told is None and sender.is_known:
            self._noter.turn_away(sender.connection, refused=True)
        return told if sender.is_known else None

    def expects(self, sender: Sender, call: Call) -> bool:
        """Whether a call that is proved is of a subscription of ours, where it names any."""
        named = sender.scheme.subscription
        name = named(call) if named else ""
        return not name or self._subscriptions.get(name) == sender.connection

    def refuse(self, sender: Sender) -> None:
        """Count a call that is not expected."""
        self._noter.turn_away(sender.connection, refused=True)

    def confirms(self, asked: websub.Asked, of: tuple[str, str]) -> Future[bool] | None:
        """Whether a platform that asks back is answered, once that is durable: where we asked for
        exactly that, and once. `of`: the platform and the connection whose address it asks at. None
        where too many ask, or the name is none: nobody is answered then."""
        if not all(map(str.isprintable, of)) or self._answers.take("", monotonic()) > 0:
            return None
        now = self._engine.now()
        return self._noter.ask(lambda held: asked_back.confirm(held, asked, of=of, now=now))

    def hold_back(self, sender: Sender) -> None:
        """Raises `RateLimited` for a sender who calls too often."""
        wait_s = self._allowance.take(sender.connection, monotonic())
        if wait_s > 0:
            self._noter.turn_away(sender.connection, refused=False)
            raise RateLimited(
                f"More than {CALLS_PER_S} calls in a second.",
                after_s=max(1.0, wait_s),
                hint="Send it again.",
            )

    def confirm(self, told: Told) -> None:
        """Tell the platform that its calls are wanted. Raises what the client raises."""
        if told.confirm is not None:
            self._certificates.confirm(told.confirm)

    def note(self, sender: Sender, call: Call, told: Told) -> Future[None]:
        """Done once the delivery is durable, and its syncs are queued. Anybody may sign as Standard
        Webhooks say, also who gives out his ids anew: another body is another delivery. Platforms
        keep to theirs, and some change the body when they send it again."""
        digest, scheme = sha256(call.body).digest(), sender.scheme.name
        event = Event(
            connection=sender.connection,
            delivery_id=told.delivery or f"once:{uuid4()}",
            received_at=call.at,
            scheme=scheme,
            digest=digest,
            variant=digest if scheme == signatures.STANDARD else b"",
            hints=told.hints,
        )
        return self._noter.note(event)

    def now(self) -> datetime:
        return self._engine.now()

    def close(self) -> None:
        self._noter.close()
        self._certificates.close()

    def _known(self, one: Connection) -> Sender:
        """Without a key that can be read there is no entry: a stranger's stands for it."""
        assert one.webhook is not None
        scheme = self._schemes.get(one.webhook.scheme) or self._schemes[signatures.STANDARD]
        keys = keys_of(one.webhook, scheme, self._engine.environ)
        return Sender(
            connection=one.name,
            scheme=scheme,
            keys=keys or self._strangers_keys,
            topic=one.webhook.topic,
            url=one.webhook.url,
            awaits_secret=scheme.sends_secret and one.webhook.secret is None,
        )
