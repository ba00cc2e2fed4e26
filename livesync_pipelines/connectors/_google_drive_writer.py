"""What changes files of Google Drive. Nothing of it is done twice: a new file has its id before it
is made, and after an answer that did not come the file is looked at before it is asked for again.

Google's discovery document of 2026-11-06 and how its client for Python sends uploads, read
2026-11-22. That an id which is taken is answered with 409 is as others tell it; they have also seen
a refusal for haste of what was done all the same, so an upload may be there twice as a revision.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from livesync_pipelines.connectors._google_drive_api import DriveApi
from livesync_pipelines.connectors._google_files import FIELDS, FOLDER, DriveFile
from livesync_pipelines.model.errors import RateLimited, Unavailable
from livesync_pipelines.net.api import Api, Params, parsed
from livesync_pipelines.net.asking import Terms
from livesync_pipelines.net.client import Answer
from livesync_pipelines.net.verdict import BadAnswer, Conflict, Gone

_OCTETS = "application/octet-stream"
_AT_ONCE = 5_000_000
"""What is larger goes piece by piece, as Google asks for."""
_PIECE = 32 * 256 * 1024
_TRIES = 3
_SHOWN: Params = {"fields": FIELDS, "supportsAllDrives": True}
_AGAIN, _ONCE = Terms(repeats=True), Terms(repeats=False)


@dataclass(frozen=True, slots=True)
class _Upload:
    """`said` is the metadata that goes with the bytes, `kind` their media type."""

    said: Mapping[str, Any]
    content: bytes
    kind: str


class DriveWriter:
    """Writes in the name of one account; `drive` is what it looks with, `uploads` the API below
    which contents are taken.

    What a method returns is the file as it is after it: the caller compares, for where no answer
    came it may be what somebody else has made of it.
    """

    def __init__(self, drive: DriveApi, api: Api, uploads: Api) -> None:
        self._drive = drive
        self._api = api
        self._uploads = uploads

    def new_ids(self, count: int) -> list[str]:
        """For files that are still to be made: one that has such an id is made once."""
        params: Params = {"count": count, "space": "drive", "type": "files"}
        return list(self._api.get("files/generateIds", params)["ids"])

    def folder(self, file_id: str, name: str, parent: str) -> DriveFile:
        said = {"id": file_id, "name": name, "parents": [parent], "mimeType": FOLDER}
        return self._made(
            file_id,
            lambda: _file(self._api.call("POST", "files", params=_SHOWN, body=said, terms=_AGAIN)),
        )

    def create(self, file_id: str, name: str, parent: str, content: bytes) -> DriveFile:
        kind = mimetypes.guess_type(name)[0] or _OCTETS
        said = {"id": file_id, "name": name, "parents": [parent], "mimeType": kind}
        upload = _Upload(said, content, kind)
        return self._made(file_id, lambda: self._uploaded("POST", "files", upload, _AGAIN))

    def replace(self, file: DriveFile, content: bytes) -> DriveFile:
        upload = _Upload({}, content, file.mime_type)
        return self._changed(
            file,
            lambda: self._uploaded("PATCH", f"files/{file.id}", upload, _ONCE),
            lambda now: now.head != file.head,
        )

    def move(self, file: DriveFile, name: str, parent: str) -> DriveFile:
        params: Params = {}
        if parent != file.parent:
            params = {"addParents": parent, "removeParents": file.parent or ""}
        return self._changed(
            file,
            lambda: self._patched(file.id, {"name": name}, params),
            lambda now: (now.name, now.parent) == (name, parent),
        )

    def trash(self, file: DriveFile) -> DriveFile:
        return self._changed(
            file,
            lambda: self._patched(file.id, {"trashed": True}, {}),
            lambda now: now.trashed,
        )

    def restore(self, file: DriveFile) -> DriveFile:
        """Out of the trash."""
        return self._changed(
            file,
            lambda: self._patched(file.id, {"trashed": False}, {}),
            lambda now: not now.trashed,
        )

    def _made(self, file_id: str, make: Callable[[], DriveFile]) -> DriveFile:
        try:
            return make()
        except RateLimited:
            raise
        except (Conflict, Unavailable):
            made = self._drive.file(file_id)
            if made is None:
                raise
            return made

    def _changed(
        self,
        file: DriveFile,
        change: Callable[[], DriveFile],
        is_done: Callable[[DriveFile], bool],
    ) -> DriveFile:
        """Made again only where it has certainly not been done."""
        trouble: Unavailable | None = None
        for _ in range(_TRIES):
            try:
                return change()
            except RateLimited:
                raise
            except Unavailable as error:
                now = self._drive.file(file.id)
                if now is None:
                    raise
                if is_done(now):
                    return now
                trouble = error
        assert trouble is not None
        raise trouble

    def _patched(self, file_id: str, said: Mapping[str, Any], params: Params) -> DriveFile:
        return _file(
            self._api.call(
                "PATCH", f"files/{file_id}", params={**_SHOWN, **params}, body=said, terms=_ONCE
            )
        )

    def _uploaded(self, method: str, path: str, upload: _Upload, terms: Terms) -> DriveFile:
        if len(upload.content) > _AT_ONCE:
            return self._in_pieces(self._session(method, path, upload), upload.content)
        cut = uuid4().hex
        head = (
            f"--{cut}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
            f"{json.dumps(upload.said)}\r\n--{cut}\r\nContent-Type: {upload.kind}\r\n\r\n"
        )
        return _file(
            self._uploads.call(
                method,
                path,
                params={**_SHOWN, "uploadType": "multipart"},
                body=b"".join((head.encode(), upload.content, f"\r\n--{cut}--\r\n".encode())),
                headers={"content-type": f"multipart/related; boundary={cut}"},
                terms=terms,
            )
        )

    def _session(self, method: str, path: str, upload: _Upload) -> str:
        """Where the pieces go. One that is begun and not gone on with leaves nothing behind."""
        answer = self._uploads.call(
            method,
            path,
            params={**_SHOWN, "uploadType": "resumable"},
            body=upload.said,
            headers={
                "x-upload-content-type": upload.kind,
                "x-upload-content-length": str(len(upload.content)),
            },
            terms=_AGAIN,
        )
        if "location" not in answer.headers:
            raise BadAnswer("an upload was begun and has no address", where=f"{method} {path}")
        return answer.headers["location"]

    def _in_pieces(self, session: str, content: bytes) -> DriveFile:
        start, stands = 0, 0
        while stands < _TRIES:
            answer = self._piece(session, content, start)
            if answer.status != 308:
                return _file(answer)
            taken = _taken(answer)
            stands = 0 if taken > start else stands + 1
            start = taken
        raise Unavailable("an upload does not go on", where=f"upload of {len(content)} bytes")

    def _piece(self, session: str, content: bytes, start: int) -> Answer:
        """The next piece; where no answer comes, how far the upload has got."""
        piece, total = content[start : start + _PIECE], len(content)
        said = {"content-range": f"bytes {start}-{start + len(piece) - 1}/{total}"}
        try:
            return self._uploads.call("PUT", session, body=piece, headers=said, terms=_ONCE)
        except RateLimited:
            raise
        except Unavailable as error:
            said = {"content-range": f"bytes */{total}"}
            try:
                return self._uploads.call("PUT", session, body=b"", headers=said, terms=_AGAIN)
            except Gone:
                raise error from None  # it has come to its end, one way or the other


def _file(answer: Answer) -> DriveFile:
    return DriveFile.of(parsed(answer))


def _taken(answer: Answer) -> int:
    """How many bytes have come in, of an answer that asks for more."""
    found = answer.headers.get("range", "").rpartition("-")[2]
    return int(found) + 1 if found.isdecimal() else 0
