"""A call that is made in passing is made once, whoever fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from livesync_pipelines.connectors.base import Connector, FetchLimits
from livesync_pipelines.connectors.dropbox import Dropbox
from livesync_pipelines.connectors.rss import Rss
from livesync_pipelines.connectors.s3 import S3
from livesync_pipelines.connectors.website import Website
from livesync_pipelines.engine.pacing import IN_PASSING
from livesync_pipelines.model.errors import LiveSyncError
from livesync_pipelines_tests.connectors.website_runs import Kept
from livesync_pipelines_tests.net.site import Site

Make = Callable[[Site, FetchLimits], Connector]


@pytest.fixture
def broken() -> Iterator[Site]:
    with Site() as site:
        bucket = "/bucket?list-type=2&prefix=&encoding-type=url"
        for target in ("/robots.txt", "/feed", bucket, "/2/files/list_folder"):
            site.put(target, "on fire", status=500)
        yield site


def website(site: Site, limits: FetchLimits) -> Connector:
    options = {"start": [site.url("/")], "allow_private": True, "pause_s": 0}
    return Website(Website.Connection.model_validate(options), Website.Selection(), limits)


def rss(site: Site, limits: FetchLimits) -> Connector:
    options = {"url": site.url("/feed"), "allow_private": True, "pause_s": 0}
    return Rss(Rss.Connection.model_validate(options), Rss.Selection(), limits)


def s3(site: Site, limits: FetchLimits) -> Connector:
    options = {"bucket": "bucket", "endpoint_url": site.url(""), "region": "us-east-1"}
    keys = {"access_key_id": "key", "secret_access_key": "secret"}
    return S3(S3.Connection.model_validate(options | keys), S3.Selection(), limits)


def dropbox(site: Site, limits: FetchLimits) -> Connector:
    options = Dropbox.Connection.model_validate({"account": "mine"})
    return Dropbox(options, Dropbox.Selection(), replace(limits, api_url=site.url("")))


def calls(site: Site, make: Make, limits: FetchLimits) -> int:
    """Of the one that is made most often."""
    site.calls.clear()
    with closing(make(site, limits)) as connector, suppress(LiveSyncError):
        list(connector.listing(Kept()))
    paths = [call.path for call in site.calls]
    return max(map(paths.count, paths))


@pytest.mark.parametrize("make", [website, rss, s3, dropbox])
def test_who_fails_is_asked_as_often_as_the_caller_has_time_for(broken: Site, make: Make) -> None:
    assert calls(broken, make, FetchLimits(timeout_s=5.0, tries=2)) == 2
    assert calls(broken, make, IN_PASSING) == 1
