"""How the values of a driver become ours and back, one value at a time where they must."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import orjson
import pyarrow as pa
import sqlalchemy as sa

from livesync_pipelines.connectors._sql_cells import Batch, canonical_json
from livesync_pipelines.connectors.rows import PAGE_ROWS, SHOWN
from livesync_pipelines.model.rows import Column, Unfit

_PART = 500
_WIDE = Context(prec=80)
_STEPS = tuple(Decimal(1).scaleb(-scale) for scale in range(39))
_PAGE_SIZE = 16_000_000
"""How large the texts and bytes of a page are together, about."""

Row = tuple[Any, ...]
"""Values of ours, in the order of some columns."""

Expression = Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]


def as_it_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of a table.

    - `kinds`: values of these types are ours as they come; others go through `load`.
    - `load`: ours, or a ValueError that says what the value is instead. Never given None.
    - `dump`: what the driver takes for a value of ours; a ValueError where it takes none.
    - `read`: what to select; `ordered`: what sorts as `core.row_keys` does.
    """

    column: Column
    kinds: frozenset[type]
    load: Callable[[Any], Any]
    dump: Callable[[Any], Any] = as_it_is
    read: Expression = as_it_is
    ordered: Expression = as_it_is

    @property
    def name(self) -> str:
        return self.column.name


def batch_of(cells: Sequence[Cell], rows: Sequence[Sequence[Any]], *, max_bytes: int) -> Batch:
    """Rows of a driver as a table of ours, and by their place what does not fit it."""
    unfit: dict[int, tuple[Unfit, ...]] = {}
    columns = []
    for i, cell in enumerate(cells):
        values = [row[i] for row in rows]
        columns.append(_column(cell, values, unfit, max_bytes))
    schema = pa.schema([(cell.name, cell.column.type) for cell in cells])
    return Batch(pa.table(columns, schema=schema), unfit=unfit)


def _column(
    cell: Cell, values: list[Any], unfit: dict[int, tuple[Unfit, ...]], max_bytes: int
) -> pa.Array:
    at_once = _at_once(cell, values, max_bytes)
    if at_once is not None:
        return at_once
    loaded = []
    for place, value in enumerate(values):
        try:
            loaded.append(_loaded(cell, value, max_bytes))
        except (ValueError, OverflowError) as error:
            loaded.append(None)
            told = Unfit(cell.name, str(value)[:SHOWN], str(error))
            unfit[place] = (*unfit.get(place, ()), told)
    return pa.array(loaded, cell.column.type)


def _at_once(cell: Cell, values: list[Any], max_bytes: int) -> pa.Array | None:
    """The whole column, or None where its values have to be looked at one by one."""
    if not _ours(cell, values, max_bytes):
        return None
    try:
        return pa.array(values, cell.column.type)
    except (pa.ArrowInvalid, OverflowError):  # one of them does not fit
        return None


def _ours(cell: Cell, values: list[Any], max_bytes: int) -> bool:
    if not set(map(type, values)) <= cell.kinds | {type(None)}:
        return False
    if cell.column.type in {pa.string(), pa.binary()}:
        return all(value is None or len(value) <= max_bytes // 4 for value in values)
    return True


def _loaded(cell: Cell, value: Any, max_bytes: int) -> Any:
    if value is None:
        return None
    if isinstance(value, str | bytes) and len(value) > max_bytes // 4:
        size = len(value.encode() if isinstance(value, str) else value)
        if size > max_bytes:
            raise ValueError(f"has more than {max_bytes} bytes")
    loaded = value if type(value) in cell.kinds else cell.load(value)
    try:
        pa.scalar(loaded, cell.column.type)
    except (pa.ArrowInvalid, OverflowError) as error:
        raise ValueError(f"is outside of {cell.column.type}") from error
    return loaded


def page_of_rows(result: sa.CursorResult[Any]) -> tuple[list[sa.Row[Any]], bool]:
    """As many rows as make a page, by number or by size, and whether the result has more."""
    rows: list[sa.Row[Any]] = []
    size = 0
    for part in result.partitions(_PART):
        rows += part
        size += sum(len(v) for row in part for v in row if isinstance(v, str | bytes))
        if len(rows) > PAGE_ROWS or size > _PAGE_SIZE:
            return rows, True
    return rows, False


def no(what: str) -> Callable[[Any], Any]:
    """A `load` for columns whose values are ours or wrong."""

    def load(value: Any) -> Any:
        raise ValueError(f"is no {what}")

    return load


def to_bool(value: Any) -> bool:
    if value not in {0, 1}:
        raise ValueError("is neither true nor false")
    return bool(value)


def to_float(value: Any) -> float:
    if not isinstance(value, int) or int(float(value)) != value:
        raise ValueError("is no number that a float holds")
    return float(value)


def to_decimal(kind: pa.Decimal128Type) -> Callable[[Any], Decimal]:
    def load(value: Any) -> Decimal:
        try:
            number = Decimal(repr(value) if isinstance(value, float) else value)
            rounded = number.quantize(_STEPS[kind.scale], context=_WIDE)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValueError("is no decimal number") from error
        if rounded != number:
            raise ValueError(f"has more than {kind.scale} decimals")
        return rounded

    return load


def to_json(value: Any) -> str:
    if isinstance(value, int | float):
        return orjson.dumps(value).decode()
    told = canonical_json(value) if isinstance(value, str) else None
    if told is None:
        raise ValueError("holds JSON that cannot be kept as it is")
    return told


def to_list(value: Any) -> list[str | None]:
    try:
        told = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError("is no list of texts") from error
    if not isinstance(told, list) or not all(t is None or isinstance(t, str) for t in told):
        raise ValueError("is no list of texts")
    return told


def from_list(value: list[str | None]) -> str:
    return orjson.dumps(value).decode()


def in_utc(value: datetime) -> datetime:
    """A time that names no zone is in UTC."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def from_text(
    kind: type[date] | type[time] | type[datetime], *, utc: bool = False
) -> Callable[[Any], Any]:
    """What a text says in ISO 8601; a zone only where it is asked for."""
    what = {date: "date", time: "time", datetime: "date and time"}[kind]

    def load(value: Any) -> Any:
        try:
            told = kind.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"is no {what} in ISO 8601") from error
        if utc and isinstance(told, datetime):
            return in_utc(told)
        if getattr(told, "tzinfo", None) is not None:
            raise ValueError("names a zone, and its column has none")
        return told

    return load


def rows_of(table: pa.Table, names: Sequence[str]) -> list[Row]:
    """The values of these columns, row by row."""
    columns = [table[name].to_pylist() for name in names]
    return list(zip(*columns, strict=True)) if columns else [() for _ in range(len(table))]


def equal(one: Any, other: Any) -> bool:
    """As `==`, and a NaN equals a NaN."""
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN


def same(one: Mapping[str, Any], other: Mapping[str, Any], names: Sequence[str]) -> bool:
    return all(equal(one[name], other[name]) for name in names)
