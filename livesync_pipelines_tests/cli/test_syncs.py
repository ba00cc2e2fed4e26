from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import catalog

from .conftest import FILES, Run, Terminal


def test_syncs_are_listed(terminal: Terminal, applied: Path) -> None:
    (sync,) = terminal.document("sync", "list")["syncs"]
    assert sync["sync_id"] == "handbook-docs"
    assert sync["schedule"] == "hourly"
    assert "handbook-docs  folder" in terminal("sync", "list").stdout


def test_no_sync_yet_says_what_to_do(terminal: Terminal) -> None:
    assert terminal.document("sync", "list") == {"syncs": []}
    assert "livesync apply" in terminal("sync", "list").stdout


def test_a_sync_rests_until_it_is_resumed(terminal: Terminal, applied: Path) -> None:
    paused = terminal.document("sync", "pause", "handbook-docs", "--reason", "a move")
    assert paused == {"sync_id": "handbook-docs", "state": "paused", "reason": "a move"}
    assert "paused (a move)" in terminal("status", "handbook-docs").stdout
    assert terminal("sync", "resume", "handbook-docs").stdout == "handbook-docs is active.\n"
    assert terminal.document("status")["syncs"][0]["state"] == "active"


def test_words_about_no_sync_name_those_that_are_there(terminal: Terminal, applied: Path) -> None:
    for words in (
        ("sync", "pause", "x"),
        ("sync", "resume", "x"),
        ("sync", "approve", "x"),
        ("sync", "remove", "x", "--yes"),
        ("status", "x"),
        ("history", "x"),
        ("ledger", "x"),
        ("ledger", "verify", "x"),
    ):
        error = terminal.document(*words, code=2)["error"]
        assert (error["code"], error["hint"]) == ("not_found", "Configured: handbook-docs.")


def test_removing_needs_a_yes(terminal: Terminal, synced: dict[str, Any], engine: Engine) -> None:
    error = terminal.document("sync", "remove", "handbook-docs", code=2)["error"]
    assert "takes 3 items" in error["message"]
    removed = terminal.document("sync", "remove", "handbook-docs", "--yes")
    assert removed["removed"] == "handbook-docs"
    assert removed["items"] == 3
    with engine.database.pooled() as connection:
        assert catalog.syncs(connection) == []


def test_approving_what_waits_lets_it_go(
    terminal: Terminal, docs: Path, applied: Path, run: Run
) -> None:
    for n in range(30):
        (docs / f"{n}.md").write_text(f"Page {n}")
    run()
    for n in range(30):
        (docs / f"{n}.md").unlink()
    assert run()["status"] == "waiting_for_approval"
    assert "waiting_for_approval" in terminal("status").stdout
    assert terminal.document("sync", "approve", "handbook-docs")["approved"] == 30
    asked = terminal("status")
    assert "30 items are approved: its next run goes on with that." in asked.stdout + asked.stderr
    assert "waits for your approval" not in asked.stdout + asked.stderr
    assert run()["removed"] == 30


def test_approving_where_nothing_waits_changes_nothing(terminal: Terminal, applied: Path) -> None:
    assert terminal.document("sync", "approve", "handbook-docs")["approved"] == 0
    assert "waits for no approval" in terminal("sync", "approve", "handbook-docs").stdout


def test_a_run_is_a_dagster_run_and_prints_its_result(
    terminal: Terminal, applied: Path, docs: Path
) -> None:
    done = terminal.process("sync", "run", "handbook-docs", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["status"], result["added"]) == ("success", 3)
    assert result["run_id"]


def test_a_plan_is_shown_and_kept_or_refused(
    terminal: Terminal, docs: Path, synced: dict[str, Any]
) -> None:
    (docs / "leave.md").write_text("# Leave\n\nAsk for it.\n")
    plan = terminal.document("sync", "plan", "handbook-docs")
    assert (plan["updated"], plan["unchanged"], plan["status"]) == (1, 2, "success")
    assert [item["key"] for item in plan["items"]] == ["leave.md"]
    assert plan["plan_hash"] in terminal("sync", "plan", "handbook-docs").stdout
    (docs / "travel.md").unlink()
    planned = ("sync", "run", "handbook-docs", "--plan", plan["plan_hash"])
    refused = terminal.process(*planned)
    assert refused.returncode == 3
    assert "livesync sync plan handbook-docs" in refused.stderr
    (docs / "travel.md").write_text(FILES["travel.md"])
    again = terminal.document("sync", "plan", "handbook-docs")
    done = terminal.process(*planned[:-1], again["plan_hash"], "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["updated"] == 1


def test_a_run_that_waits_for_a_person_ends_with_3(
    terminal: Terminal, docs: Path, applied: Path, run: Run
) -> None:
    for n in range(30):
        (docs / f"{n}.md").write_text(f"Page {n}")
    run()
    for n in range(30):
        (docs / f"{n}.md").unlink()
    done = terminal.process("sync", "run", "handbook-docs")
    assert done.returncode == 3
    assert "livesync sync approve handbook-docs" in done.stderr
    assert "handbook-docs: waiting_for_approval" in done.stdout


def test_no_run_of_a_paused_sync_begins(terminal: Terminal, applied: Path) -> None:
    terminal("sync", "pause", "handbook-docs", "--reason", "a move")
    error = terminal.document("sync", "run", "handbook-docs", code=3)["error"]
    assert error["code"] == "needs_person"
    assert "a move" in error["message"]


def test_no_run_begins_without_external_sync(terminal: Terminal, applied: Path) -> None:
    words = ("sync", "run", "handbook-docs")
    error = terminal.document(*words, code=2, EXTERNAL_SYNC_ENABLED="false")["error"]
    assert error["code"] == "disabled"


def test_no_run_of_an_unknown_sync_begins(terminal: Terminal, applied: Path) -> None:
    assert terminal.document("sync", "run", "x", code=2)["error"]["code"] == "not_found"
