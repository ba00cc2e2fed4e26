"""Webhooks of the pretend Notion, heard by a real web site: signed, and as its types say."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

from livesync_pipelines.sandbox.notion.planting import text
from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.world import World

from ..net.site import Site
from .notion_client import misfits, notion_of
from .served import a_sandbox

_EVENTS = {
    "page.created": "PageCreatedWebhookPayload",
    "page.content_updated": "PageContentUpdatedWebhookPayload",
    "page.properties_updated": "PagePropertiesUpdatedWebhookPayload",
    "page.deleted": "PageDeletedWebhookPayload",
    "page.undeleted": "PageUndeletedWebhookPayload",
    "page.moved": "PageMovedWebhookPayload",
    "data_source.created": "DataSourceCreatedWebhookPayload",
    "data_source.schema_updated": "DataSourceSchemaUpdatedWebhookPayload",
}


@pytest.fixture
def ear() -> Iterator[Site]:
    with Site() as site:
        site.put("/hook", status=200)
        yield site


def heard(ear: Site) -> list[dict[str, Any]]:
    return [json.loads(call.body) for call in list(ear.calls)]


def until_all_were_heard(ear: Site) -> list[dict[str, Any]]:
    for _ in range(2_000):
        told = heard(ear)
        if {one.get("type") for one in told} >= _EVENTS.keys():
            return told
        time.sleep(0.01)
    raise AssertionError(f"heard only {[one.get('type') for one in heard(ear)]}")


def test_events_come_once_the_token_was_typed_in_and_are_as_the_types_say(ear: Site) -> None:
    space = Workspace(World())
    home, unshared = space.page("Home"), space.page("Private")
    space.shared.discard(unshared.id)
    parent = {"page_id": home.id}
    with a_sandbox(space.world, space=space) as sandbox, notion_of(sandbox) as client:
        asked = {"address": ear.url("/hook")}
        assert sandbox.client.post("/notion/console/webhook", json=asked).json() == {"sent": True}
        (first,) = heard(ear)
        client.blocks.children.append(home.id, children=[text("Unheard.")])
        typed = {"token": first["verification_token"]}
        wrong = sandbox.client.post("/notion/console/verify", json={"token": "guessed"})
        assert wrong.status_code == 400
        assert sandbox.client.post("/notion/console/verify", json=typed).json() == {"active": True}
        one, other = (client.pages.create(parent=parent, properties={}) for _ in range(2))
        client.pages.update(one["id"], properties={"title": {"title": []}})
        client.pages.move(one["id"], parent={"page_id": other["id"]})
        client.pages.update(one["id"], in_trash=True)
        client.pages.update(one["id"], in_trash=False)
        schema: dict[str, Any] = {"properties": {"Name": {"title": {}}}}
        database = client.databases.create(parent=parent, initial_data_source=schema)
        source_id = database["data_sources"][0]["id"]
        client.data_sources.update(source_id, properties={"New": {"url": {}}})
        _, *events = until_all_were_heard(ear)
    for event in events:
        assert misfits(_EVENTS[event["type"]], event) == []
        assert event["entity"]["id"] != unshared.id
    assert len({event["id"] for event in events}) == len(events)
    for call in ear.calls:
        digest = hmac.new(typed["token"].encode(), call.body, sha256).hexdigest()
        assert call.headers["x-notion-signature"] == f"sha256={digest}"
