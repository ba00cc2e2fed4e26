"""How files, folders and deletions are shown, and what a path that is asked for means."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.dropbox.errors import DropboxError
from livesync_pipelines.sandbox.dropbox.nodes import Event, Node
from livesync_pipelines.sandbox.world import Json

_PATH = re.compile(r"(?:/[^/]+)+")


def found(box: Box, path: str, *, where: str = "path") -> Node:
    """What an absolute path, an `id:` or a `rev:` means now. Raises DropboxError."""
    if path.startswith("id:"):
        node = box.by_id(path)
    elif path.startswith("rev:"):
        node = box.by_rev(path.removeprefix("rev:"))
    else:
        node = box.at(wellformed(path, where))
    if node is None:
        raise DropboxError(where, "not_found")
    return node


def wellformed(path: str, *where: str) -> str:
    """Raises DropboxError for what no file can be called."""
    if not _PATH.fullmatch(path):
        raise DropboxError(*where, "malformed_path")
    return path


def metadata(node: Node) -> Json:
    """Without the tag that says which of the two it is."""
    shown: Json = {
        "name": node.name,
        "path_lower": node.key,
        "path_display": node.path,
        "id": node.id,
    }
    if node.content is None:
        if node.shared_folder_id:
            sharing = {"read_only": False, "shared_folder_id": node.shared_folder_id}
            shown |= {"shared_folder_id": node.shared_folder_id, "sharing_info": sharing}
        return shown
    return shown | {
        "client_modified": _moment(node.client_changed),
        "server_modified": _moment(node.changed),
        "rev": node.rev,
        "size": len(node.content),
        "is_downloadable": True,
        "content_hash": node.content_hash,
    }


def tagged(node: Node) -> Json:
    return {".tag": "folder" if node.is_folder else "file"} | metadata(node)


def told(event: Event) -> Json:
    """A line of a feed; a deletion has no id."""
    if event.node is not None:
        return tagged(event.node)
    name = event.path.rpartition("/")[2]
    shown = {"name": name, "path_lower": event.key, "path_display": event.path}
    return {".tag": "deleted"} | shown


def _moment(at: datetime | None) -> str:
    """Whole seconds, as Dropbox spells them."""
    assert at is not None
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
