"""`files.get`, downloads, exports, revisions and `about`."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from livesync_pipelines.sandbox.google import shown
from livesync_pipelines.sandbox.google.asking import (
    answer,
    asked_file,
    known_file,
    mask_of,
    shown_to,
)
from livesync_pipelines.sandbox.google.drive import Drive
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.google.exports import EXPORTS, IMPORTS, MOST_BYTES, exported
from livesync_pipelines.sandbox.google.fields import check
from livesync_pipelines.sandbox.google.files import File, Revision
from livesync_pipelines.sandbox.world import Person

FILE_DEFAULT = "kind,id,name,mimeType"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_QUOTA = 15 * 1024**3


class Reading:
    """What changes nothing."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive

    async def get(self, request: Request, person: Person) -> Response:
        """The file as JSON, or with `alt=media` its bytes."""
        file = asked_file(self._drive, request, person)
        if request.query_params.get("alt") == "media":
            return _download(request, file, file.head)
        mask = mask_of(request, FILE_DEFAULT)
        check(mask, shown.FILE_FIELDS)
        return answer(shown_to(self._drive, request, person).file(file), mask)

    async def export(self, request: Request, person: Person) -> Response:
        """Up to ten megabytes of another format."""
        file = self._seen(request, person)
        content = exported(file.mime_type, file.content, _wanted_type(request))
        if len(content) > MOST_BYTES:
            why = "This file is too large to be exported."
            raise GoogleError(403, "exportSizeLimitExceeded", why)
        return Response(content, media_type=_wanted_type(request))

    async def export_link(self, request: Request, person: Person) -> Response:
        """What `exportLinks` lead to: the same without the limit."""
        file_id = request.query_params.get("id", "")
        file = known_file(self._drive, request, person, file_id)
        content = exported(file.mime_type, file.content, _wanted_type(request))
        return Response(content, media_type=_wanted_type(request))

    async def revisions(self, request: Request, person: Person) -> Response:
        file = self._seen(request, person)
        look = shown_to(self._drive, request, person)
        listed = [shown.revision(look, file, kept) for kept in file.revisions]
        body = {"kind": "drive#revisionList", "revisions": listed}
        return answer(body, mask_of(request, "kind,revisions(kind,id,mimeType,modifiedTime)"))

    async def revision(self, request: Request, person: Person) -> Response:
        """One of them as JSON, or with `alt=media` its bytes."""
        file, wanted = self._seen(request, person), request.path_params["revision_id"]
        found = next((kept for kept in file.revisions if kept.id == wanted), None)
        if found is None:
            message = f"Revision not found: {wanted}."
            raise GoogleError(404, "notFound", message, where="revisionId")
        if request.query_params.get("alt") == "media":
            return _download(request, file, found)
        look = shown_to(self._drive, request, person)
        mask = mask_of(request, "kind,id,mimeType,modifiedTime")
        return answer(shown.revision(look, file, found), mask)

    async def about(self, request: Request, person: Person) -> Response:
        """Needs `fields`."""
        if "fields" not in request.query_params:
            why = "The 'fields' parameter is required for this method."
            raise GoogleError(400, "required", why, where="fields")
        used = sum(len(file.content) for file in self._drive.tree.seen_by(person.email))
        body = {
            "kind": "drive#about",
            "user": shown_to(self._drive, request, person).user(person),
            "storageQuota": {"limit": str(_QUOTA), "usage": str(used), "usageInDrive": str(used)},
            "exportFormats": {kind: list(formats) for kind, formats in EXPORTS.items()},
            "importFormats": _import_formats(),
            "maxUploadSize": str(5 * 1024**4),
            "appInstalled": True,
            "canCreateDrives": False,
        }
        return answer(body, mask_of(request, "*"))

    def _seen(self, request: Request, person: Person) -> File:
        return known_file(self._drive, request, person, request.path_params["file_id"])

    async def generate_ids(self, request: Request, person: Person) -> Response:
        text = request.query_params.get("count", "10")
        if not text.isdecimal() or not 1 <= int(text) <= 1_000:
            raise invalid("count")
        ids = [self._drive.generate_id() for _ in range(int(text))]
        body = {"kind": "drive#generatedIds", "space": "drive", "ids": ids}
        return answer(body, mask_of(request, "*"))


def _import_formats() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for kind, formats in IMPORTS.items():
        for mime_type in sorted(formats):
            found.setdefault(mime_type, []).append(kind)
    return found


def _wanted_type(request: Request) -> str:
    mime_type = request.query_params.get("mimeType")
    if not mime_type:
        message = "Required parameter: mimeType"
        raise GoogleError(400, "required", message, where="mimeType")
    return mime_type


def _download(request: Request, file: File, revision: Revision | None) -> Response:
    """The bytes, or the one part of them that a Range header asks for."""
    if not file.binary or revision is None:
        why = (
            "Only files with binary content can be downloaded. Use Export with Docs Editors files."
        )
        raise GoogleError(403, "fileNotDownloadable", why, where="alt")
    content, wanted = revision.content, request.headers.get("range")
    found = _RANGE.fullmatch(wanted) if wanted else None
    if found is None or found[0] == "bytes=-":
        return Response(content, media_type=revision.mime_type, headers={"accept-ranges": "bytes"})
    first, last = _part(found[1], found[2], len(content))
    if first > last:
        where = {"content-range": f"bytes */{len(content)}"}
        return Response(status_code=416, headers=where)
    where = {"content-range": f"bytes {first}-{last}/{len(content)}", "accept-ranges": "bytes"}
    part = content[first : last + 1]
    return Response(part, status_code=206, media_type=revision.mime_type, headers=where)


def _part(first: str, last: str, length: int) -> tuple[int, int]:
    """Where a range begins and ends, both included; it is empty where nothing of it is there."""
    if not first:
        return max(0, length - int(last)), length - 1
    end = int(last) if last else length - 1
    return int(first), min(end, length - 1)
