"""Writing rows to a Postgres: staged by COPY, held against what was expected, then carried out.

All of it is one transaction. Rows that are there are locked before they are compared, in the order
of their keys, so that nobody changes them in between and two writers do not wait for each other.
https://www.postgresql.org/docs/18/explicit-locking.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from livesync_pipelines.connectors import _sql_pg_rows as by_row
from livesync_pipelines.connectors._sql_pg_catalogue import Table
from livesync_pipelines.connectors._sql_pg_errors import Refused
from livesync_pipelines.connectors._sql_pg_read import read_batch, selected
from livesync_pipelines.connectors._sql_pg_rows import Todo
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors._sql_pg_stage import ALL, Staged, among, stage
from livesync_pipelines.connectors._sql_sent import Fate, Sent, sent
from livesync_pipelines.model.errors import BadInput, LiveSyncError, Unavailable
from livesync_pipelines.model.rows import RowReceipt, RowWrites, Shape


class Writer:
    """Writes to one table as it was found."""

    def __init__(self, session: Session, table: Table, shape: Shape) -> None:
        self._session, self._table, self._shape = session, table, shape
        self._where = session.where

    def write(self, writes: RowWrites) -> RowReceipt:
        if frozenset(self._shape.key) not in self._table.indexed:
            raise BadInput(
                f"{self._where} has no unique index over {', '.join(self._shape.key)}",
                hint="Let the sync prepare the table, or create the index.",
                where=self._where,
            )
        batch = sent(writes, self._shape, where=self._where)
        if batch.fresh and self._copied(batch.upserts):
            return batch.receipt(self._shape, Fate(), Fate(), batch.upserts.schema.empty_table())
        with self._session.transaction():
            return self._written(batch)

    def _copied(self, rows: pa.Table) -> bool:
        """Whether the rows could go into the table by one COPY, as they are. Where any of them is
        there already or is refused, nothing was done, and the long way tells which."""
        wires = self._wires(rows)
        if wires is None:
            return False
        try:
            with self._session.transaction():
                self._session.put(wires, self._table.name, schema=self._table.schema)
        except Unavailable:
            raise
        except LiveSyncError:
            return False
        return True

    def _wires(self, rows: pa.Table) -> pa.Table | None:
        """The rows in the types of the table; None where what is stored could differ."""
        if not self._table.plain:
            return None
        columns = {}
        for name in rows.column_names:
            wire = self._table.native(name).wire
            column = None if wire is None else wire(rows[name].combine_chunks())
            if column is None:
                return None
            columns[name] = column
        return pa.table(columns)

    def _written(self, batch: Sent) -> RowReceipt:
        session, table = self._session, self._table
        session.run("set constraints all immediate")  # refused now, and not at the end
        was = (batch.expected, batch.there)
        upserts = stage(session, table, self._shape, batch.upserts, was)
        deletes = stage(session, table, self._shape, batch.deletes)
        fates = Fate(), Fate()
        plain = self._wires(batch.upserts) is not None
        if plain and _as_expected(session, upserts, deletes, batch.inserts):
            return batch.receipt(self._shape, *fates, batch.upserts.schema.empty_table())
        todo = [*_deletes(session, deletes, fates[1]), *_upserts(session, upserts, fates[0])]
        try:
            with session.savepoint():
                _at_once(session, upserts, deletes, todo, plain=plain)
        except Refused:
            by_row.carry_out(session, upserts, deletes, todo, fates)
        stored = batch.upserts.schema.empty_table()
        if not plain:
            gone = fates[0].moved | fates[0].refused.keys()
            written = [n for op, n in todo if op != "delete" and n not in gone]
            stored = _stored(session, upserts, written, batch.upserts)
        return batch.receipt(self._shape, *fates, stored)


def _as_expected(session: Session, upserts: Staged, deletes: Staged, inserts: int) -> bool:
    """Whether every row was as it was expected to be, and is written now. If not, nothing was
    done, and each must be looked at."""
    updates = upserts.count - inserts
    if updates and not upserts.changes:
        return False
    todo = (
        (deletes.count, deletes.delete, deletes.as_expected),
        (updates, upserts.update, f"s.there and {upserts.as_expected}"),
        (inserts, upserts.insert, "not s.there"),
    )
    try:
        with session.savepoint():
            for wanted, statement, which in todo:
                if wanted and session.run(statement(which)) != wanted:
                    raise Refused("P0001", "some rows are not as expected", where=session.where)
    except Refused:
        return False
    return True


def _upserts(session: Session, staged: Staged, fate: Fate) -> Todo:
    """What is to be done to which row, now that those that are there are locked. A row that is
    already as it is sent needs nothing."""
    if not staged.count:
        return []
    told = session.ask(
        f"with l as materialized (select s.n, {staged.as_expected} as same,"
        f" {staged.as_sent} as done from {staged.joined} order by {staged.ordered}"
        " for no key update of t)"
        " select s.n, case when l.n is null then case when s.there then 'moved' else 'insert' end"
        " when l.done then 'done' when s.there and l.same then 'update' else 'moved' end as op"
        f" from {staged.name} s left join l on l.n = s.n order by s.n"
    )
    return _sorted_out(told, fate)


def _deletes(session: Session, staged: Staged, fate: Fate) -> Todo:
    """What is to be deleted; a row that has gone already needs nothing."""
    if not staged.count:
        return []
    told = session.ask(
        f"with l as materialized (select s.n, {staged.as_expected} as same"
        f" from {staged.joined} order by {staged.ordered} for update of t)"
        " select n, case when same then 'delete' else 'moved' end as op from l order by n"
    )
    return _sorted_out(told, fate)


def _sorted_out(told: pa.Table, fate: Fate) -> Todo:
    todo: list[tuple[str, int]] = []
    for op, n in zip(told["op"].to_pylist(), told["n"].to_pylist(), strict=True):
        if op == "moved":
            fate.moved.add(n)
        elif op != "done":
            todo.append((op, n))
    return todo


def _at_once(
    session: Session, upserts: Staged, deletes: Staged, todo: Todo, *, plain: bool
) -> None:
    """Carry out all of it, one statement for each kind. Raises `Refused` where one row at least
    is refused, or did not become what was asked for."""
    for op, staged, statement in (
        ("delete", deletes, Staged.delete),
        ("update", upserts, Staged.update),
        ("insert", upserts, Staged.insert),
    ):
        places = [n for o, n in todo if o == op]
        if not places:
            continue
        which = ALL if len(places) == staged.count else among(places)
        done = session.run(statement(staged, which))
        if done == len(places) and op != "delete" and not plain:
            done = session.ask(f"select count(*) as n from {staged.joined} where {which}")["n"][
                0
            ].as_py()
        if done != len(places):
            raise Refused("P0001", f"{len(places) - done} rows were left out", where=session.where)


def _stored(session: Session, staged: Staged, places: Sequence[int], rows: pa.Table) -> pa.Table:
    """Of the rows that were written, those that the table now shows otherwise than they were
    sent."""
    if not places or not staged.values:
        return rows.schema.empty_table()
    found = session.ask(
        f"select s.n as livesync_n, {selected([*staged.key, *staged.values], 't.')}"
        f" from {staged.joined} where {among(places)} and not ({staged.as_sent})"
    )
    batch = read_batch([*staged.key, *staged.values], found.drop_columns(["livesync_n"]))
    sent_as = rows.take(found["livesync_n"]).select(batch.rows.column_names)
    others = [
        place
        for place, (now, then) in enumerate(
            zip(batch.rows.to_pylist(), sent_as.to_pylist(), strict=True)
        )
        if now != then and place not in batch.unusable
    ]
    return batch.rows.take(pa.array(others, pa.int64())).select(rows.column_names)
