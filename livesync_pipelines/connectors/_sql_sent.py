"""What is sent to a database and what became of it, the same for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.connectors._sql_base import no_column
from livesync_pipelines.connectors._sql_cells import (
    NO_KEY,
    TWICE,
    Refusal,
    failures,
    places,
    without_key,
)
from livesync_pipelines.core.row_holding import unheld
from livesync_pipelines.core.row_keys import encode
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.rows import Column, Holds, RowReceipt, RowWrites, Shape

_MAKES_KEY = "the table makes the key {} itself; insert the row there"


@dataclass(slots=True)
class Fate:
    """What became of upserts, or of deletes, by their place."""

    moved: set[int] = field(default_factory=set)
    refused: dict[int, Refusal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """The part of `RowWrites` that the shape lets pass; `failures` are the others."""

    upserts: pa.Table
    expected: pa.Table
    there: pa.Array
    deletes: pa.Table
    failures: tuple[ItemFailure, ...]

    @property
    def fresh(self) -> bool:
        """Whether nothing is sent but rows that must not exist yet."""
        return not len(self.deletes) and not pc.any(self.there).as_py()

    @property
    def inserts(self) -> int:
        """How many of the upserts must not exist yet."""
        return len(self.upserts) - int(pc.sum(self.there).as_py() or 0)

    def receipt(self, shape: Shape, upserts: Fate, deletes: Fate, stored: pa.Table) -> RowReceipt:
        moved = [
            rows.select(list(shape.key)).take(pa.array(sorted(fate.moved), pa.int64()))
            for rows, fate in ((self.upserts, upserts), (self.deletes, deletes))
        ]
        return RowReceipt(
            stored=stored,
            moved=pa.concat_tables(moved, promote_options="permissive"),
            failures=(
                *self.failures,
                *failures(self.upserts, shape.key, upserts.refused),
                *failures(self.deletes, shape.key, deletes.refused),
            ),
        )


def sent(writes: RowWrites, shape: Shape, *, where: str) -> Sent:
    """What can be sent. Raises `BadInput` for columns that the table lacks, computes itself, or
    holds in another type. Of a table that computes its key only the rows that would be new are
    refused."""
    refused = _refused(writes, shape, where)
    keyless = dict.fromkeys(places(without_key(writes.deletes, shape.key)), NO_KEY)
    upserts, kept = _others(writes.upserts, refused)
    return Sent(
        upserts=upserts,
        expected=writes.expected.take(kept) if refused else writes.expected,
        there=writes.there.take(kept) if refused else writes.there,
        deletes=_others(writes.deletes, keyless)[0],
        failures=(
            *failures(writes.upserts, shape.key, refused),
            *failures(writes.deletes, shape.key, keyless),
        ),
    )


def _refused(writes: RowWrites, shape: Shape, where: str) -> dict[int, Refusal]:
    upserts = writes.upserts
    refused: dict[int, Refusal] = {}
    for name in upserts.column_names:
        column = shape.column(name)
        if column is None:
            no_column(name, [c.name for c in shape.columns], where=where)
        _check_column(column, upserts.schema.field(name).type, where, is_key=name in shape.key)
        if not column.writable:
            new = pc.invert(writes.there)
            refused |= dict.fromkeys(places(new), ("computed_key", _MAKES_KEY.format(name)))
        for place, why in _refused_cells(upserts[name].combine_chunks(), column, shape.holds):
            refused.setdefault(place, why)
    refused |= dict.fromkeys(places(without_key(upserts, shape.key)), NO_KEY)
    return {**refused, **dict.fromkeys(_doubled(upserts, shape.key), TWICE)}


def _check_column(column: Column, kind: pa.DataType, where: str, *, is_key: bool) -> None:
    if not column.writable and not is_key:
        raise BadInput(
            f"{where} computes {column.name!r} itself",
            hint="Leave the column out of the mapping.",
            where=where,
        )
    both_decimal = pa.types.is_decimal(kind) and pa.types.is_decimal(column.type)
    if kind != column.type and not both_decimal:
        raise BadInput(
            f"{where} holds {column.name!r} as {column.type}, and is sent {kind}",
            hint="Cast the field in the mapping.",
            where=where,
        )


def _refused_cells(cells: pa.Array, column: Column, holds: Holds) -> Iterator[tuple[int, Refusal]]:
    name = column.name
    if not column.nullable and cells.null_count:
        for place in places(pc.is_null(cells)):
            yield place, ("null", f"{name} must not be empty")
    if column.max_chars is not None and cells.type == pa.string():
        long = pc.greater(pc.utf8_length(cells), column.max_chars)
        for place in places(pc.fill_null(long, False)):
            yield place, ("too_long", f"{name} takes {column.max_chars} characters at most")
    for place, what in unheld(cells, holds, json=column.json):
        yield place, ("bad_value", f"{name} cannot hold {what}")
    if column.bits < 64:
        low, high = -(2 ** (column.bits - 1)), 2 ** (column.bits - 1) - 1
        beyond = pc.or_(pc.less(cells, low), pc.greater(cells, high))
        for place in places(pc.fill_null(beyond, False)):
            yield place, ("out_of_range", f"{name} takes numbers from {low} to {high}")


def _doubled(rows: pa.Table, key: Sequence[str]) -> list[int]:
    encoded = encode(rows, key)
    counts = pc.value_counts(encoded)
    if len(counts) == len(rows):
        return []
    many = counts.field("values").filter(pc.greater(counts.field("counts"), 1))
    return places(pc.and_(pc.is_in(encoded, many), pc.is_valid(encoded)))


def _others(rows: pa.Table, refused: Iterable[int]) -> tuple[pa.Table, pa.Array]:
    """The rows that were not refused, and where they stood."""
    gone = set(refused)
    if not gone:
        return rows, pa.nulls(0, pa.int64())
    kept = pa.array([place for place in range(len(rows)) if place not in gone], pa.int64())
    return rows.take(kept), kept
