"""The methods of Drive v3 that are called, with what they need said each time.

https://developers.google.com/workspace/drive/api/guides/enable-shareddrives and
https://developers.google.com/workspace/drive/api/guides/search-files, read 2026-11-22. That export
links lead to docs.google.com and take the token is as others tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, Any

from livesync_pipelines.connectors._google_calls import (
    DOCS,
    TooLargeToExport,
    api_of,
    judge,
    pages,
)
from livesync_pipelines.connectors._google_files import FIELDS, FOLDER, DriveFile, Export
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.model.errors import Unavailable
from livesync_pipelines.net.api import Api, Params, parsed
from livesync_pipelines.net.client import Client
from livesync_pipelines.net.verdict import Gone

PAGE = 1_000
_FOLDERS_AT_ONCE = 40
"""So many folders are looked into with one question; an address may not become too long."""
_BOTH: Params = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}

Page = list[DriveFile]


class DriveApi:
    """Drive, as one account sees it. `links`: the origin that export links lead to."""

    def __init__(self, api: Api, links: Api) -> None:
        self._api = api
        self._links = links

    def file(self, file_id: str) -> DriveFile | None:
        """None where it is not there, or not for this account to see."""
        params: Params = {"fields": FIELDS, "supportsAllDrives": True}
        try:
            return DriveFile.of(self._api.get(f"files/{file_id}", params))
        except Gone:
            return None

    def files(self, question: str, drive_id: str) -> Iterator[Page]:
        """All that fits a question, in a shared drive or (empty) where no shared drive is."""
        where: Params = {"corpora": "drive", "driveId": drive_id, **_BOTH} if drive_id else {}
        fixed: Params = {
            "q": question,
            "pageSize": PAGE,
            "fields": f"nextPageToken,incompleteSearch,files({FIELDS})",
            **where,
        }
        for page in pages(self._api, "files", fixed):
            if page.get("incompleteSearch"):
                raise Unavailable("Drive has not searched everything", where="files.list")
            yield [DriveFile.of(shown) for shown in page.get("files", ())]

    def everything(self, drive_id: str) -> Iterator[Page]:
        return self.files(f"trashed = false and mimeType != '{FOLDER}'", drive_id)

    def folders(self, drive_id: str) -> Iterator[Page]:
        return self.files(f"trashed = false and mimeType = '{FOLDER}'", drive_id)

    def below(self, folder_id: str, drive_id: str, *, trashed: bool) -> Iterator[Page]:
        """All that is below a folder, every folder before what is in it; each folder once."""
        alive = "" if trashed else " and trashed = false"
        known, level = {folder_id}, [folder_id]
        while level:
            inside: list[str] = []
            for start in range(0, len(level), _FOLDERS_AT_ONCE):
                folders = level[start : start + _FOLDERS_AT_ONCE]
                any_of = " or ".join(f"'{one}' in parents" for one in folders)
                for page in self.files(f"({any_of}){alive}", drive_id):
                    inside += [f.id for f in page if f.is_folder and f.id not in known]
                    known |= set(inside)
                    yield page
            level = inside

    def called(self, name: str, parent: str, drive_id: str) -> list[DriveFile]:
        """All of this name that lies in a folder."""
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        question = f"'{parent}' in parents and name = '{quoted}' and trashed = false"
        return [file for page in self.files(question, drive_id) for file in page]

    def revisions(self, file_id: str) -> list[tuple[str, str]]:
        """The name and the MD5 of each state that the bytes of a file have had, oldest first."""
        fixed: Params = {"pageSize": PAGE, "fields": "nextPageToken,revisions(id,md5Checksum)"}
        return [
            (shown["id"], shown.get("md5Checksum", ""))
            for page in pages(self._api, f"files/{file_id}/revisions", fixed)
            for shown in page.get("revisions", ())
        ]

    def revision(self, file_id: str, name: str, into: IO[bytes], max_bytes: int) -> None:
        params = {"alt": "media"}
        path = f"files/{file_id}/revisions/{name}"
        self._api.download(path, into, params=params, max_bytes=max_bytes)

    def shared_drives(self) -> dict[str, str]:
        """The names, by id, of those that the account is a member of."""
        fixed: Params = {"pageSize": 100, "fields": "nextPageToken,drives(id,name)"}
        found = pages(self._api, "drives", fixed)
        return {drive["id"]: drive["name"] for page in found for drive in page.get("drives", ())}

    def start_token(self, drive_id: str) -> str:
        """Where a change feed stands: the account's own, or that of a shared drive."""
        answer = self._api.get("changes/startPageToken", _feed(drive_id))
        return str(answer["startPageToken"])

    def changes(self, token: str, drive_id: str) -> Iterator[Mapping[str, Any]]:
        """Pages of a change feed. Raises `BadToken`, and `Gone` for a drive that is not seen."""
        change = f"changeType,fileId,driveId,removed,file({FIELDS})"
        fixed: Params = {
            "pageSize": PAGE,
            "fields": f"nextPageToken,newStartPageToken,changes({change})",
            "includeItemsFromAllDrives": True,
            "includeCorpusRemovals": True,
            **_feed(drive_id),
        }
        return pages(self._api, "changes", fixed, token)

    def download(self, file_id: str, into: IO[bytes], max_bytes: int) -> None:
        params: Params = {"alt": "media", "supportsAllDrives": True}
        self._api.download(f"files/{file_id}", into, params=params, max_bytes=max_bytes)

    def export(self, file_id: str, export: Export, into: IO[bytes], max_bytes: int) -> None:
        """By its link where it has more than ten megabytes. Raises `TooLargeToExport`."""
        params = {"mimeType": export.media_type}
        try:
            self._api.download(f"files/{file_id}/export", into, params=params, max_bytes=max_bytes)
        except TooLargeToExport as error:
            if why := self._by_link(file_id, export, into, max_bytes):
                raise TooLargeToExport(f"{error.message}; {why}", where=error.where) from error

    def follows(self, link: str) -> bool:
        """Whether an export link leads to Google, so that the token may go there."""
        return self._links.owns(link)

    def _by_link(self, file_id: str, export: Export, into: IO[bytes], max_bytes: int) -> str | None:
        """Why there is none, where there is none: the token goes to Google alone, and a page for
        people (to sign in, say) is no document."""
        params: Params = {"fields": "exportLinks", "supportsAllDrives": True}
        shown = self._api.get(f"files/{file_id}", params)
        link = shown.get("exportLinks", {}).get(export.media_type)
        if link is None:
            return "it has no link for larger exports"
        if not self.follows(link):
            return "its link for larger exports leads elsewhere than to Google"
        answer = self._links.download(link, into, max_bytes=max_bytes)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        return "its link for larger exports leads to a page" if is_page else None

    def watch(self, token: str, channel: Mapping[str, str]) -> Mapping[str, Any]:
        """Open a channel on the account's own feed; the answer says until when it lives."""
        params: Params = {"pageToken": token, **_BOTH}
        answer = self._api.call("POST", "changes/watch", params=params, body=dict(channel))
        opened: Mapping[str, Any] = parsed(answer)
        return opened

    def stop(self, channel_id: str, resource_id: str) -> None:
        """Close a channel. Raises `Gone` where it has ended."""
        self._api.post("channels/stop", {"id": channel_id, "resourceId": resource_id}, repeats=True)


def drive_of(client: Client, limits: FetchLimits) -> DriveApi:
    """Drive, as the account of these limits sees it."""
    links = Api(client, limits.api_url or DOCS, limits.account, judge)
    return DriveApi(api_of(client, limits, "drive/v3"), links)


def _feed(drive_id: str) -> Params:
    return {"supportsAllDrives": True, **({"driveId": drive_id} if drive_id else {})}
