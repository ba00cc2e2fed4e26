from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.settings import Settings
from livesync_pipelines.store import catalog
from livesync_pipelines.web.app import create_app

SETTINGS = Settings.load({"EXTERNAL_SYNC_ENABLED": "true", "LIVESYNC_DAGSTER_PORT": "3123"})
HERE = "http://127.0.0.1:8600"


class Caller:
    """A program or a browser on this machine; an answer of 500 is an answer."""

    def __init__(self, engine: Engine, settings: Settings = SETTINGS) -> None:
        self._app = create_app(engine, settings)

    def get(self, path: str, **words: Any) -> httpx.Response:
        return self.request("GET", path, **words)

    def post(self, path: str, **words: Any) -> httpx.Response:
        return self.request("POST", path, **words)

    def request(self, method: str, path: str, **words: Any) -> httpx.Response:
        return asyncio.run(self._answer(method, path, words))

    async def _answer(self, method: str, path: str, words: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=HERE) as client:
            return await client.request(method, path, **words)


@pytest.fixture
def client(engine: Engine) -> Caller:
    return Caller(engine)


@pytest.fixture
def idle(engine: Engine) -> Caller:
    """Calls at a house where EXTERNAL_SYNC_ENABLED is not true."""
    return Caller(replace(engine, enabled=False))


@pytest.fixture
def docs(engine: Engine, tmp_path: Path) -> Path:
    """A folder that the sync `docs` brings into the capsule `handbook`."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "leave.md").write_text("# Leave\n\nParents may ask for leave early.\n")
    (docs / "travel.md").write_text("# Travel\n\nBook trains through the portal.\n")
    options = {"path": str(docs)}
    source = Connection(name="files", project_id="demo", platform="folder", options=options)
    sync = SyncConfig(
        sync_id="docs",
        project_id="demo",
        connection="files",
        capsule="handbook",
        schedule="hourly",
    )
    capsule = Capsule(name="handbook", project_id="demo")
    wanted = Desired(connections=(source,), capsules=(capsule,), syncs=(sync,))
    with engine.database.connect() as connection:
        catalog.apply(connection, wanted)
    return docs


Run = Callable[[], SyncResult]


@pytest.fixture
def run(engine: Engine, docs: Path) -> Run:
    """Runs the sync `docs`."""
    return lambda: run_sync(engine, "docs", trigger=Trigger.PERSON, run_id="run-1")


@pytest.fixture
def synced(run: Run) -> SyncResult:
    """The result of the first run."""
    return run()
