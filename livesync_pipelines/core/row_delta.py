"""What changed between two snapshots of a table, by key, and in which fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import row_keys
from .row_prints import fingerprints
from .row_values import differs, spread, whole

__all__ = ["Compared", "RowDelta", "compare", "differs", "fingerprints", "row_delta"]

At = NDArray[np.int64]
Prints = NDArray[np.uint64]

_CHANGES = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("op", pa.string(), nullable=False),
        pa.field("changed_fields", pa.list_(pa.string()), nullable=False),
        pa.field("before", pa.int64()),
        pa.field("after", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One page held against what is held of its range: positions in the page of `new`, `changed`
    and `same` rows, positions in `held` of those `absent`. Each ascends."""

    new: pa.Int64Array
    changed: pa.Int64Array
    same: pa.Int64Array
    absent: pa.Int64Array


@dataclass(frozen=True, slots=True)
class RowDelta:
    """What became of the rows that are not the same in both snapshots.

    `changes` has one row for each of them: the encoded `key`, its `op` (`model.rows.OPS`), the
    `changed_fields` of an updated one by name, and where it stands `before` and `after`. Added and
    updated rows come first, as they stand in `after`; then the removed ones.
    """

    changes: pa.Table
    added: int
    updated: int
    removed: int


def compare(held: pa.Table, page: pa.Table) -> Compared:
    """Both have the columns `key` (encoded) and `fingerprint`; `held` is all that is held of the
    page's range, and each key stands once in either."""
    where = _positions(whole(held["key"]), whole(page["key"]))
    known = np.flatnonzero(where >= 0)
    old, new = _words(held["fingerprint"]), _words(page["fingerprint"])
    unlike = _unlike(old, where[known], new, known)
    return Compared(
        pa.array(np.flatnonzero(where < 0)),
        pa.array(known[unlike]),
        pa.array(known[~unlike]),
        pa.array(_left_out(where, held.num_rows)),
    )


def row_delta(
    before: pa.Table, after: pa.Table, key: Sequence[str], *, held: pa.Array | None = None
) -> RowDelta:
    """The delta of two snapshots with the same columns, field by field.

    With `held`, the fingerprints of `before` over all columns, only `after` is looked at as a
    whole, and `before` only where a row is not the same.

    Raises `ValueError` where the columns are not the same, or a key is null or there twice.
    """
    kinds = [[(f.name, f.type) for f in snapshot.schema] for snapshot in (before, after)]
    if kinds[0] != kinds[1]:
        raise ValueError(f"not the same columns: {kinds[0]} and {kinds[1]}")
    where = _matched(before, after, key)
    known = np.flatnonzero(where >= 0)
    if held is not None:
        prints = _words(fingerprints(after, after.column_names))
        known = known[_unlike(_words(held), where[known], prints, known)]
    fields = [name for name in after.column_names if name not in key]
    previous, updated, changed = _updated(before, after, fields, (where[known], known))
    found = _Found(
        added=np.flatnonzero(where < 0),
        updated=updated,
        previous=previous,
        fields=_names(changed, fields),
        removed=_left_out(where, before.num_rows),
    )
    changes = _changes(before, after, key, found)
    return RowDelta(changes, len(found.added), len(found.updated), len(found.removed))


class _Found(NamedTuple):
    """Positions in `after` (`added`, `updated`) and `before` (`previous` of the updated ones,
    `removed`), and the fields of each updated one."""

    added: At
    updated: At
    previous: At
    fields: pa.ListArray
    removed: At


def _changes(before: pa.Table, after: pa.Table, key: Sequence[str], found: _Found) -> pa.Table:
    parts = []
    for op, old, new, fields in (
        ("added", None, found.added, None),
        ("updated", found.previous, found.updated, found.fields),
        ("removed", found.removed, None, None),
    ):
        rows, at = (before, old) if new is None else (after, new)
        assert at is not None
        columns = [
            row_keys.encode(rows.select(key).take(pa.array(at)), key),
            pa.array([op]).take(pa.array(np.zeros(len(at), np.int64))),
            _names(np.zeros((len(at), 0), bool), ()) if fields is None else fields,
            pa.nulls(len(at), pa.int64()) if old is None else pa.array(old),
            pa.nulls(len(at), pa.int64()) if new is None else pa.array(new),
        ]
        parts.append(pa.Table.from_arrays(columns, schema=_CHANGES))
    changes = pa.concat_tables(parts)
    return changes.sort_by([("after", "ascending"), ("before", "ascending")]).combine_chunks()


