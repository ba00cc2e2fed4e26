"""Properties of data sources and their values: as they are written, and as they are kept.

https://developers.notion.com/reference/page-property-values and property-object, as others tell it
(2026-11-22).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from livesync_pipelines.sandbox.clock import Ids
from livesync_pipelines.sandbox.notion.errors import invalid
from livesync_pipelines.sandbox.notion.texts import texts
from livesync_pipelines.sandbox.world import Json

COMPUTED = frozenset(
    (
        "formula",
        "rollup",
        "created_time",
        "created_by",
        "last_edited_time",
        "last_edited_by",
        "unique_id",
        "button",
    )
)
"""Types of which nobody writes the value."""
_NEEDED = {
    "relation": ("data_source_id",),
    "rollup": ("relation_property_name", "rollup_property_name", "function"),
}
"""Settings that a property of a type has to have."""

_LISTS = ("title", "rich_text", "multi_select", "people", "files", "relation")
_PLAIN = ("number", "url", "email", "phone_number", "checkbox", "place", "verification")
_KINDS = frozenset((*_PLAIN, *_LISTS, *COMPUTED, "select", "status", "date"))


@dataclass(slots=True)
class Property:
    """One property: its settings are those of its type. The title's id is `title`."""

    id: str
    name: str
    type: str
    settings: Json


def properties_of(made: Iterable[Property]) -> dict[str, Property]:
    """All of a data source, by id. Raises `NotionError`."""
    found = {one.id: one for one in made}
    if [one.type for one in found.values()].count("title") != 1:
        raise invalid("A data source has exactly one title property.")
    return found


def property_of(name: str, said: Any, ids: Ids, find: Callable[[str], object]) -> Property:
    """`find` refuses the id of a data source that cannot be related to. Raises `NotionError`."""
    said = _object(said, f"properties.{name}")
    kind = said.get("type") or next((kind for kind in said if kind in _KINDS), "")
    if kind not in _KINDS:
        raise invalid(f"body.properties.{name} should name a type that there is.")
    settings = dict(_object(said.get(kind) or {}, f"properties.{name}.{kind}"))
    for needed in _NEEDED.get(kind, ()):
        if not isinstance(settings.get(needed), str):
            raise invalid(f"body.properties.{name}.{kind}.{needed} should be a string.")
    if kind == "relation":
        settings["data_source_id"] = uuid_of(settings["data_source_id"], "data_source_id")
        find(settings["data_source_id"])
    if kind in ("select", "multi_select", "status"):
        options = _objects(settings.get("options", []), f"properties.{name}.{kind}.options")
        settings["options"] = [_option(one, ids) for one in options]
    property_id = "title" if kind == "title" else ids.new("notion:property", 4)
    return Property(property_id, name, kind, settings)


def empty(kind: str) -> Any:
    """The value of what nobody has written."""
    if kind == "checkbox":
        return False
    return (
        []
        if kind in ("title", "rich_text", "multi_select", "people", "files", "relation")
        else None
    )


def values_of(
    schema: dict[str, Property], properties: Any, ids: Ids, find: Callable[[str], object]
) -> Json:
    """What is written, by name or id, as it is kept, by id; all of it is looked at before an option
    is made. `find` refuses the id of a page that cannot be related to. Raises `NotionError`."""
    by_name = {one.name: one for one in schema.values()}
    asked = []
    for name, written in _object(properties, "properties").items():
        found = schema.get(name) or by_name.get(name)
        if found is None:
            raise invalid(f"{name} is not a property that exists.")
        value = value_of(found.type, written, deepcopy(found), ids)
        for one in value if found.type == "relation" else ():
            find(one["id"])
        asked.append((found, written))
    return {found.id: value_of(found.type, written, found, ids) for found, written in asked}


def value_of(kind: str, written: Any, of: Property | None = None, ids: Ids | None = None) -> Any:
    """The value to keep. An option that there is not is made, but not one of a status. Raises
    `NotionError`."""
    if kind in COMPUTED:
        raise invalid(f"{kind} cannot be written.")
    said = written.get(kind) if isinstance(written, dict) else written
    if isinstance(written, dict) and kind not in written:
        raise invalid(f"body.properties should have a {kind}.")
    match kind:
        case "title" | "rich_text":
            return texts(said)
        case "select" | "status":
            return None if said is None else _chosen(said, _settings(of), ids, kind)
        case "multi_select":
            return [_chosen(one, _settings(of), ids, kind) for one in _objects(said, kind)]
        case "date":
            return None if said is None else _date(said)
        case "people" | "relation":
            return [{"id": uuid_of(one.get("id"), f"{kind}.id")} for one in _objects(said, kind)]
    _check_plain(kind, said)
    return said


def _check_plain(kind: str, said: Any) -> None:
    if kind == "checkbox" and not isinstance(said, bool):
        raise invalid("checkbox should be a boolean.")
    if kind == "files":
        _objects(said, kind)
    if said is None:
        return
    if kind == "number" and (isinstance(said, bool) or not isinstance(said, int | float)):
        raise invalid("number should be a number or `null`.")
    if kind in ("url", "email", "phone_number") and not isinstance(said, str):
        raise invalid(f"{kind} should be a string or `null`.")


def uuid_of(said: Any, where: str) -> str:
    """With dashes, whether it was said with them or not. Raises `NotionError`."""
    try:
        return str(UUID(said if isinstance(said, str) else ""))
    except ValueError as error:
        raise invalid(f"{where} should be a valid uuid, instead was {said!r}.") from error


def _object(said: Any, where: str) -> Json:
    if not isinstance(said, dict):
        raise invalid(f"body.{where} should be an object.")
    return said


def _objects(said: Any, where: str) -> list[Json]:
    if not isinstance(said, list):
        raise invalid(f"{where} should be an array.")
    return [_object(one, where) for one in said]


def _settings(of: Property | None) -> Json:
    return of.settings if of is not None else {"options": []}


def _chosen(said: Any, settings: Json, ids: Ids | None, kind: str) -> Json:
    said = _object(said, kind)
    for option in settings["options"]:
        if said.get("name") == option["name"] or said.get("id") == option["id"]:
            return {name: option[name] for name in ("id", "name", "color")}
    if kind == "status" or ids is None or "name" not in said:
        raise invalid(f"{kind} option {said.get('name')!r} does not exist.")
    made = _option(said, ids)
    settings["options"].append(made)
    return {name: made[name] for name in ("id", "name", "color")}


def _option(said: Json, ids: Ids) -> Json:
    name = said.get("name")
    if not isinstance(name, str) or not name:
        raise invalid("An option's name should be a string that is not empty.")
    if "," in name:
        raise invalid("An option's name has no commas.")
    made = {"id": ids.new("notion:option", 8), "name": name}
    return {**made, "color": said.get("color", "default"), "description": None}


def _date(said: Any) -> Json:
    date = {name: _object(said, "date").get(name) for name in ("start", "end", "time_zone")}
    if not isinstance(date["start"], str) or not isinstance(date["end"], str | None):
        raise invalid("date.start and date.end should be ISO 8601 strings.")
    if date["time_zone"] is not None:
        _check_zoned([side for side in (date["start"], date["end"]) if side is not None])
    return date


def _check_zoned(sides: Sequence[str]) -> None:
    """With a zone there are times, and none of them has an offset."""
    for said in sides:
        try:
            is_zoned = "T" in said and datetime.fromisoformat(said).tzinfo is None
        except ValueError:
            is_zoned = False
        if not is_zoned:
            raise invalid(f"With date.time_zone {said} should be a time without an UTC offset.")
