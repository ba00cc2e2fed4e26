"""What a user says of a bucket, and the client that follows from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

import boto3
from botocore.config import Config
from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from livesync_pipelines.connectors._globs import Glob
from livesync_pipelines.connectors._s3_errors import named
from livesync_pipelines.connectors._s3_notifications import ARN
from livesync_pipelines.connectors._s3_pace import keep_pace
from livesync_pipelines.connectors.base import FetchLimits, Options, Remote
from livesync_pipelines.core.spellings import HttpUrl

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def _arn(text: str) -> str:
    if not ARN.fullmatch(text):
        raise ValueError("give the ARN of a topic of SNS or a queue of SQS, arn:aws:sqs:...")
    return text


class S3Connection(Remote):
    """Without keys, boto3 looks for credentials where it always does. `endpoint_url` is for
    stores that are not Amazon's; most of these need `path_style`. `queue_url`: a queue of SQS that
    the bucket's events come into. `notifications`: the ARN of a queue or of a topic of SNS that the
    bucket is asked to tell."""

    bucket: str = Field(min_length=1)
    prefix: str = ""
    region: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: SecretStr | None = None
    session_token: SecretStr | None = None
    path_style: bool = False
    queue_url: HttpUrl | None = None
    notifications: Annotated[str, AfterValidator(_arn)] | None = None

    @field_validator(
        "region", "endpoint_url", "access_key_id", "queue_url", "notifications", mode="before"
    )
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


def client_of(settings: S3Connection, limits: FetchLimits, *, width: int) -> S3Client:
    """A client that `width` threads may share, its calls counted."""
    session = boto3.session.Session(
        aws_access_key_id=settings.access_key_id,
        aws_secret_access_key=_plain(settings.secret_access_key),
        aws_session_token=_plain(settings.session_token),
        region_name=settings.region,
    )
    config = Config(
        retries={"mode": "standard", "total_max_attempts": limits.tries},
        connect_timeout=min(10.0, limits.timeout_s),
        read_timeout=limits.timeout_s,
        max_pool_connections=width,
        s3={"addressing_style": "path" if settings.path_style else "auto"},
    )
    with named(where(settings)):
        client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    return keep_pace(client, limits.pacer, bucket=settings.bucket)


def where(settings: S3Connection) -> str:
    """The bucket, as messages name it."""
    return f"s3 bucket {settings.bucket}"


def _plain(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
