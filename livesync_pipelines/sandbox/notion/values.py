"""Properties of data sources and their values: as they are written, and as they are kept.

https://developers.notion.com/reference/page-property-values and property-object, as others tell it
(2026-11-22).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def properties_of(schema: Json, ids: Ids) -> dict[str, Property]:
    """By id. Raises `NotionError`."""
    made = [property_of(name, said, ids) for name, said in schema.items()]
    if [one.type for one in made].count("title") != 1:
        raise invalid("A data source has exactly one title property.")
    return {one.id: one for one in made}


def property_of(name: str, said: Json, ids: Ids) -> Property:
    kind = said.get("type") or next((kind for kind in said if kind in _KINDS), "")
    if kind not in _KINDS:
        raise invalid(f"body.properties.{name} should name a type that there is.")
    settings = dict(said.get(kind) or {})
    if kind in ("select", "multi_select", "status"):
        settings["options"] = [_option(one, ids) for one in settings.get("options", ())]
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
            return [_chosen(one, _settings(of), ids, kind) for one in said or ()]
        case "date":
            return None if said is None else _date(said)
        case "people" | "relation":
            return [{"id": one["id"]} for one in said or ()]
        case "number" if said is not None and (isinstance(said, (str, bool))):
            raise invalid("number should be a number or `null`.")
        case "checkbox" if not isinstance(said, bool):
            raise invalid("checkbox should be a boolean.")
    return said


def _settings(of: Property | None) -> Json:
    return of.settings if of is not None else {"options": []}


def _chosen(said: Json, settings: Json, ids: Ids | None, kind: str) -> Json:
    for option in settings["options"]:
        if said.get("name") == option["name"] or said.get("id") == option["id"]:
            return {name: option[name] for name in ("id", "name", "color")}
    if kind == "status" or ids is None or "name" not in said:
        raise invalid(f"{kind} option {said.get('name')!r} does not exist.")
    made = _option(said, ids)
    settings["options"].append(made)
    return {name: made[name] for name in ("id", "name", "color")}


def _option(said: Json, ids: Ids) -> Json:
    if "," in said["name"]:
        raise invalid("An option's name has no commas.")
    made = {"id": ids.new("notion:option", 8), "name": said["name"]}
    return {**made, "color": said.get("color", "default"), "description": None}


def _date(said: Json) -> Json:
    return {name: said.get(name) for name in ("start", "end", "time_zone")}
