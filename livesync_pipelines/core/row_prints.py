"""Fingerprints of rows: 16 bytes each, the same on every machine and with every version.

A value is told as words of 8 bytes. A word is mixed with a number that stands for its column and
its place in the value; what comes out is added up, once as it is and once mixed again, so that
two sums must agree by chance for two rows to be taken for the same. Texts of more than
`_LONGEST` bytes are told as their blake2b.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .row_values import spread, whole

Words = NDArray[np.uint64]
Rows = NDArray[np.intp] | slice

_BLOCK = 1 << 15
_LONGEST = 256
_ALL = slice(None)
_STEP = 0x9E3779B97F4A7C15
_LOW = (1 << 64) - 1
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)
_SAME_FLOAT = np.float64(0.0)
_LIST, _DIGEST, _NULL = 1 << 32, 1 << 33, 1 << 34


class Sums(NamedTuple):
    """What has been added up for each row of a block, twice."""

    first: Words
    second: Words

    def add(self, words: Words, number: int, at: Rows = _ALL) -> None:
        """Add one word to each of the rows; `number` stands for its place. Takes the words'
        memory."""
        words += np.uint64(number & _LOW)
        mixed = _mix(words)
        self.first[at] += mixed
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(29)
        self.second[at] += mixed


Tell = Callable[[Sums, pa.Array, int], None]


def fingerprints(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    """One `fixed_size_binary(16)` per row, of the values in these columns, whose order does not
    matter. NULL is no value; NaN is NaN and -0.0 is 0.0; the scale of a decimal does not count.

    Raises `TypeError` for a column whose type is none of `model.rows.TYPES`.
    """
    told = [_column(name, whole(rows[name])) for name in columns]
    prints = np.empty((rows.num_rows, 2), np.uint64)

    def print_block(start: int) -> None:
        sums = _sums(min(_BLOCK, rows.num_rows - start))
        for column, number, tell in told:
            _add(sums, column.slice(start, _BLOCK), number, tell)
        block = prints[start : start + _BLOCK]
        block[:, 0] = _mix(sums.first)
        block[:, 1] = _mix(sums.second ^ block[:, 0])

    spread(print_block, range(0, rows.num_rows, _BLOCK), rows.num_rows)
    return pa.Array.from_buffers(pa.binary(16), rows.num_rows, [None, pa.py_buffer(prints)])


def with_misfits(
    prints: pa.Array, cells: Mapping[int, Iterable[tuple[str, str | None]]]
) -> pa.Array:
    """The fingerprints, where of some rows cells (field and text) have not become values."""
    if not cells:
        return prints
    told = prints.to_pylist()
    for row, unfit in cells.items():
        text = repr(sorted(unfit, key=repr)).encode()
        told[row] = blake2b((told[row] or b"") + text, digest_size=16).digest()
    return pa.array(told, prints.type)


def _sums(size: int) -> Sums:
    return Sums(np.zeros(size, np.uint64), np.zeros(size, np.uint64))


def _column(name: str, column: pa.Array) -> tuple[pa.Array, int, Tell]:
    kind, tell = _class(column.type)
    digest = blake2b(f"{kind}\0{name}".encode(), digest_size=8).digest()
    return column, int.from_bytes(digest, "little"), tell


def _class(kind: pa.DataType) -> tuple[str, Tell]:
    """What values of this type are equal to at all, and how they are told."""
    if pa.types.is_list(kind):
        return f"list of {_class(kind.value_type)[0]}", _lists
    if pa.types.is_timestamp(kind):
        return "moment" if kind.tz is None else "moment in UTC", _counted
    for is_of, name, tell in _CLASSES:
        if is_of(kind):
            return name, tell
    raise TypeError(f"rows with a column of type {kind} have no fingerprint")


def _add(sums: Sums, column: pa.Array, number: int, tell: Tell) -> None:
    if not column.null_count:
        tell(sums, column, number)
        return
    there = np.asarray(column.is_valid())
    inner = _sums(len(there))
    inner.add(np.zeros(len(there), np.uint64), number + _NULL)
    known = _sums(int(there.sum()))
    tell(known, column.drop_null(), number)
    for told, values in zip(inner, known, strict=True):
        told[there] = values
    _total(sums, inner)


def _total(sums: Sums, more: Sums) -> None:
    np.add(sums.first, more.first, out=sums.first)
    np.add(sums.second, more.second, out=sums.second)


def _counted(sums: Sums, column: pa.Array, number: int) -> None:
    if pa.types.is_date32(column.type):
        column = column.cast(pa.int32())
    elif pa.types.is_temporal(column.type):
        kind = column.type
        column = column.cast(
            pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else pa.time64("us")
        )
    sums.add(_copied(column.cast(pa.int64())), number)


def _floats(sums: Sums, column: pa.Array, number: int) -> None:
    values = column.cast(pa.float64()).to_numpy(zero_copy_only=False) + _SAME_FLOAT
    values[np.isnan(values)] = np.nan
    sums.add(values.view(np.uint64), number)


def _decimals(sums: Sums, column: pa.Array, number: int) -> None:
    wide = column.cast(pa.decimal256(76, 38))
    words = np.frombuffer(wide.buffers()[1], np.uint64).reshape(-1, 4)
    words = words[wide.offset : wide.offset + len(wide)]
    for place in range(4):
        sums.add(words[:, place].copy(), number + place * _STEP)


def _texts(sums: Sums, column: pa.Array, number: int) -> None:
    offsets, words = _unaligned(column)
    begins, sizes = offsets[:-1], np.diff(offsets)
    short = sizes <= _LONGEST
    if not short.all():
        _long_texts(sums, column, np.flatnonzero(~short), number)
    at: Rows = _ALL if short.all() else np.flatnonzero(short)
    begins, sizes, place = begins[at], sizes[at], 0
    while len(sizes):
        told = words[begins + 8 * place]
        told &= _KEPT[np.minimum(sizes - 8 * place, 8)]
        if not place:
            told += sizes.astype(np.uint64) * np.uint64(_STEP)
        sums.add(told, number + place * _STEP, at)
        place += 1
        more = sizes > 8 * place
        if not more.all():
            at = np.flatnonzero(more) if isinstance(at, slice) else at[more]
            begins, sizes = begins[more], sizes[more]


def _long_texts(sums: Sums, column: pa.Array, at: NDArray[np.intp], number: int) -> None:
    texts = column.take(pa.array(at)).cast(pa.large_binary()).to_pylist()
    digests = b"".join(blake2b(text, digest_size=16).digest() for text in texts)
    words = np.frombuffer(digests, "<u8").reshape(-1, 2)
    for place in range(2):
        sums.add(words[:, place].copy(), number + _DIGEST + place * _STEP, at)


def _lists(sums: Sums, column: pa.Array, number: int) -> None:
    """The members' own sums are the words; then how many they are."""
    members = column.flatten()
    sizes = np.asarray(pc.list_value_length(column)).astype(np.int64)
    each = _sums(len(members))
    _add(each, members, number, _class(members.type)[1])
    ends = np.cumsum(sizes)
    places = np.arange(len(members)) - np.repeat(ends - sizes, sizes)
    told = _sums(len(members))
    for half, sum_ in enumerate(each):
        told.add(sum_ + places.astype(np.uint64) * np.uint64(_STEP), number + _LIST + half)
    upto = [np.concatenate([[np.uint64(0)], np.cumsum(half, dtype=np.uint64)]) for half in told]
    _total(sums, Sums(*(half[ends] - half[ends - sizes] for half in upto)))
    sums.add(sizes.astype(np.uint64), number + _LIST + 2)


