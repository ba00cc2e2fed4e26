"""What the declared type of an SQLite column means to us. The file itself lets any value stand in
any column, so each is looked at.

https://www.sqlite.org/datatype3.html, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from livesync_pipelines.connectors import _sql_other_cells as cells
from livesync_pipelines.connectors._sql_other_cells import Cell, as_it_is
from livesync_pipelines.model.rows import Column

ANY_DECIMAL = pa.decimal128(38, 20)
_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC|DECIMAL_TEXT)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_EXACT_DIGITS = 15
"""How many digits a number keeps in a column that SQLite stores as a float."""
_TZ, _NAIVE, _TIME = pa.timestamp("us", tz="UTC"), pa.timestamp("us"), pa.time64("us")


@dataclass(frozen=True, slots=True)
class _Way:
    kinds: frozenset[type]
    load: Callable[[Any], Any]
    dump: Callable[[Any], Any] = as_it_is


def declared(column: Column) -> str:
    """How we declare a column. SQLite takes any name for a type, and looks for INT, CHAR, TEXT,
    BLOB, REAL in it to know how to store its values; TEXT keeps long decimals whole."""
    if pa.types.is_decimal(column.type):
        precision, scale = column.type.precision, column.type.scale
        suffix = "_TEXT" if precision > _EXACT_DIGITS else ""
        return f"DECIMAL{suffix}({precision},{scale})"
    return "TEXT_JSON" if column.json else _DECLARED[column.type]


def cell(column: Column, kind: str, *, of_key: bool) -> Cell:
    """`column` has all but its type and whether it is JSON; `kind` is its declared type."""
    kind = kind.upper().strip()
    canonical = _canonical(kind)
    json = "JSON" in kind
    way = _JSON if json else _ways(canonical, text="TEXT" in kind)
    load = _spelled_alike(way) if of_key and canonical in _TEMPORAL else way.load
    return Cell(
        column=replace(column, type=canonical, json=json),
        kinds=way.kinds,
        load=load,
        dump=way.dump,
        ordered=_bytewise if canonical == pa.string() else as_it_is,
    )


def _bytewise(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.collate(column, "BINARY")


def _canonical(kind: str) -> pa.DataType:
    if found := _DECIMAL.fullmatch(kind):
        scale = int(found[2] or 0)
        return pa.decimal128(min(38, max(int(found[1]), scale)), min(scale, 38))
    for part, canonical in _PARTS:
        if re.search(part, kind):
            return canonical
    return pa.string()


def _ways(canonical: pa.DataType, *, text: bool) -> _Way:
    if pa.types.is_decimal(canonical):
        return _Way(frozenset(), cells.to_decimal(canonical), str if text else _from_decimal)
    return _WAYS[canonical]


def _spelled_alike(way: _Way) -> Callable[[Any], Any]:
    """Of a key: rows are found again by the text that is stored, so it must be the one that we
    would write."""

    def load(value: Any) -> Any:
        told = way.load(value)
        if way.dump(told) != value:
            raise ValueError(f"is not spelled as {way.dump(told)}, so it cannot be a key")
        return told

    return load


def _from_decimal(value: Decimal) -> int | float:
    if value == value.to_integral_value() and abs(value) < 2**63:
        return int(value)
    if Decimal(repr(float(value))) != value:
        raise ValueError(f"has more than the {_EXACT_DIGITS} digits that SQLite keeps here")
    return float(value)


_PARTS: tuple[tuple[str, pa.DataType], ...] = (
    ("JSON", pa.string()),
    ("^TEXT_LIST$", pa.list_(pa.string())),
    ("BOOL", pa.bool_()),
    ("^TIMESTAMP(TZ| WITH TIME ZONE)", _TZ),
    ("^(DATETIME|TIMESTAMP)", _NAIVE),
    ("^DATE$", pa.date32()),
    ("^TIME$", _TIME),
    ("INT", pa.int64()),
    ("CHAR|CLOB|TEXT", pa.string()),
    ("BLOB", pa.binary()),
    ("REAL|FLOA|DOUB", pa.float64()),
    ("^(NUMERIC|DECIMAL)$", ANY_DECIMAL),
)
_TEMPORAL = (pa.date32(), _TIME, _NAIVE, _TZ)
_JSON = _Way(frozenset(), cells.to_json)
_WAYS: dict[pa.DataType, _Way] = {
    pa.bool_(): _Way(frozenset(), cells.to_bool, int),
    pa.int64(): _Way(frozenset({int}), cells.no("whole number")),
    pa.float64(): _Way(frozenset({float}), cells.to_float),
    pa.string(): _Way(frozenset({str}), cells.no("text")),
    pa.binary(): _Way(frozenset({bytes}), cells.no("bytes")),
    pa.date32(): _Way(frozenset(), cells.from_text(date), date.isoformat),
    _TIME: _Way(frozenset(), cells.from_text(time), time.isoformat),
    _NAIVE: _Way(frozenset(), cells.from_text(datetime), lambda t: t.isoformat(" ")),
    _TZ: _Way(
        frozenset(),
        cells.from_text(datetime, utc=True),
        lambda t: cells.in_utc(t).isoformat(" "),
    ),
    pa.list_(pa.string()): _Way(frozenset(), cells.to_list, cells.from_list),
}
_DECLARED: dict[pa.DataType, str] = {
    pa.bool_(): "BOOLEAN",
    pa.int64(): "INTEGER",
    pa.float64(): "REAL",
    pa.string(): "TEXT",
    pa.binary(): "BLOB",
    pa.date32(): "DATE",
    _TIME: "TIME",
    _NAIVE: "DATETIME",
    _TZ: "TIMESTAMPTZ",
    pa.list_(pa.string()): "TEXT_LIST",
}
