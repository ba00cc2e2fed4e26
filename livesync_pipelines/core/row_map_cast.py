"""A column as another type, vectorised; what a value becomes is said in `row_map_values`.

Each fast way gives null for a value that it does not know for sure; these few are looked at one
by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map_fast import How, in_years, known
from livesync_pipelines.core.row_map_spelling import SHOWN, shown
from livesync_pipelines.core.row_map_values import Unfit, converted

OUT_OF_YEARS = "is outside of the years 1 to 9999"


class Bad(NamedTuple):
    """A cell of one column that does not fit."""

    row: int
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class Cells:
    """A column on its way; `bad` cells are null in `values`."""

    values: pa.Array
    bad: tuple[Bad, ...] = ()


class Cast(How):
    """From one type to another."""

    __slots__ = ()

    def __call__(self, array: pa.Array) -> Cells:
        """The column as the target's type."""
        found = known(array, self)
        if found is not None and found.null_count == array.null_count:
            return Cells(found)
        return one_by_one(
            array,
            lambda value: converted(value, self.target, self.zone, lossy=self.lossy),
            self.target.type,
            found,
        )


def one_by_one(
    array: pa.Array, convert: Callable[[Any], Any], kind: pa.DataType, found: pa.Array | None = None
) -> Cells:
    """What `convert` makes of each value that is not null, and not in `found` yet. It raises
    `Unfit`."""
    if found is None:
        found = pa.nulls(len(array), kind)
    open_rows = pc.indices_nonzero(pc.and_(array.is_valid(), found.is_null())).to_pylist()
    rest = array.take(pa.array(open_rows, pa.int64()))
    values: list[Any] = []
    bad: list[Bad] = []
    for row, (value, outside) in zip(open_rows, python_values(rest), strict=True):
        try:
            if outside:
                raise Unfit(OUT_OF_YEARS)
            values.append(convert(value))
        except Unfit as error:
            values.append(None)
            bad.append(Bad(row, str(error), outside or shown(value)))
    return Cells(_patched(found, open_rows, pa.array(values, kind)), tuple(bad))


def python_values(array: pa.Array) -> Iterable[tuple[Any, str | None]]:
    """Each value, and of one that Python cannot hold (a year 20000) how it is spelled."""
    if not pa.types.is_temporal(array.type):
        return [(value, None) for value in array.to_pylist()]
    held = pc.if_else(in_years(array, spared_days=0), array, None)
    texts = array.cast(pa.int64() if array.type.bit_width == 64 else pa.int32())
    return [
        (value, None if value is not None or count is None else f"{count} since 1970"[:SHOWN])
        for value, count in zip(held.to_pylist(), texts.to_pylist(), strict=True)
    ]


def _patched(found: pa.Array, rows: list[int], values: pa.Array) -> pa.Array:
    if not rows:
        return found
    if len(rows) == len(found):
        return values
    order = pa.array(range(len(found)), pa.int64()).to_numpy(zero_copy_only=False).copy()
    order[rows] = range(len(found), len(found) + len(rows))
    return pa.concat_arrays([found, values]).take(pa.array(order))
