"""`livesync mapping`: what a mapping makes of real rows, before and after a run."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines_tests.web.conftest import Caller

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  files: {platform: folder, path: .}
  crm: {platform: sql_table, url: "sqlite:///crm.db"}
syncs:
  people:
    connection: files
    schedule: manual
    select: {rows: people.csv, key: [id]}
    target: {connection: crm, table: people, key: [id]}
    mapping:
      - {from: id, to: id}
      - {from: age, to: age, cast: integer}
"""


@pytest.fixture
def people(terminal: Terminal, tmp_path: Path) -> Terminal:
    """A CSV file with a number that is none and a key that comes twice, and its sync."""
    (tmp_path / "people.csv").write_text("id,age\n1,36\n2,many\n3,50\n3,51\n")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute("vacuum")
    (tmp_path / "rows.yaml").write_text(CONFIG)
    assert terminal("apply", "rows.yaml").exit_code == 0
    return terminal


def test_a_check_tells_of_cells_that_do_not_fit_and_of_rows_that_cannot_be_read(
    people: Terminal,
) -> None:
    found = people.document("mapping", "check", "people", code=1)
    assert [(cell["field"], cell["value"]) for cell in found["bad_cells"]] == [("age", "many")]
    assert len(found["failed"]) == 1
    said = people("mapping", "check", "people").stdout
    assert "cannot be read" in said
    assert "row 2, age" in said
    assert "row 3 cannot be read" in said
    assert (found["failed"][0]["key"], found["bad_cells"][0]["key"]) == ("3", "2")


def test_after_a_run_status_doctor_explain_and_cells_say_what_did_not_fit(
    people: Terminal,
) -> None:
    ran = people("sync", "run", "people")
    assert "1 cell does not fit: livesync mapping cells people" in ran.stdout
    (cell,) = people.document("mapping", "cells", "people")["cells"]
    assert (cell["field"], cell["value"]) == ("age", "many")
    assert "many" in people("mapping", "cells", "people").stdout
    assert people.document("status")["syncs"][0]["bad_cells"] == 1
    assert "livesync mapping cells people" in people("status").output
    assert "'many'" in people("explain", "people:2").stdout
    told = json.loads(people("doctor", "--json").stdout)
    checks = {check["check"]: check for check in told["checks"]}
    assert checks["connection crm"]["verdict"] == "ok"


def test_a_dead_letter_is_resolved_when_its_row_is_gone(people: Terminal, tmp_path: Path) -> None:
    for _ in range(3):
        people("sync", "run", "people")
    (letter,) = people.document("dead-letters", "list")["dead_letters"]
    assert letter["key"] == "3"
    (tmp_path / "people.csv").write_text("id,age\n1,36\n2,many\n")
    people("sync", "run", "people")
    assert people.document("dead-letters", "list")["dead_letters"] == []
    assert people.document("status", "people")["failures"] == []


def test_a_caller_is_told_how_a_file_of_rows_is_written(
    people: Terminal, engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / "c.csv").write_text("id\n1\n")
    asked = {"project_id": "demo", "source": "files/c.csv", "target": "crm/c"}
    told = Caller(engine).post("/sync/trigger", json=asked)
    assert told.status_code == 400
    hint = told.json()["error"]["hint"]
    form = json.loads(hint.removeprefix("Write ").partition(", with")[0])
    assert form == {"connection": "files", "rows": "c.csv", "key": ["COLUMN"]}
    form["key"] = ["id"]
    assert Caller(engine).post("/sync/trigger", json={**asked, "source": form}).status_code == 202


def test_a_name_with_a_line_end_stays_in_its_line(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "bad\n\x1b[2J.pdf").write_bytes(b"%PDF-1.4 broken")
    (tmp_path / "docs.yaml").write_text("""
project: demo
capsules: {papers: {}}
connections: {docs: {platform: folder, path: docs}}
syncs: {papers: {connection: docs, target: {capsule: papers}, schedule: manual}}
""")
    assert terminal("apply", "docs.yaml").exit_code == 0
    terminal("sync", "run", "papers")
    assert "bad\\n\\x1b[2J.pdf: " in terminal("status", "papers").stdout


def test_apply_says_that_whole_numbers_do_not_fit_there_and_back(
    people: Terminal, tmp_path: Path, database_url: str
) -> None:
    people.environ["PG"] = database_url
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("create table narrow (id bigint primary key, age integer)")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as sqlite, sqlite:
        sqlite.execute("create table wide (id integer primary key, age integer)")
    config = """
project: demo
connections: {pg: {platform: sql_table, url: "${PG}"}}
syncs:
  wide:
    connection: crm
    schedule: manual
    select: {table: wide}
    target: {connection: pg, table: narrow}
    mode: bidirectional
"""
    (tmp_path / "wide.yaml").write_text(config)
    error = people.document("apply", "wide.yaml", code=2)["error"]
    assert error["where"] == "sync wide"
    assert "the target holds whole numbers of 32 bits, the source of 64" in error["message"]
    assert "{from: age, to: age, on_error: keep}" in error["message"]
    lines = "mapping: [{from: id, to: id}, {from: age, to: age, on_error: keep}]"
    (tmp_path / "wide.yaml").write_text(f"{config}    {lines}\n")
    assert people("apply", "wide.yaml").exit_code == 0
    (tmp_path / "wide.yaml").write_text(config.replace("table: wide}", "table: nobody}"))
    done = people("apply", "wide.yaml")
    assert (done.exit_code, "there is no table nobody at crm" in done.stderr) == (0, True)


