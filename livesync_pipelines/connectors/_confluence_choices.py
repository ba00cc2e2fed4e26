"""What there is to choose from of a site of Confluence."""

from __future__ import annotations

from collections.abc import Iterator

from livesync_pipelines.connectors._confluence_api import ConfluenceApi
from livesync_pipelines.connectors.choosing import Choice


def choices(api: ConfluenceApi) -> Iterator[Choice]:
    """The spaces that the account sees."""
    for space in api.all_spaces():
        key = str(space["key"])
        yield Choice(title=str(space["name"]), kind="space", option="spaces", values=[key])
