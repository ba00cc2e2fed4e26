"""Columns of the source are widened, and those of the target cannot follow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from livesync_pipelines.engine.house import Engine
from livesync_pipelines.store.database import Connection

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  here: {platform: sql_table, url: "${HERE_URL}"}
syncs:
  follow:
    connection: here
    schedule: manual
    select: {table: wide_from, key: [id], feed: trigger}
    target: {connection: here, table: wide_into, key: [id]}
    mode: MODE
"""


@pytest.fixture
def tables(engine: Engine) -> Iterator[Connection]:
    with engine.database.pooled() as connection:
        connection.execute("drop table if exists public.wide_from, public.wide_into cascade")
        connection.execute(
            "create table public.wide_from (id int primary key, s varchar(5), n smallint)"
        )
        connection.execute("insert into public.wide_from values (1, 'abc', 1), (2, 'def', 2)")
        yield connection
        connection.execute("drop table public.wide_from, public.wide_into cascade")


@pytest.fixture
def viewed(
    terminal: Terminal, engine: Engine, tables: Connection, request: pytest.FixtureRequest
) -> Terminal:
    """Its target's column `s` is shown by a view; both columns of the source are widened, and
    hold more."""
    terminal.environ["HERE_URL"] = engine.database.url
    with open("wide.yaml", "w", encoding="utf-8") as file:
        file.write(CONFIG.replace("MODE", request.param))
    assert terminal("apply", "wide.yaml").exit_code == 0
    assert terminal("sync", "run", "follow").exit_code == 0
    tables.execute("create view public.wide_view as select s from public.wide_into")
    tables.execute("alter table public.wide_from alter s type varchar(40), alter n type int")
    tables.execute("update public.wide_from set s = 'a long text', n = 70000 where id = 1")
    return terminal


def run(terminal: Terminal) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(terminal("sync", "run", "follow", "--json").stdout)
    return told


@pytest.mark.parametrize("viewed", ["pull"], indirect=True)
def test_a_column_that_cannot_follow_is_told_and_holds_nothing_else_up(
    viewed: Terminal, tables: Connection
) -> None:
    result = run(viewed)
    assert result["status"] == "partial", result
    message = result["error"]["message"]
    assert "s (text of 5 characters, wanted text of 40 characters)" in message
    assert "cannot alter type of a column used by a view or rule" in message
    into = "select s, n from public.wide_into order by id"
    assert tables.execute(into).fetchall() == [(None, 70_000), ("def", 2)]
    (cell,) = viewed.document("mapping", "cells", "follow")["cells"]
    assert (cell["field"], cell["value"]) == ("s", "a long text")
    tables.execute("drop view public.wide_view")
    assert run(viewed)["status"] == "success"
    assert tables.execute(into).fetchall() == [("a long text", 70_000), ("def", 2)]


@pytest.mark.parametrize("viewed", ["bidirectional"], indirect=True)
def test_a_sync_both_ways_rests_and_says_what_stands_in_the_way(
    viewed: Terminal, tables: Connection
) -> None:
    error = run(viewed)["error"]
    assert (error["code"], "used by a view or rule" in error["message"]) == ("drifted", True)
    assert "livesync sync resume follow" in error["hint"]
    tables.execute("drop view public.wide_view")
    assert viewed("sync", "resume", "follow").exit_code == 0
    assert run(viewed)["status"] == "success"
    into = "select s, n from public.wide_into order by id"
    assert tables.execute(into).fetchall() == [("a long text", 70_000), ("def", 2)]


@pytest.mark.parametrize("viewed", ["pull\n    drift: pause"], indirect=True)
def test_who_accepts_wider_columns_is_told_of_one_that_cannot_follow_and_goes_on(
    viewed: Terminal, tables: Connection
) -> None:
    assert run(viewed)["error"]["code"] == "drifted"
    said = viewed("sync", "accept", "follow")
    assert said.exit_code == 0, said.output
    assert "widened column n" in said.output
    assert "cannot alter type of a column used by a view or rule" in said.output
    assert run(viewed)["status"] == "success"
    into = "select s, n from public.wide_into order by id"
    assert tables.execute(into).fetchall() == [(None, 70_000), ("def", 2)]
