"""Objects of one bucket, whole: read piece by piece, put and taken out under conditions.

GetObject, PutObject, DeleteObject of the S3 service model in botocore 1.44.5 (conditional writes:
`IfMatch`, `IfNoneMatch`), read 2026-11-22.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import IO, TYPE_CHECKING

from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)

from livesync_pipelines.connectors import _s3_answers as answers
from livesync_pipelines.connectors._private_copy import private_copy
from livesync_pipelines.connectors._s3_errors import code_of, named
from livesync_pipelines.connectors.files import Moved
from livesync_pipelines.model.errors import BadInput, Broken, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

BROKE_OFF = (HTTPClientError, IncompleteReadError, FlexibleChecksumError)
_LONGEST = 5 * 2**30
_MOVED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "412", "409"})
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Objects:
    """Versions are ETag and size, as they are listed."""

    client: S3Client
    bucket: str
    where: str

    def opened(self, key: str, version: str, *, max_bytes: int) -> IO[bytes]:
        """A private copy of an object of this version; `Moved` where it is another by now."""
        with self._conditional(key):
            try:
                etag = f'"{version.rpartition(":")[0]}"'
                answer = self.client.get_object(Bucket=self.bucket, Key=key, IfMatch=etag)
                with closing(answer["Body"]):
                    return self._copied(key, answer, max_bytes)
            except BROKE_OFF as error:
                raise Unavailable(f"{self.where} broke off", where=self.where) from error

    def _copied(self, key: str, answer: GetObjectOutputTypeDef, max_bytes: int) -> IO[bytes]:
        if answer["ContentLength"] > max_bytes:
            raise self._too_long(key, max_bytes)

        def unpack(copy: IO[bytes]) -> None:
            pieces = answer["Body"].iter_chunks(_PIECE)
            for piece in answers.unpacked_pieces(pieces, answer.get("ContentEncoding", "")):
                copy.write(piece)
                if copy.tell() > max_bytes:
                    raise self._too_long(key, max_bytes)

        return private_copy(unpack)

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        source = BytesIO(content) if isinstance(content, bytes) else content
        size = source.seek(0, os.SEEK_END)
        source.seek(0)
        if size > _LONGEST:
            raise self._too_long(key, _LONGEST)
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with self._conditional(key):
            if expected_version is None:
                answer = self.client.put_object(
                    Bucket=self.bucket, Key=key, Body=source, ContentType=kind, IfNoneMatch="*"
                )
            else:
                etag = f'"{expected_version.rpartition(":")[0]}"'
                answer = self.client.put_object(
                    Bucket=self.bucket, Key=key, Body=source, ContentType=kind, IfMatch=etag
                )
        return answers.version(answer["ETag"], size)

    def remove(self, key: str, *, expected_version: str) -> None:
        """Stores that know no conditional deletion are asked first, and then told."""
        now = self._version(key)
        if now is None:
            return
        if now != expected_version:
            raise self._moved(key)
        etag = f'"{expected_version.rpartition(":")[0]}"'
        with self._conditional(key):
            self.client.delete_object(Bucket=self.bucket, Key=key, IfMatch=etag)

    def _version(self, key: str) -> str | None:
        with named(self.where):
            try:
                answer = self.client.head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if code_of(error) in ("404", "NoSuchKey"):
                    return None
                raise
        return answers.version(answer["ETag"], answer["ContentLength"])

    @contextmanager
    def _conditional(self, key: str) -> Iterator[None]:
        with named(self.where):
            try:
                yield
            except ClientError as error:
                if code_of(error) in _MOVED:
                    raise self._moved(key) from error
                if code_of(error) == "NotImplemented":
                    raise Broken(
                        f"{self.where} does not take conditional writes",
                        hint="Without them an edit of somebody else could be overwritten.",
                        where=self.where,
                    ) from error
                raise

    def _moved(self, key: str) -> Moved:
        said = f"{key} in {self.where} is another than it was; it was left alone"
        return Moved(said, where=self.where)

    def _too_long(self, key: str, max_bytes: int) -> BadInput:
        return BadInput(
            f"{key} in {self.where} has more than {max_bytes} bytes",
            hint="Split it, or leave it out.",
            where=self.where,
        )
