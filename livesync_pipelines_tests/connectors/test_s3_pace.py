"""boto's own calls and retries are counted like any other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livesync_pipelines.connectors._s3_pace import SLOW_DOWN_S
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.s3 import S3, S3Connection, S3Selection
from livesync_pipelines.model.errors import OverBudget, Unavailable
from livesync_pipelines.model.records import Body

from ..contracts.memory import FakeMemory, all_entries
from ..net.site import Reply, Site
from ..net.ticker import Ticker
from .s3_world import ACCESS_KEY, SECRET_KEY, client, endpoint, new_bucket

LISTING = "/b?list-type=2&prefix=&encoding-type=url"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def paced(pacer: Ticker, *, bucket: str = "b", at: str) -> S3:
    connection = S3Connection.model_validate(
        {
            "bucket": bucket,
            "endpoint_url": at,
            "region": "us-east-1",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET_KEY,
            "path_style": True,
        }
    )
    return S3(connection, S3Selection(), FetchLimits(timeout_s=5.0, pacer=pacer))


def test_a_listing_and_every_object_take_one_call_each() -> None:
    bucket, pacer = new_bucket(), Ticker()
    for key in "abc":
        client().put_object(Bucket=bucket, Key=key, Body=b"words")
    source = paced(pacer, bucket=bucket, at=endpoint())
    entries = all_entries(list(source.listing(FakeMemory())))
    answers = list(source.fetch(list(entries.values())))
    source.close()
    assert all(isinstance(answer, Body) for answer in answers)
    assert pacer.asked == [bucket] * 4


@pytest.mark.parametrize(
    ("status", "body", "headers", "held_s"),
    [
        (503, SLOW_DOWN, {}, SLOW_DOWN_S),
        (503, b"", {"retry-after": "9"}, 9.0),
        (429, b"", {}, SLOW_DOWN_S),
    ],
)
def test_a_throttling_answer_holds_the_budget_at_every_attempt(
    site: Site, status: int, body: bytes, headers: dict[str, str], held_s: float
) -> None:
    site.queue(LISTING, [Reply(status=status, body=body, headers=headers)])
    pacer = Ticker()
    source = paced(pacer, at=site.url(""))
    with pytest.raises(Unavailable):
        list(source.listing(FakeMemory()))
    source.close()
    assert len(pacer.asked) == len(site.calls) > 0
    assert pacer.held == [("b", held_s)] * len(site.calls)


def test_another_failure_holds_nothing_and_its_retries_are_counted(site: Site) -> None:
    site.put(LISTING, status=500)
    pacer = Ticker()
    source = paced(pacer, at=site.url(""))
    with pytest.raises(Unavailable):
        list(source.listing(FakeMemory()))
    source.close()
    assert len(pacer.asked) == len(site.calls) == 3
    assert pacer.held == []


def test_a_budget_that_is_used_up_ends_the_listing_before_any_call(site: Site) -> None:
    source = paced(Ticker(600.0), at=site.url(""))
    with pytest.raises(OverBudget) as told:
        list(source.listing(FakeMemory()))
    source.close()
    assert told.value.after_s == 600
    assert site.calls == []
