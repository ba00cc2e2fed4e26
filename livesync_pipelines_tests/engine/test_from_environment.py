from __future__ import annotations

import pytest

from livesync_pipelines.engine.desired import from_environment
from livesync_pipelines.model.sync import Capsule, Desired
from livesync_pipelines.settings import Settings


def test_a_bucket_in_the_environment_is_a_sync() -> None:
    settings = Settings.load({"S3_SYNC_BUCKET": "my-docs", "S3_SYNC_PREFIX": "a/${b}/"})
    wanted = from_environment(settings)
    assert wanted.connections[0].options == {"bucket": "my-docs", "prefix": "a/$${b}/"}
    assert wanted.capsules == (Capsule(name="s3", project_id="default"),)
    assert wanted.syncs[0].sync_id == "s3-env"
    assert wanted.syncs[0].schedule == "every_15_minutes"


def test_an_endpoint_in_the_environment_belongs_to_the_connection() -> None:
    settings = Settings.load(
        {"S3_SYNC_BUCKET": "my-docs", "S3_SYNC_ENDPOINT_URL": "http://minio:9000"}
    )
    options = from_environment(settings).connections[0].options
    assert options == {
        "bucket": "my-docs",
        "endpoint_url": "http://minio:9000",
        "path_style": True,
    }


@pytest.mark.parametrize(
    "environ", [{}, {"S3_SYNC_BUCKET": "my-docs", "SYNC_SOURCES": "notion"}, {"SYNC_SOURCES": "s3"}]
)
def test_without_a_wanted_bucket_the_environment_asks_for_nothing(environ: dict[str, str]) -> None:
    assert from_environment(Settings.load(environ)) == Desired()
