"""Making a table of a Postgres fit for what is to be written: created, widened, indexed.

https://www.postgresql.org/docs/18/sql-altertable.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import pyarrow as pa

from livesync_pipelines.connectors._sql_base import Chosen
from livesync_pipelines.connectors._sql_pg_catalogue import Table, ident
from livesync_pipelines.connectors._sql_pg_errors import Refused
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors._sql_prepare import Step, spelled, steps
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Column, Shape

_TYPES = {
    pa.bool_(): "boolean",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.binary(): "bytea",
    pa.date32(): "date",
    pa.time64("us"): "time",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", tz="UTC"): "timestamptz",
    pa.list_(pa.string()): "text[]",
}


def fits(table: Table, wanted: Shape, chosen: Chosen, *, where: str) -> bool:
    """Whether nothing need be done."""
    shape = table.shape(chosen, where=where)
    todo = list(steps(_all_of(table, shape), wanted, where=where))
    return not todo and frozenset(shape.key) in table.indexed


def prepare(
    session: Session, look: Callable[[], Table | None], wanted: Shape, chosen: Chosen
) -> list[str]:
    """What was done, a sentence each. Two that prepare the same table wait for each other."""
    where = session.where
    lock = int.from_bytes(blake2b(where.encode(), digest_size=8).digest(), signed=True)
    with session.transaction():
        session.run(f"select pg_advisory_xact_lock({lock})")
        table = look()
        if table is None:
            session.run(_created(wanted, chosen))
            return [f"created {where} with {len(wanted.columns)} columns"]
        shape = table.shape(chosen, where=where)
        done = []
        for step in steps(_all_of(table, shape), wanted, where=where):
            _check(table, step, where)
            session.run(_altered(table, step))
            done.append(step.told)
        if frozenset(shape.key) not in table.indexed:
            _index(session, table, shape.key)
            done.append(f"made a unique index over {', '.join(shape.key)}")
        return done


def _all_of(table: Table, shape: Shape) -> Shape:
    """With the columns that were not chosen, too: their names are taken."""
    return Shape(columns=tuple(table.columns(shape.key)), key=shape.key)


def _created(wanted: Shape, chosen: Chosen) -> str:
    name = f"{ident(chosen.schema)}.{ident(chosen.table)}" if chosen.schema else ident(chosen.table)
    columns = [
        f"{ident(c.name)} {_type(c)}{_of_key(c) if c.name in wanted.key else ''}"
        for c in wanted.columns
    ]
    key = ", ".join(ident(column) for column in wanted.key)
    return f"create table if not exists {name} ({', '.join(columns)}, primary key ({key}))"


def _of_key(column: Column) -> str:
    """A text key is ordered byte for byte, as a scan reads it, so that its index can be used."""
    return ' collate "C" not null' if column.type == pa.string() else " not null"


def _type(column: Column) -> str:
    if column.type == pa.int64():
        return "smallint" if column.bits <= 16 else "integer" if column.bits <= 32 else "bigint"
    if pa.types.is_decimal(column.type):
        return f"numeric({column.type.precision},{column.type.scale})"
    if column.json:
        return "jsonb"
    if column.max_chars is not None:
        return f"varchar({column.max_chars})"
    return _TYPES[column.type]


def _altered(table: Table, step: Step) -> str:
    name, kind = ident(step.column.name), _type(step.column)
    if step.there is None:
        return f"alter table {table.sql} add column if not exists {name} {kind}"
    return f"alter table {table.sql} alter column {name} type {kind}"


def _check(table: Table, step: Step, where: str) -> None:
    """Only columns of the plain types are widened; a domain, or a fixed width, is its owner's."""
    if step.there is not None and not table.native(step.column.name).widens:
        raise BadInput(
            f"{where} holds {step.column.name!r} as {spelled(step.there)}, of a type that cannot "
            f"be widened to {spelled(step.column)}",
            hint="Its owner can alter the column, or map the field to another one.",
            where=where,
        )


def _index(session: Session, table: Table, key: Sequence[str]) -> None:
    columns = ", ".join(ident(column) for column in key)
    mark = blake2b(f"{table.name}\0{columns}".encode(), digest_size=4).hexdigest()
    name = ident(f"livesync_key_{mark}")
    try:
        session.run(f"create unique index if not exists {name} on {table.sql} ({columns})")
    except Refused as error:
        raise BadInput(
            f"{session.where} has rows that share the same {', '.join(key)}",
            hint="Name as `key` what really tells its rows apart, or mend these rows.",
            where=session.where,
        ) from error
