"""The change feed.

https://developers.google.com/workspace/drive/api/guides/manage-changes, read 2026-11-22. A line
says that something has happened to a file; what is shown with it is the file as it is now. So a
file that has changed three times is there three times, each time the same.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.clock import EPOCH, rfc3339
from livesync_pipelines.sandbox.google.asking import (
    answer,
    flag,
    is_for_client,
    mask_of,
    page_size,
    shown_to,
)
from livesync_pipelines.sandbox.google.drive import Drive, Entry
from livesync_pipelines.sandbox.google.errors import invalid, not_found
from livesync_pipelines.sandbox.google.fields import Mask, check, within
from livesync_pipelines.sandbox.google.files import File
from livesync_pipelines.sandbox.google.shown import FILE_FIELDS, Shown, shared_drive
from livesync_pipelines.sandbox.world import Json, Person

_DEFAULT = (
    "kind,nextPageToken,newStartPageToken,"
    "changes(kind,type,changeType,time,removed,fileId,driveId,teamDriveId,"
    "file(kind,id,name,mimeType,teamDriveId,driveId),drive(kind,id,name))"
)
_LIST_FIELDS = frozenset(("kind", "nextPageToken", "newStartPageToken", "changes"))
_CHANGE_FIELDS = frozenset(
    [
        "kind",
        "removed",
        "file",
        "fileId",
        "time",
        "driveId",
        "type",
        "teamDriveId",
        "teamDrive",
        "changeType",
        "drive",
    ]
)
_FIRST = 1_001
"""The token of an empty feed, in a world that begins at the epoch."""


class Changes:
    """Tokens are numbers, and never expire while the world lasts. A later one begins with greater
    ones, so that whoever has followed another world hears that his token is unknown."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._first = _FIRST + int((drive.world.clock.start - EPOCH).total_seconds())

    async def start(self, request: Request, person: Person) -> Response:
        entries = self._drive.feed(self.whose(request, person))
        token = str(self._first + len(entries))
        body = {"kind": "drive#startPageToken", "startPageToken": token}
        return answer(body, mask_of(request, "*"))

    async def list(self, request: Request, person: Person) -> Response:
        """Oldest first; the last page has the token to go on with later."""
        mask, size = mask_of(request, _DEFAULT), page_size(request)
        check(mask, _LIST_FIELDS)
        one = within(mask, "changes")
        check(one or {}, _CHANGE_FIELDS)
        check(within(one or {}, "file") or {}, FILE_FIELDS)
        entries = self._drive.feed(self.whose(request, person))
        at = self.position(request, person)
        body: Json = {"kind": "drive#changeList"}
        if at + size < len(entries):
            body["nextPageToken"] = str(self._first + at + size)
        else:
            body["newStartPageToken"] = str(self._first + len(entries))
        found = (self._change(request, person, entry, one) for entry in entries[at : at + size])
        body["changes"] = [change for change in found if change is not None]
        return answer(body, mask)

    def whose(self, request: Request, person: Person) -> str:
        """Which feed is asked for: one's own, or that of a shared drive one is a member of."""
        drive_id = request.query_params.get("driveId")
        if drive_id is None:
            return person.email
        drive = self._drive.tree.drives.get(drive_id)
        if drive is None or person.email not in drive.members:
            raise not_found(drive_id, "driveId")
        if not flag(request, "supportsAllDrives"):
            raise invalid("supportsAllDrives", "A shared drive's feed needs supportsAllDrives.")
        return drive_id

    def position(self, request: Request, person: Person) -> int:
        """Where in its feed a page token points; one that was never given is refused."""
        token = request.query_params.get("pageToken", "")
        length = len(self._drive.feed(self.whose(request, person)))
        if not token.isdecimal() or not self._first <= int(token) <= self._first + length:
            raise invalid("pageToken")
        return int(token) - self._first

    def _change(
        self, request: Request, person: Person, entry: Entry, mask: Mask | None
    ) -> Json | None:
        """None for what was not asked for."""
        if not _wanted(request, entry) or mask is None:
            return None
        shown = shown_to(self._drive, request, person)
        change: Json = {"kind": "drive#change", "time": rfc3339(entry.at)}
        if entry.drive_id is not None:
            change |= {"driveId": entry.drive_id, "teamDriveId": entry.drive_id}
        if entry.file_id is None:
            change |= self._of_drive(person, str(entry.drive_id))
        elif not is_for_client(self._drive, request, entry.file_id):
            return None
        else:
            change |= self._of_file(request, person, entry.file_id, shown)
        if change["removed"] and not flag(request, "includeRemoved", otherwise=True):
            return None
        return change

    def _of_drive(self, person: Person, drive_id: str) -> Json:
        drive = self._drive.tree.drives[drive_id]
        change = {"type": "drive", "changeType": "drive", "removed": False}
        role = drive.members.get(person.email)
        if role is None:
            return change | {"removed": True}
        return change | {"drive": shared_drive(drive, role)}

    def _of_file(self, request: Request, person: Person, file_id: str, shown: Shown) -> Json:
        change: Json = {"type": "file", "changeType": "file", "fileId": file_id}
        file = self._drive.tree.files.get(file_id)
        if file is None or self._drive.tree.role(person.email, file) is None:
            return change | {"removed": True}
        if self._left(request, file):
            kept = flag(request, "includeCorpusRemovals")
            return change | {"removed": True} | ({"file": shown.file(file)} if kept else {})
        return change | {"removed": False, "file": shown.file(file)}

    def _left(self, request: Request, file: File) -> bool:
        """Whether it is no longer in the shared drive whose feed this is."""
        drive_id = request.query_params.get("driveId")
        return drive_id is not None and file.drive_id != drive_id


def _wanted(request: Request, entry: Entry) -> bool:
    """Of shared drives, one's own feed tells only who asks for them."""
    if entry.drive_id is None or request.query_params.get("driveId") is not None:
        return True
    if flag(request, "restrictToMyDrive"):
        return False
    return flag(request, "includeItemsFromAllDrives") and flag(request, "supportsAllDrives")
