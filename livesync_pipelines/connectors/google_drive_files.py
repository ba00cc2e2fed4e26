"""A folder of Google Drive as files that are copied as they are, from it and into it.

What `google_drive`, `_google_drive_writer` and `_google_drive_placing` name, read 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import md5
from io import BytesIO
from typing import IO, Annotated

from propcache.api import cached_property
from pydantic import AfterValidator, Field

from livesync_pipelines.connectors._api_client import Called
from livesync_pipelines.connectors._globs import Glob, Globs
from livesync_pipelines.connectors._google_calls import GOOGLE, judge
from livesync_pipelines.connectors._google_drive_api import drive_of
from livesync_pipelines.connectors._google_drive_feed import OWN
from livesync_pipelines.connectors._google_drive_options import GoogleDriveConnection, folder_id
from livesync_pipelines.connectors._google_drive_placing import Placing
from livesync_pipelines.connectors._google_drive_writer import DriveWriter
from livesync_pipelines.connectors._google_files import DriveFile, version_of, versioned
from livesync_pipelines.connectors.base import (
    PAGE_ITEMS,
    FetchLimits,
    Memory,
    Options,
    listing_table,
)
from livesync_pipelines.connectors.files import not_selected, safe, whole
from livesync_pipelines.connectors.google_drive import GoogleDrive
from livesync_pipelines.model.errors import BadInput, ItemFailure
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.net.api import Api

_TRIES = 3
_ANEW = "from the start"


class GoogleDriveFilesSelection(Options):
    """`folder`: its id or link, `root` for My Drive, a shared drive's id for all of it. The globs
    are over names from there down."""

    folder: Annotated[str, AfterValidator(folder_id)]
    include: list[Glob] = Field(default=["**/*"], min_length=1)
    exclude: list[Glob] = Field(default=[])


class GoogleDriveFiles(Called):
    """The key is the path below the folder, the version the file's id and the MD5 of its bytes.
    What has no bytes of its own (native documents, shortcuts) is left out."""

    spec = GoogleDrive.spec
    Connection = GoogleDriveConnection
    Selection = GoogleDriveFilesSelection

    def __init__(
        self,
        connection: GoogleDriveConnection,
        selection: GoogleDriveFilesSelection,
        limits: FetchLimits,
    ) -> None:
        super().__init__(connection, selection, limits)
        self._folder_id = selection.folder
        self._globs = Globs(selection.include, selection.exclude)
        api, uploads = (
            Api(self._client, f"{limits.api_url or GOOGLE}{path}", limits.account, judge)
            for path in ("/drive/v3", "/upload/drive/v3")
        )
        self._drive = drive_of(self._client, limits)
        self._writer = DriveWriter(self._drive, api, uploads)
        self._where = f"folder {selection.folder} of Google Drive"

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        tree = self._placing.looked()
        kept = [(path, file) for path, file in sorted(tree.files.items()) if self._keeps(path)]
        failures = tuple(
            one for one in tree.failures if f"{one.key}/" in tree.blind or self._keeps(one.key)
        )
        for start in range(0, max(len(kept), 1), PAGE_ITEMS):
            is_last = start + PAGE_ITEMS >= len(kept)
            yield ListingPage(
                entries=listing_table(_entry(*one) for one in kept[start : start + PAGE_ITEMS]),
                failures=failures if is_last else (),
                blind=tuple(tree.blind) if is_last else (),
                resume=None if is_last else _ANEW,
                complete=is_last,
            )

    def probe(self, memory: Memory) -> str:
        """Where the change feeds stand that tell of the folder."""
        feeds = dict.fromkeys([OWN, self._root.drive_id])
        return " ".join(self._drive.start_token(one) for one in feeds)

    def place(self) -> str:
        ids, above = [self._root.id], self._root.parent
        while above is not None and (folder := self._drive.file(above)) is not None:
            ids.append(folder.id)
            above = folder.parent
        return f"https://drive.google.com/{'/'.join(reversed(ids))}/"

    def name_of(self, key: str) -> str:
        return key

    def key_of(self, name: str) -> str:
        if not self._keeps(safe(name, self._where)):
            raise not_selected(name, self._where)
        return name

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        return self._placing.put(self.key_of(key), whole(content), expected_version)

    def remove(self, key: str, *, expected_version: str) -> None:
        self._placing.remove(self.key_of(key), expected_version)

    def holds(self, entry: Entry, content: bytes) -> bool:
        return version_of(entry.version)[1] == md5(content, usedforsecurity=False).hexdigest()

    def move(self, key: str, to: str, *, expected_version: str) -> str:
        return self._placing.move(self.key_of(key), self.key_of(to), expected_version)

    def reserve(self, key: str, content: bytes) -> str:
        return json.dumps(self._placing.reserve(self.key_of(key)))

    def recall(self, reserved: Mapping[str, str]) -> None:
        for written in reserved.values():
            self._placing.recall(json.loads(written))

    @cached_property
    def _root(self) -> DriveFile:
        """Raises `BadInput`: a folder that is gone has not become empty."""
        found = self._drive.file(self._folder_id)
        if found is None or found.trashed or not found.is_folder:
            raise BadInput(
                f"the account sees no folder {self._folder_id}, or it lies in the trash",
                hint="Open it in Drive as the account's owner: its id ends the address. Nothing "
                "was taken for deleted.",
                where=self._where,
            )
        return found

    @cached_property
    def _placing(self) -> Placing:
        return Placing(self._drive, self._writer, self._root, self._where, self.limits.max_bytes)

    def _keeps(self, path: str) -> bool:
        return self._globs.keeps(path)

    def read(self, entry: Entry) -> Body | ItemFailure:
        file_id, wanted = version_of(entry.version)
        for _ in range(_TRIES):
            into = BytesIO()
            self._drive.download(file_id, into, self.limits.max_bytes)
            content = into.getvalue()
            if md5(content, usedforsecurity=False).hexdigest() == wanted:
                return _body(entry, versioned(file_id, wanted), content)
            now = self._drive.file(file_id)
            if now is None:
                return ItemFailure(entry.key, "vanished", "it has gone while it was read")
            wanted = now.md5
        reason = f"it has changed {_TRIES} times while it was read"
        return ItemFailure(entry.key, "changing", reason)


def _entry(path: str, file: DriveFile) -> Entry:
    return Entry(
        key=path,
        version=versioned(file.id, file.md5),
        identity=file.id,
        size=file.size,
        modified_at=file.modified_at,
        state=file.url,
    )


def _body(entry: Entry, version: str, content: bytes) -> Body:
    return Body(
        key=entry.key,
        version=version,
        content=content,
        name=entry.key.rpartition("/")[2],
        url=entry.state or "",
        modified_at=entry.modified_at,
    )
