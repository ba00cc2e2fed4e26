"""What SQLite, MySQL and MariaDB have in common: SQLAlchemy, and rows that are compared here.

https://docs.sqlalchemy.org/en/20/core/, read 2026-11-21. Values pass as the driver knows them: how
a column is read and written is said by its `Cell`, so that one bad value costs one row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa
import sqlalchemy as sa
from propcache.api import cached_property
from sqlalchemy.exc import ArgumentError, DBAPIError

from livesync_pipelines.connectors._sql_base import (
    Chosen,
    SqlDatabase,
    chosen_shape,
    no_column,
    no_table,
)
from livesync_pipelines.connectors._sql_cells import Batch, Refusal, page_of, pages, together
from livesync_pipelines.connectors._sql_other_cells import Cell, Row, rows_of
from livesync_pipelines.connectors._sql_other_write import Target, Writing
from livesync_pipelines.connectors._sql_prepare import Step, steps
from livesync_pipelines.connectors._sql_sent import sent
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import BadInput, LiveSyncError
from livesync_pipelines.model.rows import Column, RowPage, RowReceipt, RowWrites, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A table that is there. `indexed`: the columns of each unique index."""

    cells: tuple[Cell, ...]
    own_key: tuple[str, ...]
    indexed: tuple[frozenset[str], ...]

    @property
    def columns(self) -> list[Column]:
        return [cell.column for cell in self.cells]


def url_of(url: str, what: str) -> sa.URL:
    try:
        return sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise BadInput(
            f"the url of {what} cannot be read",
            hint="%-escape what is special in the password.",
            where=what,
        ) from error


