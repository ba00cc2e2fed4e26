"""Ada at work in her pretend Dropbox."""

from __future__ import annotations

from livesync_pipelines.sandbox.dropbox.box import Box
from livesync_pipelines.sandbox.vendor import Desk

_ENDINGS = (".md", ".txt")


def desk(box: Box) -> Desk:
    """Text files."""

    def documents() -> dict[str, str]:
        files = (node for node in box.nodes() if not node.is_folder)
        return {node.id: node.name for node in files if node.key.endswith(_ENDINGS)}

    def add(node_id: str, words: str) -> None:
        node = box.by_id(node_id)
        if node is None:
            raise LookupError(f"there is no file {node_id}")
        box.write(node.path, b"\n\n".join(((node.content or b"").rstrip(), words.encode(), b"")))

    return Desk(documents=documents, add=add)
