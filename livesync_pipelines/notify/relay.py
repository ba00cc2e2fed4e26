"""From the outbox to the addresses: whoever calls this sends what is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from livesync_pipelines.core import patience
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.model.notice import Delivery
from livesync_pipelines.net.client import Client
from livesync_pipelines.notify.address import Channel, Office, Undeliverable
from livesync_pipelines.notify.webhook import Gone
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog, deliveries
from livesync_pipelines.store.database import Connection
from livesync_pipelines.store.deliveries import Way

BUDGET_S = 20.0
"""So long a call goes on to begin new deliveries."""
_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Relayed:
    """What one call has done. `unsendable` says, by address, what this process lacks."""

    delivered: int = 0
    failed: int = 0
    unsendable: dict[str, str] = field(default_factory=dict)


def relay(engine: Engine, settings: Settings, *, budget_s: float = BUDGET_S) -> Relayed:
    """Send what is due, the oldest first. What cannot be sent now is sent by a later call.

    Several processes may call this at once; each delivery is sent by one of them.
    """
    until = monotonic() + budget_s
    done = Relayed()
    with engine.database.connect() as connection:
        deliveries.lay_aside(connection, now=engine.now())
        due = deliveries.due(connection, now=engine.now())
        if not due:
            return done
        with _client(settings) as client:
            office = Office(settings=settings, environ=engine.environ, client=client)
            this = _Round(engine, connection, office, done)
            channels = this.channels(due)
            while channels and monotonic() < until:
                taken = deliveries.take(connection, list(channels), now=engine.now())
                if taken is None:
                    break
                channel = channels[taken.address, taken.secret]
                if not this.send(taken, channel):
                    channels = {w: c for w, c in channels.items() if c.place != channel.place}
    return done


@dataclass(frozen=True, slots=True)
class _Round:
    engine: Engine
    connection: Connection
    office: Office
    done: Relayed

    def channels(self, ways: Sequence[Way]) -> dict[Way, Channel]:
        """Of these ways, those that this process can send on."""
        found: dict[Way, Channel] = {}
        for way in ways:
            try:
                found[way] = self.office.channel(*way)
            except Undeliverable as error:
                self.done.unsendable[way[0]] = error.message
                deliveries.unsendable(self.connection, way, error.message)
        return found

    def send(self, taken: Delivery, channel: Channel) -> bool:
        """One try; False where the place had better be left alone for now."""
        try:
            channel.send(taken)
        except LiveSyncError as error:
            self._failed(taken, error)
            return not isinstance(error, Unavailable)
        deliveries.delivered(self.connection, taken, now=self.engine.now())
        self.done.delivered += 1
        return True

    def _failed(self, taken: Delivery, error: LiveSyncError) -> None:
        self.done.failed += 1
        now = self.engine.now()
        said = f"{error.message}{f' ({error.hint})' if error.hint else ''}"
        said = self.office.masked(said, taken.address)
        if isinstance(error, Gone):
            deliveries.silence(self.connection, taken.address, said, now=now)
            return
        then = patience.after(error, failures=taken.tries, key=str(taken.message_id))
        again = then.again and taken.tries < patience.TRIES
        again_at = now + timedelta(seconds=then.wait_s) if again else None
        deliveries.failed(self.connection, taken, said, again_at=again_at)


def undeliverable(
    engine: Engine, settings: Settings, connection: Connection
) -> Mapping[str, Mapping[str, LiveSyncError]]:
    """What is wrong with the addresses that the configured syncs name, by sync and address."""
    found: dict[str, dict[str, LiveSyncError]] = {}
    with _client(settings) as client:
        office = Office(settings=settings, environ=engine.environ, client=client)
        for sync in catalog.syncs(connection):
            ways: list[Way] = [(address, None) for address in sync.notify.to]
            ways += [(action.call, action.secret) for action in sync.actions]
            for way in ways:
                try:
                    office.channel(*way)
                except Undeliverable as error:
                    found.setdefault(sync.sync_id, {})[way[0]] = error
    return found


def _client(settings: Settings) -> Client:
    return Client(
        allow_private=settings.webhook_private_hosts, timeout_s=_TIMEOUT_S, max_bytes=0, tries=1
    )
