"""A sync of an account at a pretend vendor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from livesync_pipelines.auth.vault import Vault
from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger, Webhook
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.drawer import KEY, Office
from livesync_pipelines_tests.sandbox.served import Sandbox


def engine_at(vendor: str, engine: Engine, sandbox: Sandbox) -> Engine:
    """One that knows all platforms, and how accounts of this vendor are connected."""
    return replace(
        engine,
        registry=REGISTRY,
        environ=sandbox.environ(vendor),
        vault=lambda: Vault([KEY]),
    )


class AccountWorld(Office):
    """An engine, a pretend vendor, and a sync of what Ada sees of it into a capsule. `name` is that
    of the connection and of the sync."""

    platform: ClassVar[str]
    name: ClassVar[str]

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        super().__init__(engine, sandbox)
        self.connect(platform=self.platform)

    def configure(
        self, *, schedule: str = "manual", webhook: Webhook | None = None, **select: Any
    ) -> None:
        source = Connection(
            name=self.name,
            project_id="demo",
            platform=self.platform,
            options={"account": "ada"},
            webhook=webhook,
        )
        sync = SyncConfig(
            sync_id=self.name,
            project_id="demo",
            connection=self.name,
            capsule="c",
            schedule=schedule,
            select=select,
        )
        capsules = (Capsule(name="c", project_id="demo"),)
        wanted = Desired(connections=(source,), capsules=capsules, syncs=(sync,))
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(self, *, full: bool = False) -> SyncResult:
        return run_sync(self.engine, self.name, trigger=Trigger.PERSON, full=full)

    def held(self) -> dict[str, str]:
        """The text of each item in the capsule, by key."""
        query = (
            "select s.key, c.text from livesync.shadow s"
            " join livesync.documents d using (sync_id, item_id)"
            " join livesync.contents c on c.sync_id = d.sync_id"
            " and c.content_hash = d.content_hash"
        )
        return {row["key"]: row["text"] for row in self.rows(query)}

    def failures(self) -> dict[str, str]:
        found = self.rows("select key, code from livesync.item_failures")
        return {row["key"]: row["code"] for row in found}

    def rows(self, query: str) -> list[dict[str, Any]]:
        with self.engine.database.pooled() as connection:
            return rows(connection, query)
