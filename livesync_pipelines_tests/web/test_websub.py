"""Feeds whose hub is asked to tell of changes: a real hub, the real gate, the real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.subscribing import keep_up
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Webhook
from livesync_pipelines.store import catalog, queue, webhooks
from livesync_pipelines.store.database import rows
from livesync_pipelines.web.app import create_app
from livesync_pipelines_tests.engine.house import Clock
from livesync_pipelines_tests.net.site import Site

from .conftest import SETTINGS
from .hub import Hub
from .served import serving

FEED = (
    '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>News</title>'
    "{links}<item><guid>a</guid><title>A</title></item></channel></rss>"
)
SECRET = "a long random text"


class World:
    """The feed `news` with its hub, the connection and the sync that read it, and our door."""

    def __init__(self, engine: Engine, site: Site, hub: Hub) -> None:
        self.clock = Clock()
        self.engine = replace(engine, environ={"HOOK": SECRET}, now=self.clock)
        self.site, self.hub = site, hub
        self.topic = site.url("/feed")
        self.show(hub=hub.url(), own=self.topic)
        self.configure()

    def show(self, **links: str) -> None:
        """What the feed names: its hub, and its own address."""
        rels = {"hub": "hub", "own": "self"}
        told = "".join(f'<atom:link rel="{rels[n]}" href="{url}"/>' for n, url in links.items())
        self.content = FEED.format(links=told).encode()
        self.site.put("/feed", self.content, headers={"content-type": "application/rss+xml"})

    def configure(self, webhook: Webhook | None = None, **options: Any) -> None:
        source = Connection(
            name="news",
            project_id="demo",
            platform="rss",
            options={"url": self.topic, "allow_private": True, **options},
            webhook=webhook or Webhook(scheme="websub", secret="${HOOK}"),
        )
        sync = SyncConfig(
            sync_id="docs",
            project_id="demo",
            connection="news",
            capsule="handbook",
            schedule="daily",
        )
        capsule = Capsule(name="handbook", project_id="demo")
        self.apply(Desired(connections=(source,), capsules=(capsule,), syncs=(sync,)))

    def apply(self, wanted: Desired) -> None:
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def tick(self, after: timedelta = timedelta()) -> int:
        self.clock.now += after
        return keep_up(self.engine)

    def rows(self) -> list[dict[str, Any]]:
        """All subscriptions, the newest last."""
        with self.engine.database.pooled() as connection:
            return rows(connection, "select * from livesync.subscriptions order by made_at, id")

    def row(self) -> dict[str, Any]:
        (found,) = self.rows()
        return found

    def queued(self) -> list[str]:
        with self.engine.database.pooled() as connection:
            return [r.sync_id for r in queue.take(connection, now=self.engine.now())]

    def subscribed(self) -> dict[str, Any]:
        """Asked for and confirmed."""
        self.tick()
        assert self.hub.verify() == [200]
        return self.row()


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    with Site() as site, Hub() as hub:
        world = World(engine, site, hub)
        with serving(create_app(world.engine, SETTINGS)) as address:
            world.engine = replace(world.engine, public_url=address)
            yield world


def test_a_hub_that_was_asked_tells_of_a_change_and_the_sync_is_queued(world: World) -> None:
    assert world.tick() == 1
    (asked,) = world.hub.requests
    assert (asked["hub.mode"], asked["hub.topic"]) == ("subscribe", world.topic)
    assert world.row()["state"] == "pending"
    assert world.hub.verify() == [200]
    assert world.row()["state"] == "active"
    assert world.hub.distribute(world.content) == [200]
    assert world.queued() == ["docs"]
    with world.engine.database.pooled() as connection:
        (event,) = webhooks.listed(connection)
    assert (event["connection"], event["scheme"]) == ("news", "websub")
