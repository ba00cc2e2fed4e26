"""Buckets (moto) that are asked to tell a queue or a topic of their objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import Any
from uuid import uuid4

import boto3
import pytest

from livesync_pipelines.connectors import REGISTRY
from livesync_pipelines.engine.announcements import collect
from livesync_pipelines.engine.desired import load
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.subscribing import keep_up
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig
from livesync_pipelines.store import catalog
from livesync_pipelines.store.database import rows
from livesync_pipelines_tests.connectors.s3_world import (
    ACCESS_KEY,
    SECRET_KEY,
    client,
    endpoint,
    new_bucket,
)
from livesync_pipelines_tests.engine.house import Clock

HOUR = timedelta(hours=1, minutes=1)


def aws(service: str) -> Any:
    return boto3.session.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name="us-east-1"
    ).client(service, endpoint_url=endpoint())  # type: ignore[call-overload]  # any service


class World:
    """A bucket in which somebody else has a notification, and a queue of ours."""

    def __init__(self, engine: Engine) -> None:
        self.clock = Clock()
        self.engine = replace(engine, environ={"SECRET": SECRET_KEY}, now=self.clock)
        self.bucket, self.sqs = new_bucket(), aws("sqs")
        self.queue_arn, url = self.new_queue()
        self.queue_url = url.replace("https://queue.amazonaws.com", endpoint())
        self.topic_arn = aws("sns").create_topic(Name=f"t-{uuid4().hex}")["TopicArn"]
        self.others: Any = {
            "QueueConfigurations": [
                {
                    "Id": "theirs",
                    "QueueArn": self.new_queue()[0],
                    "Events": ["s3:ObjectCreated:Put"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}},
                }
            ],
            "TopicConfigurations": [
                {"Id": "theirs", "TopicArn": self.topic_arn, "Events": ["s3:ObjectRemoved:Delete"]}
            ],
        }
        self.put(self.others)
        self.before = self.configured()

    def new_queue(self) -> tuple[str, str]:
        url = self.sqs.create_queue(QueueName=f"q-{uuid4().hex}")["QueueUrl"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return found["Attributes"]["QueueArn"], url

    def put(self, told: Any) -> None:
        client().put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=told
        )

    def configured(self) -> dict[str, Any]:
        said = client().get_bucket_notification_configuration(Bucket=self.bucket)
        return {name: value for name, value in said.items() if name != "ResponseMetadata"}

    def ours(self) -> list[Any]:
        said = self.configured()
        kinds = ("QueueConfigurations", "TopicConfigurations")
        return [one for kind in kinds for one in said.get(kind, []) if one["Id"] != "theirs"]

    def configure(self, name: str = "bucket", **options: Any) -> None:
        source = Connection(
            name=name,
            project_id="demo",
            platform="s3",
            options={
                "bucket": self.bucket,
                "prefix": "docs/",
                "endpoint_url": endpoint(),
                "region": "us-east-1",
                "access_key_id": ACCESS_KEY,
                "secret_access_key": "${SECRET}",
                "queue_url": self.queue_url,
                "notifications": self.queue_arn,
                **options,
            },
        )
        sync = SyncConfig(
            sync_id=f"sync-{name}",
            project_id="demo",
            connection=name,
            capsule="handbook",
            schedule="daily",
        )
        capsule = Capsule(name="handbook", project_id="demo")
        with self.engine.database.pooled() as connection:
            wanted = Desired(connections=(source,), capsules=(capsule,), syncs=(sync,))
            catalog.apply(connection, wanted)

    def tick(self, after: timedelta = timedelta()) -> int:
        self.clock.now += after
        return keep_up(self.engine)

    def taken(self) -> list[str]:
        """Why syncs were queued; they are not any more."""
        with self.engine.database.pooled() as connection:
            found = rows(connection, "delete from livesync.queue returning trigger")
        return [row["trigger"] for row in found]

    def states(self) -> list[str]:
        with self.engine.database.pooled() as connection:
            found = rows(connection, "select state from livesync.subscriptions order by made_at")
        return [row["state"] for row in found]


@pytest.fixture
def world(engine: Engine) -> World:
    return World(engine)


def test_a_bucket_tells_our_queue_of_what_is_below_its_prefix_and_others_of_theirs(
    world: World,
) -> None:
    world.configure()
    assert world.tick() == 1
    assert world.states() == ["active"]
    (ours,) = world.ours()
    assert ours["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "docs/"}]
    collect(world.engine)  # the test event
    client().put_object(Bucket=world.bucket, Key="docs/a.md", Body=b"# A\n")
    client().put_object(Bucket=world.bucket, Key="other/b.md", Body=b"# B\n")
    assert collect(world.engine) == 1
    said = world.configured()
    said["QueueConfigurations"].remove(ours)
    assert said == world.others


def test_a_topic_may_be_told_instead(world: World) -> None:
    world.configure(notifications=world.topic_arn, prefix="")
    world.tick()
    (ours,) = world.ours()
    assert (ours["TopicArn"], "Filter" in ours) == (world.topic_arn, False)


def test_what_somebody_takes_out_is_put_in_again(world: World) -> None:
    world.configure()
    world.tick()
    (ours,) = world.ours()
    assert world.taken() == ["subscribed"]
    assert world.tick(timedelta(minutes=30)) == 0
    world.put(world.others)
    assert world.tick(HOUR) == 1
    assert world.ours() == [ours]
    assert world.taken() == ["subscribed"], "it may have missed something"
    assert world.tick(HOUR) == 1
    assert world.ours() == [ours]
    assert world.taken() == []


def remove(world: World) -> None:
    with world.engine.database.pooled() as connection:
        catalog.remove_sync(connection, "sync-bucket")


def take_connection_away(world: World) -> None:
    remove(world)
    with world.engine.database.pooled() as connection:
        connection.execute("delete from livesync.connections")


def switch_off(world: World) -> None:
    world.configure(notifications="")


@pytest.mark.parametrize("end", [remove, take_connection_away, switch_off])
def test_ours_and_nothing_else_is_taken_out_with_the_sync(
    world: World, end: Callable[[World], None]
) -> None:
    world.configure()
    world.tick()
    end(world)
    assert world.tick() == 1
    assert world.states() == ["gone"]
    assert world.configured() == world.before


def test_a_bucket_that_is_no_more_needs_no_taking_out(world: World) -> None:
    world.configure()
    world.tick()
    remove(world)
    client().delete_bucket(Bucket=world.bucket)
    world.tick()
    assert world.states() == ["gone"]


def test_another_queue_takes_the_place_of_the_first(world: World) -> None:
    world.configure()
    world.tick()
    arn, _ = world.new_queue()
    world.configure(notifications=arn)
    assert world.tick() == 2
    assert [one["QueueArn"] for one in world.ours()] == [arn]


def test_connections_to_one_bucket_do_not_overwrite_each_other(world: World) -> None:
    names = [f"part-{number}" for number in range(6)]
    for name in names:
        world.configure(name, prefix=f"{name}/")
    assert world.tick() == 6
    assert len(world.ours()) == 6
    assert "theirs" in str(world.configured())


def test_what_the_bucket_refuses_says_what_is_needed(world: World) -> None:
    elsewhere = world.queue_arn.replace("us-east-1", "eu-west-1")
    world.configure(notifications=elsewhere)
    world.tick()
    assert world.states() == ["failing"]
    with world.engine.database.pooled() as connection:
        (row,) = rows(connection, "select error from livesync.subscriptions")
    assert "s3:PutBucketNotification" in row["error"]["hint"]
    assert SECRET_KEY not in json.dumps(row["error"])


def test_a_bucket_is_asked_without_an_address_of_ours_and_of_no_secret(world: World) -> None:
    assert world.engine.public_url is None
    world.configure(queue_url=None)
    world.tick()
    assert world.states() == ["active"]


def test_what_is_no_arn_is_refused_at_the_door(world: World, tmp_path: Any) -> None:
    file = tmp_path / "livesync.yaml"
    file.write_text("connections:\n  b: {platform: s3, bucket: docs, notifications: my-queue}\n")
    with pytest.raises(BadInput, match="ARN"):
        load([file], REGISTRY, {})


def test_two_ticks_at_once_put_it_once(world: World) -> None:
    world.configure()
    threads = [Thread(target=world.tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.ours()) == 1
