"""The queue of SQS into which a bucket puts its events, straight or by a topic of SNS.

ReceiveMessage and DeleteMessageBatch of the SQS service model in botocore 1.44.5, read 2026-11-21.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from livesync_pipelines.connectors._s3_errors import named
from livesync_pipelines.connectors.base import Announcement
from livesync_pipelines.model.errors import LiveSyncError, Unavailable

if TYPE_CHECKING:
    from livesync_pipelines.connectors.s3 import S3Connection

AT_ONCE = 10
"""What one call brings at most."""

WAIT_S = 1
"""A call that waits asks all of Amazon's servers, and one that does not only some."""

_TIMEOUT_S = 4.0
"""Other looks wait for this one."""

_REGION = re.compile(r"(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.(?:queue\.)?amazonaws\.com(?:\.cn)?")
_HINT = (
    "Mend `queue_url`; the keys need sqs:ReceiveMessage, sqs:DeleteMessage and "
    "sqs:GetQueueAttributes on it."
)
_AWAY = "Nothing to do if its server comes back; else mend `queue_url`."


class Queue:
    """One queue, by the keys of the connection. May be shared by threads."""

    def __init__(self, settings: S3Connection) -> None:
        url = settings.queue_url
        assert url is not None
        parts = urlsplit(url)
        self._url = url
        self._where = f"the queue {parts.path.rpartition('/')[2]}"
        found = _REGION.fullmatch(parts.hostname or "")
        secret, token = settings.secret_access_key, settings.session_token
        with _asked(self._where):
            self._client: Any = boto3.session.Session(
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=secret.get_secret_value() if secret else None,
                aws_session_token=token.get_secret_value() if token else None,
                region_name=found[1] if found else settings.region,
            ).client(
                "sqs",
                endpoint_url=f"{parts.scheme}://{parts.netloc}",
                config=Config(
                    connect_timeout=_TIMEOUT_S,
                    read_timeout=WAIT_S + _TIMEOUT_S,
                    retries={"mode": "standard", "total_max_attempts": 2},
                ),
            )

    def announcements(self, *, waiting: bool) -> Sequence[Announcement]:
        """Some of what lies there, which stays until it is forgotten; none when it is empty."""
        with _asked(self._where):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=AT_ONCE,
                WaitTimeSeconds=WAIT_S if waiting else 0,
            )
        return [
            Announcement(name=one["MessageId"], body=one["Body"], receipt=one["ReceiptHandle"])
            for one in answer.get("Messages", [])
        ]

    def forget(self, announcements: Sequence[Announcement]) -> None:
        """Take these away. Raises `Unavailable` where some stay: they come again."""
        entries = [
            {"Id": str(number), "ReceiptHandle": one.receipt}
            for number, one in enumerate(announcements)
        ]
        with _asked(self._where):
            answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        if answer.get("Failed"):
            raise Unavailable(f"{self._where} keeps {len(answer['Failed'])} messages")

    def depth(self) -> int:
        """About how many lie there."""
        with _asked(self._where):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def close(self) -> None:
        self._client.close()


@contextmanager
def _asked(where: str) -> Iterator[None]:
    try:
        with named(where):
            yield
    except Unavailable as error:
        raise Unavailable(error.message, hint=_AWAY, where=where) from error
    except LiveSyncError as error:
        raise type(error)(error.message, hint=_HINT, where=where) from error
