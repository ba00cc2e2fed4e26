"""Contents as they come in: alone, beside their metadata, or piece by piece.

https://developers.google.com/workspace/drive/api/guides/manage-uploads, read 2026-11-22.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from starlette.requests import Request

from livesync_pipelines.sandbox.clock import Ids
from livesync_pipelines.sandbox.google.asking import json_object
from livesync_pipelines.sandbox.google.errors import GoogleError, invalid
from livesync_pipelines.sandbox.world import Json

_OCTETS = "application/octet-stream"
_PIECE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+|\*)")
_PIECES_OF = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file is to be; `content` is None where only its metadata is said."""

    said: Json
    content: bytes | None = None
    mime_type: str = _OCTETS


@dataclass(slots=True)
class Session:
    """A resumable upload that is under way. `file_id` is None for a new file; `person`: whose."""

    person: str
    file_id: str | None
    said: Json
    mime_type: str
    received: bytearray = field(default_factory=bytearray)


class Sessions:
    """The uploads that are under way, by their ids."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._open: dict[str, Session] = {}

    def begin(self, session: Session) -> str:
        upload_id = self._ids.new("google:upload", 48)
        self._open[upload_id] = session
        return upload_id

    def of(self, upload_id: str, person: str) -> Session:
        session = self._open.get(upload_id)
        if session is None or session.person != person:
            raise GoogleError(404, "notFound", "The upload session is not known.")
        return session

    def end(self, upload_id: str) -> None:
        del self._open[upload_id]


def at_once(request: Request, body: bytes) -> Upload:
    """`uploadType=media` and `uploadType=multipart`."""
    kind = request.headers.get("content-type", _OCTETS)
    match request.query_params.get("uploadType"):
        case "media":
            return Upload({}, body, bare(kind))
        case "multipart":
            return _multipart(kind, body)
    raise invalid("uploadType")


def received(session: Session, header: str, body: bytes) -> bool:
    """Take in a piece as its Content-Range says; True when all is there.

    A piece that begins elsewhere than where the last one ended, or is no multiple of 256 KiB though
    more is to come, is refused.
    """
    found = _PIECE.fullmatch(header)
    if found is None:
        raise GoogleError(400, "badContentRange", "Failed to parse Content-Range header.")
    total = None if found[3] == "*" else int(found[3])
    if found[1] is not None:
        first, last = int(found[1]), int(found[2])
        if first != len(session.received) or last - first + 1 != len(body):
            raise GoogleError(400, "badContentRange", "The piece does not go on where it should.")
        if last + 1 != total and len(body) % _PIECES_OF:
            raise GoogleError(400, "badContentRange", "Pieces are multiples of 262144 bytes.")
        session.received += body
    return total is not None and len(session.received) == total


def bare(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.partition(";")[0].strip() or _OCTETS


def _multipart(kind: str, body: bytes) -> Upload:
    """Two parts: metadata as JSON, then the content."""
    whole = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    parts = [part for part in whole.walk() if part is not whole]
    if not whole.is_multipart() or len(parts) != 2:
        raise GoogleError(400, "badContent", "Malformed multipart body.")
    said, content = parts
    return Upload(json_object(_bytes(said)), _bytes(content), bare(str(content["content-type"])))


def _bytes(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""
