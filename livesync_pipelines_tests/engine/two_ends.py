"""Two real tables that a sync keeps in step, while people edit them by SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

from livesync_pipelines.connectors.sql_table import SqlTable
from livesync_pipelines.core import row_keys
from livesync_pipelines.engine.desired import asked
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.model.merge import Side
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.rows import KeyPage, RowPage, RowReceipt, RowWrites
from livesync_pipelines.model.sync import Desired, Trigger
from livesync_pipelines.store import catalog, conflicts, ledger
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.engine.house import Clock, wait_until_free
from livesync_pipelines_tests.engine.row_tables import (
    PERSON,
    Key,
    PostgresTable,
    Row,
    SqliteTable,
    Table,
)

SYNC = "contacts"
KINDS = ["postgres"]
"""What a target can be."""
if find_spec("livesync_pipelines.connectors._sql_sqlite") is not None:
    KINDS.append("sqlite")

Reach = Callable[[Side, str], None]


class Killed(BaseException):
    """The process ends here: no handler of ours may catch it."""


def _nobody(_: Side, __: str) -> None:
    return


@dataclass(slots=True)
class TwoEnds:
    """A sync of rows between `source` and `target`; `reach` is told before and after each write
    to either end, `asked` before it is `scanned`,
    `read` or `followed`. Both may raise."""

    engine: Engine
    source: Table
    target: Table
    reach: Reach = _nobody
    asked: Reach = _nobody

    @property
    def clock(self) -> Clock:
        assert isinstance(self.engine.now, Clock)
        return self.engine.now

    def end(self, side: Side | str) -> Table:
        return self.source if side == Side.SOURCE else self.target

    def configure(self, sync: Mapping[str, Any], selects: Mapping[str, Mapping[str, Any]]) -> None:
        """Apply the sync; `sync` and `selects` (by end) are in the words of a configuration."""
        ends = {"here": self.source, "there": self.target}
        data = {
            "project": "demo",
            "connections": {
                name: {"platform": "sql_table", "url": f"${{{name.upper()}_URL}}", **end.options()}
                for name, end in ends.items()
            },
            "syncs": {
                SYNC: {
                    "connection": "here",
                    "schedule": "manual",
                    "select": {"table": self.source.name, **selects.get("source", {})},
                    "target": {
                        "connection": "there",
                        "table": self.target.name,
                        **selects.get("target", {}),
                    },
                    **sync,
                }
            },
        }
        wanted = asked("story", data, {}, self.engine.environ, known=Desired())
        with self.engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def run(self, *, full: bool = False) -> SyncResult:
        return run_sync(self.engine, SYNC, trigger=Trigger.PERSON, full=full)

    def die(self) -> None:
        """All that the process has open ends with it."""
        with self.engine.database.connect() as connection:
            connection.execute("set application_name = 'killer'")
            connection.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
                " and application_name not in (%s, 'killer')",
                (PERSON,),
            )
        raise Killed

    def restart(self) -> None:
        wait_until_free(self.engine)

    def key(self, key: Key) -> str:
        """As the engine spells it."""
        parts = key if isinstance(key, (tuple, list)) else [key]
        names = list(self.source.key)
        text = row_keys.encode(
            pa.table({n: [p] for n, p in zip(names, parts, strict=True)}), names
        )[0].as_py()
        return str(text)

    def ask(self, query: str, *values: Any) -> list[Row]:
        with self.engine.database.pooled() as connection:
            return rows(connection, query, values)

    def conflicts(self) -> list[Row]:
        """All there have been, oldest first."""
        with self.engine.database.pooled() as connection:
            return conflicts.listed(connection, sync_id=SYNC, settled=True, limit=100_000)[::-1]

    def entries(self) -> list[Row]:
        """The ledger, oldest first."""
        with self.engine.database.pooled() as connection:
            return ledger.entries(connection, SYNC, limit=100_000)[::-1]

    def verified(self) -> bool:
        with self.engine.database.pooled() as connection:
            return ledger.first_broken(connection, SYNC) is None


def _watched(ends: list[TwoEnds]) -> type[SqlTable]:
    class Watched(SqlTable):
        """A table of which it is told when it is about to be written, and when it has been."""

        @property
        def _side(self) -> Side:
            return Side.SOURCE if self._chosen.table == ends[0].source.name else Side.TARGET

        def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
            ends[0].asked(self._side, "scanned")
            return super().scan(columns, after)

        def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
            ends[0].asked(self._side, "read")
            return super().read(columns, keys)

        def changed(self, cursor: str) -> Iterator[KeyPage]:
            ends[0].asked(self._side, "followed")
            return super().changed(cursor)

        def write(self, writes: RowWrites) -> RowReceipt:
            ends[0].reach(self._side, "before")
            receipt = super().write(writes)
            ends[0].reach(self._side, "after")
            return receipt

    return Watched


def lost_answer() -> None:
    """The line drops; whether the other end has heard is not known."""
    raise Unavailable("the line dropped", hint="It is tried again.")


@contextmanager
def two_ends(engine: Engine, kind: str, place: Path) -> Iterator[TwoEnds]:
    """A Postgres table `people`, and a table `contacts` of the database of that kind."""
    url = engine.database.url
    source = PostgresTable(url, "people")
    target: Table
    if kind == "sqlite":
        target = SqliteTable(f"sqlite:///{place / 'target.db'}", "contacts")
        target.sql("vacuum")
    else:
        target = PostgresTable(url, "contacts")
    known: list[TwoEnds] = []
    there = {"HERE_URL": source.url, "THERE_URL": target.url}
    row_ends = {"sql_table": _watched(known)}
    ends = TwoEnds(
        replace(engine, registry={}, row_ends=row_ends, environ=there, now=Clock()), source, target
    )
    known.append(ends)
    try:
        yield ends
    finally:
        source.close()
        target.close()