def _unaligned(column: pa.Array) -> tuple[NDArray[np.int64], Words]:
    """Where the texts begin and end, and the 8 bytes that begin at every place."""
    kind = column.type
    is_large = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    _, ends, data = column.buffers()
    offsets = np.frombuffer(ends, np.int64 if is_large else np.int32)
    offsets = offsets[column.offset : column.offset + len(column) + 1].astype(np.int64)
    held = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    padded = np.concatenate([held[offsets[0] : offsets[-1]], np.zeros(8, np.uint8)])
    words: Words = np.ndarray((len(padded) - 7,), "<u8", padded.data, strides=(1,))
    return offsets - offsets[0], words


def _copied(column: pa.Array) -> Words:
    numbers: NDArray[np.int64] = column.to_numpy(zero_copy_only=False)
    return numbers.astype(np.int64).view(np.uint64)


def _mix(words: Words) -> Words:
    """Every bit of a word changes every bit with a chance of one half; in place."""
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


_CLASSES: tuple[tuple[Callable[[pa.DataType], bool], str, Tell], ...] = (
    (pa.types.is_boolean, "boolean", _counted),
    (pa.types.is_signed_integer, "integer", _counted),
    (pa.types.is_floating, "float", _floats),
    (pa.types.is_string, "text", _texts),
    (pa.types.is_large_string, "text", _texts),
    (pa.types.is_binary, "bytes", _texts),
    (pa.types.is_large_binary, "bytes", _texts),
    (pa.types.is_decimal128, "decimal", _decimals),
    (pa.types.is_date32, "date", _counted),
    (pa.types.is_time, "time", _counted),
)
