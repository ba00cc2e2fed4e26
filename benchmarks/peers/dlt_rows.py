"""dlt, an Arrow table in memory merged into Postgres by its key, loaded by COPY:
https://dlthub.com/docs/dlt-ecosystem/verified-sources/arrow-pandas, read 2026-11-21.

    python -m benchmarks.peers.dlt_rows URL SCHEMA WHOLE.parquet CHANGED.parquet

It is told which rows have changed; finding them is not part of its time.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib import import_module
from time import perf_counter
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"


def pipeline_into(url: str, schema: str, memory: str) -> Any:
    dlt = import_module("dlt")
    place = dict(part.split("=", 1) for part in url.split())
    address = {
        "host": quote(place.get("host", "localhost"), safe=""),
        "username": place.get("user", "postgres"),
        "password": place.get("password", "none"),
        "database": place["dbname"],
        "port": int(place.get("port", 5432)),
    }
    return dlt.pipeline(
        pipeline_name=schema,
        pipelines_dir=memory,
        destination=dlt.destinations.postgres(credentials=address),
        dataset_name=schema,
    )


def main() -> None:
    url, schema, *files = sys.argv[1:]
    tables = [pq.read_table(file) for file in files]
    with tempfile.TemporaryDirectory(prefix="dlt-") as memory:
        pipeline = pipeline_into(url, schema, memory)
        print("ready", flush=True)
        for table, _ in zip(tables, sys.stdin, strict=False):
            begun = perf_counter()
            pipeline.run(
                table,
                table_name="people",
                write_disposition={"disposition": "merge", "strategy": "upsert"},
                primary_key="id",
                loader_file_format="csv",
            )
            print(json.dumps({"seconds": perf_counter() - begun}), flush=True)


if __name__ == "__main__":
    main()
