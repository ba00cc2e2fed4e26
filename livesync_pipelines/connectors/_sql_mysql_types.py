"""How the values of each MySQL and MariaDB type pass the border, in both directions.

https://mariadb.com/kb/en/data-types/ and https://dev.mysql.com/doc/refman/8.4/en/data-types.html,
read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from livesync_pipelines.connectors import _sql_other_cells as cells
from livesync_pipelines.connectors._sql_other_cells import Cell, Expression, as_it_is
from livesync_pipelines.model.rows import Column

UTC_COMMENT, LIST_COMMENT = "livesync: in UTC", "livesync: list of text"
"""How a column that we made says what its type cannot."""

LONGEST_KEY = 700
"""Characters of a text key: an index of InnoDB takes 3,072 bytes."""
_LONGEST_VARCHAR = 4_000
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_QUOTED = re.compile("'((?:[^']|'')*)'")
_TZ, _NAIVE, _TIME = pa.timestamp("us", tz="UTC"), pa.timestamp("us"), pa.time64("us")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A column as the catalogue describes it: `column` has all but its type, `kind` is the
    type's bare name, `full` with all that belongs to it; `words` are those of an enumeration."""

    column: Column
    kind: str
    full: str
    comment: str
    precision: int
    scale: int
    json: bool
    words: tuple[str, ...]


def declared(column: Column) -> str:
    """How we declare a column."""
    if column.type == pa.int64():
        return "smallint" if column.bits <= 16 else "int" if column.bits <= 32 else "bigint"
    if pa.types.is_decimal(column.type):
        return f"decimal({column.type.precision},{column.type.scale})"
    if column.json:
        return "json"
    if column.max_chars is not None and column.max_chars <= _LONGEST_VARCHAR:
        return f"varchar({column.max_chars})"
    return _DECLARED[column.type]


def marked(column: Column) -> str:
    """The comment of a column that we declare."""
    comment = {_TZ: UTC_COMMENT, pa.list_(pa.string()): LIST_COMMENT}.get(column.type)
    return f" comment '{comment}'" if comment else ""


def cell(of: Described) -> Cell:
    if of.comment == LIST_COMMENT:
        return _cell(of, pa.list_(pa.string()), load=cells.to_list, dump=cells.from_list)
    if of.json:
        column = replace(of.column, type=pa.string(), json=True)
        return Cell(column=column, kinds=frozenset(), load=cells.to_json)
    return _OTHERS.get(of.kind, _exotic)(of)


def _integer(of: Described) -> Cell:
    if of.full == "tinyint(1)":
        return _cell(of, pa.bool_(), load=cells.to_bool, dump=int)
    unsigned = "unsigned" in of.full
    bits = min(64, _BITS[of.kind] + unsigned)
    column = replace(of.column, type=pa.int64(), bits=bits, unsigned=unsigned)
    return Cell(column=column, kinds=frozenset({int}), load=cells.no("whole number"))


def _cell(
    of: Described,
    kind: pa.DataType,
    *kinds: type,
    load: Callable[[Any], Any],
    dump: Callable[[Any], Any] = as_it_is,
    read: Expression = as_it_is,
) -> Cell:
    return Cell(
        column=replace(of.column, type=kind),
        kinds=frozenset(kinds),
        load=load,
        dump=dump,
        read=read,
    )


def _text(of: Described, *, max_chars: int | None = None) -> Cell:
    return Cell(
        column=replace(of.column, type=pa.string(), max_chars=max_chars),
        kinds=frozenset({str}),
        load=cells.no("text"),
        ordered=_bytewise,
    )


def _varchar(of: Described) -> Cell:
    return _text(of, max_chars=int(of.full.partition("(")[2].partition(")")[0]))


def _words(of: Described) -> Cell:
    """Of an enumeration one, of a set any of them."""
    text = _text(of)
    return replace(text, column=replace(text.column, words=of.words, several=of.kind == "set"))


def words_of(full: str) -> tuple[str, ...]:
    """The words of an enumeration or a set, as its type spells them; none where that is not sure
    (what a backslash means there depends on the server)."""
    if not full.lower().startswith(("enum(", "set(")) or "\\" in full:
        return ()
    return tuple(word.replace("''", "'") for word in _QUOTED.findall(full))


def _exotic(of: Described) -> Cell:
    """What has no type of ours is told by its text, and written by it."""
    return replace(_text(of), read=lambda column: sa.cast(column, sa.CHAR))


def _bytewise(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Every collation has its own order, and most take a blank at the end for nothing; the bytes
    of UTF-8 are in the order of code points."""
    name = str(column.key).replace("`", "``")
    return sa.literal_column(f"cast(convert(`{name}` using utf8mb4) as binary)")


def _decimal(of: Described) -> Cell:
    kind = pa.decimal128(min(38, of.precision), min(38, of.scale))
    return _cell(of, kind, Decimal, load=cells.to_decimal(kind))


def _moment(of: Described) -> Cell:
    """A `timestamp` is shown in the zone of the session, which is UTC."""
    if of.kind == "timestamp" or of.comment == UTC_COMMENT:
        return _cell(of, _TZ, datetime, load=cells.no("date and time"), dump=_without_zone)
    return _cell(of, _NAIVE, datetime, load=cells.no("date and time"))


def _without_zone(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(tzinfo=None)


def _to_time(value: Any) -> time:
    if not isinstance(value, timedelta) or not timedelta(0) <= value < timedelta(days=1):
        raise ValueError("is no time of a day")
    return (datetime(1, 1, 1) + value).time()  # noqa: DTZ001 - a day of no calendar


def _float(of: Described) -> Cell:
    """A single float is shown with six digits unless it is added to a double."""
    read: Expression = (lambda c: c + sa.literal_column("0e0")) if of.kind == "float" else as_it_is
    return _cell(of, pa.float64(), float, load=cells.to_float, read=read)


def _bits(of: Described) -> Cell:
    return _cell(
        of,
        pa.int64(),
        int,
        load=cells.no("whole number"),
        read=lambda c: c + sa.literal_column("0"),
    )


def _binary(of: Described) -> Cell:
    return _cell(of, pa.binary(), bytes, load=cells.no("bytes"))


def _year(of: Described) -> Cell:
    return _cell(of, pa.int64(), int, load=cells.no("year"))


def _date(of: Described) -> Cell:
    return _cell(of, pa.date32(), date, load=cells.no("date"))


def _time(of: Described) -> Cell:
    return _cell(of, _TIME, load=_to_time, dump=time.isoformat)


_OTHERS: dict[str, Callable[[Described], Cell]] = {
    **dict.fromkeys(_BITS, _integer),
    **dict.fromkeys(("datetime", "timestamp"), _moment),
    "decimal": _decimal,
    **dict.fromkeys(("float", "double"), _float),
    **dict.fromkeys(("varchar", "char"), _varchar),
    **dict.fromkeys(("tinytext", "text", "mediumtext", "longtext"), _text),
    **dict.fromkeys(("enum", "set"), _words),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _binary),
    "bit": _bits,
    "year": _year,
    "date": _date,
    "time": _time,
}
_DECLARED: dict[pa.DataType, str] = {
    pa.bool_(): "tinyint(1)",
    pa.float64(): "double",
    pa.string(): "longtext",
    pa.binary(): "longblob",
    pa.date32(): "date",
    _TIME: "time(6)",
    _NAIVE: "datetime(6)",
    _TZ: "datetime(6)",
    pa.list_(pa.string()): "longtext",
}
