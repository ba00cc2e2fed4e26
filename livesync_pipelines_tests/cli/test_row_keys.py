"""Keys of several columns are printed and read as people write them, at every door."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store import row_compaction
from livesync_pipelines_tests.web.conftest import Caller

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  here: {platform: sql_table, url: "sqlite:///here.db"}
  there: {platform: sql_table, url: "sqlite:///there.db"}
syncs:
  people:
    connection: here
    schedule: manual
    select: {table: people, key: [region, id]}
    target: {connection: there, table: people, key: [region, id]}
    mode: bidirectional
    policy: {default: ask_person}
"""
KEY = "region=e=u, id, id=5"


class Two:
    """The databases of both ends."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def make(self, name: str) -> None:
        columns = "region text, id int, phone text, born date, primary key (region, id)"
        self.change(name, f"create table people ({columns})")

    def change(self, name: str, query: str) -> None:
        with closing(sqlite3.connect(self.place / f"{name}.db")) as connection, connection:
            connection.execute(query)


@pytest.fixture
def disputed(terminal: Terminal, tmp_path: Path) -> Terminal:
    """A phone number that both ends have changed, and a date that is none."""
    two = Two(tmp_path)
    two.make("here")
    two.make("there")
    two.change("here", "insert into people values ('e=u, id', 5, '1', '2001-02-03')")
    (tmp_path / "rows.yaml").write_text(CONFIG)
    assert terminal("apply", "rows.yaml").exit_code == 0
    assert terminal("sync", "run", "people").exit_code == 0
    two.change("here", "update people set phone = '2'")
    two.change("there", "update people set phone = '3'")
    two.change("here", "insert into people values ('eu', 6, '1', '2001-02-03')")
    two.change("here", "insert into people values ('eu', 7, '1', 'long ago')")
    terminal("sync", "run", "people")
    return terminal


def test_conflicts_name_their_row(disputed: Terminal) -> None:
    (found,) = disputed.document("conflicts", "list", "people")["conflicts"]
    assert (found["key"], found["field"]) == (KEY, "phone")
    assert f"people  {KEY}  phone" in disputed("conflicts", "list").stdout
    number = str(found["conflict_id"])
    said = disputed("conflicts", "resolve", number, "--take", "source").stdout
    assert f"({KEY}, phone)" in said
    assert disputed("sync", "run", "people").exit_code == 0
    asked = disputed.document("conflicts", "restore", number)
    assert asked["key"] == KEY
    assert disputed.document("conflicts", "restore", number)["conflict_id"] == asked["conflict_id"]
    disputed("sync", "run", "people")
    again = disputed("conflicts", "restore", number)
    assert again.exit_code == 2
    assert f"was brought back already, by conflict {asked['conflict_id']}" in again.stderr
    assert len(disputed.document("conflicts", "list", "--all")["conflicts"]) == 2


def test_another_answer_says_which_one_it_replaces(disputed: Terminal, engine: Engine) -> None:
    number = str(disputed.document("conflicts", "list", "people")["conflicts"][0]["conflict_id"])
    disputed("conflicts", "resolve", number, "--take", "source")
    said = disputed("conflicts", "resolve", number, "--value", '"4"').stdout
    assert "is answered anew, in place of --take source" in said
    answer = Caller(engine).post(f"/sync/conflicts/{number}/resolve", json={"take": "target"})
    assert answer.json()["replaced"] == {"value": "4"}
    disputed("sync", "run", "people")
    settled = disputed("conflicts", "resolve", number, "--take", "source")
    assert settled.exit_code == 2
    assert f"Conflict {number} is settled already: target was taken." in settled.stderr


def test_a_list_of_conflicts_says_what_it_leaves_out(
    disputed: Terminal, engine: Engine, tmp_path: Path
) -> None:
    long = "two words " * 8
    two = Two(tmp_path)
    two.change("here", f"update people set phone = '{long}' where id = 6")
    two.change("there", "update people set phone = 'short' where id = 6")
    disputed("sync", "run", "people")
    found = disputed.document("conflicts", "list", "--limit", "1")
    assert (len(found["conflicts"]), found["more"]) == (1, 1)
    listed = disputed("conflicts", "list", "--limit", "1").output
    assert long not in listed
    assert "There are 1 more: --limit 0 lists all." in listed
    assert "livesync conflicts show ID" in listed
    whole = disputed.document("conflicts", "list", "--limit", "0")
    assert (len(whole["conflicts"]), whole["more"]) == (2, 0)
    assert Caller(engine).get("/sync/conflicts?limit=1").json()["more"] == 1
    number = str(found["conflicts"][0]["conflict_id"])
    assert long in disputed("conflicts", "show", number).stdout
    assert disputed.document("conflicts", "show", number)["source"] == long
    assert disputed("conflicts", "show", "999").exit_code == 2


@pytest.mark.parametrize("name", [KEY, f"people:{KEY}", "people:region=e=u, id,id=5"])
def test_a_row_is_explained_by_its_key(disputed: Terminal, name: str) -> None:
    found = disputed.document("explain", name)
    assert found["title"] == f"row {KEY} of people"
    assert found["row"]["item_id"] == found["source"]["key"] == found["changes"][0]["key"] == KEY


def test_what_a_row_was_too_long_ago_is_said_to_be_kept_no_longer(
    disputed: Terminal, engine: Engine, tmp_path: Path
) -> None:
    Two(tmp_path).change("here", "update people set phone = '4' where id = 6")
    disputed("sync", "run", "people")
    name = "region=eu, id=6"
    assert '"1" -> "4"' in disputed("explain", name).stdout
    now = engine.now()
    later = now + timedelta(days=1)
    with engine.database.connect() as connection:
        cut = row_compaction.cut(connection, "people", before=later, gone_before=later, now=now)
    assert cut.lines > 0
    assert "what it was before is kept no longer" in disputed("explain", name).stdout
    (change,) = disputed.document("explain", name)["changes"]
    assert (change["before"], change["before_kept"], change["after"]["phone"]) == (None, False, "4")
    assert "kept no longer" in disputed("ledger", "list", "people", "--item", name).stdout


def test_the_ledger_and_the_plan_name_rows(disputed: Terminal, tmp_path: Path) -> None:
    entries = disputed.document("ledger", "list", "people", "--item", KEY)["entries"]
    assert [entry["op"] for entry in entries] == ["conflict", "agreed", "added"]
    assert f"  {KEY}  " in disputed("ledger", "list", "people").stdout
    Two(tmp_path).change("there", "delete from people where id = 6")
    assert "region=eu, id=6" in disputed("sync", "plan", "people").stdout


def test_a_ledger_tells_of_a_page_what_became_of_its_rows(disputed: Terminal) -> None:
    said = [
        re.split(r" {2,}", line)
        for line in disputed("ledger", "list", "people").stdout.splitlines()
    ]
    last, first = (o["operation_id"] for o in disputed.document("history", "people")["operations"])
    assert [line[2:] for line in said if line[-1] == first] == [
        ["rows", "1 row", "person", "1 added", first]
    ]
    assert ["conflict", KEY, "person", "phone: open", last] in [line[2:] for line in said]


def test_a_plan_names_row_and_field_of_conflicts_and_draws_no_number(
    disputed: Terminal, engine: Engine, tmp_path: Path
) -> None:
    numbers = "select sequencename, last_value from pg_sequences where schemaname = 'livesync'"
    for name, phone in (("here", "8"), ("there", "9")):
        Two(tmp_path).change(name, f"update people set phone = '{phone}' where id = 6")
    with engine.database.connect() as connection:
        before = connection.execute(numbers + " order by 1").fetchall()
        items = disputed.document("sync", "plan", "people")["items"]
        assert connection.execute(numbers + " order by 1").fetchall() == before
    (found,) = (i for i in items if (i["op"], i["key"]) == ("conflict", "region=eu, id=6"))
    assert found["fields"] == ["phone"]
    assert (found["source"], found["target"], found["winner"]) == ("8", "9", None)
    said = disputed("sync", "plan", "people").stdout
    assert re.search(r"conflict +region=eu, id=6 +phone", said)


def test_rows_that_cannot_be_read_are_named(disputed: Terminal) -> None:
    said = disputed("status", "people").stdout + disputed("mapping", "cells", "people").stdout
    assert "region=eu, id=7" in said


def test_the_http_door_names_rows(disputed: Terminal, engine: Engine) -> None:
    door = Caller(engine)
    (found,) = door.get("/sync/conflicts").json()["conflicts"]
    number = found["conflict_id"]
    assert found["key"] == door.get(f"/sync/conflicts/{number}").json()["key"] == KEY
    answer = door.post(f"/sync/conflicts/{number}/resolve", json={"take": "target"})
    assert answer.json()["key"] == KEY
    assert door.get(f"/explain/people:{KEY}").json()["title"] == f"row {KEY} of people"
    for path in ("/sync/conflicts", "/sync/status?sync_id=people", "/sync/dead-letters"):
        assert "\\u0001" not in door.get(path).text


def test_an_answer_to_a_paused_sync_is_taken_and_waits_for_its_resumption(
    disputed: Terminal, engine: Engine
) -> None:
    number = str(disputed.document("conflicts", "list", "people")["conflicts"][0]["conflict_id"])
    assert disputed("sync", "pause", "people").exit_code == 0
    said = disputed("conflicts", "resolve", number, "--take", "source")
    assert said.exit_code == 0, said.output
    assert "is answered; people is paused, and writes it when it is resumed" in said.stdout
    answer = Caller(engine).post(f"/sync/conflicts/{number}/resolve", json={"take": "target"})
    assert (answer.status_code, answer.json()["state"]) == (200, "answered")
    assert "livesync sync resume people" in answer.json()["written"]
    disputed("sync", "resume", "people")
    disputed("sync", "run", "people")
    assert disputed.document("conflicts", "list", "people")["conflicts"] == []


def test_an_answer_of_another_kind_is_refused_at_every_door(
    disputed: Terminal, engine: Engine
) -> None:
    number = str(disputed.document("conflicts", "list", "people")["conflicts"][0]["conflict_id"])
    said = disputed("conflicts", "resolve", number, "--value", "5")
    assert said.exit_code == 2
    assert "'phone'" in said.output
    answer = Caller(engine).post(f"/sync/conflicts/{number}/resolve", json={"value": 5})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_input")


def test_a_run_tells_of_conflicts_that_wait_and_nothing_of_chunks(disputed: Terminal) -> None:
    said = disputed("sync", "run", "people", "--full").stdout
    assert "1 waits for an answer: livesync conflicts list people" in said
    assert "chunks" not in said


def test_a_ledger_is_listed_where_rows_have_numbers_for_keys(
    terminal: Terminal, engine: Engine, tmp_path: Path
) -> None:
    two = Two(tmp_path)
    two.make("here")
    two.make("there")
    for name in ("here", "there"):
        two.change(name, "drop table people")
        two.change(name, "create table people (id integer primary key, phone text)")
    two.change("here", "insert into people values (5, '1')")
    (tmp_path / "rows.yaml").write_text(CONFIG.replace("[region, id]", "[id]"))
    assert terminal("apply", "rows.yaml").exit_code == 0
    assert terminal("sync", "run", "people").exit_code == 0
    said = terminal("ledger", "list", "people")
    assert said.exit_code == 0, said.output
    assert "1 row" in said.stdout
    two.change("here", "update people set phone = '2'")
    two.change("there", "update people set phone = '3'")
    terminal("sync", "run", "people")
    assert re.search(r"conflict +5 ", terminal("ledger", "list", "people").stdout)
    told = [terminal.document("ledger", "list", "people")["entries"]]
    told.append(Caller(engine).get("/sync/ledger/people").json()["entries"])
    for entries in told:
        assert {entry["item_id"] for entry in entries} == {"", "5"}
