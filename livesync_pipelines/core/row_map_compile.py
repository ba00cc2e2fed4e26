"""All fields of a mapping, compiled; or everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livesync_pipelines.core.row_map_made import (
    of_constant,
    of_expression,
    of_several,
    of_template,
)
from livesync_pipelines.core.row_map_plan import found, of_one_column, unknown
from livesync_pipelines.core.row_map_route import Route
from livesync_pipelines.core.row_map_steps import Held
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import FieldMap
from livesync_pipelines.model.rows import ANYTHING, Column, Shape


def routes_of(
    fields: Sequence[FieldMap], source: Shape, target: Shape | None, *, may_add: bool
) -> tuple[Route, ...]:
    """In the order of `fields`. Raises BadInput with everything that is wrong."""
    routes: list[Route] = []
    troubles: list[str] = []
    for one in fields:
        try:
            route = _route(one, source, _place(one, target, may_add=may_add))
            routes.append(_storable(route, source, target))
        except BadInput as error:
            hint = f" ({error.hint})" if error.hint else ""
            troubles.append(f"field '{one.target}': {error.message}{hint}")
    troubles += _doubled(fields)
    if not troubles:
        troubles = _keys(routes, source, target)
    if troubles:
        raise BadInput("The mapping cannot work.\n" + "\n".join(f"- {said}" for said in troubles))
    return tuple(routes)


def _place(one: FieldMap, target: Shape | None, *, may_add: bool) -> Column | None:
    """The column of the target as far as it says what it holds; None: that is for the field to
    say."""
    column = target.column(one.target) if target else None
    if column is None and target is not None and not may_add:
        there = [c.name for c in target.columns]
        raise BadInput(f"at the target {unknown(one.target, there)}")
    if column is not None and not column.writable:
        raise BadInput("the target computes it itself and takes no value for it")
    return column if column is not None and column.typed else None


def _route(one: FieldMap, source: Shape, place: Column | None) -> Route:
    if one.template is not None:
        return of_template(one, source, place)
    if one.expression is not None:
        return of_expression(one, source, place)
    if not one.sources:
        return of_constant(one, place)
    columns = found(one.sources, source)
    if len(one.sources) > 1:
        return of_several(one, source, place)
    return of_one_column(one, columns[0], place)


def _storable(route: Route, source: Shape, target: Shape | None) -> Route:
    """Without the values that an end does not take."""
    if target is not None and target.holds != ANYTHING:
        route = replace(route, steps=(*route.steps, Held(target.holds, route.target.json)))
    if source.holds != ANYTHING and route.back is not None:
        route = replace(route, back=(*route.back, Held(source.holds, route.sources[0].json)))
    return route


def _doubled(fields: Sequence[FieldMap]) -> list[str]:
    names = [one.target for one in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [f"field '{name}': more than one line writes it" for name in twice]


def _keys(routes: Sequence[Route], source: Shape, target: Shape | None) -> list[str]:
    """What is wrong with the columns that tell rows apart."""
    made = {name: key_route(routes, name) for name in source.key}
    troubles = [
        f"field for '{name}': it is part of the source's key; map it alone to a field of its own, "
        "in a way that goes back"
        for name, route in made.items()
        if route is None
    ]
    keys = [route.target.name for route in made.values() if route is not None]
    if not troubles and target is not None and target.key and set(target.key) != set(keys):
        troubles.append(
            f"field '{keys[0]}': rows are told apart by {', '.join(keys)} here and by "
            f"{', '.join(target.key)} at the target; the keys must be mapped to each other"
        )
    return troubles


def key_route(routes: Sequence[Route], name: str) -> Route | None:
    """The field that is a column of the key and stays one: no two keys become the same."""
    return next(
        (
            route
            for route in routes
            if [c.name for c in route.sources] == [name]
            and route.back is not None
            and not route.loses
        ),
        None,
    )
