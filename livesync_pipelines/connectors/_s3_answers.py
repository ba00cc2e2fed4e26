"""What S3 answers, in our words.

ListObjectsV2 and GetObject of the S3 service model in botocore 1.44.5, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Entry
from livesync_pipelines.net.decode import collect, decoded

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, ObjectTypeDef

ARCHIVED = "archived"
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_PACKINGS = frozenset({"gzip", "x-gzip", "br", "zstd", "deflate", "compress"})


def version(etag: str, size: int) -> str:
    return etag.strip('"') + f":{size}"


def entry(item: ObjectTypeDef) -> Entry:
    return Entry(
        key=item["Key"],
        version=version(item["ETag"], item["Size"]),
        size=item["Size"],
        modified_at=item["LastModified"],
        state=ARCHIVED if is_archived(item) else None,
    )


def is_archived(item: ObjectTypeDef) -> bool:
    """In an archive, and without a restored copy that could be read."""
    restored = item.get("RestoreStatus", {}).get("RestoreExpiryDate") is not None
    return item.get("StorageClass") in _ARCHIVES and not restored


def too_large(key: str, max_bytes: int) -> ItemFailure:
    return ItemFailure(key, "too_large", f"it has more than {max_bytes} bytes")


def unpacked(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    """The bytes without their Content-Encoding."""
    return collect(unpacked_pieces([packed], encoding), max_bytes=max_bytes, where="it")


def unpacked_pieces(packed: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The same, piece by piece. Many a writer puts a charset where the encoding belongs."""
    names = [name.strip().lower() for name in encoding.split(",")]
    packings = ",".join(name for name in names if name in _PACKINGS)
    return decoded(packed, packings, where="it")


def attributes(answer: GetObjectOutputTypeDef) -> Mapping[str, str]:
    """What its owner noted on the object, and its VersionId where the bucket keeps versions."""
    version_id = answer.get("VersionId", "null")
    noted = dict(answer.get("Metadata", {}))
    return noted if version_id == "null" else {**noted, "version_id": version_id}
