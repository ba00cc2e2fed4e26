"""The change feeds of Google Drive: the account's own and those of shared drives, as one.

https://developers.google.com/workspace/drive/api/guides/about-changes and .../manage-changes, read
2026-11-22: who wants everything that an account sees needs its own feed, and that of each shared
drive that it is a member of. A change of a folder is told of the folder alone, so everything below
it is looked at then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from livesync_pipelines.connectors._google_calls import BadToken
from livesync_pipelines.connectors._google_drive_api import DriveApi
from livesync_pipelines.connectors._google_drive_options import Selected
from livesync_pipelines.connectors._google_files import DriveFile
from livesync_pipelines.connectors.base import listing_table
from livesync_pipelines.model.errors import CursorExpired
from livesync_pipelines.model.records import FeedPage
from livesync_pipelines.net.verdict import Gone

OWN = ""
"""Where a shared drive would be named: the account's own feed."""

DELETED, TRASHED, OUT_OF_SCOPE = "deleted", "trashed", "out_of_scope"


@dataclass(frozen=True, slots=True)
class Place:
    """Where every feed stands, by shared drive, and the ids of the chosen folders."""

    tokens: Mapping[str, str]
    roots: tuple[str, ...] = ()

    def written(self) -> str:
        return json.dumps({"tokens": dict(self.tokens), "roots": self.roots})

    @classmethod
    def read(cls, written: str) -> Self:
        said = json.loads(written)
        return cls(said["tokens"], tuple(said["roots"]))

    def at(self, drive_id: str, token: str) -> Place:
        return replace(self, tokens={**self.tokens, drive_id: token})


class Changes:
    """What has changed since a place, and is selected or was. `joins`: whether a shared drive that
    the account joins is selected by that."""

    def __init__(self, drive: DriveApi, selected: Selected, place: Place, *, joins: bool) -> None:
        self._drive = drive
        self._selected = selected
        self._place = place
        self._joins = joins
        self._looked_below: set[tuple[str, str]] = set()

    def pages(self) -> Iterator[FeedPage]:
        """Raises `CursorExpired` where a feed does not know its token any more, or a shared drive
        was joined or left."""
        feeds = list(self._place.tokens)
        for drive_id in feeds:
            try:
                yield from self._of_feed(drive_id, is_last=drive_id == feeds[-1])
            except (BadToken, Gone) as error:
                raise CursorExpired(error.message, where=error.where) from error

    def _of_feed(self, drive_id: str, *, is_last: bool) -> Iterator[FeedPage]:
        for page in self._drive.changes(self._place.tokens[drive_id], drive_id):
            changes = [
                one for one in page.get("changes", ()) if not self._is_elsewhere(one, drive_id)
            ]
            files = {one["fileId"]: _file(one) for one in changes if one.get("fileId")}
            self._selected.note(file for file in files.values() if file is not None)
            for file in files.values():
                if file is not None and file.is_folder:
                    yield from self._below(file)
            following = page.get("nextPageToken")
            self._place = self._place.at(drive_id, following or page["newStartPageToken"])
            token = None if is_last and not following else self._place.written()
            yield self._told(files, token=token)

    def _is_elsewhere(self, change: Mapping[str, Any], drive_id: str) -> bool:
        """Whether another of the feeds tells of it as well. Raises `CursorExpired` for a shared
        drive that was joined or left."""
        of_drive = change.get("driveId", OWN)
        is_followed = of_drive in self._place.tokens
        if change.get("changeType") == "drive":
            left = change.get("removed", False)
            if (left and is_followed) or (self._joins and not left and not is_followed):
                raise CursorExpired("a shared drive was joined or left", where="Google Drive")
            return True
        return of_drive != drive_id and is_followed

    def _below(self, folder: DriveFile) -> Iterator[FeedPage]:
        """Everything below a folder that has changed, once for each change of it."""
        if (folder.id, folder.revision) in self._looked_below:
            return
        self._looked_below.add((folder.id, folder.revision))
        pages = self._drive.below(folder.id, folder.drive_id, trashed=True)
        for number, page in enumerate(pages):
            self._selected.note(page)
            token = f"{folder.id} {folder.revision} {number}"
            yield self._told({file.id: file for file in page}, token=token)

    def _told(self, files: Mapping[str, DriveFile | None], *, token: str | None) -> FeedPage:
        meant = {key for key, file in files.items() if file and self._selected.keeps(file)}
        return FeedPage(
            entries=listing_table(
                file.entry() for key, file in files.items() if file and key in meant
            ),
            gone={key: _why(file) for key, file in files.items() if key not in meant},
            cursor=self._place.written(),
            token=token,
        )


def _file(change: Mapping[str, Any]) -> DriveFile | None:
    """How the file is now; None for one that is not seen any more. A file that has only left the
    shared drive whose feed this is comes with what it is elsewhere."""
    shown = change.get("file")
    return DriveFile.of(shown) if shown else None


def _why(file: DriveFile | None) -> str:
    if file is None:
        return DELETED
    return TRASHED if file.trashed else OUT_OF_SCOPE
