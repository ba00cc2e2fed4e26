"""Ada at work in the pretend Notion."""

from __future__ import annotations

from livesync_pipelines.sandbox.notion import shown
from livesync_pipelines.sandbox.notion.texts import plain
from livesync_pipelines.sandbox.notion.workspace import Thing, Workspace
from livesync_pipelines.sandbox.vendor import Desk
from livesync_pipelines.sandbox.world import Json

_LONGEST = 2_000


def desk(space: Workspace) -> Desk:
    """Pages, the rows of databases among them, as far as the connection sees."""

    def documents() -> dict[str, str]:
        pages = (one for one in space.things.values() if one.kind == "page")
        there = (one for one in pages if space.sees(one) and not space.is_out(one))
        return {one.id: _title(space, one) for one in there}

    def add(page_id: str, words: str) -> None:
        space.append(page_id, [_paragraph(words)])

    return Desk(documents=documents, add=add)


def _title(space: Workspace, page: Thing) -> str:
    values = shown.properties(space, page, whole=True).values()
    return plain(next(value["title"] for value in values if value["type"] == "title"))


def _paragraph(words: str) -> Json:
    """A text holds so many characters at most, and a paragraph several texts."""
    parts = [words[at : at + _LONGEST] for at in range(0, len(words), _LONGEST)]
    return {"paragraph": {"rich_text": [{"text": {"content": part}} for part in parts]}}
