"""Files of Google Drive as its API shows them, and as what they are read.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files and
https://developers.google.com/workspace/drive/api/guides/ref-export-formats, read 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Literal, Self

from livesync_pipelines.model.records import Entry

APPS = "application/vnd.google-apps."
FOLDER = f"{APPS}folder"
FIELDS = (
    "id,name,mimeType,parents,driveId,trashed,version,md5Checksum,headRevisionId,size,modifiedTime,"
    "webViewLink"
)
"""What is asked for of every file."""

Kind = Literal["document", "spreadsheet", "presentation", "file"]


@dataclass(frozen=True, slots=True)
class Export:
    """The format that a kind of native document is read in; `ending` is that of such files."""

    media_type: str
    ending: str


EXPORTS: Mapping[str, Export] = {
    f"{APPS}document": Export("text/markdown", ".md"),
    f"{APPS}spreadsheet": Export(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"
    ),
    f"{APPS}presentation": Export("text/plain", ".txt"),
}
"""A spreadsheet as CSV would be its first sheet only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveFile:
    """`parent`: its folder, where that is seen. `drive_id`: the shared drive that it is in, or
    empty. `revision`: Drive's own count of changes. `md5`: of its bytes, where it has any; `head`:
    the name that Drive gives to these bytes."""

    id: str
    name: str
    mime_type: str
    parent: str | None
    drive_id: str
    trashed: bool
    revision: str
    md5: str
    head: str
    size: int | None
    modified_at: datetime | None
    url: str

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Self:
        """From the API's JSON, which leaves out what there is nothing to say of."""
        modified, size = shown.get("modifiedTime"), shown.get("size")
        return cls(
            id=shown["id"],
            name=shown["name"],
            mime_type=shown["mimeType"],
            parent=next(iter(shown.get("parents", ())), None),
            drive_id=shown.get("driveId", ""),
            trashed=bool(shown.get("trashed", False)),
            revision=str(shown.get("version", "")),
            md5=shown.get("md5Checksum", ""),
            head=shown.get("headRevisionId", ""),
            size=None if size is None else int(size),
            modified_at=datetime.fromisoformat(modified) if modified else None,
            url=shown.get("webViewLink", ""),
        )

    @property
    def is_folder(self) -> bool:
        return self.mime_type == FOLDER

    @property
    def kind(self) -> Kind | None:
        """None for what has no text: folders, shortcuts, forms, drawings, sites, scripts."""
        if not self.mime_type.startswith(APPS):
            return "file"
        kinds: Mapping[str, Kind] = {
            f"{APPS}document": "document",
            f"{APPS}spreadsheet": "spreadsheet",
            f"{APPS}presentation": "presentation",
        }
        return kinds.get(self.mime_type)

    def entry(self) -> Entry:
        return Entry(
            key=self.id,
            version=self.version,
            size=None if self.mime_type in EXPORTS else self.size,
            modified_at=self.modified_at,
            state=Remembered(self.name, self.mime_type, self.md5, self.url).written(),
        )

    @property
    def version(self) -> str:
        """Drive counts every change, also those that nobody sees, so for bytes their digest and
        the name say more."""
        if not self.md5:
            return self.revision
        named = f"{self.name}\0{self.mime_type}".encode()
        return f"{self.md5}-{blake2b(named, digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What of a listed file is needed to read it."""

    name: str
    mime_type: str
    md5: str
    url: str

    def written(self) -> str:
        return json.dumps([self.name, self.mime_type, self.md5, self.url], ensure_ascii=False)

    @classmethod
    def read(cls, written: str) -> Self:
        return cls(*json.loads(written))

    @property
    def export(self) -> Export | None:
        return EXPORTS.get(self.mime_type)


def versioned(file_id: str, digest: str) -> str:
    """The version of a file that is copied as it is."""
    return f"{file_id}:{digest}"


def version_of(version: str) -> tuple[str, str]:
    """The id and the MD5 that such a version says."""
    file_id, _, digest = version.partition(":")
    return file_id, digest
