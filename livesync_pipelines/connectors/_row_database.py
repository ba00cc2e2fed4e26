"""A DuckDB of one's own, on disk, that reaches nothing outside of itself.

What is in memory stays bounded, however many rows there are. It is gone from the disk when nobody
holds it any more, so a scan under way outlives the making of its successor.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.model.errors import Unavailable

MEMORY = "192MB"
_SETTINGS = (
    "SET TimeZone = 'UTC'",
    "SET enable_progress_bar = false",
    "SET preserve_insertion_order = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)

_INTERRUPTED = "Query interrupted"
"""What DuckDB says in place of what the handler of a signal has raised."""


class PrivateDatabase:
    """SQL is composed of our own words only; values are bound or come as Arrow tables."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="livesync-rows-")
        self._db = duckdb.connect(
            os.path.join(folder, "rows.duckdb"),
            config={
                "memory_limit": MEMORY,
                "threads": "1",
                "temp_directory": os.path.join(folder, "spilled"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self.close = weakref.finalize(self, _drop, self._db, folder)
        for setting in _SETTINGS:
            self.run(setting)

    def run(self, sql: str) -> None:
        with _named():
            self._db.execute(sql)

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer: of few."""
        with _named():
            return self._db.execute(sql, list(values)).fetchall()

    def insert(self, into: str, table: pa.Table) -> None:
        """Its columns go by their names."""
        self._db.register("incoming", table)
        self.run(f"INSERT INTO {into} BY NAME SELECT * FROM incoming")
        self._db.unregister("incoming")

    def pages(self, sql: str, values: Sequence[object] = ()) -> Iterator[pa.Table]:
        """The answer in tables of `PAGE_ROWS` rows, read as they are asked for."""
        with _named(), self._db.cursor() as cursor:
            answer = cursor.sql(sql, params=list(values))
            for batch in answer.to_arrow_reader(PAGE_ROWS):
                yield pa.Table.from_batches([batch])

    def joined(self, sql: str, **given: pa.Table) -> pa.Table:
        """The whole answer of a question that names these tables."""
        for name, table in given.items():
            self._db.register(name, table)
        with _named():
            answer = self._db.sql(sql).to_arrow_table()
        for name in given:
            self._db.unregister(name)
        return answer


@contextmanager
def _named() -> Iterator[None]:
    """What a user can do something about, said so."""
    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        raise Unavailable(
            f"the rows of a file could not be sorted here: {type(error).__name__}",
            hint=f"Make room in {tempfile.gettempdir()}, or let TMPDIR name a larger disk.",
        ) from error
    except RuntimeError as error:
        if str(error) == _INTERRUPTED:
            raise KeyboardInterrupt from error
        raise


def _drop(db: duckdb.DuckDBPyConnection, folder: str) -> None:
    db.close()
    shutil.rmtree(folder, ignore_errors=True)
