from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from livesync_pipelines.engine.house import Engine

from .conftest import Run, Terminal


def test_dead_letters_are_listed_saved_and_replayed(
    terminal: Terminal, docs: Path, applied: Path, run: Run, tmp_path: Path
) -> None:
    assert terminal("dead-letters", "list").stdout == "There are no dead letters.\n"
    (docs / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    run()
    (letter,) = terminal.document("dead-letters", "list", "handbook-docs")["dead_letters"]
    assert (letter["key"], letter["code"], letter["tries"]) == ("broken.pdf", "malformed", 1)
    assert "broken.pdf" in terminal("dead-letters", "list").stdout
    copy = tmp_path / "copy"
    terminal("dead-letters", "save", "handbook-docs", "broken.pdf", str(copy))
    assert copy.read_bytes() == b"%PDF-1.4 broken"
    done = terminal.process("dead-letters", "replay", "handbook-docs", "broken.pdf", "--json")
    assert json.loads(done.stdout)["failed"] == 1
    (docs / "broken.pdf").write_text("Plain words after all.")
    done = terminal.process("dead-letters", "replay", "handbook-docs", "--json")
    assert json.loads(done.stdout)["status"] == "success"
    assert terminal.document("dead-letters", "list") == {"dead_letters": []}


def test_what_is_no_dead_letter_is_said_to_be_none(terminal: Terminal, applied: Path) -> None:
    for words in (("replay", "handbook-docs", "x"), ("list", "x"), ("replay", "x")):
        assert terminal.document("dead-letters", *words, code=2)["error"]["code"] == "not_found"
    assert terminal("dead-letters", "save", "handbook-docs", "x", "-").exit_code == 2


def test_the_target_is_held_against_its_ledger(
    terminal: Terminal, synced: dict[str, Any], engine: Engine
) -> None:
    assert terminal.document("ledger", "rebuild", "handbook-docs", "--check")["exact"]
    with engine.database.pooled() as connection:
        connection.execute("delete from livesync.chunks where item_id = 'leave.md'")
    told = terminal.document("ledger", "rebuild", "handbook-docs", "--check", code=1)
    assert told["differing"] == ["leave.md"]
    assert "put right: leave.md" in terminal("ledger", "rebuild", "handbook-docs").stdout
    assert terminal.document("ledger", "rebuild", "handbook-docs", "--check")["exact"]


def test_a_removed_item_is_restored_and_let_go(
    terminal: Terminal, synced: dict[str, Any], docs: Path, run: Run
) -> None:
    (docs / "leave.md").unlink()
    run()
    assert terminal.document("restore", "handbook-docs", "travel.md", code=2)
    assert terminal.document("restore", "handbook-docs", "leave.md")["kept"]
    run()
    assert terminal.document("search", "handbook", "parental leave")["hits"]
    assert "follows its source" in terminal("restore", "handbook-docs", "leave.md", "--undo").stdout
    run()
    assert terminal.document("search", "handbook", "parental leave")["hits"] == []


def test_what_is_old_is_told_and_then_goes(
    terminal: Terminal, synced: dict[str, Any], docs: Path, run: Run, engine: Engine
) -> None:
    (docs / "leave.md").write_text("# Leave\n\nOther words.\n")
    run()
    with engine.database.pooled() as connection:
        connection.execute("update livesync.operations set finished_at = '2020-01-01'")
    assert json.loads(terminal.process("clean", "--json").stdout) == {
        "dry_run": False,
        "syncs": [
            {
                "sync_id": "handbook-docs",
                "operations": 0,
                "events": 0,
                "ledger_entries": 0,
                "row_versions": 0,
                "contents": 0,
                "busy": False,
                "refused": "",
            }
        ],
        "dagster_runs": 0,
    }
    terminal.process("sync", "run", "handbook-docs")
    terminal.process("sync", "run", "handbook-docs")
    told = terminal.process("clean", "--dry-run").stdout
    assert "Dagster: 0 runs with their logs would go." in told
    assert "handbook-docs" in told
    wrong = terminal.process("clean", "--json", LIVESYNC_KEEP_LEDGER_DAYS="soon")
    assert wrong.returncode == 2
    assert "LIVESYNC_KEEP_LEDGER_DAYS" in wrong.stdout