class Other(SqlDatabase):
    """A table that is reached through SQLAlchemy."""

    def __init__(self, chosen: Chosen, limits: FetchLimits, where: str) -> None:
        super().__init__(where)
        self._chosen, self._limits = chosen, limits
        self._found: Found | None = None

    @cached_property
    @abstractmethod
    def _engine(self) -> sa.Engine:
        """Raises `BadInput` where the url is none."""

    @abstractmethod
    def _look(self, connection: sa.Connection) -> Found | None:
        """The table as it is now; None where there is none."""

    @abstractmethod
    def _names(self, connection: sa.Connection) -> list[str]:
        """The tables and views there are."""

    @abstractmethod
    def _batches(
        self, target: Target, names: Sequence[str], after: Sequence[object] | None
    ) -> Iterator[Batch]:
        """All rows, or those after a key, ascending."""

    @abstractmethod
    def _error(self, error: DBAPIError) -> LiveSyncError:
        """What an error is that speaks of no row."""

    @abstractmethod
    def _refusal(self, error: DBAPIError) -> Refusal | None:
        """Whether an error speaks of what a row holds, and how."""

    @abstractmethod
    def _created(self, wanted: Shape) -> str:
        """The statement that creates the table."""

    @abstractmethod
    def _altered(self, connection: sa.Connection, step: Step) -> str:
        """The statement that adds a column or widens it; `BadInput` where there is none."""

    def tables(self) -> list[str]:
        with self._reading() as connection:
            return self._names(connection)

    def shape(self) -> Shape | None:
        with self._reading() as connection:
            self._found = self._look(connection)
        return None if self._found is None else self._shape(self._found)

    def scan(self, columns: Sequence[str], after: Sequence[object] | None) -> Iterator[RowPage]:
        target = self._target()
        names = self._with_key(target, columns)
        schema = pa.schema([(n, target.cells[n].column.type) for n in names])
        yield from pages(
            self._batches(target, names, after), schema, target.shape.key, unique=False
        )

    def read(self, columns: Sequence[str], keys: pa.Table) -> RowPage:
        target = self._target()
        names = self._with_key(target, columns)
        asked = rows_of(keys, target.shape.key)
        with self._reading() as connection:
            found = [
                _of_these(batch, target.shape.key, set(asked))
                for batch in target.read(connection, names, asked, lock=False)
            ]
        schema = pa.schema([(n, target.cells[n].column.type) for n in names])
        parts = [page_of(batch, target.shape.key) for batch in found]
        return RowPage(
            rows=pa.concat_tables([schema.empty_table(), *(part.rows for part in parts)]),
            failures=tuple(failure for part in parts for failure in part.failures),
            partial=together([part.partial for part in parts if part.partial is not None]),
            last=True,
        )

    def prepare(self, wanted: Shape) -> Sequence[str]:
        with self._writing() as connection, self._alone(connection):
            self._found = self._look(connection)
            if self._found is None:
                connection.exec_driver_sql(self._created(wanted))
                return [f"created {self.where} with {len(wanted.columns)} columns"]
            shape, done = self._shape(self._found), []
            everything = Shape(columns=tuple(self._found.columns), key=shape.key)
            for step in steps(everything, wanted, where=self.where):
                connection.exec_driver_sql(self._altered(connection, step))
                done.append(step.told)
            if frozenset(shape.key) not in self._found.indexed:
                self._index(connection, shape.key)
                done.append(f"made a unique index over {', '.join(shape.key)}")
            self._found = None
            return done

    @contextmanager
    def _alone(self, connection: sa.Connection) -> Iterator[None]:
        """Nobody else of ours prepares the same table meanwhile."""
        yield

    def write(self, writes: RowWrites) -> RowReceipt:
        target = self._target()
        batch = sent(writes, target.shape, where=self.where)
        with self._writing() as connection:
            return Writing(connection, target, batch).carried_out()

    def close(self) -> None:
        if "_engine" in self.__dict__:
            self._engine.dispose()

    def _quoted(self, name: str) -> str:
        """A name as this database spells it. A percent sign is doubled: the driver takes single
        ones for places of values."""
        preparer = self._engine.dialect.identifier_preparer
        return preparer.quote_identifier(name)

    def _index(self, connection: sa.Connection, key: Sequence[str]) -> None:
        columns = ", ".join(self._quoted(name) for name in key)
        mark = blake2b(f"{self._chosen.table}\0{columns}".encode(), digest_size=4).hexdigest()
        try:
            connection.exec_driver_sql(
                f"create unique index {self._quoted(f'livesync_key_{mark}')}"
                f" on {self._quoted(self._chosen.table)} ({columns})"
            )
        except DBAPIError as error:
            if self._refusal(error) is None:
                raise
            raise BadInput(
                f"{self.where} has rows that share the same {', '.join(key)}",
                hint="Name as `key` what really tells its rows apart, or mend these rows.",
                where=self.where,
            ) from error

    def _shape(self, found: Found) -> Shape:
        return chosen_shape(
            found.columns, found.own_key, self._chosen, self.holds, where=self.where
        )

    def _target(self) -> Target:
        """The table as it was when it was last looked at."""
        if self._found is None:
            with self._reading() as connection:
                self._found = self._look(connection)
                if self._found is None:
                    no_table(self._chosen.table, self._names(connection), where=self.where)
        names = [cell.name for cell in self._found.cells]
        return Target(
            table=sa.table(self._chosen.table, *(sa.column(n) for n in names)),
            cells=dict(zip(names, self._found.cells, strict=True)),
            shape=self._shape(self._found),
            refusal=self._refusal,
            max_bytes=self._limits.max_bytes,
        )

    def _with_key(self, target: Target, columns: Sequence[str]) -> list[str]:
        for name in columns:
            if name not in target.cells:
                no_column(name, target.cells, where=self.where)
        return [*(k for k in target.shape.key if k not in columns), *columns]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._named(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._named(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._error(error) from error


def _of_these(batch: Batch, key: Sequence[str], asked: set[Row]) -> Batch:
    """Without rows whose key only looks the same to the database."""
    kept = [place for place, row in enumerate(rows_of(batch.rows, key)) if row in asked]
    refused = {i: batch.refused[place] for i, place in enumerate(kept) if place in batch.refused}
    unfit = {i: batch.unfit[place] for i, place in enumerate(kept) if place in batch.unfit}
    return Batch(batch.rows.take(pa.array(kept, pa.int64())), refused, unfit)
