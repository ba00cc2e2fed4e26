"""Parquet as rows: its types are those of the columns, and what has no counterpart is JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, ClassVar

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types as of

from livesync_pipelines.connectors._row_stage import IS_JSON, IS_NESTED, Batch, Cells
from livesync_pipelines.model.errors import Broken
from livesync_pipelines.model.rows import ANYTHING, TYPES, Holds

BATCH = 8_192


@dataclass(frozen=True, slots=True)
class Parquet:
    """The format."""

    cells: ClassVar[Cells] = Cells.TYPED
    unit: ClassVar[str] = "row"
    grows: ClassVar[bool] = False
    holds: ClassVar[Holds] = ANYTHING

    def read(self, file: IO[bytes]) -> Iterator[Batch]:
        first = 1
        opened = open_parquet(file)
        yield Batch(told(opened.schema_arrow.empty_table()), pa.array([], pa.int64()))
        for batch in opened.iter_batches(BATCH):
            cells = told(pa.Table.from_batches([batch]))
            yield Batch(cells, pa.array(range(first, first + len(cells)), pa.int64()))
            first += len(cells)


def open_parquet(file: IO[bytes]) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowInvalid, OSError) as error:
        raise Broken(
            "it is no Parquet file, or a broken one", hint="Is it still being written?"
        ) from error


def told(table: pa.Table) -> pa.Table:
    """The same rows in the types that values have between two ends."""
    columns, fields = [], []
    for field, column in zip(table.schema, table.columns, strict=True):
        kind = counterpart(field.type)
        if kind is None:
            columns.append(pa.array(map(_json, column.to_pylist()), pa.string()))
            fields.append(pa.field(field.name, pa.string(), metadata=IS_NESTED))
        elif kind == pa.string() and b"json" in (field.metadata or {}):
            columns.append(column.cast(kind))
            fields.append(pa.field(field.name, kind, metadata=IS_JSON))
        else:
            columns.append(
                column if str(kind) == str(field.type) else column.cast(kind, safe=False)
            )
            fields.append(pa.field(field.name, kind))
    return pa.table(columns, schema=pa.schema(fields))


def counterpart(kind: pa.DataType) -> pa.DataType | None:
    """The type between two ends; None where there is no such. Times finer than microseconds lose
    what is finer; unsigned 64-bit integers become decimals."""
    if kind in TYPES:
        return TYPES[TYPES.index(kind)]
    if of.is_decimal(kind) and kind.bit_width <= 128 and kind.scale >= 0:
        return pa.decimal128(kind.precision, kind.scale)
    if of.is_dictionary(kind):
        return counterpart(kind.value_type)
    if of.is_list(kind) or of.is_large_list(kind):
        return pa.list_(pa.string()) if _is_text(kind.value_type) else None
    if of.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    tests = (
        (_is_text, pa.string()),
        (lambda t: t == pa.uint64(), pa.decimal128(20, 0)),
        (of.is_integer, pa.int64()),
        (of.is_floating, pa.float64()),
        (lambda t: of.is_large_binary(t) or of.is_fixed_size_binary(t), pa.binary()),
        (of.is_date, pa.date32()),
        (of.is_time, pa.time64("us")),
        (of.is_null, pa.string()),
    )
    return next((ours for is_so, ours in tests if is_so(kind)), None)


def _is_text(kind: pa.DataType) -> bool:
    return bool(of.is_string(kind) or of.is_large_string(kind) or of.is_string_view(kind))


def _json(value: object) -> str | None:
    if value is None:
        return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS, default=str).decode()
