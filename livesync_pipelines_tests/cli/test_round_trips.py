"""A value that goes round through several syncs does not do so for ever."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from livesync_pipelines.engine.house import Engine

from .conftest import Terminal

SYNC = """
  {0}{1}:
    connection: crm
    schedule: manual
    select: {{table: {0}, key: [id]}}
    target: {{connection: crm, table: {1}, key: [id]}}
    mapping: [{{from: id, to: id}}, {{expression: "n + 1", cast: integer, to: n}}]
"""
CONFIG = """
project: demo
connections:
  crm: {platform: sql_table, url: "sqlite:///crm.db"}
syncs:
"""
WAYS = ("ab", "bc", "ca")


def test_a_row_that_goes_round_through_three_syncs_is_frozen_and_an_edit_begins_anew(
    terminal: Terminal, engine: Engine, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        for name in "abc":
            crm.execute(f"create table {name} (id int primary key, n int)")
        crm.execute("insert into a values (1, 0)")
    (tmp_path / "rows.yaml").write_text(CONFIG + "".join(SYNC.format(*way) for way in WAYS))
    assert "goes round for ever" in terminal("apply", "rows.yaml").output

    def turns(*syncs: str) -> list[int]:
        for sync_id in syncs:
            assert terminal("sync", "run", sync_id).exit_code == 0
        with engine.database.connect() as connection:
            query = "select turns from livesync.row_base order by sync_id"
            return [n for (n,) in connection.execute(query)]

    assert turns(*WAYS) == [0, 1, 2]
    assert turns("ab") == [3, 1, 2]
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        crm.execute("update a set n = 100")
    assert turns("ab") == [0, 1, 2]
    with engine.database.connect() as connection:
        connection.execute("update livesync.row_base set turns = 9 where sync_id = 'ab'")
    turns("bc", "bc")
    (found,) = terminal.document("conflicts", "list", "bc")["conflicts"]
    assert "It has gone round 10 times through several syncs" in found["reason"]


RING = """
project: demo
connections:
  crm: {platform: sql_table, url: "sqlite:///crm.db"}
syncs:
  there:
    connection: crm
    schedule: manual
    mode: bidirectional
    select: {table: a, key: [id]}
    target: {connection: crm, table: b, key: [id]}
  on:
    connection: crm
    schedule: manual
    select: {table: b, key: [id]}
    target: {connection: crm, table: c, key: [id]}
  back:
    connection: crm
    schedule: manual
    select: {table: c, key: [id]}
    target: {connection: crm, table: a, key: [id]}
    mapping: [{from: id, to: id}, {expression: "n + 1", cast: integer, to: n}]
"""


def test_so_is_one_that_others_bring_back_to_a_sync_that_goes_both_ways(
    terminal: Terminal, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm, crm:
        for name in "abc":
            crm.execute(f"create table {name} (id int primary key, n int)")
        crm.execute("insert into a values (1, 0)")
    (tmp_path / "rows.yaml").write_text(RING)
    terminal("apply", "rows.yaml")
    rounds = 0
    while not (found := terminal.document("conflicts", "list")["conflicts"]):
        for sync_id in ("there", "on", "back"):
            assert terminal("sync", "run", sync_id).exit_code == 0
        rounds += 1
        assert rounds < 12, "it goes round for ever"
    assert "It has gone round" in found[0]["reason"]
