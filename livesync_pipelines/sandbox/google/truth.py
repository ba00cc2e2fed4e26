"""The whole present state, for whoever compares a sync with it."""

from __future__ import annotations

import base64

from livesync_pipelines.sandbox.clock import rfc3339
from livesync_pipelines.sandbox.google.channels import Channels
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.files import File
from livesync_pipelines.sandbox.google.tree import Tree
from livesync_pipelines.sandbox.world import Json


def truth(drive: Drive, channels: Channels, *, content: bool) -> Json:
    """Every file but the roots, by id: what it is, where, who sees it. `content`: also its head, in
    base64. `events`: how much has ever happened; `channels`:
    which are open."""
    files = sorted(drive.tree.files.values(), key=lambda file: file.id)
    return {
        "events": len(drive.history),
        "roots": dict(drive.tree.roots),
        "drives": {known.id: dict(known.members) for known in drive.tree.drives.values()},
        "channels": channels.shown(),
        "files": [_file(drive.tree, file, content) for file in files if file.parent is not None],
    }


def _file(tree: Tree, file: File, content: bool) -> Json:
    shown: Json = {
        "id": file.id,
        "name": file.name,
        "path": tree.path(file),
        "mimeType": file.mime_type,
        "parent": file.parent,
        "driveId": file.drive_id,
        "trashed": tree.in_trash(file),
        "version": file.version,
        "modifiedTime": rfc3339(file.modified),
        "seenBy": sorted(tree.audience(file)),
        "target": file.target,
        "revisions": len(file.revisions),
        "sha256": file.head.sha256 if file.head is not None else None,
        "size": len(file.content),
    }
    return shown | ({"content": base64.b64encode(file.content).decode()} if content else {})
