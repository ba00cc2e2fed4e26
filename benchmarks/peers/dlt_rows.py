"""dlt, rows merged into Postgres by their key, loaded by COPY: out of a table of the same server by
a cursor column, or out of memory, where it is told which rows have changed and finding them is not
part of its time. https://dlthub.com/docs/general-usage/incremental/cursor and
https://dlthub.com/docs/dlt-ecosystem/verified-sources/arrow-pandas, read 2026-11-21.

    python -m benchmarks.peers.dlt_rows cursor|told URL SCHEMA WHOLE.parquet CHANGED.parquet
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from time import perf_counter
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"


def address_of(url: str) -> dict[str, Any]:
    place = import_module("psycopg2.extensions").parse_dsn(url)
    return {
        "host": quote(place.get("host", "localhost"), safe=""),
        "username": place.get("user", "postgres"),
        "password": place.get("password", "none"),
        "database": place["dbname"],
        "port": int(place.get("port", 5432)),
    }


def pipeline_into(address: dict[str, Any], schema: str, memory: str) -> Any:
    dlt = import_module("dlt")
    return dlt.pipeline(
        pipeline_name=schema,
        pipelines_dir=memory,
        destination=dlt.destinations.postgres(credentials=address),
        dataset_name=schema,
    )


def by_cursor(url: str) -> Iterator[Any]:
    """What is new in the source's table, read as Arrow in the fastest way there is."""
    dlt, adbc = import_module("dlt"), import_module("adbc_driver_postgresql.dbapi")

    def people(seen: Any = dlt.sources.incremental("seen")) -> Iterator[Any]:  # noqa: B008 - dlt binds it
        with adbc.connect(url) as connection, connection.cursor() as cursor:
            query = "select * from source.people"
            if seen.last_value is not None:
                query += f" where seen > '{seen.last_value.isoformat()}'"
            cursor.execute(query)
            yield cursor.fetch_arrow_table()

    while True:
        yield dlt.resource(people, name="people")


def main() -> None:
    way, url, schema, *files = sys.argv[1:]
    address = address_of(url)
    given = by_cursor(url) if way == "cursor" else iter([pq.read_table(f) for f in files])
    with tempfile.TemporaryDirectory(prefix="dlt-") as memory:
        pipeline = pipeline_into(address, schema, memory)
        print("ready", flush=True)
        for _ in sys.stdin:
            begun = perf_counter()
            pipeline.run(
                next(given),
                table_name="people",
                write_disposition={"disposition": "merge", "strategy": "upsert"},
                primary_key="id",
                loader_file_format="csv",
            )
            print(json.dumps({"seconds": perf_counter() - begun}), flush=True)


if __name__ == "__main__":
    main()
