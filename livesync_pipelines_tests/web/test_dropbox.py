"""The pretend Dropbox calls the real door, which answers its challenge and hears what it signs."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Webhook
from livesync_pipelines.store import webhooks
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.connectors.dropbox_world import Cupboard, a_cupboard
from livesync_pipelines_tests.engine.test_watching import ask, queued
from livesync_pipelines_tests.sandbox.served import ADA

from .conftest import SETTINGS
from .served import serving

PLACE = "/sync/webhook/dropbox/box"


@pytest.fixture
def cupboard(engine: Engine) -> Iterator[Cupboard]:
    with a_cupboard(engine) as found:
        webhook = Webhook(scheme="dropbox", secret="${DROPBOX_CLIENT_SECRET}")
        found.configure(schedule="daily", webhook=webhook)
        yield found


def test_a_change_at_dropbox_queues_the_sync_with_the_account_as_its_hint(
    cupboard: Cupboard,
) -> None:
    with serving(create_app(cupboard.engine, SETTINGS)) as door:
        console = {"address": f"{door}{PLACE}"}
        answer = cupboard.sandbox.client.post("/dropbox/console/webhook", json=console)
        assert answer.json() == {"enabled": True}
        cupboard.ada.write("/moss.md", "Moss grows.")
        told = queued(cupboard.engine)
    assert (told["sync_id"], told["trigger"]) == ("box", "webhook")
    with cupboard.engine.database.pooled() as connection:
        (event,) = webhooks.listed(connection)
    account = cupboard.sandbox.control("GET", "/truth/dropbox")["accounts"][ADA]["account_id"]
    assert event["hints"] == [account]


def test_who_does_not_sign_with_the_secret_of_the_app_queues_nothing(cupboard: Cupboard) -> None:
    with serving(create_app(cupboard.engine, SETTINGS)) as door:
        headers = {"x-dropbox-signature": "0" * 64}
        answer = httpx.post(f"{door}{PLACE}", content=b"{}", headers=headers)
    assert answer.status_code == 401
    assert ask(cupboard.engine, "select from livesync.queue") == []
