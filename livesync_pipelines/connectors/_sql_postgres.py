"""A table of a Postgres."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

import pyarrow as pa
from propcache.api import cached_property

from livesync_pipelines.connectors import _sql_pg_catalogue as catalogue
from livesync_pipelines.connectors._sql_base import Chosen, SqlDatabase, no_column, no_table
from livesync_pipelines.connectors._sql_cells import page_of, pages
from livesync_pipelines.connectors._sql_pg_catalogue import Table
from livesync_pipelines.connectors._sql_pg_feed import Feed
from livesync_pipelines.connectors._sql_pg_native import Native
from livesync_pipelines.connectors._sql_pg_prepare import fits, prepare
from livesync_pipelines.connectors._sql_pg_read import batches, read_batch, selected
from livesync_pipelines.connectors._sql_pg_session import Session, place_of
from livesync_pipelines.connectors._sql_pg_stage import asked
from livesync_pipelines.connectors._sql_pg_write import Writer
from livesync_pipelines.connectors._sql_prepare import Naming
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.rows import KeyPage, RowPage, RowReceipt, RowWrites, Shape


class Postgres(SqlDatabase):
    """Reads by one COPY for a whole scan, over a connection of its own; writes by COPY into a
    temporary table, or into the table itself where it is empty of these rows."""

    naming = Naming("Postgres", str, longest=63, unit="bytes")
    holds = catalogue.HOLDS

    def __init__(self, url: str, chosen: Chosen, limits: FetchLimits) -> None:
        name = f"{chosen.schema}.{chosen.table}" if chosen.schema else chosen.table
        super().__init__(f"table {name} of {place_of(url)}")
        self._chosen, self._limits = chosen, limits
        self._session = Session(url, timeout_s=limits.timeout_s, where=self.where)
        self._table: Table | None = None

    def tables(self) -> list[str]:
        return catalogue.tables(self._session)

    def shape(self) -> Shape | None:
        self._table = self._look()
        return None if self._table is None else self._table.shape(self._chosen, where=self.where)

    def widens(self) -> frozenset[str]:
        table = self._table
        return frozenset(one.name for one in table.natives if one.widens) if table else frozenset()

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        table, shape = self._known()
        natives = self._natives(table, [*(k for k in shape.key if k not in columns), *columns])
        key = [table.native(name) for name in shape.key]
        schema = pa.schema([(column.name, column.column.type) for column in natives])
        unique = any(columns <= set(shape.key) for columns in table.unique)
        with closing(self._session.another()) as session:
            found = batches(session, table, natives, key, after)
            yield from pages(found, schema, shape.key, unique=unique)

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        table, shape = self._known()
        natives = self._natives(table, [*(k for k in shape.key if k not in columns), *columns])
        rows = asked(table, keys.select(list(shape.key)))
        found = self._session.ask(f"select {selected(natives, 't.')} from {rows}")
        return page_of(read_batch(natives, found), shape.key)

    def prepare(self, wanted: Shape) -> Sequence[str]:
        known = self._table
        if known is not None and fits(known, wanted, self._chosen, where=self.where):
            return []
        self._table = None
        return prepare(self._session, self._look, wanted, self._chosen)

    def write(self, writes: RowWrites) -> RowReceipt:
        table, shape = self._known()
        return Writer(self._session, table, shape).write(writes)

    def cursor(self) -> str | None:
        return self._feed.cursor() if self._chosen.feed else None

    def changed(self, cursor: str) -> Iterator[KeyPage]:
        yield from self._feed.changed(cursor) if self._chosen.feed else super().changed(cursor)

    def wait(self, timeout_s: float) -> bool:
        return self._feed.wait(timeout_s) if self._chosen.feed else super().wait(timeout_s)

    def close(self) -> None:
        if "_feed" in self.__dict__:
            self._feed.close()
            del self._feed
        self._session.close()

    @cached_property
    def _feed(self) -> Feed:
        return Feed(self._session, *self._known())

    def _look(self) -> Table | None:
        return catalogue.table(self._session, self._chosen, max_bytes=self._limits.max_bytes)

    def _known(self) -> tuple[Table, Shape]:
        """The table as it was when it was last looked at."""
        self._table = self._table or self._look()
        if self._table is None:
            no_table(self._chosen.table, self.tables(), where=self.where)
        return self._table, self._table.shape(self._chosen, where=self.where)

    def _natives(self, table: Table, names: Sequence[str]) -> list[Native]:
        there = {column.name: column for column in table.natives}
        for name in names:
            if name not in there:
                no_column(name, there, where=self.where)
        return [there[name] for name in names]
