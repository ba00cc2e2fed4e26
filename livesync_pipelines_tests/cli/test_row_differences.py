"""Ends that are left to differ, and rows that two ends keep rewriting, are told of."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  here: {platform: sql_table, url: "sqlite:///here.db"}
  there: {platform: sql_table, url: "sqlite:///there.db"}
syncs:
  lp:
    connection: here
    schedule: manual
    select: {table: lp, key: [id]}
    target: {connection: there, table: lp, key: [id]}
    mode: bidirectional
"""
ADDS = (
    "create trigger adds after update on lp begin update lp set n = n + {} where id = new.id; end"
)


@pytest.fixture
def linked(terminal: Terminal, tmp_path: Path) -> Terminal:
    """Row 1, the same at both ends."""
    for name in ("here", "there"):
        change(tmp_path, name, "create table lp (id int primary key, v text, n int)")
    change(tmp_path, "here", "insert into lp values (1, 'new', 0)")
    (tmp_path / "rows.yaml").write_text(CONFIG)
    assert terminal("apply", "rows.yaml").exit_code == 0
    run(terminal)
    return terminal


def change(place: Path, name: str, query: str) -> list[Any]:
    with closing(sqlite3.connect(place / f"{name}.db")) as connection, connection:
        return connection.execute(query).fetchall()


def run(terminal: Terminal) -> None:
    assert terminal("sync", "run", "lp").exit_code == 0


def test_a_row_that_an_end_shows_otherwise_than_it_was_sent_is_told_of(
    linked: Terminal, tmp_path: Path
) -> None:
    for name, added in (("here", 1), ("there", 1000)):
        change(tmp_path, name, ADDS.format(added))
    change(tmp_path, "here", "update lp set v = 'edit'")
    for _ in range(3):
        run(linked)
    assert change(tmp_path, "here", "select n from lp") == [(1,)]
    assert change(tmp_path, "there", "select n from lp") == [(1001,)]
    (row,) = linked.document("status", "lp")["syncs"]
    assert (row["differing_rows"], row["open_conflicts"]) == (1, 0)
    assert "1 row that both ends show differently: one normalises" in linked("status", "lp").stdout
    assert "livesync explain 'lp:1' (n)" in linked("status", "lp").stdout
    assert "1 row that both ends show differently" in linked("status").output
    (told,) = linked.document("explain", "lp:1")["differs"]
    assert told == {
        "field": "n", "agreed": 1, "source": 1, "target": 1001, "normalises": ["target"]
    }  # fmt: skip
    said = "n: the source shows 1; the target shows 1001: it normalises what is written there"
    assert said in linked("explain", "lp:1").stdout


def test_ends_that_show_the_same_are_not_said_to_differ(linked: Terminal) -> None:
    assert linked.document("status", "lp")["syncs"][0]["differing_rows"] == 0
    assert linked.document("explain", "lp:1")["differs"] == []
    assert "differ" not in linked("status", "lp").stdout


def test_a_frozen_row_is_told_of_with_what_its_ends_hold(
    linked: Terminal, engine: Engine, tmp_path: Path
) -> None:
    change(
        tmp_path,
        "there",
        "create trigger shouts after update on lp begin"
        " update lp set v = upper(new.v) where id = new.id; end",
    )
    with engine.database.connect() as connection:
        connection.execute("update livesync.row_base set turns = 9, went_to = 'source'")
    change(tmp_path, "here", "update lp set v = 'x' where id = 1")
    run(linked)
    (found,) = linked.document("conflicts", "list", "lp")["conflicts"]
    assert [found[end]["v"] for end in ("base", "source", "target")] == ["x", "x", "X"]
    assert linked.document("status", "lp")["syncs"][0]["frozen_rows"] == 1
    said = "1 row left alone, for both ends kept rewriting: livesync conflicts list lp"
    assert said in linked("status", "lp").stdout
    assert said in linked("status").output
    change(tmp_path, "here", "update lp set n = 7")
    change(tmp_path, "there", "delete from lp")
    run(linked)
    (found,) = linked.document("conflicts", "list", "lp")["conflicts"]
    assert (found["source"], found["target"]) == ({"id": 1, "v": "x", "n": 7}, None)
