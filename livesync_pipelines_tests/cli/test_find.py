from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run, Terminal

CONTRACT = {
    "chunk_id",
    "score",
    "text",
    "snippet",
    "title",
    "url",
    "heading_path",
    "item_id",
    "sync_id",
    "version",
}


def test_hits_are_the_documents_of_the_contract(terminal: Terminal, synced: dict[str, Any]) -> None:
    (hit,) = terminal.document("search", "handbook", "parental", "leave")["hits"]
    assert set(hit) >= CONTRACT
    assert hit["item_id"] == "leave.md"
    assert hit["heading_path"][0] == "Leave"
    assert "**Parental** **leave**" in hit["snippet"]


def test_hits_are_marked_for_a_person(terminal: Terminal, synced: dict[str, Any]) -> None:
    shown = terminal("search", "handbook", "jams").stdout
    assert "1. Printers" in shown
    assert "**jams**" in shown


def test_words_that_are_nowhere_are_no_error(terminal: Terminal, synced: dict[str, Any]) -> None:
    assert terminal.document("search", "handbook", "zebra")["hits"] == []
    result = terminal("search", "handbook", "zebra")
    assert (result.exit_code, result.stdout) == (0, "Nothing in handbook matches: zebra\n")


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (("--sync", "handbook-docs"), True),
        (("--sync", "other"), False),
        (("--media-type", "text/markdown"), True),
        (("--media-type", "text/html"), False),
        (("--url-prefix", "file:///"), True),
        (("--url-prefix", "https://"), False),
        (("--since", "2026-11-02"), False),
        (("--since", "2026-11-01T11:59Z"), True),
        (("--since", "2026-11-01T12:59+01:00"), True),
        (("--since", "1min"), False),
        (("--attribute", "team=hr"), False),
    ],
)
def test_hits_can_be_narrowed(
    terminal: Terminal, docs: Path, run: Run, filters: tuple[str, ...], found: bool
) -> None:
    noon = datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp()
    os.utime(docs / "travel.md", (noon, noon))
    run()
    hits = terminal.document("search", "handbook", "trains", *filters)["hits"]
    assert bool(hits) is found


def test_a_capsule_that_is_not_there_names_those_that_are(
    terminal: Terminal, applied: Path
) -> None:
    error = terminal.document("search", "hanbook", "x", code=2)["error"]
    assert error["code"] == "not_found"
    assert "handbook" in error["hint"]


def test_a_document_cannot_steer_the_terminal(terminal: Terminal, docs: Path, run: Run) -> None:
    (docs / "evil.md").write_text("# Evil \x1b]0;owned\x07\n\nzebra \x1b[2J \x02stray\n")
    run()
    shown = terminal("search", "handbook", "zebra").stdout
    assert "**zebra**" in shown
    assert not {"\x1b", "\x07", "\x02"} & set(shown)


def test_a_chunk_tells_where_it_comes_from(terminal: Terminal, synced: dict[str, Any]) -> None:
    (hit,) = terminal.document("search", "handbook", "jams")["hits"]
    found = terminal.document("explain", hit["chunk_id"])
    assert found["chunk"]["item_id"] == "sub/printers.md"
    assert found["source"]["platform"] == "folder"
    assert found["operation_id"] == synced["operation_id"]
    assert found["trigger"] == "person"
    assert [change["op"] for change in found["changes"]] == ["added"]
    shown = terminal("explain", hit["chunk_id"]).stdout
    assert "sub/printers.md" in shown
    assert synced["operation_id"] in shown


def test_a_row_tells_where_it_comes_from(terminal: Terminal, synced: dict[str, Any]) -> None:
    found = terminal.document("explain", "handbook-docs:leave.md")
    assert found["row"]["title"] == "Leave"
    assert "chunk" not in found
    assert "Leave" in terminal("explain", "leave.md").stdout


def test_what_is_not_there_cannot_be_explained(terminal: Terminal, synced: dict[str, Any]) -> None:
    assert terminal.document("explain", "nothing", code=2)["error"]["code"] == "not_found"


def test_a_copied_file_tells_where_it_comes_from_and_that_it_waits(
    terminal: Terminal, docs: Path, tmp_path: Path
) -> None:
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "leave.md").write_text("ours")
    (tmp_path / "copy.yaml").write_text(
        "project: demo\n"
        "connections:\n"
        "  docs: {platform: folder, path: docs}\n"
        "  there: {platform: folder, path: copy}\n"
        "syncs:\n"
        "  offsite: {connection: docs, target: {connection: there}, mode: pull, schedule: manual}\n"
    )
    assert terminal("apply", "copy.yaml").exit_code == 0
    terminal("sync", "run", "offsite")
    assert "(the file)" in terminal("conflicts", "list").stdout
    (found,) = terminal.document("conflicts", "list")["conflicts"]
    assert found["is_file"] is True
    said = terminal("conflicts", "resolve", str(found["conflict_id"]), "--take", "source").stdout
    assert "(leave.md, the file)" in said
    assert f"conflict    {found['conflict_id']} " in terminal("explain", "offsite:leave.md").stdout
    said = terminal("explain", "travel.md").stdout
    assert "copied from docs" in said
    assert "source      docs: " in said
