from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.model.operation import SyncResult
from livesync_pipelines.model.sync import Priority, SyncState, Trigger
from livesync_pipelines.store import catalog, queue
from livesync_pipelines.store.locks import AdvisoryLock

from .conftest import Caller, Run


@pytest.mark.parametrize("path", ["/health", "/sync/health"])
def test_health_tells_that_the_database_answers(client: Caller, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "service": "livesync",
        "status": "ok",
        "database": "ok",
        "queue": {"depth": 0, "oldest_at": None, "stalled": []},
        "in_flight": 0,
        "external_sync": {"enabled": True, "reason": None},
    }


def test_health_tells_that_requests_wait_and_nothing_begins(engine: Engine, docs: Path) -> None:
    with engine.database.connect() as connection:
        queue.put(connection, "docs", trigger=Trigger.WEBHOOK, priority=Priority.NORMAL)
    later = Caller(replace(engine, now=lambda: engine.now() + timedelta(hours=1)))
    found = later.get("/sync/health").json()
    assert found["status"] == "stalled"
    (stalled,) = found["queue"]["stalled"]
    assert (stalled["platform"], stalled["waiting"]) == ("folder", 1)
    assert Caller(engine).get("/sync/health").json()["status"] == "ok"


def test_health_says_why_nothing_runs(idle: Caller) -> None:
    told = idle.get("/health").json()["external_sync"]
    assert told["enabled"] is False
    assert "EXTERNAL_SYNC_ENABLED" in told["reason"]


def test_status_is_the_document_of_the_contract(client: Caller, synced: SyncResult) -> None:
    document = client.get("/sync/status").json()
    assert set(document) == {"external_sync", "syncs"}
    (sync,) = document["syncs"]
    assert (sync["sync_id"], sync["items"], sync["last_status"]) == ("docs", 2, "success")
    assert datetime.fromisoformat(sync["last_sync"]).tzinfo == UTC
    assert client.get("/sync/status?project=other").json()["syncs"] == []
    assert client.get("/sync/status?sync_id=docs").json()["failures"] == []
    assert client.get("/sync/status?sync_id=x").status_code == 404


def test_status_is_told_while_a_first_operation_is_about_to_be_noted(
    client: Caller, engine: Engine, docs: Path
) -> None:
    with engine.database.connect() as worker:
        lock = "select pg_advisory_lock(%s, lock_id) from livesync.syncs where sync_id = 'docs'"
        worker.execute(lock, (AdvisoryLock.SYNC,))
        (sync,) = client.get("/sync/status").json()["syncs"]
    assert (sync["in_flight"], sync["progress"], sync["last_status"]) == (True, None, None)


def test_stats_are_totals(client: Caller, synced: SyncResult) -> None:
    assert client.get("/sync/stats").json() == {
        "syncs": {"active": 1},
        "items": 2,
        "chunks": 2,
        "failed_items": 0,
        "queue": {"depth": 0, "oldest_at": None},
        "looks_24h": {"asked": 0, "changed": 0},
        "operations_24h": {"success": 1},
    }


def test_operations_are_newest_first(client: Caller, run: Run) -> None:
    first, second = run(), run()
    found = client.get("/sync/operations").json()["operations"]
    assert [o["operation_id"] for o in found] == [second.operation_id, first.operation_id]
    assert len(client.get("/sync/operations?limit=1").json()["operations"]) == 1
    assert client.get("/sync/operations?sync_id=docs").json()["operations"] == found
    assert client.get("/sync/operations?sync_id=x").status_code == 404


def test_an_operation_names_its_failed_items(client: Caller, docs: Path, run: Run) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    operation_id = run().operation_id
    found = client.get(f"/sync/operations/{operation_id}").json()
    assert found["status"] == "partial"
    assert [failure["key"] for failure in found["failed_items"]] == ["broken.pdf"]
    assert all(failure["failed_at"] for failure in found["failed_items"])
    assert client.get(f"/sync/operations/{uuid4()}").status_code == 404


def test_dead_letters_are_listed(client: Caller, docs: Path, run: Run) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    run()
    (letter,) = client.get("/sync/dead-letters?sync_id=docs").json()["dead_letters"]
    assert (letter["key"], letter["tries"], letter["kept_bytes"]) == ("broken.pdf", 1, 15)
    assert client.get("/sync/dead-letters?sync_id=x").status_code == 404


def test_a_trigger_is_queued(client: Caller, engine: Engine, docs: Path) -> None:
    answer = client.post("/sync/trigger", json={"sync_id": "docs", "full": True})
    assert answer.status_code == 202
    told = answer.json()
    assert (told["queued"], told["sync_id"], told["full"]) == (True, "docs", True)
    assert told["queue"]["depth"] == 1
    with engine.database.pooled() as connection:
        (request,) = queue.take(connection, now=engine.now())
    assert (request.sync_id, request.full, request.trigger) == ("docs", True, "person")


