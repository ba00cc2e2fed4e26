"""What a pretend Drive keeps: files and their revisions. Nothing of it ever changes; a change makes
a new one, so that what was is still there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import md5, sha1, sha256

from livesync_pipelines.sandbox.world import Person

APPS = "application/vnd.google-apps."
FOLDER = f"{APPS}folder"
SHORTCUT = f"{APPS}shortcut"
DOCUMENT = f"{APPS}document"
SPREADSHEET = f"{APPS}spreadsheet"
PRESENTATION = f"{APPS}presentation"

NATIVE = frozenset((DOCUMENT, SPREADSHEET, PRESENTATION))
"""What has words but no bytes: it is exported. A document is kept as Markdown, a spreadsheet as
CSV or as the workbook that it was made of, a presentation as text with an empty line between its
slides."""

ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
"""From the least to the most; the organizers are of shared drives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """`keep`: not to be thrown away after thirty days."""

    id: str
    content: bytes
    mime_type: str
    at: datetime
    by: Person
    keep: bool = False
    md5: str = field(init=False)
    sha1: str = field(init=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        for name, digest in (("md5", md5), ("sha1", sha1), ("sha256", sha256)):
            object.__setattr__(self, name, digest(self.content).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """`parent` is None for the root of somebody's drive or of a shared drive; `owner` is None in a
    shared drive. `trashed` is what was done to it, not to a folder above. `roles`: who may do what
    besides, by e-mail. `target`: of a shortcut."""

    id: str
    name: str
    mime_type: str
    parent: str | None
    drive_id: str | None
    owner: Person | None
    created: datetime
    modified: datetime
    by: Person
    version: int = 1
    trashed: bool = False
    trashed_at: datetime | None = None
    starred: bool = False
    description: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    app_properties: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    target_mime_type: str | None = None
    original_name: str | None = None
    roles: Mapping[str, str] = field(default_factory=dict)
    revisions: tuple[Revision, ...] = ()

    @property
    def binary(self) -> bool:
        return not self.mime_type.startswith(APPS)

    @property
    def head(self) -> Revision | None:
        return self.revisions[-1] if self.revisions else None

    @property
    def content(self) -> bytes:
        return self.revisions[-1].content if self.revisions else b""


@dataclass(frozen=True, slots=True)
class SharedDrive:
    """`members`: their roles, by e-mail. Its root folder has the same id."""

    id: str
    name: str
    created: datetime
    members: Mapping[str, str]


def with_role(file: File, email: str, role: str | None) -> File:
    """The file with one person's role set, or taken away (None)."""
    roles = {name: kept for name, kept in file.roles.items() if name != email}
    return replace(file, roles=roles if role is None else roles | {email: role})


def higher(one: str | None, other: str | None) -> str | None:
    """Of two roles the one that allows more."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=ROLES.index)
