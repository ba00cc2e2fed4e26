"""A field of a mapping on its way to a `Route`: by which steps it goes, and how back."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from livesync_pipelines.core import row_map_units
from livesync_pipelines.core.row_map_cast import Cast, Cells
from livesync_pipelines.core.row_map_route import Route, Start
from livesync_pipelines.core.row_map_steps import (
    Join,
    Lookup,
    NoDefault,
    Path,
    Split,
    Step,
    path_parts,
    twice,
)
from livesync_pipelines.core.row_map_types import (
    Fate,
    can_cast,
    column_of,
    family,
    fate,
    takes_zone,
    type_name,
    zone_of,
)
from livesync_pipelines.core.row_map_values import Unfit, converted
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import FieldMap, Scalar
from livesync_pipelines.model.rows import Column, Shape

TEXT = Column(name="", type=pa.string())
NUMBERS = ("integer", "decimal", "float")


@dataclass(slots=True)
class Way:
    """A field while it is put together: where it has got to, and how back from there."""

    column: Column
    zone: str = "UTC"
    lossy: bool = False
    steps: list[Step] = field(default_factory=list)
    back: list[Step] | None = field(default_factory=list)
    loses: list[str] = field(default_factory=list)
    refuses: list[str] = field(default_factory=list)

    def then(self, step: Step, column: Column, back: Step | None, what: Fate) -> None:
        self.steps.append(step)
        self.column = column
        if back is None:
            self.back = None
        elif self.back is not None:
            self.back.insert(0, back)
        self.loses += [what.loses] if what.loses else []
        self.refuses += [what.refuses] if what.refuses else []

    def one_way(self, why: str) -> None:
        self.back = None
        self.loses.append(why)

    def cast(self, to: Column) -> None:
        """Raises BadInput where there is no cast."""
        here = self.column
        if not can_cast(here, to):
            raise BadInput(f"{type_name(here)} cannot become {type_name(to)}{_advice(here, to)}")
        there = Cast(here, to, self.zone, self.lossy)
        if can_cast(to, here):
            self.then(there, to, Cast(to, here, self.zone, self.lossy), fate(here, to, self.zone))
        else:
            why = Fate(loses=f"{type_name(to)} cannot become {type_name(here)} again")
            self.then(there, to, None, why)


def _advice(here: Column, to: Column) -> str:
    if family(here) == "list" and family(to) == "text":
        return "; say by what to join it"
    if family(here) == "text" and family(to) == "list":
        return "; say by what to split it"
    return ""


def unknown(name: str, there: Iterable[str]) -> str:
    """A sentence with the names that come nearest."""
    names = list(there)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if not close:
        lowered = {one.lower(): one for one in names}
        close = [lowered[name.lower()]] if name.lower() in lowered else []
    meant = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}"
    return f"there is no column '{name}'; {meant}"


def found(names: Iterable[str], source: Shape) -> list[Column]:
    """Raises BadInput, naming all that are not there."""
    columns = {name: source.column(name) for name in names}
    missing = [name for name, column in columns.items() if column is None]
    if missing:
        there = [column.name for column in source.columns]
        raise BadInput("; ".join(unknown(name, there) for name in missing))
    return [column for column in columns.values() if column is not None]


def goals(one: FieldMap, target: Column | None) -> list[Column]:
    """The types that a field has to become, one after the other."""
    wanted = [column_of(one.cast, one.target)] if one.cast else []
    return [*wanted, target] if target else wanted


def constant(value: Scalar, column: Column) -> pa.Scalar:
    """A person's value as one of the column. Raises BadInput."""
    if isinstance(value, bool) and family(column) == "text":
        raise BadInput(f"YAML reads {str(value).lower()} as a truth value; put it in quotes")
    try:
        return pa.scalar(converted(value, column), column.type)
    except Unfit as error:
        raise BadInput(f"{value!r} {error}") from error


