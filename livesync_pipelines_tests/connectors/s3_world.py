"""A real S3 server (moto) on a free loopback port, one per test process."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "not-so-secret-example"


@cache
def endpoint() -> str:
    """The URL of the server, which lives as long as the process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


@cache
def client() -> S3Client:
    """The owner's own client."""
    return boto3.session.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name="us-east-1"
    ).client("s3", endpoint_url=endpoint())


def new_bucket() -> str:
    name = f"bucket-{uuid4().hex}"
    client().create_bucket(Bucket=name)
    return name


def seed(bucket: str, keys: Iterable[str]) -> None:
    """Many objects at once, put into the server's own store: thousands of calls would take long."""
    for key in keys:
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, key.encode())
