"""What a Dropbox holds, and how its paths are read: case does not count, and is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

BLOCK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A file, or a folder (`content` None). `path` is spelled as whoever wrote it last has spelled
    it, parents and all; `changed` and `client_changed` are of files alone."""

    id: str
    path: str
    rev: str = ""
    content: bytes | None = None
    content_hash: str = ""
    changed: datetime | None = None
    client_changed: datetime | None = None
    shared_folder_id: str = ""

    @property
    def key(self) -> str:
        return lower(self.path)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def is_folder(self) -> bool:
        return self.content is None


@dataclass(frozen=True, slots=True)
class Event:
    """One line of what has happened: `path` is as `node` says now, or is no more (None)."""

    path: str
    node: Node | None

    @property
    def key(self) -> str:
        return lower(self.path)


def lower(path: str) -> str:
    return path.lower()


def parent_of(path: str) -> str:
    """Empty for what lies in the root."""
    return path.rpartition("/")[0]


def hash_of(content: bytes) -> str:
    """Dropbox's content hash: the SHA-256 of the SHA-256 of each four mebibytes, in hex."""
    blocks = (content[at : at + BLOCK_BYTES] for at in range(0, len(content), BLOCK_BYTES))
    return sha256(b"".join(sha256(block).digest() for block in blocks)).hexdigest()
