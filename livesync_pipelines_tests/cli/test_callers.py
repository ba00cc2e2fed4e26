"""`sync add` with the JSON document of a program, and with the options for rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from livesync_pipelines.cli.main import livesync
from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import catalog
from livesync_pipelines_tests.engine.pair import URL, Pair, a_pair

from .conftest import Terminal

ASKED = {"project_id": "demo", "source_platform": "docs", "target_entity": "handbook"}
ROWS = {"project_id": "demo", "source": "crm/contacts", "target": "shop/customers"}


@pytest.fixture
def pair(engine: Engine, terminal: Terminal, bare_database_url: str) -> Iterator[Pair]:
    terminal.environ[URL] = bare_database_url
    with a_pair(engine, bare_database_url) as pair:
        yield pair


def piped(terminal: Terminal, text: str, **environ: str) -> tuple[int, dict[str, Any]]:
    """What `sync add -` answers to this on its standard input: exit code and document."""
    done = CliRunner().invoke(
        livesync, ["sync", "add", "-"], input=text, env={**terminal.environ, **environ}
    )
    return done.exit_code, json.loads(done.stdout)


def test_the_document_of_the_mission_is_run_and_answered(terminal: Terminal, applied: Path) -> None:
    document = {**ASKED, "sync_type": "pull", "schedule": "hourly"}
    done = terminal.process("sync", "add", json.dumps(document))
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["sync_id"], told["status"], told["synced_items"]) == (
        "handbook-docs",
        "success",
        3,
    )
    assert told["conflicts_detected"] == 0
    assert told["conflict_resolution"] == "auto_override_from_remote"
    assert told["last_sync"]


@pytest.mark.parametrize(("word", "asked", "has"), [("schedule", "daily", "hourly")])
def test_a_sync_that_is_there_is_never_changed(
    terminal: Terminal, applied: Path, word: str, asked: str, has: str
) -> None:
    code, told = piped(terminal, json.dumps({**ASKED, word: asked}))
    assert (code, told["error"]["code"], told["error"]["where"]) == (
        3,
        "needs_person",
        f"request: {word}",
    )
    assert f"its {word} is {has}, not {asked}" in told["error"]["message"]
    assert "livesync apply" in told["error"]["hint"]
    (sync,) = terminal.document("sync", "list")["syncs"]
    assert sync[word] == has


def test_rows_are_asked_for_on_standard_input(terminal: Terminal, pair: Pair) -> None:
    code, told = piped(terminal, json.dumps({**ROWS, "mode": "bidirectional"}))
    assert (code, told["status"], told["synced_items"]) == (0, "success", 2)
    assert told["conflict_resolution"] == "latest_wins"
    assert pair.rows("shop.customers") == pair.rows("crm.contacts")


def test_a_run_that_fails_ends_with_1_and_the_document(terminal: Terminal, pair: Pair) -> None:
    assert piped(terminal, json.dumps(ROWS))[0] == 0
    pair.execute("drop table crm.contacts")
    code, told = piped(terminal, json.dumps(ROWS))
    assert (code, told["status"]) == (1, "failed")
    assert "not there" in told["error"]["message"]


@pytest.mark.parametrize(
    ("change", "said", "allowed"),
    [
        ({"source_platform": "fax"}, "neither a connection nor a platform 'fax'", "website"),
        ({"schedule": "sometimes"}, "sometimes", "every_15_minutes"),
        ({"sync_type": "sideways"}, "not allowed", "bidirectional, pull, push"),
        ({"sync_type": "push"}, "can only be pulled into", "mode: pull"),
        ({"modus": "pull"}, "unknown key 'modus'", "sync_type"),
        ({"schedule": 15}, "a schedule is a text", "every_15_minutes"),
        ({"source_platform": {"connection": "docs", "include": ["\0"]}}, "a NUL", "Leave it out"),
    ],
)
def test_what_cannot_be_ends_with_2_and_what_is_allowed(
    terminal: Terminal, applied: Path, change: dict[str, Any], said: str, allowed: str
) -> None:
    code, told = piped(terminal, json.dumps({**ASKED, **change}))
    assert code == 2
    assert said in told["error"]["message"]
    assert allowed in told["error"]["hint"]


@pytest.mark.parametrize(
    ("text", "said"), [("", "Nothing"), ("{", "no JSON"), ("[]", "JSON object")]
)
def test_what_is_no_document_ends_with_2(terminal: Terminal, text: str, said: str) -> None:
    code, told = piped(terminal, text)
    assert (code, said in told["error"]["message"]) == (2, True)
    assert told["error"]["where"] == "request"
    assert "project_id" in told["error"]["hint"]


def test_without_external_sync_nothing_is_made(terminal: Terminal, applied: Path) -> None:
    document = json.dumps({**ASKED, "target_entity": "minutes"})
    code, told = piped(terminal, document, EXTERNAL_SYNC_ENABLED="false")
    assert (code, told["error"]["code"]) == (2, "disabled")
    assert len(terminal.document("sync", "list")["syncs"]) == 1


def test_options_beside_a_document_are_refused(terminal: Terminal) -> None:
    error = terminal.document("sync", "add", "{}", "--mode", "pull", code=2)["error"]
    assert "--mode" in error["message"]


def test_a_sync_of_rows_is_added_by_options(terminal: Terminal, pair: Pair, engine: Engine) -> None:
    ends = ("--connection", "crm/contacts", "--target", "shop/customers")
    more = ("--mode", "bidirectional", "--key", "id", "--schedule", "daily")
    document = terminal.document("sync", "add", "people", *ends, *more)
    assert [change["action"] for change in document["changes"]] == ["added"]
    with engine.database.pooled() as connection:
        sync = catalog.sync(connection, "people")
    assert sync.target is not None
    assert (sync.project_id, sync.connection, sync.mode) == ("demo", "crm", "bidirectional")
    assert sync.select == {"table": "contacts", "key": ["id"]}
    assert (sync.target.connection, sync.target.select) == ("shop", {"table": "customers"})


def test_two_tables_in_step_both_ways_get_no_second_sync_the_other_way_round(
    terminal: Terminal, pair: Pair
) -> None:
    code, told = piped(terminal, json.dumps({**ROWS, "mode": "bidirectional"}))
    assert code == 0
    there, swapped = told["sync_id"], {**ROWS, "source": ROWS["target"], "target": ROWS["source"]}
    ends = ("--connection", "shop/customers", "--target", "crm/contacts", "--key", "id")
    for mode in ("bidirectional", "pull"):
        code, told = piped(terminal, json.dumps({**swapped, "mode": mode}))
        assert (code, f"{there} keeps these two" in told["error"]["message"]) == (2, True)
        error = terminal.document("sync", "add", "back", *ends, "--mode", mode, code=2)["error"]
        assert f"{there} keeps these two" in error["message"]
        assert f"livesync sync remove {there}" in error["hint"]
    assert [one["sync_id"] for one in terminal.document("sync", "list")["syncs"]] == [there]


def test_a_key_that_is_no_column_adds_no_sync(terminal: Terminal, pair: Pair) -> None:
    ends = ("--connection", "crm/contacts", "--target", "shop/customers")
    error = terminal.document("sync", "add", "people", *ends, "--key", "nope", code=2)["error"]
    assert "has no column 'nope'" in error["message"]
    assert "Its columns: id, name, phone" in error["hint"]
    assert terminal.document("sync", "list")["syncs"] == []


def test_of_an_end_that_is_not_there_yet_a_sync_is_added_and_its_run_tells(
    terminal: Terminal, pair: Pair
) -> None:
    ends = ("--connection", "crm/nobody", "--target", "shop/customers")
    terminal.document("sync", "add", "people", *ends)
    assert (
        "there is no table nobody"
        in terminal.document("sync", "run", "people", code=1)["error"]["message"]
    )


@pytest.mark.parametrize(
    "words",
    [
        ("--capsule", "handbook"),
        ("--connection", "docs"),
        ("--connection", "docs", "--capsule", "handbook", "--target", "shop/customers"),
    ],
)
def test_a_sync_needs_two_ends(terminal: Terminal, words: tuple[str, ...]) -> None:
    error = terminal.document("sync", "add", "more", *words, code=2)["error"]
    assert "--connection" in error["message"]
    assert "--target CONNECTION/TABLE" in error["hint"]
