from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store.database import Database
from livesync_pipelines.web.guard import MAX_BODY_BYTES

from .conftest import Caller


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8600", "127.0.0.1:1", "[::1]:8600"])
def test_this_machine_is_let_in(client: Caller, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8600", "", "[::1"]
)
def test_a_name_that_was_bent_to_this_machine_is_refused(client: Caller, host: str) -> None:
    answer = client.get("/health", headers={"host": host})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "bad_input"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_foreign_page_can_post_is_refused(client: Caller, docs: Path, kind: str) -> None:
    answer = client.post(
        "/sync/trigger", content=b'{"sync_id": "docs"}', headers={"content-type": kind}
    )
    assert answer.status_code == 415
    assert client.get("/health").json()["queue"]["depth"] == 0


ELSEWHERE = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://["},
    {"origin": "http://localhost:3000"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_an_empty_post_of_another_page_is_refused(client: Caller, headers: dict[str, str]) -> None:
    answer = client.post("/sync/conflicts/1/restore", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_an_empty_form_is_refused(client: Caller, kind: str) -> None:
    answer = client.post("/sync/conflicts/1/restore", headers={"content-type": kind})
    assert answer.status_code == 415


def test_what_needs_no_body_is_asked_without_one(client: Caller) -> None:
    own = {"origin": "http://localhost:8600", "host": "localhost:8600"}
    for headers in ({}, {**own, "sec-fetch-site": "same-origin"}):
        answer = client.post("/sync/conflicts/1/restore", headers=headers)
        assert answer.status_code == 404
        assert "conflict" in answer.json()["error"]["message"].lower()


def test_a_body_without_a_type_is_refused(client: Caller, docs: Path) -> None:
    answer = client.post("/sync/trigger", content=b'{"sync_id": "docs"}')
    assert answer.status_code == 415
    assert client.get("/health").json()["queue"]["depth"] == 0


def test_a_foreign_page_is_not_invited(client: Caller) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    answer = client.request(
        "OPTIONS",
        "/sync/trigger",
        headers={**headers, "access-control-request-headers": "content-type"},
    )
    assert not [name for name in answer.headers if name.startswith("access-control")]


LARGE = b"x" * (MAX_BODY_BYTES + 1)


async def pieces() -> AsyncIterator[bytes]:
    for start in range(0, len(LARGE), 1_000):
        yield LARGE[start : start + 1_000]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_that_is_too_large_is_refused(client: Caller, streamed: bool) -> None:
    content = pieces() if streamed else LARGE
    answer = client.post(
        "/sync/trigger", content=content, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413


def test_a_database_that_does_not_answer_is_said_plainly(engine: Engine) -> None:
    gone = Engine(database=Database("postgresql://someone:hunter2@127.0.0.1:1/livesync"))
    answer = Caller(gone).get("/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "unavailable")
    assert "hunter2" not in answer.text


def test_a_fault_shows_no_traceback(
    engine: Engine, client: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.database.connect() as connection:
        connection.execute("alter table livesync.queue rename to queue_gone")
        try:
            answer = client.get("/health")
        finally:
            connection.execute("alter table livesync.queue_gone rename to queue")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "fault"
    assert "UndefinedTable" in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text
    assert "queue_gone" not in answer.text
    assert any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("http://localhost:8600", 404)],
)
def test_a_page_of_another_origin_starts_nothing(client: Caller, origin: str, status: int) -> None:
    answer = client.post(
        "/sync/trigger",
        content=b'{"sync_id": "nobody"}',
        headers={"content-type": "application/json", "origin": origin},
    )
    assert answer.status_code == status


def test_every_answer_carries_its_guards(client: Caller) -> None:
    headers = client.get("/health").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/sync/status?sync_id=%00",
        "/sync/operations?sync_id=a%00b",
        "/sync/conflicts?sync_id=%00",
        "/sync/dead-letters?sync_id=%00",
        "/sync/ledger/%00",
        "/explain/%00",
        "/operations?sync_id=%00",
        "/sync/operations/%00",
        "/sync/conflicts/%00",
        "/sync/status?project=%00",
        "/sync/ledger/docs?item=%00",
        "/capsules/%00/search?q=leave",
        "/capsules/handbook/search?q=leave&attribute=a:%00",
        "/oauth/notion/start?account=%00",
        "/oauth/notion/callback?state=%00",
    ],
)
def test_a_nul_in_an_address_is_refused(client: Caller, path: str) -> None:
    refused = client.get(path)
    assert refused.status_code == 400
    assert "NUL" in refused.json()["error"]["message"]
