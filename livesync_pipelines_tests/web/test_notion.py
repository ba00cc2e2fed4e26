"""The pretend Notion calls the real door, which keeps its token for the owner, then hears it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import (
    Capsule,
    Connection,
    Desired,
    SyncConfig,
    Webhook,
)
from livesync_pipelines.sandbox.notion.planting import text
from livesync_pipelines.sandbox.notion.workspace import SECRET
from livesync_pipelines.store import catalog, webhooks
from livesync_pipelines.web import gate
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.connectors.notion_world import Desk, a_desk
from livesync_pipelines_tests.engine.test_watching import ask, queued
from livesync_pipelines_tests.sandbox.notion_client import notion_of

from .conftest import SETTINGS
from .served import serving

PLACE = "/sync/webhook/notion/notes"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with a_desk() as made:
        yield made


def configure(engine: Engine, webhook: Webhook) -> None:
    options = {"token": "${TOKEN}"}
    place = Connection(
        name="notes", project_id="demo", platform="notion", options=options, webhook=webhook
    )
    sync = SyncConfig(
        sync_id="notes", project_id="demo", connection="notes", capsule="c", schedule="daily"
    )
    capsules = (Capsule(name="c", project_id="demo"),)
    wanted = Desired(connections=(place,), capsules=capsules, syncs=(sync,))
    with engine.database.pooled() as connection:
        catalog.apply(connection, wanted)


def test_the_token_that_notion_sends_is_typed_in_and_then_its_hints_are_heard(
    engine: Engine, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The door looks at every call who may call, so that the new secret is known at once."""
    monkeypatch.setattr(gate, "FRESH_S", 0.0)
    monkeypatch.setattr(gate, "BELIEVED_S", 0.0)
    environ = {"TOKEN": SECRET}
    house = replace(engine, registry=REGISTRY, environ=environ)
    settings = SETTINGS.model_copy(update={"home": tmp_path})
    page_id = desk.page("Ferns", "Green.")
    configure(house, Webhook(scheme="notion"))
    with serving(create_app(house, settings)) as door, notion_of(desk.sandbox) as client:
        asked = {"address": f"{door}{PLACE}"}
        answer = desk.sandbox.client.post("/notion/console/webhook", json=asked)
        assert answer.json() == {"sent": True}
        client.blocks.children.append(page_id, children=[text("Nobody hears of it.")])
        token = (tmp_path / "webhooks" / "notes").read_text().strip()
        environ["HOOK"] = token
        configure(house, Webhook(scheme="notion", secret="${HOOK}"))
        answer = desk.sandbox.client.post("/notion/console/verify", json={"token": token})
        assert answer.json() == {"active": True}
        assert ask(house, "select from livesync.queue") == []
        client.blocks.children.append(page_id, children=[text("News.")])
        assert queued(house)["sync_id"] == "notes"
    with house.database.pooled() as connection:
        (event,) = webhooks.listed(connection)
    assert event["hints"] == [page_id]
