"""A sync of a real folder, and Dagster over the test's own database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from livesync_pipelines.defs import automation
from livesync_pipelines.defs.partitions import SYNCS, keep_equal
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog

SYNC = "handbook-docs"


@dataclass(frozen=True, slots=True)
class House:
    """One configured folder sync, its engine, and a Dagster instance that knows of it."""

    engine: Engine
    instance: dg.DagsterInstance
    folder: Path

    def configure(self, *syncs: SyncConfig) -> None:
        """Apply these syncs of the folder, and bring Dagster's partitions in step."""
        wanted = Desired(
            connections=(
                Connection(
                    name="docs",
                    project_id="demo",
                    platform="folder",
                    options={"path": str(self.folder)},
                ),
            ),
            capsules=(Capsule(name="handbook", project_id="demo"),),
            syncs=syncs,
        )
        with self.engine.database.connect() as connection:
            catalog.apply(connection, wanted)
        keep_equal(self.instance, self.engine)

    def partitions(self) -> set[str]:
        name = SYNCS["folder"].name
        assert name is not None
        return set(self.instance.get_dynamic_partitions(name))


def a_sync(sync_id: str = SYNC, schedule: str = "every_15_minutes") -> SyncConfig:
    return SyncConfig(
        sync_id=sync_id,
        project_id="demo",
        connection="docs",
        capsule="handbook",
        schedule=schedule,
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an empty queue here."""
    monkeypatch.setattr(automation, "HOLD_S", -60.0)


@pytest.fixture
def house(
    engine: Engine,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    monkeypatch.setenv("LIVESYNC_DATABASE_URL", database_url)
    monkeypatch.setenv("LIVESYNC_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EXTERNAL_SYNC_ENABLED", "true")
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "one.md").write_text("# One\n\nThe first heron of spring.\n")
    (folder / "two.md").write_text("# Two\n\nAn otter at the weir.\n")
    with dg.DagsterInstance.ephemeral() as instance:
        made = House(engine, instance, folder)
        made.configure(a_sync())
        yield made


@pytest.fixture
def postgres(house: House, database_url: str, tmp_path: Path) -> Iterator[House]:
    """The same house, with a Dagster that keeps its state in Postgres, as ours does."""
    home = tmp_path / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text(
        "storage: {custom: {module: livesync_pipelines.defs.storage, class: PooledStorage,"
        " config: {postgres_url: {env: LIVESYNC_DATABASE_URL}}}}\n"
        "telemetry: {enabled: false}\n"
    )
    with dg.DagsterInstance.from_config(str(home)) as instance:
        made = House(house.engine, instance, house.folder)
        made.configure(a_sync())
        for old in instance.get_runs():
            instance.delete_run(old.run_id)
        yield made
