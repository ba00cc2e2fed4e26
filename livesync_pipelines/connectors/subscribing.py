"""What a platform can be asked: to tell us of changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import LiveSyncError


class Forgotten(LiveSyncError):
    """The platform does not know the subscription any more: it must be made anew."""

    code = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for.

    - `name`: ours for the subscription, the same for as long as it is kept up; nobody can guess it.
    - `callback`: where the platform is to call; empty where it calls nobody.
    - `secret`: what it is to prove itself with there.
    - `lease`: for how long, where the platform lets us choose.
    """

    name: str
    lease: timedelta
    callback: str = ""
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a platform holds for us, or will. None of it is a secret.

    - `name`: the platform's own for it (a channel, a webhook); empty where it has none.
    - `topic`: what the platform names when it asks back.
    - `state`: the connector's own memory of it.
    - `expires_at`: None where it does not end by itself, or that is not known yet.
    - `confirmed`: False where it holds only once the platform has asked back.
    """

    name: str = ""
    topic: str = ""
    state: str = ""
    expires_at: datetime | None = None
    confirmed: bool = True


class Subscriber(Protocol):
    """One place that can be subscribed to. Whatever is asked twice is done once."""

    def found(self, held: Held) -> Held:
        """What there is to ask for now, learned before it is asked for; `held`: what is known of
        it from before. Raises where the place offers nothing."""

    def subscribe(self, wish: Wish, held: Held) -> Held:
        """Ask for it, from the start."""

    def renew(self, wish: Wish, held: Held) -> Held:
        """Have it go on, or see that it does. Raises `Forgotten`."""

    def unsubscribe(self, wish: Wish, held: Held) -> bool:
        """Have it end; whether it has. False: once the platform has asked back."""

    def close(self) -> None:
        """Give back what the instance holds."""


@runtime_checkable
class Subscribes(Protocol):
    """A connector whose platform tells of changes where it is asked to. Which connections ask for
    it is said by `PlatformSpec.subscribed_by`."""

    @staticmethod
    def subscriber(connection: Any, limits: FetchLimits) -> Subscriber:
        """What is subscribed to for such a connection."""
