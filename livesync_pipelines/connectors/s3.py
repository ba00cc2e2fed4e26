"""A bucket on S3, or on anything that speaks its language (MinIO, R2, Ceph).

ListObjectsV2 and GetObject of the S3 service model in botocore 1.44.5, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import IO, TYPE_CHECKING
from urllib.parse import quote

from botocore.exceptions import ClientError
from propcache.api import cached_property

from livesync_pipelines.connectors import _s3_answers as answers
from livesync_pipelines.connectors._globs import Globs
from livesync_pipelines.connectors._s3_errors import code_of, item_failure, named
from livesync_pipelines.connectors._s3_notifications import Notifications
from livesync_pipelines.connectors._s3_objects import BROKE_OFF, Objects
from livesync_pipelines.connectors._s3_queue import Queue
from livesync_pipelines.connectors._s3_settings import (
    S3Connection,
    S3Selection,
    client_of,
    where,
)
from livesync_pipelines.connectors.base import (
    FetchLimits,
    Listed,
    Memory,
    listing_table,
)
from livesync_pipelines.connectors.files import not_selected, safe
from livesync_pipelines.model.errors import BadInput, Broken, ItemFailure, Unavailable
from livesync_pipelines.model.records import Body, Entry, ListingPage
from livesync_pipelines.model.spec import Absence, Clock, PlatformSpec
from livesync_pipelines.net.fanout import fan_out
from livesync_pipelines.net.verdict import BadAnswer, TooLarge

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectOutputTypeDef,
        ListObjectsV2RequestTypeDef,
        ObjectTypeDef,
    )

__all__ = ["S3", "S3Connection", "S3Selection"]

_WIDTH = 8
_GENERIC = frozenset({"binary/octet-stream", "application/octet-stream"})


class S3(Listed):
    """Objects of one bucket. The key is the object's whole key, prefix and all."""

    spec = PlatformSpec(
        name="s3",
        title="Amazon S3",
        clock=Clock(granularity_s=0.0),
        absence=Absence.DELETED,
        ordered=True,
        webhook="bearer",
        subscribed_by="notifications",
        docs=(
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html, as in "
            "botocore 1.44.5 (2026-11-21)",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, as in "
            "botocore 1.44.5 (2026-11-21)",
            "https://docs.aws.amazon.com/AmazonS3/latest/API/"
            "API_PutBucketNotificationConfiguration.html, as in botocore 1.44.5 (2026-11-21)",
        ),
        quirks=(
            "version is ETag and size: a change of metadata alone is not seen",
            "a listing shows no VersionId: it is an attribute of what was read",
            "a rename is a deletion and a creation",
            "empty keys that end in a slash stand for folders and are left out",
            "objects in an archive are listed, and fail as `archived` only when they must be read",
            "notifications of a bucket are put as a whole: two who write them at once may lose one",
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
        self._where = where(connection)

    @cached_property
    def _client(self) -> S3Client:
        return client_of(self._settings, self.limits, width=_WIDTH)

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

    def place(self) -> str:
        settings = self._settings
        below = f"{settings.bucket}/{settings.prefix}".rstrip("/")
        return f"{settings.endpoint_url or 's3:/'}/{below}/"

    def name_of(self, key: str) -> str:
        return key[len(self._settings.prefix) :].removeprefix("/")

    def key_of(self, name: str) -> str:
        if not self._globs.keeps(safe(name, self._where)):
            raise not_selected(name, self._where)
        prefix = self._settings.prefix
        return f"{prefix}{'/' if prefix and not prefix.endswith('/') else ''}{name}"

    def put(self, key: str, content: bytes | IO[bytes], *, expected_version: str | None) -> str:
        if self.key_of(self.name_of(key)) != key:
            raise not_selected(key, self._where)
        return self.objects.put(key, content, expected_version=expected_version)

    def remove(self, key: str, *, expected_version: str) -> None:
        self.objects.remove(key, expected_version=expected_version)

    @property
    def objects(self) -> Objects:
        """One by one and whole, whatever the selection."""
        return Objects(self._client, self._settings.bucket, self._where)

    @staticmethod
    def inbox(connection: S3Connection) -> Queue | None:
        return Queue(connection) if connection.queue_url else None

    @staticmethod
    def subscriber(connection: S3Connection, limits: FetchLimits) -> Notifications:
        if connection.notifications is None:
            raise BadInput("`notifications` is empty", where=where(connection))
        return Notifications(
            client=client_of(connection, limits, width=1),
            bucket=connection.bucket,
            prefix=connection.prefix,
            arn=connection.notifications,
            where=where(connection),
        )

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
            entries=listing_table(answers.entry(item) for item in kept if "\0" not in item["Key"]),
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
        return self._globs.keeps(self.name_of(key))

    def _read(self, entry: Entry) -> Body | ItemFailure:
        if entry.size is not None and entry.size > self.limits.max_bytes:
            return answers.too_large(entry.key, self.limits.max_bytes)
        if entry.state == answers.ARCHIVED and self._settings.endpoint_url is None:
            return ItemFailure(entry.key, answers.ARCHIVED, "it is in an archive and not restored")
        with named(self._where):
            for _ in range(self.limits.tries):
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
                    except BROKE_OFF:
                        continue
        raise Unavailable(f"{self._where} broke off {self.limits.tries} times", where=self._where)

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
            return answers.too_large(key, self.limits.max_bytes)
        packed = answer["Body"].read()
        try:
            content = answers.unpacked(
                packed, answer.get("ContentEncoding", ""), self.limits.max_bytes
            )
        except TooLarge:
            return answers.too_large(key, self.limits.max_bytes)
        except (BadAnswer, Unavailable) as error:
            return ItemFailure(key, "unreadable", error.message)
        kind = answer.get("ContentType", "")
        return Body(
            key=key,
            version=answers.version(answer["ETag"], answer["ContentLength"]),
            content=content,
            name=key.rstrip("/").rpartition("/")[2],
            url=f"s3://{self._settings.bucket}/{quote(key)}",
            media_type=None if kind in _GENERIC else kind or None,
            modified_at=answer["LastModified"],
            attributes=answers.attributes(answer),
        )
