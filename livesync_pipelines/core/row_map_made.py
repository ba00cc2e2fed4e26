"""Fields that are not one column: constants, templates, several columns, expressions."""

from __future__ import annotations

import json
import string
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from livesync_pipelines.core.row_map_cast import OUT_OF_YEARS, Bad, Cast, Cells, python_values
from livesync_pipelines.core.row_map_expression import Expression, read
from livesync_pipelines.core.row_map_plan import (
    TEXT,
    Way,
    constant,
    finished,
    found,
    goals,
    natural,
)
from livesync_pipelines.core.row_map_route import Route, Start
from livesync_pipelines.core.row_map_spelling import shown
from livesync_pipelines.core.row_map_types import can_cast, type_name
from livesync_pipelines.core.row_map_values import Unfit, converted
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.rows import Column, Shape


def of_constant(one: FieldMap, target: Column | None) -> Route:
    """The same value in every row. Raises BadInput."""
    column = (goals(one, target) or [natural([one.value], one.target)])[0]
    value = constant(one.value, column)
    way = Way(column, back=None)
    return finished(one, (), lambda columns, rows: Cells(pa.repeat(value, rows)), way, target)


def of_template(one: FieldMap, source: Shape, target: Column | None) -> Route:
    """`{first} {last}`: nothing stands for null, and null for nothing but nulls."""
    pieces = template_pieces(one.template or "")
    names = list(dict.fromkeys(name for _, name in pieces if name is not None))
    columns = found(names, source)
    spell = _spelling(columns)

    def start(arrays: Sequence[pa.Array], rows: int) -> Cells:
        cells = [step(array) for step, array in zip(spell, arrays, strict=True)]
        texts = dict(zip(names, (one.values for one in cells), strict=True))
        parts = []
        for words, name in pieces:
            parts += [pa.repeat(words, rows)] if words else []
            parts += [texts[name]] if name is not None else []
        made = pc.binary_join_element_wise(*parts, "", null_handling="replace")
        said = pc.is_valid(pc.coalesce(*texts.values()))
        made = pc.if_else(said, made, pa.scalar(None, pa.string()))
        return _unless_bad(made, cells)

    way = Way(TEXT)
    way.one_way("a template does not go back")
    return finished(one, columns, start, way, target)


def template_pieces(template: str) -> list[tuple[str, str | None]]:
    """Words, and the name of the column that follows them. Raises BadInput."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise BadInput(f"the template is wrong: {error}") from error
    for _, name, form, conversion in pieces:
        if form or conversion or name == "":
            raise BadInput("a template holds names in braces and nothing else in them: {name}")
    if all(name is None for _, name, _, _ in pieces):
        raise BadInput("the template names no column; for a constant write value")
    return [(words, name) for words, name, _, _ in pieces]


def of_several(one: FieldMap, source: Shape, target: Column | None) -> Route:
    """Columns joined to one text, without those that are null. Raises BadInput."""
    if one.join is None:
        raise BadInput("it comes from more than one column; say by what to join them")
    separator = one.join
    columns = found(one.sources, source)
    spell = _spelling(columns)

    def start(arrays: Sequence[pa.Array], rows: int) -> Cells:
        cells = [step(array) for step, array in zip(spell, arrays, strict=True)]
        texts = [one.values for one in cells]
        made = _joined(texts, separator)
        return _unless_bad(made, cells)

    way = Way(TEXT)
    way.one_way("what is joined of several columns does not go back")
    return finished(one, columns, start, way, target)


def _spelling(columns: Sequence[Column]) -> list[Cast]:
    for column in columns:
        if not can_cast(column, TEXT):
            raise BadInput(f"'{column.name}' is of type {type_name(column)}, and no text")
    return [Cast(column, TEXT) for column in columns]


def _unless_bad(made: pa.Array, parts: Sequence[Cells]) -> Cells:
    """A row with a part that does not fit is bad as a whole, and once."""
    bad = {one.row: one for cells in reversed(parts) for one in cells.bad}
    if not bad:
        return Cells(made)
    rows = pa.array([row in bad for row in range(len(made))])
    return Cells(pc.if_else(rows, pa.scalar(None, made.type), made), tuple(bad.values()))


def _joined(texts: Sequence[pa.Array], separator: str) -> pa.Array:
    """Null only where all are."""
    made = texts[0]
    for text in texts[1:]:
        both = pc.binary_join_element_wise(made, text, separator, null_handling="emit_null")
        made = pc.coalesce(both, made, text)
    return made


def of_expression(one: FieldMap, source: Shape, target: Column | None) -> Route:
    """Computed from the columns of each row. Raises BadInput."""
    wanted = goals(one, target)
    if not wanted:
        said = json.dumps(one.expression, ensure_ascii=False)
        raise BadInput(
            "nobody knows what type an expression has, and the target has no such column yet",
            hint="say cast, as decimal(12,2), float, integer or text: "
            f'{{expression: {said}, to: {one.target}, cast: "decimal(12,2)"}}',
        )
    expression = read(one.expression or "")
    columns = found(expression.columns, source)
    way = Way(wanted[0])
    way.one_way("an expression does not go back")
    return finished(one, columns, _computed(one, expression, wanted[0]), way, target)


def _computed(one: FieldMap, expression: Expression, kind: Column) -> Start:
    def start(arrays: Sequence[pa.Array], rows: int) -> Cells:
        given = [list(python_values(array)) for array in arrays] or [[]]
        values: list[Any] = []
        bad: list[Bad] = []
        for row, cells in enumerate(zip(*given, strict=True) if arrays else [()] * rows):
            here = {name: v for name, (v, _) in zip(expression.columns, cells, strict=True)}
            try:
                if any(outside for _, outside in cells):
                    raise Unfit(OUT_OF_YEARS)
                values.append(converted(expression(here), kind, one.zone or "UTC", lossy=one.lossy))
            except Unfit as error:
                values.append(None)
                seen = ", ".join(f"{name}={shown(value)}" for name, value in here.items())
                bad.append(Bad(row, str(error), shown(seen)))
        return Cells(pa.array(values, kind.type), tuple(bad))

    return start
