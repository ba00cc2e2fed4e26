"""apply and doctor tell of syncs of rows that get into each other's way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  crm: {platform: sql_table, url: "sqlite:///crm.db"}
syncs:
  one: {connection: crm, schedule: manual, select: {table: a, key: [id]},
        target: {connection: crm, table: c, key: [id]}}
  two: {connection: crm, schedule: manual, select: {table: b, key: [id]},
        target: {connection: crm, table: c, key: [id]}}
"""
SAID = "one and two both write all fields of the same table"


def test_two_syncs_that_write_one_table_are_told_of_until_one_is_paused(
    terminal: Terminal, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        for name in "ab":
            crm.execute(f"create table {name} (id int primary key, n int)")
    (tmp_path / "rows.yaml").write_text(CONFIG)
    assert f"Note: {SAID}." in terminal("apply", "rows.yaml", "--dry-run").output
    (warning,) = terminal.document("apply", "rows.yaml")["warnings"]
    assert (warning["syncs"], warning["message"]) == (["one", "two"], SAID)
    found = terminal("doctor", "--json").stdout
    assert SAID in found
    assert terminal("sync", "pause", "two").exit_code == 0
    assert terminal.document("apply", "rows.yaml")["warnings"] == []
