"""Channels of Google Drive, opened by LiveSync, replaced before they end, closed with a sync."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import httpx
import pytest

from livesync_pipelines.engine.house import Engine, utc_now
from livesync_pipelines.engine.subscribing import keep_up
from livesync_pipelines.model.sync import SyncState, Webhook
from livesync_pipelines.sandbox.clock import Clock
from livesync_pipelines.sandbox.world import World
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.store.database import rows
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.connectors.drive_world import Cabinet, a_cabinet

from .conftest import SETTINGS
from .served import serving

SECRET = "a long random text"


class Watched(Cabinet):
    """A cabinet whose connection asks to be told, and our door. The vendor's clock runs as ours."""

    def open_door(self, address: str) -> None:
        self.engine = replace(self.engine, public_url=address)

    def subscription(self) -> dict[str, Any]:
        with self.engine.database.pooled() as connection:
            (found,) = rows(connection, "select * from livesync.subscriptions")
        return found

    def channels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.sandbox.control("GET", "/truth/google")["channels"]
        return found

    def wait_until_queued(self) -> None:
        """Return when a call has queued the sync."""
        while not self.queued():
            sleep(0.01)

    def queued(self) -> list[str]:
        with self.engine.database.pooled() as connection:
            return [found.sync_id for found in queue.take(connection, now=self.engine.now())]

    def called(self, token: str, query: str = "") -> int:
        headers = {
            "x-goog-channel-id": "c",
            "x-goog-channel-token": token,
            "x-goog-message-number": "2",
            "x-goog-resource-state": "change",
        }
        url = f"{self.engine.public_url}/sync/webhook/google_drive/drive{query}"
        return httpx.post(url, headers=headers).status_code


@pytest.fixture
def watched(engine: Engine) -> Iterator[Watched]:
    world = World(clock=Clock(datetime.now(UTC), running=True))
    with a_cabinet(engine, world, kind=Watched) as cabinet:
        assert isinstance(cabinet, Watched)
        cabinet.engine = replace(cabinet.engine, environ={**cabinet.engine.environ, "HOOK": SECRET})
        webhook = Webhook(scheme="google", secret="${HOOK}")
        cabinet.configure(schedule="daily", webhook=webhook)
        app = create_app(cabinet.engine, SETTINGS)
        with serving(app) as address:
            cabinet.open_door(address)
            yield cabinet


def test_a_change_is_told_and_the_sync_is_queued(watched: Watched) -> None:
    assert keep_up(watched.engine) == 1
    assert watched.subscription()["state"] == "active"
    assert watched.queued() == ["drive"]
    watched.run()
    watched.ada.write("a.md", "Of a.")
    watched.wait_until_queued()


def test_a_channel_is_replaced_before_it_ends(watched: Watched) -> None:
    keep_up(watched.engine)
    (first,) = watched.channels()
    assert keep_up(watched.engine) == 0
    soon = replace(watched.engine, now=lambda: utc_now() + timedelta(days=5))
    assert keep_up(soon) == 1
    (second,) = watched.channels()
    assert second["id"] != first["id"]
    assert watched.subscription()["name"] == second["id"]
    watched.run()
    assert keep_up(replace(soon, now=lambda: utc_now() + timedelta(days=10))) == 1
    assert watched.queued() == []


def test_a_channel_that_cannot_be_closed_is_replaced_all_the_same(watched: Watched) -> None:
    keep_up(watched.engine)
    watched.sandbox.fault("POST /google/drive/v3/channels/stop", "500", times=9)
    soon = replace(watched.engine, now=lambda: utc_now() + timedelta(days=5))
    assert keep_up(soon) == 1
    assert watched.subscription()["state"] == "active"


def test_a_channel_is_closed_with_its_sync(watched: Watched) -> None:
    keep_up(watched.engine)
    with watched.engine.database.pooled() as connection:
        catalog.set_state(connection, "drive", SyncState.PAUSED, None)
    keep_up(watched.engine)
    assert watched.channels() == []
    assert watched.subscription()["state"] == "gone"


def test_each_channel_has_a_token_of_its_own_and_the_secret_is_kept(watched: Watched) -> None:
    keep_up(watched.engine)
    query = f"?subscription={watched.subscription()['id']}"
    assert watched.called(SECRET, query) == 401
    assert watched.called("", query) == 401
    assert SECRET not in str(watched.subscription())


def test_a_channel_that_somebody_opened_himself_bears_the_secret(watched: Watched) -> None:
    assert watched.called(SECRET) == 200
    assert watched.called("another") == 401