def _matched(before: pa.Table, after: pa.Table, key: Sequence[str]) -> At:
    """For each row of `after` its position in `before`, -1 where it has none."""
    if len(key) == 1 and before.schema.field(key[0]).type == pa.int64():
        return _matched_numbers(whole(before[key[0]]), whole(after[key[0]]))
    old, new = row_keys.encode(before, key), row_keys.encode(after, key)
    for keys in (old, new):
        if keys.null_count:
            raise ValueError(f"row {_first(pc.is_null(keys))} has no usable key ({', '.join(key)})")
        if not pc.all(pc.less(keys[:-1], keys[1:])).as_py():
            _refuse_repeated(keys)
    return _positions(old, new)


def _matched_numbers(old: pa.Array, new: pa.Array) -> At:
    if old.null_count or new.null_count:
        keys = old if old.null_count else new
        raise ValueError(f"row {_first(pc.is_null(keys))} has no key")
    both = np.concatenate([old.to_numpy(), new.to_numpy()])
    order = np.argsort(both, kind="stable")  # quick for what ascends already, as two runs of it do
    ascending = both[order]
    first = np.flatnonzero(ascending[1:] == ascending[:-1])
    held, sought = order[first], order[first + 1] - len(old)
    if (held >= len(old)).any() or (sought < 0).any():
        _refuse_repeated(old)
        _refuse_repeated(new)
    where = np.full(len(new), -1)
    where[sought] = held
    return where


def _refuse_repeated(keys: pa.Array) -> None:
    counts = pc.value_counts(keys)
    often = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(often):
        raise ValueError(f"the key {often[0]['values'].as_py()!r} stands there more than once")


def _first(is_so: pa.BooleanArray) -> int:
    return int(np.flatnonzero(is_so)[0])


def _positions(held: pa.Array, keys: pa.Array) -> At:
    where = pc.fill_null(pc.index_in(keys, value_set=held), -1)
    found: At = np.asarray(where).astype(np.int64)
    return found


def _left_out(where: At, size: int) -> At:
    """The positions up to `size` that are not in `where`."""
    out = np.ones(size, bool)
    out[where[where >= 0]] = False
    return np.flatnonzero(out)


def _words(prints: pa.Array | pa.ChunkedArray) -> Prints:
    column = whole(prints)
    words = np.frombuffer(column.buffers()[1], np.uint64).reshape(-1, 2)
    return words[column.offset : column.offset + len(column)]


def _unlike(old: Prints, held: At, new: Prints, at: At) -> NDArray[np.bool_]:
    """Whether the fingerprints at these places are not the same, pair by pair."""
    differs: NDArray[np.bool_] = old[held, 0] != new[at, 0]
    differs |= old[held, 1] != new[at, 1]
    return differs


def _updated(
    before: pa.Table, after: pa.Table, fields: Sequence[str], pairs: tuple[At, At]
) -> tuple[At, At, NDArray[np.bool_]]:
    """Of pairs of positions, those whose rows are not the same, as they stand in `after`; and for
    each of them and every field whether it is another.

    Where most rows are in a pair, columns of `before` are looked at as they are."""
    previous, at = pairs
    if not fields:
        return previous[:0], at[:0], np.zeros((0, 0), bool)
    if 2 * len(at) > before.num_rows:
        rows = np.zeros(before.num_rows, np.int64)
        rows[previous] = at
        paired = np.zeros(before.num_rows, bool)
        paired[previous] = True
        previous, at = np.arange(before.num_rows), rows
    else:
        paired = np.ones(len(at), bool)
    old = None if len(previous) == before.num_rows else pa.array(previous)
    new = pa.array(at)

    def changed(name: str) -> NDArray[np.bool_]:
        column = whole(before[name])
        column = column if old is None else column.take(old)
        return np.asarray(differs(column, whole(after[name]).take(new))) & paired

    found = spread(changed, fields, len(at))
    rows = np.flatnonzero(np.logical_or.reduce(found))
    rows = rows[np.argsort(at[rows])]
    return previous[rows], at[rows], np.stack([flags[rows] for flags in found], axis=1)


def _names(changed: NDArray[np.bool_], fields: Sequence[str]) -> pa.ListArray:
    ends = np.concatenate([[0], np.cumsum(changed.sum(axis=1))]).astype(np.int32)
    names = pa.array(fields, pa.string()).take(pa.array(np.nonzero(changed)[1]))
    return pa.ListArray.from_arrays(pa.array(ends), names)
