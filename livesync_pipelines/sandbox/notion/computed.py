"""Formulas and rollups: a little of each, enough to have values of every type.

A formula is `prop("Name")`, alone or followed by `* 2`, `+ 2` or `> 2` (of numbers);
https://developers.notion.com/reference/page-property-values, as others tell it
(2026-11-22).
"""

from __future__ import annotations

import re
from typing import Any

from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.values import Property, empty
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json

_FORMULA = re.compile(r'prop\("([^"]+)"\)\s*(?:([*+>])\s*(-?[\d.]+))?')

_RESULTS = {"number": "number", "checkbox": "boolean", "date": "date"}


def formula(source: Thing, page: Thing, of: Property) -> Json:
    """`{type, and the value under its type}`."""
    found = _FORMULA.fullmatch(of.settings.get("expression", ""))
    named = _named(source, found[1]) if found else None
    if found is None or named is None:
        return {"type": "string", "string": None}
    value = page.values.get(named.id, empty(named.type))
    if found[2]:
        return _reckoned(value, found[2], float(found[3]))
    kind = _RESULTS.get(named.type, "string")
    return {"type": kind, kind: _bare(named.type, value)}


def rollup(space: Workspace, source: Thing, page: Thing, of: Property) -> Json:
    """Over the pages that a relation names, as far as they are there."""
    how = of.settings.get("function", "show_original")
    by_name = _named(source, of.settings.get("relation_property_name", ""))
    items = page.values.get(by_name.id, ()) if by_name else ()
    related = [space.things[one["id"]] for one in items if one["id"] in space.things]
    found = [value for one in related if (value := _rolled(space, one, of)) is not None]
    if how == "count":
        return {"type": "number", "number": len(related), "function": how}
    if how == "sum":
        return {"type": "number", "number": sum(v["number"] or 0 for v in found), "function": how}
    if how in ("earliest_date", "latest_date"):
        dates = sorted(v["date"]["start"] for v in found if v["date"])
        at = -1 if how == "latest_date" else 0
        date = {"start": dates[at], "end": None, "time_zone": None} if dates else None
        return {"type": "date", "date": date, "function": how}
    return {"type": "array", "array": found, "function": how}


def _rolled(space: Workspace, page: Thing, of: Property) -> Json | None:
    source = space.things.get(page.parent or "")
    named = _named(source, of.settings.get("rollup_property_name", "")) if source else None
    if named is None:
        return None
    return {"type": named.type, named.type: page.values.get(named.id, empty(named.type))}


def _named(source: Thing, name: str) -> Property | None:
    return next((one for one in source.schema.values() if one.name == name), None)


def _bare(kind: str, value: Any) -> Any:
    if kind in ("title", "rich_text"):
        return plain(value)
    return value and value["name"] if kind in ("select", "status") else value


def _reckoned(value: Any, sign: str, by: float) -> Json:
    if sign == ">":
        return {"type": "boolean", "boolean": value is not None and value > by}
    if value is None:
        return {"type": "number", "number": None}
    return {"type": "number", "number": value * by if sign == "*" else value + by}
