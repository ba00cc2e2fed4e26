"""What the catalogue of a Postgres says of a table.

https://www.postgresql.org/docs/18/catalogs.html, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livesync_pipelines.connectors._sql_base import Chosen, chosen_shape
from livesync_pipelines.connectors._sql_pg_native import Described, Native
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.connectors._sql_pg_types import native
from livesync_pipelines.model.rows import Column, Holds, Shape

HOLDS = Holds(nul=False)

OURS = "livesync_"
"""What the names of the triggers and tables begin with that the change feed puts there."""


def ident(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is there.

    - `own_key`: its primary key; `unique`: columns that tell its rows apart, and are never null.
    - `indexed`: the columns of each unique index that an upsert can lean on.
    - `plain`: rows are stored as they are sent: no triggers or rules of the owner's.
    """

    oid: int
    schema: str
    name: str
    natives: tuple[Native, ...]
    own_key: tuple[str, ...]
    unique: tuple[frozenset[str], ...]
    indexed: tuple[frozenset[str], ...]
    plain: bool

    @property
    def sql(self) -> str:
        return f"{ident(self.schema)}.{ident(self.name)}"

    def native(self, name: str) -> Native:
        return next(column for column in self.natives if column.name == name)

    def shape(self, chosen: Chosen, *, where: str) -> Shape:
        columns = self.columns(chosen.key or self.own_key)
        return chosen_shape(columns, self.own_key, chosen, HOLDS, where=where)

    def columns(self, key: Sequence[str]) -> list[Column]:
        """All of them. A key that is `generated always as identity` can be written: a row that
        goes both ways must have the same key at both ends, and an insert may give it (`overriding
        system value`). Its sequence does not advance by that, so an end that also makes keys by
        itself should make others: a sequence of its own range, or even and odd numbers."""
        return [
            replace(native.column, writable=True)
            if native.identity and native.name in key
            else native.column
            for native in self.natives
        ]


def tables(session: Session) -> list[str]:
    """Tables and views outside of the catalogue; with their schema where it is not the usual
    one."""
    found = session.ask(
        "select case when n.nspname = current_schema() then c.relname"
        " else n.nspname || '.' || c.relname end as name"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition"
        " and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"
        f" and left(c.relname, {len(OURS)}) <> '{OURS}'"
        " order by n.nspname <> current_schema(), 1"
    )
    return [str(name) for name in found["name"].to_pylist()]


def table(session: Session, chosen: Chosen, *, max_bytes: int) -> Table | None:
    """The table as it is now; None where there is none."""
    schema = (
        f"= {text(chosen.schema)}" if chosen.schema else "= any(current_schemas(false)::text[])"
    )
    found = session.ask(
        "select c.oid::bigint as oid, n.nspname::text as schema, not c.relhasrules and not exists"
        " (select from pg_trigger t where t.tgrelid = c.oid and not t.tgisinternal"
        f" and left(t.tgname, {len(OURS)}) <> '{OURS}') as plain"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        f" where c.relname = {text(chosen.table)} and n.nspname {schema}"
        " and c.relkind in ('r', 'p', 'v', 'm', 'f')"
        " order by array_position(current_schemas(false)::text[], n.nspname::text) limit 1"
    ).to_pylist()
    if not found:
        return None
    oid = found[0]["oid"]
    keys = _unique_indexes(session, oid)
    natives = tuple(native(of, max_bytes=max_bytes) for of in _described(session, oid))
    never_null = {column.name for column in natives if not column.column.nullable}
    return Table(
        oid=oid,
        schema=found[0]["schema"],
        name=chosen.table,
        natives=natives,
        own_key=next((columns for columns, primary in keys if primary), ()),
        unique=tuple(frozenset(c) for c, _ in keys if never_null.issuperset(c)),
        indexed=tuple(frozenset(columns) for columns, _ in keys),
        plain=found[0]["plain"],
    )


def _unique_indexes(session: Session, oid: int) -> list[tuple[tuple[str, ...], bool]]:
    """The columns of each whole unique index, in order, and whether it is the primary key."""
    found = session.ask(
        "select i.indisprimary as primary, (select array_agg(a.attname::text order by k.place)"
        " from unnest(i.indkey::int2[]) with ordinality k (number, place)"
        " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number"
        " where k.place <= i.indnkeyatts) as columns"
        f" from pg_index i where i.indrelid = {oid} and i.indisunique and i.indisvalid"
        " and i.indimmediate and i.indpred is null and i.indexprs is null"
        " order by i.indisprimary desc, i.indexrelid"
    ).to_pylist()
    return [(tuple(row["columns"]), row["primary"]) for row in found]


def _described(session: Session, oid: int) -> list[Described]:
    found = session.ask(
        "with recursive d"
        " (number, name, type, mod, nullable, writable, identity, colloid, depth) as ("
        " select a.attnum, a.attname::text, a.atttypid, a.atttypmod, not a.attnotnull,"
        " a.attgenerated = '' and a.attidentity <> 'a', a.attidentity = 'a', a.attcollation, 0"
        f" from pg_attribute a where a.attrelid = {oid} and a.attnum > 0 and not a.attisdropped"
        " union all select d.number, d.name, t.typbasetype, t.typtypmod,"
        " d.nullable and not t.typnotnull, d.writable, d.identity, d.colloid, d.depth + 1"
        " from d join pg_type t on t.oid = d.type where t.typtype = 'd')"
        " select d.name, case when n.nspname = 'pg_catalog' or t.typname = 'citext'"
        " then t.typname::text else n.nspname || '.' || t.typname end as base,"
        " d.mod::bigint as mod, t.typtype::text as kind, t.typcategory::text as category,"
        " format_type(t.oid, -1) as cast,"
        " d.nullable, d.writable, d.identity, coalesce(c.collisdeterministic, true) as bytewise,"
        " d.depth > 0 as domain, array(select e.enumlabel::text from pg_enum e"
        " where e.enumtypid = t.oid order by e.enumsortorder) as words"
        " from d join pg_type t on t.oid = d.type join pg_namespace n on n.oid = t.typnamespace"
        " left join pg_collation c on c.oid = d.colloid"
        " where t.typtype <> 'd' order by d.number"
    ).to_pylist()
    return [Described(**{**row, "words": tuple(row["words"])}) for row in found]
