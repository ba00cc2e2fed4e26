from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine

from .conftest import Run, Terminal

CONTRACT = {
    "sync_id",
    "platform",
    "project_id",
    "state",
    "schedule",
    "last_sync",
    "next_sync",
    "last_error",
    "items",
    "chunks",
    "failed_items",
    "open_conflicts",
}


def test_status_is_the_document_of_the_contract(terminal: Terminal, synced: dict[str, Any]) -> None:
    document = terminal.document("status")
    (sync,) = document["syncs"]
    assert set(sync) >= CONTRACT
    assert (sync["items"], sync["failed_items"], sync["last_error"]) == (3, 0, None)
    assert datetime.fromisoformat(sync["last_sync"]).tzinfo == UTC
    assert document["external_sync"] == {"enabled": True, "reason": None}


def test_status_is_a_table_for_a_person(terminal: Terminal, synced: dict[str, Any]) -> None:
    head, line = terminal("status").stdout.splitlines()
    assert " ".join(head.split()) == "SYNC IS PLATFORM LAST SYNC NEXT ITEMS CHUNKS FAILED"
    assert line.split()[:3] == ["handbook-docs", "ok", "folder"]


def test_status_of_another_project_is_empty(terminal: Terminal, applied: Path) -> None:
    assert terminal.document("status", "--project", "other")["syncs"] == []


def test_a_sync_that_has_not_run_is_new(terminal: Terminal, applied: Path) -> None:
    assert "handbook-docs: new" in terminal("status", "handbook-docs").stdout
    assert "has not run yet" in terminal("history", "handbook-docs").stdout


def test_items_that_fail_are_told_with_their_reasons(
    terminal: Terminal, docs: Path, run: Run
) -> None:
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    run()
    document = terminal.document("status", "handbook-docs")
    (failure,) = document["failures"]
    assert failure["key"] == "broken.pdf"
    assert failure["reason"] in terminal("status", "handbook-docs").stdout


def test_history_is_newest_first(terminal: Terminal, docs: Path, run: Run) -> None:
    first = run()
    (docs / "leave.md").write_text("# Leave\n\nNew words.\n")
    second = run()
    found = terminal.document("history", "handbook-docs")["operations"]
    assert [o["operation_id"] for o in found] == [second["operation_id"], first["operation_id"]]
    assert found[0]["counts"]["updated"] == 1
    assert len(terminal.document("history", "handbook-docs", "--limit", "1")["operations"]) == 1
    lines = terminal("history", "handbook-docs").stdout.splitlines()
    assert "1 updated" in lines[1]
    assert "3 added" in lines[2]


def test_the_ledger_tells_what_changed(terminal: Terminal, docs: Path, run: Run) -> None:
    first = run()
    (docs / "leave.md").write_text("# Leave\n\nNew words.\n")
    run()
    entries = terminal.document("ledger", "handbook-docs", "--item", "leave.md")["entries"]
    assert [entry["op"] for entry in entries] == ["updated", "added"]
    assert {"seq", "at", "before", "after", "cause", "policy", "prev_hash", "hash"} <= set(
        entries[0]
    )
    words = ("ledger", "list", "handbook-docs", "--operation", first["operation_id"])
    assert len(terminal.document(*words)["entries"]) == 3
    assert "updated" in terminal("ledger", "handbook-docs", "--limit", "1").stdout
    assert "no such entry" in terminal("ledger", "handbook-docs", "--item", "x").stdout


def test_an_untouched_ledger_is_intact(terminal: Terminal, synced: dict[str, Any]) -> None:
    verified = terminal.document("ledger", "verify", "handbook-docs")
    assert verified == {"sync_id": "handbook-docs", "intact": True, "entries": 3}


def test_an_altered_ledger_is_found_out(
    terminal: Terminal, synced: dict[str, Any], engine: Engine
) -> None:
    with engine.database.pooled() as connection:
        connection.execute("update livesync.ledger set cause = 'poll' where seq = 2")
    error = terminal.document("ledger", "verify", "handbook-docs", code=1)["error"]
    assert error["code"] == "broken"
    assert error["where"] == "sync handbook-docs, seq 2"


def test_drift_is_measured_and_told(
    terminal: Terminal, synced: dict[str, Any], engine: Engine
) -> None:
    assert "none of its items was looked at" in terminal("drift", "handbook-docs").stdout
    document = terminal.document("drift", "handbook-docs", "--sample")
    assert (document["samples"], document["divergent"], document["findings"]) == (3, 0, [])
    assert document["upper_bound"] == pytest.approx(0.632, abs=0.001)
    (sync,) = terminal.document("status")["syncs"]
    assert sync["drift"]["upper_bound"] == document["upper_bound"]
    with engine.database.pooled() as connection:
        connection.execute("update livesync.shadow set fingerprint = 'x' where key = 'leave.md'")
        connection.execute("delete from livesync.drift_samples")
    found = terminal("drift", "handbook-docs", "--sample").stdout
    assert "1 of 3 that were looked at" in found
    assert "leave.md" in found
    assert "at most" in terminal("drift", "handbook-docs").stdout
    assert terminal("drift", "nothing").exit_code == 2
    off = terminal("drift", "handbook-docs", "--sample", LIVESYNC_DRIFT_SAMPLE="0")
    assert (off.exit_code, "LIVESYNC_DRIFT_SAMPLE" in off.stderr) == (2, True)
