"""Writing rows through SQLAlchemy: looked up and locked, held against what was expected, written.

What the database refuses is found by halves, each within a savepoint, so that the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from livesync_pipelines.connectors._sql_cells import Batch, Refusal
from livesync_pipelines.connectors._sql_other_cells import Cell, Row, batch_of, equal, rows_of
from livesync_pipelines.connectors._sql_sent import Fate, Sent
from livesync_pipelines.model.rows import RowReceipt, Shape

_ASKED = 500
"""How many keys one question names."""
_LEFT_OUT: Refusal = ("refused", "a trigger of the table leaves the row out, or undoes it")
_UNREADABLE: Row = (object(),)
"""Stands for a row that is there and cannot be read: it is like no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One table. `refusal` tells whether an error speaks of what a row holds, and how."""

    table: sa.TableClause
    cells: dict[str, Cell]
    shape: Shape
    refusal: Callable[[DBAPIError], Refusal | None]
    max_bytes: int

    def read(
        self, connection: sa.Connection, names: Sequence[str], keys: Sequence[Row], *, lock: bool
    ) -> Iterator[Batch]:
        """These columns of the rows with these keys, and of some more where the database takes
        texts for equal that are not."""
        cells = [self.cells[name] for name in names]
        key = [self.cells[name] for name in self.shape.key]
        parts = [self.table.c[cell.name] for cell in key]
        for start in range(0, len(keys), _ASKED):
            wanted = [
                tuple(cell.dump(part) for cell, part in zip(key, row, strict=True))
                for row in sorted(keys[start : start + _ASKED])
            ]
            query = sa.select(*(cell.read(self.table.c[cell.name]) for cell in cells))
            if len(parts) == 1:
                query = query.where(parts[0].in_([part for (part,) in wanted]))
            else:
                query = query.where(sa.tuple_(*parts).in_(wanted))
            found = connection.execute(query.with_for_update() if lock else query)
            yield batch_of(cells, found.fetchall(), max_bytes=self.max_bytes)

    def rows(
        self, connection: sa.Connection, names: Sequence[str], keys: Sequence[Row]
    ) -> dict[Row, Row]:
        """The same rows, by key, locked until the transaction ends."""
        found: dict[Row, Row] = {}
        for batch in self.read(connection, names, keys, lock=True):
            values = rows_of(batch.rows, names)
            for place, key in enumerate(rows_of(batch.rows, self.shape.key)):
                found[key] = _UNREADABLE if place in batch.unusable else values[place]
        return found


@dataclass(frozen=True, slots=True)
class _Write:
    """One thing to do: to which of the sent rows, by its place, to which columns beside its key,
    and with what values for the driver (see `_mark`)."""

    op: str
    place: int
    names: tuple[str, ...]
    values: dict[str, Any]


def _mark(what: str, place: int) -> str:
    """The name of one bound value. SQLAlchemy takes none that is also a column's."""
    return f"livesync_{what}_{place}"


