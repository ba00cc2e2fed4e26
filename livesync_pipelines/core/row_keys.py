"""The keys of rows as texts that sort, by code points, as the keys do.

An integer is spelled with its length before it (`b42`, `c107`; negative ones in capitals with the
digits turned over, `R57` for -42), a date or a time as the integer it is counted in, a text as
it is. Several columns stand behind one another with a character between them that no text has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_values import plain, typed

BETWEEN = "\x01"
_SHORTEST, _LONGEST = "abcdefghijklmnopqrs", "SRQPONMLKJIHGFEDCBA"
_TURNED = str.maketrans("0123456789", "9876543210")
_COUNTED = (pa.date32(), pa.time64("us"), pa.timestamp("us"), pa.timestamp("us", tz="UTC"))


def usable(kind: pa.DataType) -> bool:
    """Whether a column of this type can be part of a key."""
    return kind == pa.int64() or kind == pa.string() or kind in _COUNTED


def encode(rows: pa.Table, key: Sequence[str]) -> pa.Array:
    """One text per row; null where any part of the key is null, or holds a control character
    that could be taken for the one between two columns."""
    parts = [_spelled(rows[name].combine_chunks()) for name in key]
    if len(parts) == 1:
        return parts[0]
    return pc.binary_join_element_wise(*parts, BETWEEN, null_handling="emit_null")


def decode(keys: pa.Array, types: Sequence[pa.DataType]) -> list[pa.Array]:
    """The key columns again, of these types."""
    parts = pc.split_pattern(keys, BETWEEN)
    return [_read(pc.list_element(parts, place), kind) for place, kind in enumerate(types)]


def is_one(text: str, types: Sequence[pa.DataType]) -> bool:
    """Whether a text is a key of these types."""
    return _values(text, types) is not None


def spoken(text: str, names: Sequence[str], types: Sequence[pa.DataType]) -> str:
    """A key as people write it: of one column the value alone, else `name=value, name=value`. What
    is no key of these types stays as it is."""
    values = _values(text, types)
    if values is None:
        return text.replace(BETWEEN, ", ")
    if len(values) == 1:
        return values[0]
    return ", ".join(f"{name}={value}" for name, value in zip(names, values, strict=True))


def heard(said: str, names: Sequence[str], types: Sequence[pa.DataType]) -> str | None:
    """The key that `spoken` gave this for; None where it is none."""
    one = len(names) == 1
    form = "(.*)" if one else r",\s*".join(f"{re.escape(name)}=(.*)" for name in names)
    found = re.fullmatch(form, said, re.DOTALL)
    if found is None:
        return None
    try:
        columns = [_heard(part, kind) for part, kind in zip(found.groups(), types, strict=True)]
    except ValueError:
        return None
    key: str | None = encode(pa.table(columns, names=list(names)), names)[0].as_py()
    return key


def _values(text: str, types: Sequence[pa.DataType]) -> list[str] | None:
    """The parts of a key as people write them; None for what is no key of these types."""
    try:
        columns = decode(pa.array([text]), types)
        values = [str(plain(column)[0]) for column in columns]
    except (ValueError, OverflowError):  # other columns, no number, or one that no date has
        return None
    names = [str(place) for place, _ in enumerate(columns)]
    same = encode(pa.table(columns, names=names), names)[0].as_py() == text
    return values if same else None


def _heard(part: str, kind: pa.DataType) -> pa.Array:
    return typed([int(part) if kind == pa.int64() else part], kind)


def _spelled(column: pa.Array) -> pa.Array:
    kind = column.type
    if kind == pa.string():
        return pc.if_else(pc.match_substring_regex(column, "[\x00\x01]"), None, column)
    if not usable(kind):
        raise TypeError(f"a column of type {kind} is no key")
    if kind != pa.int64():
        column = column.cast(pa.int32() if kind == pa.date32() else pa.int64()).cast(pa.int64())
    digits = column.cast(pa.string())
    return _with_length(digits, column)


def _with_length(digits: pa.Array, numbers: pa.Array) -> pa.Array:
    below = pc.less(numbers, 0)
    if pc.any(below).as_py():
        bare = pc.utf8_ltrim(digits, "-")
        digits = pc.if_else(below, _turned(bare), bare)
    length = pc.subtract(pc.utf8_length(digits), 1)
    up = pa.array(list(_SHORTEST)).take(length)
    down = pa.array(list(_LONGEST)).take(length)
    return pc.binary_join_element_wise(pc.if_else(below, down, up), digits, "")


def _read(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return texts
    numbers = _numbers(texts)
    return numbers.cast(pa.int32()).cast(kind) if kind == pa.date32() else numbers.cast(kind)


def _numbers(texts: pa.Array) -> pa.Array:
    digits = pc.utf8_slice_codeunits(texts, 1)
    below = pc.match_substring_regex(texts, f"^[{_LONGEST}]")
    if pc.any(below).as_py():
        negative = pc.binary_join_element_wise("-", _turned(digits), "")
        digits = pc.if_else(below, negative, digits)
    return digits.cast(pa.int64())


def _turned(digits: pa.Array) -> pa.Array:
    told = [d if d is None else d.translate(_TURNED) for d in digits.to_pylist()]
    return pa.array(told, pa.string())
