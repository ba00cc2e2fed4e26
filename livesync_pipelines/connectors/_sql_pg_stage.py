"""Rows that wait in a temporary table, and the statements that take them from there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

import pyarrow as pa

from livesync_pipelines.connectors._sql_pg_catalogue import Table, ident, text
from livesync_pipelines.connectors._sql_pg_native import Native
from livesync_pipelines.connectors._sql_pg_session import Session
from livesync_pipelines.model.rows import Shape

ALL = "true"
_Columns = dict[str, tuple[str, pa.Array | pa.ChunkedArray]]


@dataclass(frozen=True, slots=True)
class Staged:
    """`count` rows in the temporary table `name`, numbered from 0 in column `n`. Column `k0` has
    the first column of the key, `o0` what the first of the others is expected to be, and `v0`
    what it is to be, if that is another for any row (`changes`: the places of those).

    In the statements the table is `t`, what waits is `s`, and `which` is a condition over it.
    """

    table: Table
    key: tuple[Native, ...]
    values: tuple[Native, ...]
    changes: tuple[int, ...]
    name: str
    count: int

    @property
    def joined(self) -> str:
        return f"{self.table.sql} t join {self.name} s on {self.matched}"

    @property
    def matched(self) -> str:
        return " and ".join(
            column.match(f"t.{ident(column.name)}", f"s.k{i}") for i, column in enumerate(self.key)
        )

    @property
    def ordered(self) -> str:
        return ", ".join(f"t.{ident(column.name)}" for column in self.key)

    @property
    def as_expected(self) -> str:
        return self._all(
            column.same(f"t.{ident(column.name)}", f"s.o{i}")
            for i, column in enumerate(self.values)
        )

    @property
    def as_sent(self) -> str:
        return self._all(
            column.identical(f"t.{ident(column.name)}", self._sent(i))
            for i, column in enumerate(self.values)
        )

    def delete(self, which: str) -> str:
        return (
            f"delete from {self.table.sql} t using {self.name} s where {self.matched} and {which}"
        )

    def update(self, which: str) -> str:
        given = ", ".join(
            f"{ident(self.values[i].name)} = {self.values[i].write.replace('{}', self._sent(i))}"
            for i in self.changes
        )
        return (
            f"update {self.table.sql} t set {given} from {self.name} s"
            f" where {self.matched} and {which}"
        )

    def insert(self, which: str) -> str:
        """Leaves out what somebody else has put there meanwhile."""
        names = ", ".join(ident(column.name) for column in (*self.key, *self.values))
        given = ", ".join(
            column.write.replace("{}", place)
            for column, place in (
                *((column, f"s.k{i}") for i, column in enumerate(self.key)),
                *((column, self._sent(i)) for i, column in enumerate(self.values)),
            )
        )
        key = ", ".join(ident(column.name) for column in self.key)
        over = "overriding system value " if any(c.identity for c in self.key) else ""
        return (
            f"insert into {self.table.sql} ({names}) {over}select {given} from {self.name} s"
            f" where {which} order by s.n on conflict ({key}) do nothing"
        )

    def _sent(self, i: int) -> str:
        return f"s.{'v' if i in self.changes else 'o'}{i}"

    def _all(self, conditions: Iterable[str]) -> str:
        return " and ".join(conditions) or "true"


def among(places: Iterable[int]) -> str:
    """Only the rows with these numbers."""
    return f"s.n = any('{{{','.join(map(str, places))}}}'::bigint[])"


def asked(table: Table, keys: pa.Table) -> str:
    """The rows `t` with these keys, as part of a question. Nothing is written for it, so that a
    replica can be asked."""
    key = [table.native(name) for name in keys.column_names]
    arrays = [f"{_array(keys[c.name])}::{c.staged}[]" for c in key]
    if len(key) == 1 and key[0].matched == "{}":
        return f"{table.sql} t where {key[0].match(f't.{ident(key[0].name)}', f'any({arrays[0]})')}"
    columns = ", ".join(f"k{i}" for i, _ in enumerate(key))
    name = f"(select * from unnest({', '.join(arrays)}) q ({columns}))"
    return Staged(table, tuple(key), (), (), name, len(keys)).joined


def _array(values: pa.ChunkedArray) -> str:
    """The literal of an array, whose elements are quoted where they are no numbers."""
    if values.type == pa.int64():
        return f"'{{{','.join(map(str, values.to_pylist()))}}}'"
    told = (str(v).replace("\\", r"\\").replace('"', r"\"") for v in values.to_pylist())
    return text("{" + ",".join(f'"{value}"' for value in told) + "}")


def stage(
    session: Session,
    table: Table,
    shape: Shape,
    rows: pa.Table,
    expected: tuple[pa.Table, pa.Array] | None = None,
) -> Staged:
    """Let the rows wait, until the transaction ends. `expected`: how they were, and whether they
    were there. Without it they are to be taken out, and their own values are what is expected."""
    key = tuple(table.native(name) for name in shape.key)
    values = tuple(table.native(name) for name in rows.column_names if name not in shape.key)
    kept: _Columns = {"n": ("bigint", pa.array(range(len(rows)), pa.int64()))}
    kept |= {f"k{i}": (c.staged, rows[c.name]) for i, c in enumerate(key)}
    old, there = (rows, None) if expected is None else expected
    kept |= {f"o{i}": (c.staged, old[c.name]) for i, c in enumerate(values)}
    changes = [i for i, c in enumerate(values) if not rows[c.name].equals(old[c.name])]
    kept |= {f"v{i}": (values[i].staged, rows[values[i].name]) for i in changes}
    if there is not None:
        kept["there"] = ("boolean", there)
    return Staged(table, key, values, tuple(changes), _put(session, kept), len(rows))


def _put(session: Session, kept: _Columns) -> str:
    """The name of a temporary table that holds these columns."""
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in kept.items())
    name = f"livesync_{blake2b(columns.encode(), digest_size=8).hexdigest()}"
    session.run(f"create temp table if not exists {name} ({columns}) on commit delete rows")
    rows = pa.table({place: column for place, (_, column) in kept.items()})
    if len(rows):
        session.put(rows, name)
    return name
