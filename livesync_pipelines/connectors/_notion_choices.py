"""What there is to choose from of what is shared with a connection of Notion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from livesync_pipelines.connectors._notion_api import Json, NotionApi
from livesync_pipelines.connectors._notion_values import plain, title_of
from livesync_pipelines.connectors.choosing import Choice

_MOST = 1_000
"""So much of what the search shows is looked at."""
_UNTITLED = "Untitled"


def choices(api: NotionApi) -> Iterator[Choice]:
    """Databases, then the pages that lie in nothing else that is shown; each kind by title."""
    found = list(islice(api.search(), _MOST))
    ids = {one["id"] for one in found}
    yield from sorted(map(_source, _those(found, "data_source")), key=_by_title)
    tops = (one for one in _those(found, "page") if _above(one) not in ids)
    yield from sorted(map(_page, tops), key=_by_title)


def _those(found: Sequence[Json], kind: str) -> Iterator[Json]:
    return (one for one in found if one["object"] == kind and not one["in_trash"])


def _source(one: Json) -> Choice:
    title, database = plain(one["title"]) or _UNTITLED, one["parent"]["database_id"]
    return Choice(title=title, kind="database", option="databases", values=[database])


def _page(one: Json) -> Choice:
    title = title_of(one) or _UNTITLED
    return Choice(title=title, kind="page", option="pages", values=[one["id"]])


def _by_title(choice: Choice) -> str:
    return choice.title.casefold()


def _above(page: Json) -> str:
    """What a page lies in; nothing that has an id where that is the workspace."""
    parent = page["parent"]
    return str(parent.get(parent["type"], ""))
