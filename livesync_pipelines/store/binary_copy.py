"""Arrow tables in the binary form of COPY, a few steps for a whole table.

https://www.postgresql.org/docs/18/sql-copy.html, "Binary Format", read 2026-11-21.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import whole
from livesync_pipelines.store.database import Connection

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_NO_VALUE = b"\xff\xff\xff\xff"


def put(connection: Connection, table: str, rows: pa.Table) -> None:
    """Append rows to a table's columns of these names: text, bytea, smallint or bigint, as the
    columns of the rows are."""
    copy = f"copy {table} ({', '.join(rows.column_names)}) from stdin (format binary)".encode()
    with connection.cursor() as cursor, cursor.copy(copy) as out:
        out.write(packed(rows))


def packed(rows: pa.Table) -> bytes:
    """Rows as COPY reads them."""
    count = pa.scalar(rows.num_columns.to_bytes(2, "big"))
    tuples = pc.binary_join_element_wise(count, *map(_packed, rows.columns), b"")
    return b"".join((_HEAD, _content(tuples), _END))


def _packed(column: pa.ChunkedArray) -> pa.Array:
    """Each value with its length before it."""
    values = whole(column)
    values = _big_endian(values) if pa.types.is_integer(values.type) else values.cast(pa.binary())
    lengths = _big_endian(pc.binary_length(values))
    return pc.binary_join_element_wise(lengths, values, b"").fill_null(_NO_VALUE)


def _big_endian(numbers: pa.Array) -> pa.Array:
    swapped = numbers.fill_null(0).to_numpy().byteswap()
    kind = pa.binary(swapped.itemsize)
    digits = pa.Array.from_buffers(kind, len(numbers), [None, pa.py_buffer(swapped)])
    return pc.if_else(numbers.is_valid(), digits.cast(pa.binary()), None)


def _content(values: pa.Array) -> memoryview:
    """What an array of bytes holds, value after value."""
    _, offsets, data = values.buffers()
    ends = np.frombuffer(offsets, np.int32)[values.offset :]
    return memoryview(data)[ends[0] : ends[len(values)]]
