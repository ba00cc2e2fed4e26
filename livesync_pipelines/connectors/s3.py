"""A bucket on S3, or on anything that speaks its language (MinIO, R2, Ceph).

ListObjectsV2 and GetObject of the S3 service model in botocore 1.44.5, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
)
from pydantic import Field, SecretStr, field_validator, model_validator

from livesync_pipelines.connectors._globs import Glob, Globs
from livesync_pipelines.connectors._s3_errors import code_of, item_failure, named
from livesync_pipelines.connectors._s3_pace import keep_pace
from livesync_pipelines.connectors.base import (
    Connector,
    FetchLimits,
    Memory,
    Options,
    Remote,
    listing_table,
)
from livesync_pipelines.model.errors import Broken, ItemFailure, Unavailable
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.decode import collect, decoded
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import BadAnswer, TooLarge

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectOutputTypeDef,
        ListObjectsV2RequestTypeDef,
        ObjectTypeDef,
    )

_WIDTH = 8
_TRIES = 3
_BROKE_OFF = (HTTPClientError, IncompleteReadError, FlexibleChecksumError)
_PACKINGS = frozenset({"gzip", "x-gzip", "br", "zstd", "deflate", "compress"})
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_ARCHIVED = "archived"
_GENERIC = frozenset({"binary/octet-stream", "application/octet-stream"})


class S3Connection(Remote):
    """Without keys, boto3 looks for credentials where it always does. `endpoint_url` is for
    stores that are not Amazon's; most of these need `path_style`."""

    bucket: str = Field(min_length=1)
    prefix: str = ""
    region: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    path_style: bool = False

    @field_validator("region", "endpoint_url", "access_key_id", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("secret_access_key", "session_token", mode="after")
    @classmethod
    def _empty_secret_is_unset(cls, value: SecretStr | None) -> SecretStr | None:
        return value or None

    @model_validator(mode="after")
    def _keys_come_together(self) -> Self:
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("access_key_id and secret_access_key belong together")
        if self.session_token is not None and self.access_key_id is None:
            raise ValueError("a session_token belongs to an access_key_id")
        return self


class S3Selection(Options):
    """Globs over the key without the connection's prefix (and without a slash after it)."""

    include: list[Glob] = Field(default=["**/*"], min_length=1)
    exclude: list[Glob] = Field(default=[])


class S3(Connector):
    """Objects of one bucket. The key is the object's whole key, prefix and all."""

    spec = PlatformSpec(
        name="s3",
        title="Amazon S3",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        ordered=True,
        docs=(
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, as in "
            "botocore 1.44.5 (2026-11-21)",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, as in "
            "botocore 1.44.5 (2026-11-21)",
        ),
        quirks=(
            "version is ETag and size: a change of metadata alone is not seen",
            "a listing shows no VersionId: it is an attribute of what was read",
            "a rename is a deletion and a creation",
            "empty keys that end in a slash stand for folders and are left out",
            "objects in an archive are listed, and fail as `archived` only when they must be read",
            "directory buckets list in no order and are refused",
        ),
    )
    Connection = S3Connection
    Selection = S3Selection

    def __init__(
        self, connection: S3Connection, selection: S3Selection, limits: FetchLimits
    ) -> None:
        super().__init__(connection, selection, limits)
        self._settings = connection
        self._globs = Globs(selection.include, selection.exclude)
        self._where = f"s3 bucket {connection.bucket}"

    @cached_property
    def _client(self) -> S3Client:
        settings = self._settings
        session = boto3.session.Session(
            aws_access_key_id=settings.access_key_id,
            aws_secret_access_key=_plain(settings.secret_access_key),
            aws_session_token=_plain(settings.session_token),
            region_name=settings.region,
        )
        config = Config(
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            connect_timeout=min(10.0, self.limits.timeout_s),
            read_timeout=self.limits.timeout_s,
            max_pool_connections=_WIDTH,
            s3={"addressing_style": "path" if settings.path_style else "auto"},
        )
        with named(self._where):
            client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
        return keep_pace(client, self.limits.pacer, bucket=settings.bucket)

    def listing(self, memory: Memory, resume: str | None = None) -> Iterator[ListingPage]:
        after, more = resume or "", True
        while more:
            objects, more = self._objects(after)
            keys = [item["Key"] for item in objects]
            if keys != sorted(set(keys)) or (keys and keys[0] <= after) or (more and not keys):
                raise Broken(
                    f"{self._where} does not list its keys in order",
                    hint="Directory buckets (S3 Express) do so and are not supported.",
                    where=self._where,
                )
            after = keys[-1] if keys else after
            yield self._page(objects, resume=after if more else None)

    def fetch(self, entries: Sequence[Entry]) -> Iterator[Body | ItemFailure]:
        return fan_out(self._read, entries, width=_WIDTH)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    def _objects(self, after: str) -> tuple[Sequence[ObjectTypeDef], bool]:
        """The next objects after this key, and whether there are more."""
        prefix = self._settings.prefix
        if not prefix or prefix.endswith("/"):
            prefix += self._globs.prefix()
        asked: ListObjectsV2RequestTypeDef = {"Bucket": self._settings.bucket, "Prefix": prefix}
        if after:
            asked["StartAfter"] = after
        if self._settings.endpoint_url is None:
            asked["OptionalObjectAttributes"] = ["RestoreStatus"]
        with named(self._where):
            answer = self._client.list_objects_v2(**asked)
        return answer.get("Contents", []), answer["IsTruncated"]

    def _page(self, objects: Sequence[ObjectTypeDef], *, resume: str | None) -> ListingPage:
        kept = [item for item in objects if self._means(item)]
        return ListingPage(
            entries=listing_table(_entry(item) for item in kept if "\0" not in item["Key"]),
            failures=tuple(
                ItemFailure(item["Key"].replace("\0", "\\x00"), "bad_name", "its key holds a NUL")
                for item in kept
                if "\0" in item["Key"]
            ),
            resume=resume,
            complete=resume is None,
        )

    def _means(self, item: ObjectTypeDef) -> bool:
        key = item["Key"]
        if key.endswith("/") and not item["Size"]:
            return False
        return self._globs.keeps(key[len(self._settings.prefix) :].removeprefix("/"))

    def _read(self, entry: Entry) -> Body | ItemFailure:
        if entry.size is not None and entry.size > self.limits.max_bytes:
            return _too_large(entry.key, self.limits.max_bytes)
        if entry.state == _ARCHIVED and self._settings.endpoint_url is None:
            return ItemFailure(entry.key, _ARCHIVED, "it is in an archive and not restored")
        with named(self._where):
            for _ in range(_TRIES):
                try:
                    answer = self._get(entry)
                except ClientError as error:
                    failure = item_failure(entry.key, error)
                    if failure is None:
                        raise
                    return failure
                with closing(answer["Body"]):
                    try:
                        return self._body(entry.key, answer)
                    except _BROKE_OFF:
                        continue
        raise Unavailable(f"{self._where} broke off {_TRIES} times", where=self._where)

    def _get(self, entry: Entry) -> GetObjectOutputTypeDef:
        """The object that was listed; or what is there now, where it changed since."""
        bucket, etag = self._settings.bucket, entry.version.rpartition(":")[0]
        try:
            return self._client.get_object(Bucket=bucket, Key=entry.key, IfMatch=f'"{etag}"')
        except ClientError as error:
            if code_of(error) != "PreconditionFailed":
                raise
        return self._client.get_object(Bucket=bucket, Key=entry.key)

    def _body(self, key: str, answer: GetObjectOutputTypeDef) -> Body | ItemFailure:
        if answer["ContentLength"] > self.limits.max_bytes:
            return _too_large(key, self.limits.max_bytes)
        packed = answer["Body"].read()
        try:
            content = _unpacked(packed, answer.get("ContentEncoding", ""), self.limits.max_bytes)
        except TooLarge:
            return _too_large(key, self.limits.max_bytes)
        except (BadAnswer, Unavailable) as error:
            return ItemFailure(key, "unreadable", error.message)
        kind = answer.get("ContentType", "")
        return Body(
            key=key,
            version=_version(answer["ETag"], answer["ContentLength"]),
            content=content,
            name=key.rstrip("/").rpartition("/")[2],
            url=f"s3://{self._settings.bucket}/{quote(key)}",
            media_type=None if kind in _GENERIC else kind or None,
            modified_at=answer["LastModified"],
            attributes=_attributes(answer),
        )


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _version(etag: str, size: int) -> str:
    return etag.strip('"') + f":{size}"


def _entry(item: ObjectTypeDef) -> Entry:
    return Entry(
        key=item["Key"],
        version=_version(item["ETag"], item["Size"]),
        size=item["Size"],
        modified_at=item["LastModified"],
        state=_ARCHIVED if _is_archived(item) else None,
    )


def _is_archived(item: ObjectTypeDef) -> bool:
    """In an archive, and without a restored copy that could be read."""
    restored = item.get("RestoreStatus", {}).get("RestoreExpiryDate") is not None
    return item.get("StorageClass") in _ARCHIVES and not restored


def _too_large(key: str, max_bytes: int) -> ItemFailure:
    return ItemFailure(key, "too_large", f"it has more than {max_bytes} bytes")


def _unpacked(packed: bytes, encoding: str, max_bytes: int) -> bytes:
    """The bytes without their Content-Encoding. Many a writer puts a charset there."""
    names = [name.strip().lower() for name in encoding.split(",")]
    packings = ",".join(name for name in names if name in _PACKINGS)
    return collect(decoded([packed], packings, where="it"), max_bytes=max_bytes, where="it")


def _attributes(answer: GetObjectOutputTypeDef) -> Mapping[str, str]:
    """What its owner noted on the object, and its VersionId where the bucket keeps versions."""
    version_id = answer.get("VersionId", "null")
    noted = dict(answer.get("Metadata", {}))
    return noted if version_id == "null" else {**noted, "version_id": version_id}
