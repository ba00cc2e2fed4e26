"""LiveSync's end of a table of Postgres alone, given rows as a sync gives them to it: pages out of
memory, each a transaction, and of what has changed also what is to be there still.

    python -m benchmarks.ours_written URL SCHEMA WHOLE.parquet CHANGED.parquet

It reads orders, a line each: `first` (the table is made, and gets all rows) and `changes`, and
answers with the seconds from before it connects.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from time import perf_counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.connectors.sql_table import SqlTable, SqlTableConnection, SqlTableSelection
from livesync_pipelines.model.rows import Column, RowWrites, Shape


def pages(rows: pa.Table, before: pa.Table | None) -> Iterator[RowWrites]:
    """What to write; `before`: the same rows as they are, None where they are new."""
    schema = rows.schema
    for start in range(0, len(rows), PAGE_ROWS):
        page = rows.slice(start, PAGE_ROWS)
        empty = [page[f.name] if f.name == "id" else pa.nulls(len(page), f.type) for f in schema]
        yield RowWrites(
            upserts=page,
            expected=pa.table(empty, schema=schema)
            if before is None
            else before.slice(start, PAGE_ROWS),
            there=pa.repeat(before is not None, len(page)),
            deletes=page.select(["id"]).slice(0, 0),
        )


def written(url: str, schema: str, rows: pa.Table, before: pa.Table | None) -> float:
    begun = perf_counter()
    connection = SqlTableConnection.model_validate({"url": url, "schema": schema})
    selection = SqlTableSelection.model_validate({"table": "people"})
    with closing(SqlTable(connection, selection, FetchLimits())) as end:
        if before is None:
            columns = tuple(Column(name=field.name, type=field.type) for field in rows.schema)
            end.prepare(Shape(columns=columns, key=("id",)))
        for page in pages(rows, before):
            receipt = end.write(page)
            if receipt.failures or len(receipt.moved):
                raise RuntimeError("a row was not written")
    return perf_counter() - begun


def main() -> None:
    url, schema, *files = sys.argv[1:]
    whole, changed = (pq.read_table(file).sort_by("id") for file in files)
    before = whole.filter(pc.is_in(whole["id"], changed["id"]))
    given = {"first": (whole, None), "changes": (changed, before)}
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": written(url, schema, *given[line.strip()])}), flush=True)


if __name__ == "__main__":
    main()