def test_explain_tells_what_a_value_was_before(people: Terminal, tmp_path: Path) -> None:
    people("sync", "run", "people")
    (tmp_path / "people.csv").write_text("id,age\n1,37\n2,many\n")
    people("sync", "run", "people")
    said = people("explain", "people:1").stdout
    assert "updated (person)\n              age: 36 -> 37\n" in said
    assert "added (person)\n" in said
    assert said.count("->") == 1


def test_an_unknown_key_of_a_mapping_is_answered_with_all_that_are_allowed(
    people: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "rows.yaml").write_text(CONFIG.replace("cast: integer", "as: integer"))
    said = people("apply", "rows.yaml").output
    assert "template" in said
    assert "on_error" in said


COMPUTED = """
project: demo
connections:
  shop: {platform: sql_table, url: "sqlite:///shop.db"}
  crm: {platform: sql_table, url: "sqlite:///crm.db"}
syncs:
  people:
    connection: shop
    schedule: manual
    mode: bidirectional
    select: {table: people, key: [id]}
    target: {connection: crm, table: people, key: [id]}
    mapping:
      - {from: id, to: id}
      - {from: name, to: name}
"""


def test_a_source_that_computes_its_key_takes_edits_and_says_that_it_takes_no_new_rows(
    terminal: Terminal, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        shop.execute("create table people (n int, id int generated always as (n * 2), name text)")
        shop.execute("create unique index people_id on people (id)")
        shop.execute("insert into people (n, name) values (1, 'Ada'), (2, 'Bob')")
        shop.commit()
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        crm.execute("vacuum")
    (tmp_path / "rows.yaml").write_text(COMPUTED)
    applied = terminal("apply", "rows.yaml")
    assert applied.exit_code == 0, applied.output
    assert "makes the key 'id' itself" in applied.output
    assert "makes the key 'id' itself" in terminal("mapping", "check", "people").stdout
    terminal("sync", "run", "people")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        crm.execute("insert into people (id, name) values (8, 'New')")
        crm.execute("update people set name = 'Ada L.' where id = 2")
        crm.commit()
    said = terminal("sync", "run", "people").output
    with closing(sqlite3.connect(tmp_path / "shop.db")) as shop:
        names = shop.execute("select id, name from people order by id").fetchall()
    assert names == [(2, "Ada L."), (4, "Bob")], said
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        assert crm.execute("select count(*) from people where id = 8").fetchall() == [(1,)]


def test_a_check_says_which_time_of_an_edit_is_no_clock(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,name,edited\n1,Ann,2026-11-21T10:00:00Z\n")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute("create table people (id integer primary key, name text, edited text)")
    config = CONFIG[: CONFIG.index("    mapping:")].replace(
        "key: [id]", "key: [id], modified: edited"
    )
    (tmp_path / "rows.yaml").write_text(f"{config}    mode: bidirectional\n")
    assert terminal("apply", "rows.yaml").exit_code == 0
    (remark,) = terminal.document("mapping", "check", "people")["kept_out"]
    assert "`modified` of the target names 'edited', which is text" in remark
    assert remark in terminal("mapping", "check", "people").stdout.replace("\n", " ")


def test_a_key_of_another_type_is_refused_with_its_sync_both_types_and_what_to_do(
    terminal: Terminal, tmp_path: Path
) -> None:
    (tmp_path / "people.csv").write_text("id,age\na1,36\n")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("create table people (id integer primary key, age integer)")
    (tmp_path / "fine.csv").write_text("id\n1\n")
    fine = "  fine:\n    connection: files\n    select: {rows: fine.csv, key: [id]}\n"
    fine += "    target: {connection: crm, table: fine, key: [id]}\n"
    for mapped in (CONFIG, CONFIG.partition("    mapping:")[0]):
        (tmp_path / "rows.yaml").write_text(mapped + fine)
        refused = terminal("apply", "rows.yaml")
        assert refused.exit_code == 2
        assert "sync people: The mapping cannot work." in refused.stderr
        assert "the key 'id' is text at the source, and 'id' is integer at the target" in (
            refused.stderr
        )
        assert "`types: {id: integer}` under `select`" in refused.stderr


def test_a_source_that_never_was_there_was_not_dropped(people: Terminal, tmp_path: Path) -> None:
    (tmp_path / "rows.yaml").write_text(CONFIG.replace("rows: people.csv", "rows: nowhere.csv"))
    assert people("apply", "rows.yaml").exit_code == 0
    for words in (("mapping", "check"), ("mapping", "suggest"), ("sync", "run")):
        failed = people(*words, "people").stderr
        assert "The source is not there: there is no file nowhere.csv at files." in failed
        assert "Create it, or correct the name of the file." in failed
        assert "dropped" not in failed


def test_a_document_that_is_carried_out_in_part_says_what_lists_the_rows_that_failed(
    people: Terminal,
) -> None:
    source = {"connection": "files", "rows": "people.csv", "key": ["id"]}
    asked = {"project_id": "demo", "source": source, "target": "crm/people"}
    done = people("sync", "add", json.dumps(asked))
    assert json.loads(done.stdout)["status"] == "partial"
    assert "`livesync status people` lists the items that failed." in done.stderr


def test_a_line_that_cannot_be_read_is_named_once(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,age\n1,36\n2,50,more\n")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute("vacuum")
    (tmp_path / "rows.yaml").write_text(CONFIG)
    terminal("apply", "rows.yaml")
    terminal("sync", "run", "people")
    said = terminal("status", "people").stdout
    assert "line 3: it has 3 cells where 2 are expected" in said
    assert "line 3: line 3" not in said
