"""The whole present state, for whoever compares a sync with it."""

from __future__ import annotations

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.hooks import Hooks
from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.world import Json


def truth(space: Workspace, hooks: Hooks, *, content: bool) -> Json:
    """Every page and data source: where it is, whether the connection sees it, whether it is in the
    trash. `content`: also its properties, and the words of its blocks, one line each."""
    return {
        "workspace_id": space.id,
        "shared": sorted(space.shared),
        "pages": [_page(space, one, content) for one in _of(space, "page")],
        "data_sources": [_source(space, one) for one in _of(space, "data_source")],
        "webhooks": hooks.shown(),
    }


def _of(space: Workspace, kind: str) -> list[Thing]:
    found = (one for one in space.things.values() if one.kind == kind)
    return sorted(found, key=lambda one: one.id)


def _page(space: Workspace, of: Thing, content: bool) -> Json:
    told = _common(space, of)
    told |= {"title": plain(next((v for v in of.values.values() if _is_title(v)), []))}
    if content:
        told["properties"] = shown.properties(space, of, whole=True)
        told["lines"] = list(_lines(space, of))
    return told


def _source(space: Workspace, of: Thing) -> Json:
    rows = [one for one in of.children if not space.things[one].in_trash]
    return _common(space, of) | {"title": plain(of.title), "rows": rows}


def _common(space: Workspace, of: Thing) -> Json:
    return {
        "id": of.id,
        "parent": of.parent,
        "seen": space.sees(of),
        "in_trash": space.is_out(of),
        "edited_at": rfc3339(of.edited_at),
    }


def _is_title(value: object) -> bool:
    return isinstance(value, list) and bool(value) and "plain_text" in value[0]


def _lines(space: Workspace, of: Thing) -> list[str]:
    found = []
    for child in shown.there(space, of):
        if child.kind == "block":
            found += [plain(child.content.get("rich_text", ())), *_lines(space, child)]
    return found
