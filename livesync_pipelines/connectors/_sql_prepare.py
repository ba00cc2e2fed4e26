"""What has to be done to a table so that it holds what is wanted: created, widened, never narrowed;
the same for all databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from livesync_pipelines.core.row_map_types import covering
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.rows import Column, Shape


@dataclass(frozen=True, slots=True)
class Naming:
    """What a database takes for the name of a column: at most so many of `unit`, where it says so;
    names that are `folded` alike are one."""

    database: str
    folded: Callable[[str], str]
    longest: int | None = None
    unit: str = "characters"

    def faults(self, names: Sequence[str]) -> Iterator[str]:
        """Why these cannot be the columns of one table, a clause each."""
        for name in names:
            length = len(name.encode() if self.unit == "bytes" else name)
            if self.longest is not None and length > self.longest:
                yield f"{name!r} has {length} {self.unit}, and {self.database} takes {self.longest}"
        alike = defaultdict[str, list[str]](list)
        for name in names:
            alike[self.folded(name)].append(name)
        for same in alike.values():
            if len(same) > 1:
                yield f"{' and '.join(map(repr, same))} are one name for {self.database}"


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
    wide = covering(has, wanted)
    if wide is None:
        raise _no_room(has, wanted, where)
    return wide


def _no_room(has: Column, wanted: Column, where: str) -> BadInput:
    return BadInput(
        f"{where} holds {has.name!r} as {spelled(has)}, which has no room for {spelled(wanted)}",
        hint="Map the field to another column, or cast it in the mapping.",
        where=where,
    )
