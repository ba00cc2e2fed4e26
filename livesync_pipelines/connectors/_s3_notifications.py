"""A bucket that is asked to tell a topic of SNS or a queue of SQS of its objects.

GetBucketNotificationConfiguration and PutBucketNotificationConfiguration of the S3 service model in
botocore 1.44.5, read 2026-11-21. A bucket has one configuration, which is put as a whole and under
no condition: what others put between our reading and our writing is lost. So it is read once more
behind every writing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from livesync_pipelines.connectors._s3_errors import code_of, named
from livesync_pipelines.connectors.subscribing import Forgotten, Held, Wish
from livesync_pipelines.model.errors import LiveSyncError, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ARN = re.compile(r"arn:aws[a-z-]*:(sns|sqs):[a-z0-9-]{3,32}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
EVENTS = ("s3:ObjectCreated:*", "s3:ObjectRemoved:*")
_KINDS = {"sns": ("TopicConfigurations", "TopicArn"), "sqs": ("QueueConfigurations", "QueueArn")}
_HINT = (
    "Mend `notifications`: the keys need s3:GetBucketNotification and s3:PutBucketNotification, "
    "the topic or queue must be in the bucket's region and let the bucket send to it, and no other "
    "notification of the bucket may be for the same events and keys."
)
_one_at_a_time: defaultdict[str, Lock] = defaultdict(Lock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifications:
    """`arn`: of the topic or the queue. `where` is the bucket, for messages and for the lock."""

    client: S3Client
    bucket: str
    prefix: str
    arn: str
    where: str

    def found(self, held: Held) -> Held:
        return Held(topic=self.arn)

    def subscribe(self, wish: Wish, held: Held) -> Held:
        """With all that others have put, and ours once."""
        with self._alone():
            told = self._without_ours(wish)
            told.setdefault(self._kind, []).append(self._ours(wish))
            self._put(told)
            if not self._is_there(wish):
                raise Unavailable("somebody else writes the configuration just now")
        return Held(topic=self.arn, name=_name(wish))

    def renew(self, wish: Wish, held: Held) -> Held:
        """It lasts for ever; but whoever puts another configuration takes ours away."""
        with self._alone():
            if not self._is_there(wish):
                raise Forgotten(f"{self.where} does not tell {self.arn} any more")
        return Held(topic=self.arn, name=_name(wish))

    def unsubscribe(self, wish: Wish, held: Held) -> bool:
        with self._alone():
            try:
                there = self._get()
            except ClientError as error:
                if code_of(error) == "NoSuchBucket":
                    return True
                raise
            told = self._without_ours(wish)
            if told != there:
                self._put(told)
        return True

    def close(self) -> None:
        self.client.close()

    @property
    def _kind(self) -> str:
        return _KINDS[self._service][0]

    @property
    def _service(self) -> str:
        return self.arn.split(":")[2]

    def _ours(self, wish: Wish) -> dict[str, Any]:
        ours: dict[str, Any] = {"Id": _name(wish), "Events": list(EVENTS)}
        ours[_KINDS[self._service][1]] = self.arn
        if self.prefix:
            rule = {"Name": "prefix", "Value": self.prefix}
            ours["Filter"] = {"Key": {"FilterRules": [rule]}}
        return ours

    def _get(self) -> dict[str, Any]:
        said = self.client.get_bucket_notification_configuration(Bucket=self.bucket)
        return {name: value for name, value in said.items() if name != "ResponseMetadata"}

    def _put(self, told: Any) -> None:
        self.client.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=told
        )

    def _without_ours(self, wish: Wish) -> dict[str, Any]:
        """What there is, but for what bears our name."""
        there = self._get()
        for kind, _ in _KINDS.values():
            others = [one for one in there.get(kind, []) if one.get("Id") != _name(wish)]
            if others:
                there[kind] = others
            else:
                there.pop(kind, None)
        return there

    def _is_there(self, wish: Wish) -> bool:
        arn = _KINDS[self._service][1]
        return any(
            (one.get("Id"), one.get(arn)) == (_name(wish), self.arn)
            and set(EVENTS) <= set(one["Events"])
            for one in self._get().get(self._kind, [])
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Several connections may be to one bucket."""
        with _one_at_a_time[self.where]:
            try:
                with named(self.where):
                    yield
            except (Forgotten, Unavailable):
                raise
            except LiveSyncError as error:
                raise type(error)(error.message, hint=_HINT, where=self.where) from error


def _name(wish: Wish) -> str:
    return f"livesync-{wish.name}"
