"""What there is to choose from in a Dropbox."""

from __future__ import annotations

from collections.abc import Iterator

from livesync_pipelines.connectors.choosing import Choice
from livesync_pipelines.net.api import Api


def choices(api: Api) -> Iterator[Choice]:
    """The folders at the top, those that are shared with the account among them."""
    told = api.post("files/list_folder", {"path": "", "recursive": False}, repeats=True)
    while True:
        for meta in told["entries"]:
            if meta[".tag"] == "folder":
                path = meta["path_display"]
                yield Choice(title=path, kind="folder", option="folders", values=[path])
        if not told["has_more"]:
            return
        asked = {"cursor": told["cursor"]}
        told = api.post("files/list_folder/continue", asked, repeats=True)
