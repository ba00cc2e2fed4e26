"""What has to be done to a table so that it holds what is wanted: created, widened, never narrowed;
the same for all databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pyarrow as pa

from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Column, Shape


@dataclass(frozen=True, slots=True)
class Step:
    """`column` is to be added or, where `there` says how it is now, widened to this."""

    column: Column
    there: Column | None = None

    @property
    def told(self) -> str:
        if self.there is None:
            return f"added column {self.column.name} ({spelled(self.column)})"
        before, after = spelled(self.there), spelled(self.column)
        return f"widened column {self.column.name} from {before} to {after}"


def spelled(column: Column) -> str:
    """A type as a person reads it."""
    if column.json:
        return "JSON"
    if column.type == pa.int64():
        return f"{column.bits}-bit integer"
    if column.type == pa.string() and column.max_chars is not None:
        return f"text of {column.max_chars} characters"
    return str(column.type)


def steps(there: Shape, wanted: Shape, *, where: str) -> Iterator[Step]:
    """Raises `BadInput` where a column is there that cannot hold what is wanted of it."""
    for column in wanted.columns:
        has = there.column(column.name)
        if has is None:
            yield Step(column)
        elif not has.writable:
            raise BadInput(
                f"{where} computes {column.name!r} itself",
                hint="Leave the column out of the mapping.",
                where=where,
            )
        elif (wide := _widened(has, column, where)) != has:
            yield Step(wide, has)


def _widened(has: Column, wanted: Column, where: str) -> Column:
    """The column as it must be to hold both what it holds and what is wanted."""
    if pa.types.is_decimal(has.type) and pa.types.is_decimal(wanted.type):
        scale = max(has.type.scale, wanted.type.scale)
        whole = max(has.type.precision - has.type.scale, wanted.type.precision - wanted.type.scale)
        if whole + scale > 38:
            raise _no_room(has, wanted, where)
        return replace(has, type=pa.decimal128(whole + scale, scale))
    if has.type != wanted.type or (has.json and not wanted.json):
        raise _no_room(has, wanted, where)
    room = has.max_chars
    if room is not None and (wanted.max_chars is None or wanted.max_chars > room):
        room = wanted.max_chars
    return replace(has, bits=max(has.bits, wanted.bits), max_chars=room)


def _no_room(has: Column, wanted: Column, where: str) -> BadInput:
    return BadInput(
        f"{where} holds {has.name!r} as {spelled(has)}, which has no room for {spelled(wanted)}",
        hint="Map the field to another column, or cast it in the mapping.",
        where=where,
    )
