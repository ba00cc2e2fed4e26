"""Everything as the API shows it. Times are whole minutes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.notion.computed import formula, rollup
from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.values import COMPUTED, Property, empty
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json

MOST_REFERENCES = 25
"""So many of a list a page shows at most; the rest is asked for by itself."""
_LISTS = ("title", "rich_text", "people", "relation")
_SETTINGS: dict[str, Json] = {
    "number": {"format": "number"},
    "status": {"groups": []},
    "unique_id": {"prefix": None},
}
_HOUR = timedelta(hours=1)


def minute(at: datetime) -> str:
    return rfc3339(at.replace(second=0, microsecond=0))


def person(user_id: str) -> Json:
    return {"object": "user", "id": user_id}


def user(space: Workspace, user_id: str) -> Json:
    if user_id == space.bot:
        owner = {"type": "workspace", "workspace": True}
        limits = {"max_file_upload_size_in_bytes": 5_242_880}
        named = {"workspace_id": space.id, "workspace_name": "Garden", "workspace_limits": limits}
        bot = {"owner": owner, **named}
        return _somebody(user_id, "LiveSync") | {"type": "bot", "bot": bot}
    found = space.users[user_id]
    return _somebody(user_id, found.name) | {"type": "person", "person": {"email": found.email}}


def shown(space: Workspace, thing: Thing) -> Json:
    match thing.kind:
        case "page":
            return page(space, thing)
        case "database":
            return database(space, thing)
        case "data_source":
            return data_source(space, thing)
    return block(space, thing)


def page(space: Workspace, of: Thing) -> Json:
    return {
        "object": "page",
        "id": of.id,
        **_stamps(of),
        "in_trash": of.in_trash,
        "is_archived": False,
        "is_locked": False,
        "url": _url(of),
        "public_url": None,
        "parent": _parent(space, of),
        "properties": properties(space, of),
        "icon": None,
        "cover": None,
    }


def properties(space: Workspace, of: Thing, *, whole: bool = False) -> Json:
    """The values of a page by name; lists cut short, unless they are wanted `whole`."""
    source = space.things.get(of.parent or "")
    if source is None or source.kind != "data_source":
        return {"title": {"id": "title", "type": "title", "title": of.values["title"]}}
    told = {}
    for one in source.schema.values():
        value = _value(space, source, of, one)
        more: Json = {}
        if one.type in _LISTS and not whole:
            more = {"has_more": len(value) > MOST_REFERENCES} if one.type == "relation" else {}
            value = value[:MOST_REFERENCES]
        told[one.name] = {"id": one.id, "type": one.type, one.type: value, **more}
    return told


def database(space: Workspace, of: Thing) -> Json:
    sources = [space.things[child] for child in of.children]
    return {
        "object": "database",
        "id": of.id,
        "title": of.title,
        "description": [],
        "parent": _parent(space, of),
        "is_inline": False,
        "in_trash": of.in_trash,
        "is_locked": False,
        **_stamps(of),
        "data_sources": [{"id": one.id, "name": plain(one.title)} for one in sources],
        "icon": None,
        "cover": None,
        "url": _url(of),
        "public_url": None,
    }


def data_source(space: Workspace, of: Thing) -> Json:
    above = space.things[of.parent or ""]
    return {
        "object": "data_source",
        "id": of.id,
        "title": of.title,
        "description": [],
        "parent": {"type": "database_id", "database_id": above.id},
        "database_parent": _parent(space, above),
        "is_inline": False,
        "in_trash": of.in_trash,
        **_stamps(of),
        "properties": {one.name: _property(space, of, one) for one in of.schema.values()},
        "icon": None,
        "cover": None,
        "url": _url(above),
        "public_url": None,
    }


def block(space: Workspace, of: Thing) -> Json:
    """A page or a database that lies in another page is a block there, under the same id."""
    kind = of.type or f"child_{of.kind}"
    if of.kind == "page":
        content: Json = {"title": plain(_title(of))}
    elif of.kind == "database":
        content = {"title": plain(of.title)}
    else:
        content = _content(space, of)
    return {
        "object": "block",
        "id": of.id,
        "parent": _parent(space, of),
        **_stamps(of),
        "has_children": of.kind != "database" and bool(there(space, origin(space, of))),
        "in_trash": of.in_trash,
        "type": kind,
        kind: content,
    }


def origin(space: Workspace, of: Thing) -> Thing:
    """Of a synced block that shows another one: that one, where it still is."""
    found = of.content.get("synced_from") if of.type == "synced_block" else None
    return space.things.get(found["block_id"], of) if found else of


def there(space: Workspace, of: Thing) -> list[Thing]:
    """What is in a block or a page, without what was thrown away."""
    return [child for one in of.children if not (child := space.things[one]).in_trash]


def _content(space: Workspace, of: Thing) -> Json:
    """The address of a file that Notion keeps is good for an hour, and another one each time."""
    if of.content.get("type") != "file":
        return of.content
    return {**of.content, "file": _file(space, of.content["file"]["url"])}


def _file(space: Workspace, url: str) -> Json:
    now = space.world.clock.stamp()
    return {"url": f"{url}?signature={now.timestamp():.3f}", "expiry_time": rfc3339(now + _HOUR)}


def _value(space: Workspace, source: Thing, of: Thing, one: Property) -> Any:
    if one.type in COMPUTED:
        return _computed(space, source, of, one)
    value = of.values.get(one.id, empty(one.type))
    if one.type == "people":
        return [_known(space, item["id"]) for item in value]
    if one.type == "relation":
        return [item for item in value if item["id"] in space.things]
    return value


def _computed(space: Workspace, source: Thing, of: Thing, one: Property) -> Any:
    number = {"prefix": one.settings.get("prefix"), "number": of.number}
    by_type: dict[str, Callable[[], Any]] = {
        "formula": lambda: formula(source, of, one),
        "rollup": lambda: rollup(space, source, of, one),
        "created_time": lambda: minute(of.made_at),
        "last_edited_time": lambda: minute(of.edited_at),
        "created_by": lambda: _known(space, of.made_by),
        "last_edited_by": lambda: _known(space, of.edited_by),
        "unique_id": lambda: number,
        "button": dict,
    }
    return by_type[one.type]()


def _known(space: Workspace, user_id: str) -> Json:
    """Who has left the workspace is an id only."""
    known = user_id == space.bot or user_id in space.users
    return user(space, user_id) if known else person(user_id)


def _property(space: Workspace, source: Thing, one: Property) -> Json:
    settings = dict(one.settings)
    if one.type == "relation":
        database_id = space.things[settings["data_source_id"]].parent
        settings |= {"database_id": database_id, "type": "single_property", "single_property": {}}
    if one.type == "rollup":
        ids = {p.name: p.id for p in source.schema.values()}
        settings["relation_property_id"] = ids.get(settings["relation_property_name"], "")
        settings["rollup_property_id"] = settings["rollup_property_name"]
    usual = _SETTINGS.get(one.type, {})
    told = {"id": one.id, "name": one.name, "type": one.type, "description": None}
    return {**told, one.type: {**usual, **settings}}


def _title(of: Thing) -> list[Json]:
    found: list[Json] = of.values.get("title", [])
    return found


def _parent(space: Workspace, of: Thing) -> Json:
    if of.parent is None:
        return {"type": "workspace", "workspace": True}
    above = space.things[of.parent]
    kind = f"{above.kind}_id"
    more = {"database_id": above.parent} if above.kind == "data_source" else {}
    return {"type": kind, kind: above.id, **more}


def _stamps(of: Thing) -> Json:
    return {
        "created_time": minute(of.made_at),
        "last_edited_time": minute(of.edited_at),
        "created_by": person(of.made_by),
        "last_edited_by": person(of.edited_by),
    }


def _somebody(user_id: str, name: str) -> Json:
    return {"object": "user", "id": user_id, "name": name, "avatar_url": None}


def _url(of: Thing) -> str:
    return f"https://www.notion.so/{of.id.replace('-', '')}"
