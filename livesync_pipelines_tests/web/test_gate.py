"""Webhooks over real HTTP into a real database."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
import standardwebhooks
from starlette.types import Message

from livesync_pipelines.core.allowance import Allowance
from livesync_pipelines.engine.gate import CALLS_PER_S
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.engine.sync import run_sync
from livesync_pipelines.model.sync import Desired, SyncState, Trigger, Webhook
from livesync_pipelines.store import catalog, operations, queue, webhooks
from livesync_pipelines.store.database import Database
from livesync_pipelines.web.app import create_app
from livesync_pipelines.web.bodies import HEARD_OUT_BYTES, whole
from livesync_pipelines.web.gate import MAX_BODY_BYTES

from .conftest import SETTINGS
from .served import a_door

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_KEY = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"
PLACE = "/sync/webhook/folder/files"
BODY = b'{"type": "file.changed"}'
ENVIRON = {"HOOK": KEY, "NEW_HOOK": NEW_KEY}


@pytest.fixture
def house(engine: Engine, docs: Path) -> Engine:
    """The folder `files`, for which whoever holds the key may call."""
    called = replace(engine, environ=ENVIRON)
    allow(called, Webhook(scheme="standard", secret="${HOOK}"))
    return called


def allow(engine: Engine, webhook: Webhook | None) -> None:
    with engine.database.pooled() as connection:
        source = catalog.connection_of(connection, "files")
        catalog.apply(connection, Desired(connections=(replace(source, webhook=webhook),)))


@pytest.fixture
def door(house: Engine) -> Iterator[httpx.Client]:
    with a_door(create_app(house, SETTINGS)) as client:
        yield client


def signed(
    name: str = "msg_1", body: bytes = BODY, *, key: str = KEY, at: datetime | None = None
) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(key).sign(name, at, body.decode()),
        "content-type": "application/json",
    }


def queued(engine: Engine) -> list[str]:
    with engine.database.pooled() as connection:
        return [request.sync_id for request in queue.take(connection, now=engine.now())]


def noted(engine: Engine) -> list[dict[str, Any]]:
    with engine.database.pooled() as connection:
        return webhooks.listed(connection)


def known_of(engine: Engine) -> dict[str, Any]:
    with engine.database.pooled() as connection:
        (found,) = webhooks.senders(connection)
    return found


def test_a_signed_call_is_durable_and_queues_the_sync_before_it_is_answered(
    door: httpx.Client, house: Engine
) -> None:
    answer = door.post(PLACE, content=BODY, headers=signed())
    assert (answer.status_code, answer.content) == (200, b"")
    (event,) = noted(house)
    assert (event["connection"], event["delivery_id"], event["seen"]) == ("files", "msg_1", 1)
    assert (event["scheme"], event["hints"]) == ("standard", ["file.changed"])
    assert queued(house) == ["docs"]


def test_the_operation_that_follows_says_that_a_webhook_began_it(
    door: httpx.Client, house: Engine
) -> None:
    door.post(PLACE, content=BODY, headers=signed())
    with house.database.connect() as connection:
        (request,) = queue.take(connection, now=house.now())
    assert request.trigger is Trigger.WEBHOOK
    run_sync(house, request.sync_id, trigger=request.trigger)
    with house.database.pooled() as connection:
        assert operations.history(connection, "docs")[0]["trigger"] == "webhook"
    assert noted(house)[0]["synced_at"] is not None
    assert queued(house) == []


@pytest.mark.parametrize("bad_first", [True, False])
def test_a_proof_that_comes_twice_is_none(
    door: httpx.Client, house: Engine, bad_first: bool
) -> None:
    good = signed()
    pair = [("webhook-signature", said) for said in ("v1,bad", good.pop("webhook-signature"))]
    headers = [*good.items(), *(pair if bad_first else pair[::-1])]
    assert door.post(PLACE, content=BODY, headers=headers).status_code == 401
    assert noted(house) == []


def test_a_known_id_with_another_body_is_another_delivery(
    door: httpx.Client, house: Engine
) -> None:
    bodies = [BODY, b'{"type": "file.changed", "again": 1}']
    for body in bodies:
        assert door.post(PLACE, content=body, headers=signed(body=body)).status_code == 200
        assert queued(house) == ["docs"]
        run_sync(house, "docs", trigger=Trigger.WEBHOOK)
    for body in bodies:
        assert door.post(PLACE, content=body, headers=signed(body=body)).status_code == 200
        assert queued(house) == []
    assert [(event["delivery_id"], event["seen"]) for event in noted(house)] == [("msg_1", 2)] * 2
    assert (known_of(house)["delivered"], known_of(house)["doubled"]) == (2, 2)


def test_a_delivery_that_comes_twice_wakes_nobody_twice(door: httpx.Client, house: Engine) -> None:
    assert door.post(PLACE, content=BODY, headers=signed()).status_code == 200
    run_sync(house, "docs", trigger=Trigger.WEBHOOK)
    assert door.post(PLACE, content=BODY, headers=signed()).status_code == 200
    assert [event["seen"] for event in noted(house)] == [2]
    assert queued(house) == []
    assert (known_of(house)["delivered"], known_of(house)["doubled"]) == (1, 1)


def test_a_paused_sync_is_noted_and_not_queued(door: httpx.Client, house: Engine) -> None:
    with house.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "away")
    assert door.post(PLACE, content=BODY, headers=signed()).status_code == 200
    assert len(noted(house)) == 1
    with house.database.pooled() as connection:
        assert queue.depth(connection)[0] == 0


def test_a_hint_does_not_hurry_a_sync_that_waits_because_its_source_failed(
    door: httpx.Client, house: Engine
) -> None:
    later = house.now() + timedelta(minutes=4)
    with house.database.pooled() as connection:
        sync = catalog.sync(connection, "docs")
        queue.put(connection, "docs", trigger=Trigger.POLL, priority=sync.priority)
        connection.execute("update livesync.queue set not_before = %s", (later,))
    assert door.post(PLACE, content=BODY, headers=signed()).status_code == 200
    assert queued(house) == []


STALE = datetime.now(UTC) - timedelta(minutes=6)
REFUSED: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a wrong key": (PLACE, BODY, signed(key=NEW_KEY)),
    "another body": (PLACE, BODY + b" ", signed()),
    "no signature": (PLACE, BODY, {}),
    "an old call": (PLACE, BODY, signed(at=STALE)),
    "a connection that is not there": ("/sync/webhook/folder/other", BODY, signed()),
    "another platform": ("/sync/webhook/s3/files", BODY, signed()),
    "a platform that is not there": ("/sync/webhook/fax/files", BODY, signed()),
    "a name that is none": ("/sync/webhook/folder/%00%ff..", BODY, signed()),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_not_proved_is_refused_in_the_same_words(
    door: httpx.Client, house: Engine, why: str
) -> None:
    place, body, headers = REFUSED[why]
    answer = door.post(place, content=body, headers=headers)
    expected = door.post("/sync/webhook/folder/nobody", content=b"", headers={})
    assert answer.status_code == expected.status_code == 401
    assert answer.content == expected.content
    assert {*answer.headers} == {*expected.headers}
    assert noted(house) == []
    assert queued(house) == []


@pytest.mark.parametrize("secret", [None, "${GONE}"])
def test_without_a_secret_there_is_no_entry(house: Engine, secret: str | None) -> None:
    allow(house, Webhook(scheme="standard", secret=secret) if secret else None)
    with a_door(create_app(house, SETTINGS)) as door:
        assert door.post(PLACE, content=BODY, headers=signed()).status_code == 401


def test_refused_calls_are_counted(door: httpx.Client, house: Engine) -> None:
    for _ in range(3):
        door.post(PLACE, content=BODY, headers=signed(key=NEW_KEY))
    door.post("/sync/webhook/folder/other", content=BODY, headers=signed())
    door.post(PLACE, content=BODY, headers=signed())
    with house.database.pooled() as connection:
        (found,) = webhooks.senders(connection)
    assert found["refused"] >= 1  # the others are written a second later
    assert found["delivered"] == 1


def test_both_keys_hold_while_one_follows_the_other(house: Engine) -> None:
    allow(house, Webhook(scheme="standard", secret="${NEW_HOOK}", also="${HOOK}"))
    with a_door(create_app(house, SETTINGS)) as door:
        for number, key in enumerate((KEY, NEW_KEY)):
            headers = signed(f"msg_{number}", key=key)
            assert door.post(PLACE, content=BODY, headers=headers).status_code == 200
    assert len(noted(house)) == 2


def test_a_secret_in_a_file_is_another_one_as_soon_as_the_file_is(
    house: Engine, tmp_path: Path
) -> None:
    """Nothing is started again."""
    file, new = tmp_path / "key", tmp_path / "new"
    file.write_text(f"{KEY}\n")
    allow(house, Webhook(scheme="standard", secret=f"${{file:{file}}}"))
    app = create_app(house, SETTINGS)
    with a_door(app) as door:
        assert door.post(PLACE, content=BODY, headers=signed("one")).status_code == 200
        new.write_text(NEW_KEY)
        new.replace(file)
        app.state.gate.learn().result()
        assert door.post(PLACE, content=BODY, headers=signed("two")).status_code == 401
        headers = signed("three", key=NEW_KEY)
        assert door.post(PLACE, content=BODY, headers=headers).status_code == 200
        file.unlink()
        app.state.gate.learn().result()
        headers = signed("four", key=NEW_KEY)
        assert door.post(PLACE, content=BODY, headers=headers).status_code == 401


def test_where_nothing_is_synced_every_call_hears_why(house: Engine) -> None:
    with a_door(create_app(replace(house, enabled=False), SETTINGS)) as door:
        for place in (PLACE, "/sync/webhook/folder/other"):
            answer = door.post(place, content=BODY, headers=signed())
            assert answer.status_code == 503
            assert "EXTERNAL_SYNC_ENABLED" in answer.json()["error"]["message"]
            assert answer.headers["retry-after"]


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 60_000_000])
def test_a_body_that_is_too_large_is_not_held_and_its_sender_hears_why(
    door: httpx.Client, house: Engine, size: int
) -> None:
    answer = door.post(PLACE, content=b"x" * size, headers=signed())
    assert answer.status_code == 413
    assert "larger than" in answer.json()["error"]["message"]
    assert noted(house) == []


def test_a_body_without_end_is_given_up() -> None:
    heard = 0

    async def piece() -> Message:
        nonlocal heard
        heard += MAX_BODY_BYTES
        return {"type": "http.request", "body": b"x" * MAX_BODY_BYTES, "more_body": True}

    assert asyncio.run(whole(piece, at_most=MAX_BODY_BYTES)) is None
    assert heard <= HEARD_OUT_BYTES + MAX_BODY_BYTES


@pytest.mark.parametrize("path", [PLACE, "/sync/trigger"])
def test_a_body_that_does_not_come_is_not_waited_for(
    house: Engine, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("livesync_pipelines.web.bodies.WITHIN_S", 0.1)
    with (
        a_door(create_app(house, SETTINGS)) as door,
        socket.create_connection((door.base_url.host, door.base_url.port or 0), 30) as caller,
    ):
        host = f"host: {door.base_url.netloc.decode()}"
        caller.sendall(f"POST {path} HTTP/1.1\r\n{host}\r\ncontent-length: 9\r\n\r\n.".encode())
        said = b"".join(iter(lambda: caller.recv(1_000), b""))
    assert said.startswith(b"HTTP/1.1 408")
    assert b"did not come within" in said


def test_a_sender_who_calls_too_often_is_asked_to_wait(
    house: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(house, SETTINGS)
    used_up = Allowance(1, {"files": monotonic() + 3_600})
    monkeypatch.setattr(app.state.gate, "_allowance", used_up)
    with a_door(app) as full:
        answer = full.post(PLACE, content=BODY, headers=signed())
        refused = full.post(PLACE, content=BODY, headers=signed(key=NEW_KEY))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 1
    assert refused.status_code == 401
    assert noted(house) == []
    assert known_of(house)["held_back"] == 1


def test_the_readme_says_how_often_a_sender_may_call_and_how_much_it_may_send() -> None:
    said = " ".join((Path(__file__).parents[2] / "README.md").read_text().split())
    assert f"more than {CALLS_PER_S:,} good calls for a connection in a second a 429" in said
    assert f"more than {MAX_BODY_BYTES // 1_000_000} MB a 413" in said


def test_a_platform_may_call_under_any_host_and_with_any_type(
    door: httpx.Client, house: Engine
) -> None:
    headers = {**signed(), "host": "hooks.example.com", "content-type": "application/xml"}
    assert door.post(PLACE, content=BODY, headers=headers).status_code == 200
    assert len(noted(house)) == 1


def test_a_token_of_the_house_is_not_asked_for(house: Engine, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("")
    settings = SETTINGS.model_copy(update={"api_tokens": tokens})
    with a_door(create_app(house, settings)) as door:
        assert door.get("/sync/status").status_code == 401
        assert door.post(PLACE, content=BODY, headers=signed()).status_code == 200


def test_challenges_are_answered_for_any_name_and_tell_nothing(door: httpx.Client) -> None:
    for place in (PLACE, "/sync/webhook/dropbox/nobody"):
        answer = door.get(place, params={"challenge": "a<b>&c"})
        assert (answer.status_code, answer.text) == (200, "a<b>&c")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        answer = door.post(place, params={"validationToken": "Validation: a+b/c"})
        assert (answer.status_code, answer.text) == (200, "Validation: a+b/c")


def test_a_hub_is_confirmed_the_feed_that_is_wanted_and_nothing_else(house: Engine) -> None:
    topic = "https://example.com/feed.xml"
    allow(house, Webhook(scheme="hub", secret="${HOOK}", topic=topic))
    asked = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "xyz"}
    with a_door(create_app(house, SETTINGS)) as door:
        assert door.get(PLACE, params=asked).text == "xyz"
        for wrong in ({"hub.topic": f"{topic}x"}, {"hub.mode": "unsubscribe"}):
            assert door.get(PLACE, params={**asked, **wrong}).status_code == 401
        assert door.get("/sync/webhook/folder/other", params=asked).status_code == 401


def test_the_token_that_notion_sends_waits_in_a_file_for_its_owner(
    house: Engine, tmp_path: Path
) -> None:
    body = b'{"verification_token":"secret_abc123_verification_token"}'
    signature = "sha256=e9f83115dc3e83c92cc39ebfc85cddaed4b9e12cab721ed626629af126ce892e"
    allow(house, Webhook(scheme="notion"))
    settings = SETTINGS.model_copy(update={"home": tmp_path})
    with a_door(create_app(house, settings)) as door:
        sent = {"x-notion-signature": signature}
        assert door.post(PLACE, content=body, headers=sent).status_code == 200
        forged = {"x-notion-signature": signature.replace("e9", "e8")}
        assert door.post(PLACE, content=body, headers=forged).status_code == 401
        unsent = door.post(PLACE, content=b'{"id": "1"}', headers=sent)
        assert unsent.status_code == 401
    file = tmp_path / "webhooks" / "files"
    assert file.read_text() == "secret_abc123_verification_token\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert noted(house) == []


def test_a_second_token_replaces_none_that_waits_for_its_owner(
    house: Engine, tmp_path: Path
) -> None:
    allow(house, Webhook(scheme="notion"))
    settings = SETTINGS.model_copy(update={"home": tmp_path})
    file = tmp_path / "webhooks" / "files"
    with a_door(create_app(house, settings)) as door:

        def sent(token: str) -> int:
            body = json.dumps({"verification_token": token}).encode()
            proof = hmac.new(token.encode(), body, sha256).hexdigest()
            headers = {"x-notion-signature": f"sha256={proof}"}
            return door.post(PLACE, content=body, headers=headers).status_code

        assert [sent(token) for token in ("secret_1", "secret_2", "secret_1")] == [200, 401, 200]
        assert file.read_text() == "secret_1\n"
        assert [one.name for one in file.parent.iterdir()] == ["files"]
        file.unlink()
        assert sent("secret_2") == 200
        assert file.read_text() == "secret_2\n"


def test_a_server_that_was_started_anew_loses_no_call(house: Engine, door: httpx.Client) -> None:
    assert door.post(PLACE, content=BODY, headers=signed("msg_1")).status_code == 200
    with house.database.connect() as connection:
        connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert door.post(PLACE, content=BODY, headers=signed("msg_2")).status_code == 200
    assert len(noted(house)) == 2


def test_json_of_any_kind_is_no_fault(door: httpx.Client, house: Engine) -> None:
    for number, body in enumerate((b"", b"[]", b"null", b"{", b'"\\ud800"', b"[" * 5_000)):
        answer = door.post(PLACE, content=body, headers=signed(f"m{number}", body))
        assert answer.status_code == 200
    assert len(noted(house)) == 6


def test_while_the_database_is_away_the_sender_is_told_when_to_come_again(house: Engine) -> None:
    gone = replace(house, database=Database("postgresql://someone:hunter2@127.0.0.1:1/livesync"))
    with a_door(create_app(gone, SETTINGS)) as door:
        answer = door.post(PLACE, content=BODY, headers=signed())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert answer.json()["error"]["message"] == "Not now."
    assert not any(word in answer.text for word in ("hunter2", "127.0.0.1", "LIVESYNC", "someone"))


def test_a_call_is_not_answered_200_where_it_could_not_be_written(
    house: Engine, door: httpx.Client
) -> None:
    assert door.post(PLACE, content=BODY, headers=signed("msg_1")).status_code == 200
    with house.database.connect() as connection:
        connection.execute("alter table livesync.webhook_events rename to webhook_events_gone")
        try:
            answer = door.post(PLACE, content=BODY, headers=signed("msg_2"))
        finally:
            connection.execute("alter table livesync.webhook_events_gone rename to webhook_events")
    assert answer.status_code == 500
    assert [event["delivery_id"] for event in noted(house)] == ["msg_1"]


def test_who_may_call_from_now_on_may_soon_and_who_may_not_any_more_does_not(
    house: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(house, SETTINGS)
    with a_door(app) as door:
        headers = signed("m1", key=NEW_KEY)
        assert door.post(PLACE, content=BODY, headers=headers).status_code == 401
        allow(house, Webhook(scheme="standard", secret="${NEW_HOOK}"))
        app.state.gate.learn().result()
        assert door.post(PLACE, content=BODY, headers=headers).status_code == 200
        assert door.post(PLACE, content=BODY, headers=signed("m2")).status_code == 401
        allow(house, None)
        monkeypatch.setattr(app.state.gate, "_read_at", 0.0)  # as after some seconds
        headers = signed("m3", key=NEW_KEY)
        assert door.post(PLACE, content=BODY, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [
        ("POST", "/sync/webhook/folder", 404),
        ("POST", "/sync/webhook/folder/files/more", 404),
        ("POST", "/sync/webhook//files", 404),
        ("DELETE", PLACE, 405),
        ("HEAD", PLACE, 405),
    ],
)
def test_no_other_address_and_no_other_method_is_answered(
    door: httpx.Client, method: str, place: str, status: int
) -> None:
    answer = door.request(method, place, headers=signed())
    assert answer.status_code == status
    assert answer.headers.get("allow") == ("GET, POST" if status == 405 else None)
    assert answer.headers["x-content-type-options"] == "nosniff"
