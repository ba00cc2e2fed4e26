"""Ada at work in her pretend Drive."""

from __future__ import annotations

from dataclasses import replace

from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.files import DOCUMENT, ROLES, File
from livesync_pipelines.sandbox.vendor import Desk

_KINDS = frozenset(("text/markdown", "text/plain", DOCUMENT))
_WRITES = ROLES.index("writer")


def desk(drive: Drive) -> Desk:
    """Texts and native documents, which are kept as Markdown."""
    ada = drive.world.people[0]

    def may_write(file: File) -> bool:
        role = drive.tree.role(ada.email, file)
        return role is not None and ROLES.index(role) >= _WRITES

    def documents() -> dict[str, str]:
        return {
            file.id: file.name
            for file in drive.tree.seen_by(ada.email)
            if file.mime_type in _KINDS and may_write(file) and not drive.tree.in_trash(file)
        }

    def add(file_id: str, words: str) -> None:
        file, at = drive.tree.files[file_id], drive.world.clock.stamp()
        content = b"\n\n".join((file.content.rstrip(), words.encode())) + b"\n"
        head = drive.revision(ada, content, file.mime_type, at)
        drive.save(ada, replace(file, revisions=(*file.revisions, head), modified=at, by=ada))

    return Desk(documents=documents, add=add)