def natural(values: Iterable[Scalar], name: str) -> Column:
    """The type of what a person wrote."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return column_of("boolean", name)
    if kinds == {int}:
        return column_of("integer", name)
    if kinds and kinds <= {int, float}:
        return column_of("float", name)
    return column_of("text", name)


def of_one_column(one: FieldMap, source: Column, target: Column | None) -> Route:
    """A field that is made of one column. Raises BadInput."""
    way = Way(source, one.zone or "UTC", one.lossy)
    wanted = goals(one, target)
    if one.path is not None:
        _path(way, one.path, wanted)
    if one.split is not None:
        _split(way, one.split)
    elif one.join is not None:
        _join(way, one.join)
    elif one.lookup:
        _lookup(way, one, wanted)
    elif one.unit is not None:
        _unit(way, one, wanted)
    return finished(one, (source,), lambda columns, rows: Cells(columns[0]), way, target)


def finished(
    one: FieldMap, sources: Sequence[Column], start: Start, way: Way, target: Column | None
) -> Route:
    """The casts, the default and what the target needs. Raises BadInput."""
    wanted = goals(one, target)
    if one.zone is not None:
        zone_of(one.zone)
        chain = [way.column, *wanted]
        if not any(takes_zone(a, b) for a, b in itertools.pairwise(chain)):
            raise BadInput("a zone is for what becomes a date or a time; there is none here")
    for goal in wanted:
        way.cast(goal)
    column = target or replace(way.column, name=one.target, nullable=True, writable=True)
    default = None if one.default is None else constant(one.default, column)
    if default is not None:
        way.then(_as_is, column, NoDefault(default), Fate(loses=_DEFAULT))
    return Route(
        field=one,
        sources=tuple(sources),
        target=column,
        start=start,
        steps=tuple(way.steps),
        default=default,
        needed=target is not None and not target.nullable,
        back=None if way.back is None else tuple(way.back),
        loses=tuple(way.loses),
        refuses=tuple(way.refuses),
    )


_DEFAULT = "what says the same as the default would come back empty"


def _as_is(array: pa.Array) -> Cells:
    return Cells(array)


def _path(way: Way, path: str, wanted: Sequence[Column]) -> None:
    if family(way.column) not in ("json", "text"):
        raise BadInput(f"a path leads into JSON, and '{way.column.name}' is {_a(way.column)}")
    try:
        parts = tuple(path_parts(path))
    except ValueError as error:
        raise BadInput(f"'{path}' is no path; write one such as address.lines[0].text") from error
    as_json = bool(wanted) and family(wanted[0]) in ("json", "list")
    column = Column(name=way.column.name, type=pa.string(), json=as_json)
    way.then(Path(parts, as_json), column, None, Fate(loses="a part does not become the whole"))


def _split(way: Way, separator: str) -> None:
    if family(way.column) != "text":
        raise BadInput(f"only a text can be split, and '{way.column.name}' is {_a(way.column)}")
    split = Split(separator)
    way.then(split, column_of("list", way.column.name), split.inverse, Fate())


def _join(way: Way, separator: str) -> None:
    if family(way.column) != "list":
        raise BadInput(f"only a list can be joined, and '{way.column.name}' is {_a(way.column)}")
    join = Join(separator)
    why = f"a member of the list can hold {separator!r} itself" if separator else "there is no end"
    back = join.inverse if separator else None
    way.then(join, column_of("text", way.column.name), back, Fate(loses=why))


def _lookup(way: Way, one: FieldMap, wanted: Sequence[Column]) -> None:
    if family(way.column) == "list":
        raise BadInput("a lookup is for single values, and not for lists")
    said = [value for _, value in one.lookup]
    column = wanted[0] if wanted else natural([*said, *one.otherwise], one.target)
    keys = pa.array([constant(key, way.column) for key, _ in one.lookup], way.column.type)
    values = pa.array([constant(value, column) for value in said], column.type)
    otherwise = pa.array([constant(value, column) for value in one.otherwise], column.type)
    if doubled := twice(keys):
        raise BadInput(f"the lookup has more than one line for {doubled[0]!r}")
    lookup = Lookup(keys, values, otherwise)
    why = Fate(refuses="a value can be missing from the lookup")
    if lookup.inverse is None:
        why = Fate(loses="two values of the lookup become the same")
    way.then(lookup, column, lookup.inverse, why)


def _unit(way: Way, one: FieldMap, wanted: Sequence[Column]) -> None:
    unit = one.unit
    if unit is None:
        return
    if one.path is not None:
        way.cast(column_of("float"))
    if family(way.column) not in NUMBERS:
        raise BadInput(f"a unit is for numbers, and '{way.column.name}' is {_a(way.column)}")
    factor, offset = row_map_units.line_of(unit)
    column = row_map_units.natural(way.column, unit)
    if wanted and family(wanted[0]) in NUMBERS:
        floats = "float" in (family(way.column), family(wanted[0]))
        column = column_of("float") if floats else wanted[0]
    scale = row_map_units.Scale(way.column, column, factor, offset, one.lossy)
    way.then(scale, column, scale.inverse, scale.fate)


def _a(column: Column) -> str:
    return f"of type {type_name(column)}"