@dataclass(slots=True)
class Writing:
    """One `RowWrites` on its way, within a transaction."""

    connection: sa.Connection
    target: Target
    batch: Sent
    fates: tuple[Fate, Fate] = field(default_factory=lambda: (Fate(), Fate()))

    def carried_out(self) -> RowReceipt:
        names = [n for n in self.batch.upserts.column_names if n not in self.target.shape.key]
        todo = [*self._deletes(), *self._upserts(names)]
        refused = self._tried(todo)
        if 0 < len(refused) < len(todo):
            self._tried(refused)  # it may have waited for one of the others
        self._moved_after_all([write for write in todo if write.op == "insert"])
        done = [
            write.place
            for write in todo
            if write.op != "delete"
            and write.place not in self.fates[0].refused
            and write.place not in self.fates[0].moved
        ]
        stored = self._stored(done, names)
        return self.batch.receipt(self.target.shape, *self.fates, stored)

    def _deletes(self) -> Iterator[_Write]:
        """A row that has gone already needs nothing."""
        rows = self.batch.deletes
        names = [name for name in rows.column_names if name not in self.target.shape.key]
        keys = rows_of(rows, self.target.shape.key)
        there = self.target.rows(self.connection, [*self.target.shape.key, *names], keys)
        for place, (key, row) in enumerate(zip(keys, rows_of(rows, names), strict=True)):
            if key in there and _same(there[key], (*key, *row)):
                yield _Write("delete", place, (), self._bound(key, (), ()))
            elif key in there:
                self.fates[1].moved.add(place)

    def _upserts(self, names: Sequence[str]) -> Iterator[_Write]:
        """A row that is already as it is sent needs nothing, and neither does a cell of it: what
        it holds keeps its spelling."""
        shape, fate = self.target.shape, self.fates[0]
        keys = rows_of(self.batch.upserts, shape.key)
        there = self.target.rows(self.connection, [*shape.key, *names], keys)
        rows = zip(
            keys,
            rows_of(self.batch.upserts, names),
            rows_of(self.batch.expected, names),
            self.batch.there.to_pylist(),
            strict=True,
        )
        for place, (key, new, old, expected) in enumerate(rows):
            now = there.get(key)
            if now is not None and _same(now, (*key, *new)):
                continue
            if (now is not None) != expected or (now is not None and not _same(now, (*key, *old))):
                fate.moved.add(place)
                continue
            kept = {n for n, a, b in zip(names, new, old, strict=True) if expected and equal(a, b)}
            columns = {n: value for n, value in zip(names, new, strict=True) if n not in kept}
            try:
                values = self._bound(key, tuple(columns.values()), tuple(columns))
            except ValueError as error:
                fate.refused[place] = ("bad_value", str(error))
                continue
            yield _Write("update" if expected else "insert", place, tuple(columns), values)

    def _bound(self, key: Row, values: Row, names: Sequence[str]) -> dict[str, Any]:
        cells = self.target.cells
        bound: dict[str, Any] = {}
        for mark, columns, row in (("key", self.target.shape.key, key), ("value", names, values)):
            for i, (name, value) in enumerate(zip(columns, row, strict=False)):
                try:
                    bound[_mark(mark, i)] = None if value is None else cells[name].dump(value)
                except ValueError as error:
                    raise ValueError(f"{name} {error}") from error
        return bound

    def _tried(self, todo: Sequence[_Write]) -> list[_Write]:
        """What was refused."""
        refused: list[_Write] = []
        for op in ("delete", "update", "insert"):
            alike: dict[tuple[str, ...], list[_Write]] = {}
            for write in todo:
                if write.op == op:
                    alike.setdefault(write.names, []).append(write)
            for names, some in alike.items():
                refused += self._halved(some, self._statement(op, names))
        return refused

    def _statement(self, op: str, names: Sequence[str]) -> sa.Executable:
        table, key = self.target.table, self.target.shape.key
        parts: dict[str, Any] = {name: sa.bindparam(_mark("key", i)) for i, name in enumerate(key)}
        values: dict[str, Any] = {
            name: sa.bindparam(_mark("value", i)) for i, name in enumerate(names)
        }
        this = sa.and_(*(table.c[name] == part for name, part in parts.items()))
        if op == "delete":
            return sa.delete(table).where(this)
        if op == "update":
            return sa.update(table).where(this).values(values)
        return sa.insert(table).values({**parts, **values})

    def _halved(self, some: Sequence[_Write], statement: sa.Executable) -> list[_Write]:
        """What was refused of these writes."""
        fate = self.fates[some[0].op == "delete"]
        try:
            with self.connection.begin_nested():
                self.connection.execute(statement, [write.values for write in some])
        except DBAPIError as error:
            refusal = self.target.refusal(error)
            if refusal is None:
                raise
            if len(some) > 1:
                half = len(some) // 2
                return [
                    *self._halved(some[:half], statement),
                    *self._halved(some[half:], statement),
                ]
            fate.refused[some[0].place] = refusal
            return list(some)
        for write in some:
            fate.refused.pop(write.place, None)
        return []

    def _moved_after_all(self, inserts: Iterable[_Write]) -> None:
        """A row that was refused because somebody has just put one there has moved."""
        fate, key = self.fates[0], self.target.shape.key
        keys = rows_of(self.batch.upserts, key)
        refused = [w.place for w in inserts if w.place in fate.refused]
        there = self.target.rows(self.connection, key, [keys[place] for place in refused])
        for place in refused:
            if keys[place] in there:
                del fate.refused[place]
                fate.moved.add(place)

    def _stored(self, places: Sequence[int], names: Sequence[str]) -> pa.Table:
        """Of the rows that were written, those that the table now shows otherwise."""
        upserts, target = self.batch.upserts, self.target
        keys = rows_of(upserts, target.shape.key)
        order = upserts.column_names
        sent = rows_of(upserts, order)
        now = target.rows(self.connection, order, [keys[place] for place in places])
        others = []
        for place in places:
            row = now.get(keys[place])
            if row is None:
                self.fates[0].refused[place] = _LEFT_OUT
            elif row is not _UNREADABLE and not _same(row, sent[place]):
                others.append(row)
        kinds = [target.cells[name].column.type for name in order]
        columns = list(zip(*others, strict=True)) or [()] * len(order)
        return pa.table(
            {n: pa.array(list(c), k) for n, c, k in zip(order, columns, kinds, strict=True)}
        )


def _same(one: Row, other: Row) -> bool:
    return len(one) == len(other) and all(map(equal, one, other))
