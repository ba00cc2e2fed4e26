"""The columns of a source are accepted as they are now, but not what cannot go both ways."""

from __future__ import annotations

import pytest

from livesync_pipelines.engine.house import Engine

from .conftest import Terminal

CONFIG = """
project: demo
connections:
  here: {platform: sql_table, url: "${HERE_URL}"}
syncs:
  wide:
    connection: here
    schedule: manual
    select: {table: wide, key: [id]}
    target: {connection: here, table: copy, key: [id]}
    mode: MODE
"""


@pytest.fixture
def narrowed(terminal: Terminal, engine: Engine, request: pytest.FixtureRequest) -> Terminal:
    """A sync whose source's column holds less than it did."""
    terminal.environ["HERE_URL"] = engine.database.url
    with engine.database.pooled() as connection:
        connection.execute("drop table if exists public.wide, public.copy")
        connection.execute("create table public.wide (id int primary key, w int)")
        connection.execute("insert into public.wide values (1, 5)")
        with open("wide.yaml", "w", encoding="utf-8") as file:
            file.write(CONFIG.replace("MODE", request.param))
        assert terminal("apply", "wide.yaml").exit_code == 0
        assert terminal("sync", "run", "wide").exit_code == 0
        connection.execute("alter table public.wide alter column w type smallint")
    assert "'w' is" in terminal("sync", "run", "wide").output
    return terminal


@pytest.mark.parametrize("narrowed", ["bidirectional"], indirect=True)
def test_what_cannot_come_back_is_refused_with_the_line_to_write(narrowed: Terminal) -> None:
    said = narrowed("sync", "accept", "wide")
    why = "at the target, and 'w' of the source only integer of 16 bits now"
    assert why in " ".join(said.output.split())
    assert said.exit_code == 2, said.output
    assert "{from: w, to: w, on_error: keep}" in " ".join(said.output.split())
    assert narrowed.document("status")["syncs"][0]["state"] == "paused"


@pytest.mark.parametrize("narrowed", ["pull"], indirect=True)
def test_what_only_goes_one_way_is_accepted(narrowed: Terminal) -> None:
    assert narrowed("sync", "accept", "wide").exit_code == 0
    assert narrowed("sync", "run", "wide").exit_code == 0


@pytest.mark.parametrize("narrowed", ["bidirectional"], indirect=True)
def test_who_accepts_wider_columns_has_the_target_made_as_wide(
    narrowed: Terminal, engine: Engine
) -> None:
    with engine.database.pooled() as connection:
        connection.execute("alter table public.wide alter column w type int")
        narrowed("sync", "resume", "wide")
        with open("wide.yaml", "w", encoding="utf-8") as file:
            file.write(CONFIG.replace("MODE", "bidirectional\n    drift: pause"))
        assert narrowed("apply", "wide.yaml").exit_code == 0
        assert narrowed("sync", "run", "wide").exit_code == 0
        connection.execute("alter table public.wide alter column w type bigint")
        connection.execute("update public.wide set w = 5000000000")
        assert "'w' is" in narrowed("sync", "run", "wide").output
        said = narrowed("sync", "accept", "wide")
        assert "widened column w from 32-bit integer to 64-bit integer" in said.output
        assert narrowed("sync", "run", "wide").exit_code == 0
        assert connection.execute("select w from public.copy").fetchall() == [(5_000_000_000,)]