def test_a_trigger_of_a_paused_sync_is_refused_with_the_reason(
    client: Caller, engine: Engine, docs: Path
) -> None:
    with engine.database.pooled() as connection:
        catalog.set_state(connection, "docs", SyncState.PAUSED, "a move")
    answer = client.post("/sync/trigger", json={"sync_id": "docs"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "needs_person"
    assert "a move" in answer.json()["error"]["message"]
    assert client.get("/health").json()["queue"]["depth"] == 0


def test_a_trigger_of_a_sync_that_rests_for_want_of_an_account_names_the_account(
    client: Caller, engine: Engine, docs: Path
) -> None:
    with engine.database.pooled() as connection:
        connection.execute(
            """update livesync.connections set options = options || '{"account": "ada"}'"""
        )
        catalog.set_state(connection, "docs", SyncState.PAUSED, "revoked")
    answer = client.post("/sync/trigger", json={"sync_id": "docs"})
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "reauthorise"
    assert "livesync connect folder --account ada" in answer.json()["error"]["hint"]


def test_a_trigger_where_nothing_runs_is_refused_with_the_reason(idle: Caller, docs: Path) -> None:
    answer = idle.post("/sync/trigger", json={"sync_id": "docs"})
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "disabled"
    assert idle.get("/health").json()["queue"]["depth"] == 0


def test_a_trigger_of_no_sync_is_not_found(client: Caller) -> None:
    answer = client.post("/sync/trigger", json={"sync_id": "x"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "body", [{}, {"sync_id": ""}, {"sync_id": "docs", "ful": True}, [], "docs"]
)
def test_a_body_that_is_not_understood_is_bad_input(client: Caller, body: object) -> None:
    answer = client.post("/sync/trigger", json=body)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"code", "message", "hint", "where"}


def test_the_ledger_is_listed(client: Caller, synced: SyncResult) -> None:
    entries = client.get("/sync/ledger/docs").json()["entries"]
    assert [entry["seq"] for entry in entries] == [2, 1]
    (entry,) = client.get("/sync/ledger/docs?item=leave.md").json()["entries"]
    assert entry["op"] == "added"
    found = client.get(f"/sync/ledger/docs?operation_id={synced.operation_id}").json()
    assert found["entries"] == entries
    assert client.get("/sync/ledger/x").status_code == 404


def test_capsules_are_listed(client: Caller, synced: SyncResult) -> None:
    assert client.get("/capsules").json() == {
        "capsules": [
            {
                "name": "handbook",
                "project_id": "demo",
                "language": "english",
                "syncs": 1,
                "documents": 2,
                "chunks": 2,
            }
        ]
    }


def test_words_are_found(client: Caller, synced: SyncResult) -> None:
    (hit,) = client.get("/capsules/handbook/search", params={"q": "trains"}).json()["hits"]
    assert (hit["item_id"], hit["sync_id"]) == ("travel.md", "docs")
    assert "**trains**" in hit["snippet"]


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"sync": "docs"}, 1),
        ({"sync": "x"}, 0),
        ({"media_type": "text/html"}, 0),
        ({"url_prefix": "file:///"}, 1),
        ({"since": "1d"}, 1),
        ({"since": "2999-01-01"}, 0),
        ({"attribute": "team:hr"}, 0),
    ],
)
def test_hits_can_be_narrowed(
    client: Caller, synced: SyncResult, narrowed: dict[str, str], found: int
) -> None:
    answer = client.get("/capsules/handbook/search", params={"q": "trains", **narrowed})
    assert len(answer.json()["hits"]) == found


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/capsules/handbook/search", 400),
        ("/capsules/handbook/search?q=%20", 400),
        ("/capsules/handbook/search?q=a&limit=0", 400),
        ("/capsules/handbook/search?q=a&limt=3", 400),
        ("/capsules/handbook/search?q=a&since=someday", 400),
        ("/capsules/handbook/search?q=a&attribute=team", 400),
        ("/capsules/hanbook/search?q=a", 404),
        ("/sync/operations/five", 400),
        ("/explain/nothing", 404),
        ("/nowhere", 404),
    ],
)
def test_what_is_wrong_is_an_error_document(
    client: Caller, docs: Path, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"code", "message", "hint", "where"}


def test_a_chunk_and_a_row_tell_where_they_come_from(client: Caller, synced: SyncResult) -> None:
    (hit,) = client.get("/capsules/handbook/search?q=trains").json()["hits"]
    found = client.get(f"/explain/{hit['chunk_id']}").json()
    assert found["chunk"]["item_id"] == "travel.md"
    assert "row" not in found
    assert (found["operation_id"], found["run_id"]) == (synced.operation_id, "run-1")
    assert client.get("/explain/docs:leave.md").json()["row"]["title"] == "Leave"


def test_the_schema_names_every_endpoint_and_its_errors(client: Caller) -> None:
    schema = client.get("/openapi.json").json()
    assert set(schema["paths"]) >= {
        "/sync/health",
        "/sync/status",
        "/sync/stats",
        "/sync/operations",
        "/sync/operations/{operation_id}",
        "/sync/trigger",
        "/sync/ledger/{sync_id}",
        "/capsules",
        "/capsules/{name}/search",
        "/explain/{name}",
    }
    for methods in schema["paths"].values():
        for said in methods.values():
            assert "422" not in said["responses"]
            assert "ErrorDocument" in str(said["responses"]["400"])


def test_the_docs_need_nothing_from_elsewhere(client: Caller) -> None:
    page = client.get("/docs").text
    assert "://" not in page
    assert client.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200
