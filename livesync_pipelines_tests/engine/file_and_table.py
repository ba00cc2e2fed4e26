"""A CSV file of a folder and a table of an SQLite database beside it, kept in step both ways."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.sync import (
    Connection,
    Desired,
    Mode,
    RowTarget,
    SyncConfig,
    Trigger,
)
from livesync_pipelines.store import catalog

Run = Callable[[], SyncResult]


def in_step(
    engine: Engine,
    folder: Path,
    file: str,
    *,
    fields: Sequence[FieldMap] = (),
    to_file: bool = False,
    mode: Mode = Mode.BIDIRECTIONAL,
) -> Run:
    """A run of `wanted`, by hand."""
    with closing(sqlite3.connect(folder / "crm.db")) as crm:
        crm.execute("vacuum")
    with engine.database.pooled() as connection:
        catalog.apply(
            connection, wanted(folder, file, to_file=to_file, fields=tuple(fields), mode=mode)
        )
    return lambda: run_sync(engine, "people", trigger=Trigger.PERSON)


def wanted(folder: Path, file: str, *, to_file: bool = False, **said: Any) -> Desired:
    """The sync `people` between this file and the table `people` of `crm.db`, both with the key
    `id`. `to_file`: the file is the target. `said`: what differs from a sync both ways by hand."""
    options: dict[str, dict[str, Any]] = {
        "folder": {"path": f"{folder}"},
        "sql_table": {"url": f"sqlite:///{folder}/crm.db"},
    }
    select: dict[str, dict[str, Any]] = {
        "folder": {"rows": file, "key": ["id"]},
        "sql_table": {"table": "people", "key": ["id"]},
    }
    source, target = ("sql_table", "folder") if to_file else ("folder", "sql_table")
    return Desired(
        connections=tuple(
            Connection(name=platform, project_id="demo", platform=platform, options=one)
            for platform, one in options.items()
        ),
        syncs=(
            SyncConfig(
                sync_id="people",
                project_id="demo",
                connection=source,
                select=select[source],
                target=RowTarget(connection=target, select=select[target]),
                **{"mode": Mode.BIDIRECTIONAL, "schedule": "manual", **said},
            ),
        ),
    )


def in_table(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """What this statement finds in the database."""
    with closing(sqlite3.connect(folder / "crm.db")) as connection, connection:
        return connection.execute(statement).fetchall()
