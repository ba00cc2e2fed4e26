"""Events of a real bucket (moto), in a real queue, straight and by a topic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import boto3
import pytest

from livesync_pipelines.engine import report
from livesync_pipelines.engine.announcements import collect, inbox_of
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sweep import sweep
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.errors import LiveSyncError, Unavailable
from livesync_pipelines.model.sync import Capsule, Connection, Desired, SyncConfig, Trigger
from livesync_pipelines.store import catalog, queue, webhooks
from livesync_pipelines_tests.connectors.s3_world import (
    ACCESS_KEY,
    SECRET_KEY,
    client,
    endpoint,
    new_bucket,
)


def aws(service: str) -> Any:
    return boto3.session.Session(
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name="us-east-1"
    ).client(service, endpoint_url=endpoint())  # type: ignore[call-overload]  # any service


class World:
    """A bucket that tells its queue of every object, and the sync of the bucket."""

    def __init__(self, engine: Engine, *, by_topic: bool) -> None:
        self.engine = replace(engine, environ={"SECRET": SECRET_KEY})
        self.sqs = aws("sqs")
        self.bucket, name = new_bucket(), f"events-{uuid4().hex}"
        self.queue_url = self.sqs.create_queue(QueueName=name)["QueueUrl"].replace(
            "https://queue.amazonaws.com", endpoint()
        )
        names = ["QueueArn"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=names)
        arn, events = found["Attributes"]["QueueArn"], ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
        told: Any = {"QueueConfigurations": [{"QueueArn": arn, "Events": events}]}
        if by_topic:
            sns = aws("sns")
            topic = sns.create_topic(Name=name)["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
            told = {"TopicConfigurations": [{"TopicArn": topic, "Events": events}]}
        client().put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration=told
        )
        self.source = Connection(
            name="bucket",
            project_id="demo",
            platform="s3",
            options={
                "bucket": self.bucket,
                "endpoint_url": endpoint(),
                "region": "us-east-1",
                "access_key_id": ACCESS_KEY,
                "secret_access_key": "${SECRET}",
                "queue_url": self.queue_url,
            },
        )
        sync = SyncConfig(
            sync_id="docs",
            project_id="demo",
            connection="bucket",
            capsule="handbook",
            schedule="daily",
        )
        capsule = Capsule(name="handbook", project_id="demo")
        wanted = Desired(connections=(self.source,), capsules=(capsule,), syncs=(sync,))
        with engine.database.pooled() as connection:
            catalog.apply(connection, wanted)

    def put(self, key: str) -> None:
        client().put_object(Bucket=self.bucket, Key=key, Body=b"# Leave\n\nEarly.\n")

    def noted(self) -> list[dict[str, Any]]:
        with self.engine.database.pooled() as connection:
            return webhooks.listed(connection)

    def left(self) -> int:
        inbox = inbox_of(self.engine, self.source)
        assert inbox is not None
        return inbox.depth()


@pytest.fixture(params=[False, True], ids=["straight", "by a topic"])
def world(engine: Engine, request: pytest.FixtureRequest) -> World:
    return World(engine, by_topic=request.param)


def test_an_object_that_is_put_queues_its_sync_and_the_message_goes(world: World) -> None:
    run_sync(world.engine, "docs", trigger=Trigger.POLL)
    world.put("guides/leave early.md")
    assert collect(world.engine) == 1
    (event,) = world.noted()
    assert (event["connection"], event["scheme"]) == ("bucket", "sqs")
    assert event["hints"] == ["guides/leave early.md"]
    with world.engine.database.pooled() as connection:
        (request,) = queue.take(connection, now=world.engine.now())
    assert request.trigger is Trigger.WEBHOOK
    assert run_sync(world.engine, "docs", trigger=request.trigger).counts.added == 1
    assert world.left() == 0
    assert collect(world.engine) == 0


def test_the_sweep_of_realtime_syncs_looks_into_the_queue_whatever_the_schedule(
    world: World,
) -> None:
    for number in range(25):
        world.put(f"{number}.md")
    sweep(world.engine, realtime=False)
    assert world.noted() == []
    sweep(world.engine, realtime=True)
    assert len(world.noted()) == 25
    assert world.left() == 0


def test_a_test_event_is_taken_away_and_not_noted(world: World) -> None:
    said = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": world.bucket})
    for body in (said, json.dumps({"Type": "Notification", "Message": said}), "no JSON at all"):
        world.sqs.send_message(QueueUrl=world.queue_url, MessageBody=body)
    collect(world.engine)
    assert [event["hints"] for event in world.noted()] == [[]]
    assert world.left() == 0


def test_a_message_stays_until_what_it_says_is_durable(world: World) -> None:
    world.put("a.md")
    with world.engine.database.connect() as connection:
        connection.execute("alter table livesync.webhook_events rename to webhook_events_gone")
        try:
            with pytest.raises(Exception, match="webhook_events"):
                collect(world.engine)
        finally:
            connection.execute("alter table livesync.webhook_events_gone rename to webhook_events")
    attributes = world.sqs.get_queue_attributes(
        QueueUrl=world.queue_url, AttributeNames=["ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    assert attributes["ApproximateNumberOfMessagesNotVisible"] == "2"  # one is the test event


class NoQueue(BaseHTTPRequestHandler):
    """Answers as SQS does where there is no such queue, and counts how often."""

    asked = 0

    def do_POST(self) -> None:
        type(self).asked += 1
        said = b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"}'
        self.send_response(400)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", f"{len(said)}")
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def no_queue() -> Iterator[str]:
    NoQueue.asked = 0
    with ThreadingHTTPServer(("127.0.0.1", 0), NoQueue) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/1/events"
        server.shutdown()


def test_a_queue_that_is_not_there_is_asked_ever_more_seldom_and_said_once(
    world: World, no_queue: str, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = replace(world.source, options={**world.source.options, "queue_url": no_queue})
    with world.engine.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(wrong,)))
    start, asked_at = world.engine.now(), []
    for second in range(60):
        before, now = NoQueue.asked, start + timedelta(seconds=second)
        collect(replace(world.engine, now=partial(datetime.fromtimestamp, now.timestamp(), UTC)))
        if NoQueue.asked > before:
            asked_at.append(second)
    assert asked_at == [0, 2, 6, 14, 30]
    assert caplog.text.count("connection bucket:") == 1
    with world.engine.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(world.source,)))
    world.put("a.md")
    assert collect(world.engine) == 1
    assert caplog.text.count("its queue is read again") == 1


def test_a_queue_that_cannot_be_read_is_told_with_the_state_of_its_syncs(
    world: World, no_queue: str
) -> None:
    def told() -> dict[str, Any] | None:
        with world.engine.database.pooled() as connection:
            (row,) = report.status(world.engine, connection)["syncs"]
        found: dict[str, Any] | None = row["unread_queue"]
        return found

    def applied(options: dict[str, Any]) -> None:
        with world.engine.database.pooled() as connection:
            wrong = replace(world.source, options=options)
            catalog.apply(connection, Desired(connections=(wrong,)))

    wrong = {**world.source.options, "queue_url": no_queue}
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert told() is None
    applied(wrong)
    for minutes in (0, 10):
        now = since + timedelta(minutes=minutes)
        collect(replace(world.engine, now=partial(datetime.fromtimestamp, now.timestamp(), UTC)))
        found = told()
        assert found is not None
        assert found["message"].startswith("the queue events")
        assert found["hint"].startswith("Mend `queue_url`")
        assert found["since"] == since
    applied({name: value for name, value in wrong.items() if name != "queue_url"})
    assert told() is None
    applied(dict(world.source.options))
    collect(world.engine)
    assert told() is None


def test_a_queue_that_is_not_there_is_said_and_keeps_nobody_from_polling(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {**world.source.options, "queue_url": f"{world.queue_url}x"}
    with world.engine.database.pooled() as connection:
        catalog.apply(connection, Desired(connections=(replace(world.source, options=wrong),)))
    assert sweep(world.engine) == ["docs"]
    assert "sqs:ReceiveMessage" in caplog.text
    assert SECRET_KEY not in caplog.text
    inbox = inbox_of(world.engine, replace(world.source, options=wrong))
    assert inbox is not None
    with pytest.raises(LiveSyncError):
        inbox.depth()


def test_of_a_queue_that_nobody_serves_it_is_said_that_it_may_come_back(world: World) -> None:
    options = {**world.source.options, "queue_url": "http://127.0.0.1:1/1/events"}
    inbox = inbox_of(world.engine, replace(world.source, options=options))
    assert inbox is not None
    with pytest.raises(Unavailable) as raised:
        inbox.depth()
    assert raised.value.hint.startswith("Nothing to do if its server comes back")
