"""LiveSync itself: `run_sync` of a table of Postgres into another, in one warm process.

    python -m benchmarks.ours_rows URL

It reads orders, a line each: `begin SCHEMA none|trigger` (a sync of `source.people` into that
schema, with or without a change feed), or `run`; and answers with seconds and its peak in MB.
"""

from __future__ import annotations

import json
import resource
import sys
from time import perf_counter

import pandas as pd  # noqa: F401 - pyarrow wants it for its first array, and a worker has it

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.operation import Status
from livesync_pipelines.model.sync import Connection, Desired, RowTarget, SyncConfig, Trigger
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import Database

SYNC, PROJECT = "people", "benchmark"


def begin(engine: Engine, schema: str, feed: str) -> None:
    """A sync that knows nothing yet."""
    with engine.database.connect() as connection:
        connection.execute("truncate livesync.row_base, livesync.row_blocks, livesync.ledger")
        catalog.apply(connection, Desired())
        catalog.apply(connection, _desired(engine.database.url, schema, feed))


def _desired(url: str, schema: str, feed: str) -> Desired:
    return Desired(
        connections=tuple(
            Connection(
                name=name,
                project_id=PROJECT,
                platform="sql_table",
                options={"url": url, "schema": place},
            )
            for name, place in (("from", "source"), ("into", schema))
        ),
        syncs=(
            SyncConfig(
                sync_id=SYNC,
                project_id=PROJECT,
                connection="from",
                schedule="manual",
                select={"table": "people", "feed": feed},
                target=RowTarget(connection="into", select={"table": "people", "key": ["id"]}),
            ),
        ),
    )


def run(engine: Engine) -> dict[str, float]:
    begun = perf_counter()
    result = run_sync(engine, SYNC, trigger=Trigger.PERSON)
    seconds = perf_counter() - begun
    if result.status is not Status.SUCCESS:
        raise RuntimeError(f"the sync ended as {result.status}: {result.error}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mb": peak, "synced": result.counts.synced_items}


def main() -> None:
    database = Database(sys.argv[1])
    database.migrate()
    engine = Engine(database=database)
    print("ready", flush=True)
    for line in sys.stdin:
        order, *words = line.split()
        told: dict[str, float] = {}
        if order == "begin":
            begin(engine, *words)
        else:
            told = run(engine)
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
