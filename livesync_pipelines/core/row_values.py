"""Values of rows: which of them are equal, and how they are told outside of Arrow."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

T = TypeVar("T")
R = TypeVar("R")

_MANY = 100_000
_EXPONENT = 1e16
"""From here on JSON spells a float with an exponent."""
_ODD_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array, without dictionary."""
    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # of more text than one array can hold
            column = pa.concat_arrays([chunk.cast(_wide(chunk.type)) for chunk in column.chunks])
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def differs(a: pa.Array | pa.ChunkedArray, b: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
    """For two columns of one type, row by row: whether the values are not the same. NULL is the
    same as NULL and as nothing else, NaN as NaN, 0.0 as -0.0; lists are compared in order."""
    a, b = whole(a), whole(b)
    if a.type != b.type:
        raise TypeError(f"columns of type {a.type} and {b.type} cannot be compared")
    if len(a) != len(b):
        raise ValueError(f"columns of {len(a)} and {len(b)} rows cannot be compared")
    found = _lists_differ(a, b) if pa.types.is_list(a.type) else pc.not_equal(a, b)
    if pa.types.is_floating(a.type):
        neither = pc.and_(pc.is_nan(a), pc.is_nan(b))
        found = pc.and_not(found, neither)
    if found.null_count:
        found = pc.if_else(pc.is_null(found), pc.xor(pc.is_null(a), pc.is_null(b)), found)
    return found


def spread(work: Callable[[T], R], pieces: Sequence[T], rows: int) -> list[R]:
    """What the work makes of each piece; side by side where there are rows enough to gain by it,
    for arithmetic on columns lets other threads go on."""
    if rows < _MANY or len(pieces) < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        return list(pool.map(work, pieces))


def plain(column: pa.Array | pa.ChunkedArray) -> list[Any]:
    """The values as JSON can hold them, and as Postgres gives them back from it: decimals, dates,
    times and floats that are no number as texts, bytes in base64."""
    column = whole(column)
    kind = column.type
    values: list[Any] = column.to_pylist()
    if pa.types.is_list(kind):
        return [v if v is None else plain(pa.array(v, kind.value_type)) for v in values]
    if pa.types.is_floating(kind):
        return [_float_told(value) for value in values]
    if pa.types.is_binary(kind):
        return [value if value is None else base64.b64encode(value).decode() for value in values]
    if pa.types.is_decimal(kind):
        return [value if value is None else format(value, "f") for value in values]
    if pa.types.is_temporal(kind):
        return [value if value is None else value.isoformat() for value in values]
    return values


def typed(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    """The column of which these are the plain values.

    Raises `ValueError` for a value that is none of this type."""
    try:
        return pa.array([_read(value, kind) for value in values], kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError, InvalidOperation) as error:
        raise ValueError(f"not of type {kind}: {error}") from error


def _wide(kind: pa.DataType) -> pa.DataType:
    return {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(kind, kind)


def _lists_differ(a: pa.Array, b: pa.Array) -> pa.BooleanArray:
    sizes, others = pc.list_value_length(a), pc.list_value_length(b)
    found = pc.not_equal(sizes, others)
    alike = pc.fill_null(pc.invert(found), False)
    members = differs(a.filter(alike).flatten(), b.filter(alike).flatten())
    rows = np.repeat(np.flatnonzero(alike), sizes.filter(alike))
    unlike = np.zeros(len(a), bool)
    unlike[rows[np.asarray(members)]] = True
    return pc.or_(found, pa.array(unlike))


def _float_told(value: float | None) -> float | str | None:
    """Postgres knows no -0 in JSON, and spells great numbers in digits: read again, they are
    integers, while they have 64 bits."""
    if value is None:
        return None
    if math.isfinite(value):
        is_integer = abs(value) >= _EXPONENT and -(2.0**63) <= value < 2.0**64
        return int(value) if is_integer else value + 0.0
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _read(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_decimal(kind) and value is not None:
        return Decimal(str(value))
    if pa.types.is_list(kind) and isinstance(value, list):
        return [_read(each, kind.value_type) for each in value]
    if pa.types.is_floating(kind):
        return _float_read(value)
    if pa.types.is_integer(kind) and isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"{value} is no whole number")
        return int(value)
    if not isinstance(value, str):
        return value
    return next((read(value) for is_of, read in _READERS if is_of(kind)), value)


def _float_read(value: Any) -> Any:
    if isinstance(value, str):
        return _ODD_FLOATS.get(value, value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str], Any]], ...] = (
    (pa.types.is_binary, lambda text: base64.b64decode(text, validate=True)),
    (pa.types.is_timestamp, datetime.fromisoformat),
    (pa.types.is_date, date.fromisoformat),
    (pa.types.is_time, time.fromisoformat),
)
