"""What is in the pretend Notion before anybody comes: a handbook, and a database of plants."""

from __future__ import annotations

from livesync_pipelines.sandbox.notion.workspace import Workspace
from livesync_pipelines.sandbox.world import Json, World

_PLANTS: Json = {
    "Name": {"title": {}},
    "Height": {"number": {"format": "number"}},
    "Kind": {"select": {"options": [{"name": "Fern"}, {"name": "Moss"}]}},
    "Tags": {"multi_select": {"options": []}},
    "State": {"status": {"options": [{"name": "Seed"}, {"name": "Grown"}]}},
    "Sown": {"date": {}},
    "Hardy": {"checkbox": {}},
    "Gardener": {"people": {}},
    "Twice": {"formula": {"expression": 'prop("Height") * 2'}},
    "Seen": {"last_edited_time": {}},
}


def text(words: str, kind: str = "paragraph", **more: object) -> Json:
    """A block of words."""
    return {kind: {"rich_text": [{"text": {"content": words}}], **more}}


def planted(world: World, documents: int) -> Workspace:
    """A handbook with so many notes below it, and as many rows of plants."""
    space = Workspace(world)
    blocks = [
        text("Sowing", "heading_1"),
        text("Sow ferns in spring."),
        text("Water", "to_do", checked=True),
        text("Keep out of frost.", "callout"),
        text('print("grow")', "code", language="python"),
    ]
    handbook = space.page("Handbook", blocks=blocks)
    for count in range(documents):
        words = f"Bed {count + 1} holds {count % 7 + 1} ferns."
        space.page(f"Bed {count + 1}", parent=handbook.id, blocks=[text(words)])
    plants = space.database("Plants", _PLANTS, parent=handbook.id)
    for count in range(documents):
        space.row(plants, _plant(space, count))
    return space


def _plant(space: Workspace, count: int) -> Json:
    kind, state = ("Fern", "Moss")[count % 2], ("Seed", "Grown")[count % 2]
    return {
        "Name": {"title": [{"text": {"content": f"{kind} {count + 1}"}}]},
        "Height": {"number": count + 0.5},
        "Kind": {"select": {"name": kind}},
        "Tags": {"multi_select": [{"name": "wet"}, {"name": "green"}][: count % 3]},
        "State": {"status": {"name": state}},
        "Sown": {"date": {"start": f"2026-03-{count % 28 + 1:02d}"}},
        "Hardy": {"checkbox": count % 2 == 0},
        "Gardener": {"people": [{"id": space.somebody}]},
    }
