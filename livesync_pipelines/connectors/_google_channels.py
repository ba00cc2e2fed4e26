"""Push notifications of Google Drive: one channel on the account's change feed.

https://developers.google.com/workspace/drive/api/guides/push, read 2026-11-22. A channel lives for
a week at most and cannot be renewed: another one is opened, and then the first is closed.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from livesync_pipelines.connectors._google_drive_api import DriveApi
from livesync_pipelines.connectors._google_drive_feed import OWN
from livesync_pipelines.connectors.subscribing import Held, Wish
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import Gone

_TOPIC = "changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """The name of what is held is the channel's, its state what Google calls the resource."""

    client: Client
    drive: DriveApi

    def found(self, held: Held) -> Held:
        return Held(name=held.name, topic=_TOPIC, state=held.state, expires_at=held.expires_at)

    def subscribe(self, wish: Wish, held: Held) -> Held:
        """What is held already is closed once the new channel is open; where that fails, it ends by
        itself, and until then tells of the same twice."""
        until = datetime.now(UTC) + wish.lease
        opened = self.drive.watch(
            self.drive.start_token(OWN),
            {
                "id": f"{wish.name}-{uuid4().hex[:8]}",
                "type": "web_hook",
                "address": wish.callback,
                "token": wish.secret,
                "expiration": str(round(until.timestamp() * 1_000)),
            },
        )
        with suppress(LiveSyncError):
            self._close(held)
        ends_ms = opened.get("expiration")
        return Held(
            name=str(opened["id"]),
            topic=_TOPIC,
            state=str(opened["resourceId"]),
            expires_at=datetime.fromtimestamp(int(ends_ms) / 1_000, UTC) if ends_ms else until,
        )

    def renew(self, wish: Wish, held: Held) -> Held:
        return self.subscribe(wish, held)

    def unsubscribe(self, wish: Wish, held: Held) -> bool:
        self._close(held)
        return True

    def close(self) -> None:
        self.client.close()

    def _close(self, held: Held) -> None:
        if held.name:
            with suppress(Gone):
                self.drive.stop(held.name, held.state)
