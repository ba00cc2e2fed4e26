"""LiveSync itself: `run_sync` of a folder into a capsule, in one warm process without Dagster.

python -m benchmarks.ours english | none
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.passes import serve
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import Database

NAME = "docs"


@dataclass(slots=True)
class Ours:
    """`language` is the capsule's: `none` keeps no full-text index."""

    language: str
    engine: Engine | None = None

    def prepare(self, url: str, folder: Path) -> None:
        if self.engine is not None:
            self.engine.database.close()
        database = Database(url)
        database.migrate()
        self.engine = Engine(database=database)
        with database.connect() as connection:
            catalog.apply(connection, desired(folder, self.language))

    def run(self) -> dict[str, float]:
        assert self.engine is not None
        result = run_sync(self.engine, NAME, trigger=Trigger.PERSON)
        if result.status is not Status.SUCCESS:
            raise RuntimeError(f"the sync ended as {result.status}: {result.error}")
        return result.stage_s


def desired(folder: Path, language: str) -> Desired:
    options = {"path": str(folder)}
    project = "benchmark"
    return Desired(
        connections=(
            Connection(name=NAME, project_id=project, platform="folder", options=options),
        ),
        capsules=(Capsule(name=NAME, project_id=project, language=language),),
        syncs=(
            SyncConfig(
                sync_id=NAME, project_id=project, connection=NAME, capsule=NAME, schedule="manual"
            ),
        ),
    )


if __name__ == "__main__":
    serve(Ours(sys.argv[1]))
