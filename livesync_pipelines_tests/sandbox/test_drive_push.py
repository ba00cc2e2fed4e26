"""Push notifications of the pretend Drive, heard by a real web site."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ..net.site import Call, Reply, Site
from .google_client import drive_of
from .served import Sandbox
from .test_drive_reading import make, refused
from .test_drive_writing import start

_EPOCH_MS = 1_767_603_600_000
_DAY_MS = 86_400_000


@pytest.fixture
def drive(sandbox: Sandbox) -> Iterator[Any]:
    service = drive_of(sandbox)
    yield service
    service.close()


@pytest.fixture
def ear() -> Iterator[Site]:
    with Site() as site:
        site.put("/hook", status=200)
        yield site


def channel(ear: Site, name: str = "one", **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "web_hook", "address": ear.url("/hook"), **more}


def heard(ear: Site, enough: Callable[[list[str]], bool]) -> list[str]:
    """The states of the messages so far, as soon as they are enough."""
    for _ in range(1_000):
        found = states(ear)
        if enough(found):
            return found
        time.sleep(0.01)
    raise AssertionError(f"heard only {states(ear)}")


def states(ear: Site) -> list[str]:
    return [call.headers["x-goog-resource-state"] for call in list(ear.calls)]


def last(ear: Site) -> Call:
    return ear.calls[-1]


def test_a_watched_feed_says_sync_and_then_that_something_has_changed(
    drive: Any, ear: Site
) -> None:
    body = channel(ear, token="my secret")
    opened = drive.changes().watch(pageToken=start(drive), body=body).execute()
    assert opened["kind"] == "api#channel"
    assert int(opened["expiration"]) - _EPOCH_MS in range(3_600_000, 3_600_100)
    assert heard(ear, bool) == ["sync"]
    make(drive, "fern.md", "a fern")
    assert heard(ear, lambda found: len(found) == 2) == ["sync", "change"]
    call = last(ear)
    assert (call.method, call.body) == ("POST", b"")
    assert call.headers["x-goog-channel-id"] == "one"
    assert call.headers["x-goog-channel-token"] == "my secret"
    assert call.headers["x-goog-message-number"] == "2"
    assert call.headers["x-goog-resource-id"] == opened["resourceId"]
    assert call.headers["x-goog-resource-uri"] == opened["resourceUri"]
    assert call.headers["x-goog-channel-expiration"] == "Mon, 05 Jan 2026 10:00:00 GMT"


def test_a_watched_file_says_what_has_happened_to_it(drive: Any, ear: Site) -> None:
    made = make(drive, "fern.md", "a fern")
    drive.files().watch(fileId=made, body=channel(ear)).execute()
    drive.files().update(fileId=made, body={"name": "moss.md"}).execute()
    heard(ear, lambda found: found[-1:] == ["update"])
    assert last(ear).headers["x-goog-changed"] == "properties"
    for trashed in (True, False):
        drive.files().update(fileId=made, body={"trashed": trashed}).execute()
    drive.files().delete(fileId=made).execute()
    found = heard(ear, lambda found: "remove" in found)
    assert found == ["sync", "update", "trash", "untrash", "remove"]


def test_a_channel_that_is_stopped_says_nothing_more(drive: Any, ear: Site) -> None:
    token = start(drive)
    one = drive.changes().watch(pageToken=token, body=channel(ear, "one")).execute()
    drive.changes().watch(pageToken=token, body=channel(ear, "two")).execute()
    heard(ear, lambda found: len(found) == 2)
    stop = drive.channels().stop(body={"id": "one", "resourceId": one["resourceId"]})
    stop.execute()
    make(drive, "fern.md", "a fern")
    heard(ear, lambda found: "change" in found)
    changed = [call for call in ear.calls if call.headers["x-goog-resource-state"] == "change"]
    assert [call.headers["x-goog-channel-id"] for call in changed] == ["two"]
    assert refused(stop) == (404, "notFound")


def test_a_channel_ends_at_its_expiration(sandbox: Sandbox, drive: Any, ear: Site) -> None:
    token = start(drive)
    drive.changes().watch(pageToken=token, body=channel(ear, "short")).execute()
    later = str(_EPOCH_MS + _DAY_MS)
    drive.changes().watch(pageToken=token, body=channel(ear, "long", expiration=later)).execute()
    heard(ear, lambda found: len(found) == 2)
    sandbox.control("POST", "/clock", {"advance_s": 3_601})
    make(drive, "fern.md", "a fern")
    heard(ear, lambda found: "change" in found)
    assert last(ear).headers["x-goog-channel-id"] == "long"
    assert [one["id"] for one in sandbox.control("GET", "/truth/google")["channels"]] == ["long"]


def test_no_channel_lives_longer_than_it_may(drive: Any, ear: Site) -> None:
    far = str(_EPOCH_MS + 30 * _DAY_MS)
    asked = channel(ear, expiration=far)
    feed = drive.changes().watch(pageToken=start(drive), body=asked).execute()
    assert int(feed["expiration"]) - _EPOCH_MS in range(7 * _DAY_MS, 7 * _DAY_MS + 100)
    made = make(drive, "fern.md", "a fern")
    file = drive.files().watch(fileId=made, body=channel(ear, "two", expiration=far)).execute()
    assert int(file["expiration"]) - _EPOCH_MS in range(_DAY_MS, _DAY_MS + 100)


def test_a_message_that_fails_in_passing_is_sent_again(
    sandbox: Sandbox, drive: Any, ear: Site
) -> None:
    ear.queue("/hook", [Reply(status=503), Reply(status=200)])
    drive.changes().watch(pageToken=start(drive), body=channel(ear)).execute()
    assert heard(ear, lambda found: len(found) == 2) == ["sync", "sync"]
    assert {call.headers["x-goog-message-number"] for call in ear.calls} == {"1"}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"id": ""}, "required"),
        ({"id": "x" * 65}, "invalid"),
        ({"type": "pigeon"}, "channelUnknownType"),
        ({"address": "http://example.com/hook"}, "push.webhookUrlNotHttps"),
        ({"expiration": "1"}, "invalid"),
    ],
)
def test_a_channel_that_cannot_be_is_refused(
    drive: Any, ear: Site, wrong: dict[str, str], reason: str
) -> None:
    watch = drive.changes().watch(pageToken=start(drive), body=channel(ear) | wrong)
    assert refused(watch) == (400, reason)


def test_a_channels_id_is_its_own(drive: Any, ear: Site) -> None:
    watch = drive.changes().watch(pageToken=start(drive), body=channel(ear))
    watch.execute()
    assert refused(watch) == (400, "channelIdNotUnique")
