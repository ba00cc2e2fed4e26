"""What is Postgres's own: its types, its locks, its errors, its feed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from socket import create_server
from threading import Thread
from time import sleep
from typing import Any
from uuid import uuid4

import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import conninfo_to_dict

from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.connectors.sql_table import SqlTable
from livesync_pipelines.core.row_map import compile_map
from livesync_pipelines.model.errors import (
    BadInput,
    CursorExpired,
    LiveSyncError,
    Reauthorise,
    Unavailable,
)
from livesync_pipelines.model.rows import Column, RowReceipt, Shape
from livesync_pipelines_tests.connectors.sql_worlds import PostgresWorld, column_of, scanned, writes


def test_types_of_its_own_become_texts_and_json(postgres: PostgresWorld) -> None:
    mood = f"mood_{uuid4().hex[:8]}"
    pair = f"pair_{uuid4().hex[:8]}"
    short = f"short_{uuid4().hex[:8]}"
    postgres.run(
        f"create type {mood} as enum ('sad', 'glad')",
        f"create type {pair} as (a int, b text)",
        f"create domain {short} as varchar(4) not null",
    )
    table = postgres.new_table(
        f"id uuid primary key, m {mood}, p {pair}, d {short}, n int[], t text[], v varchar(3)[],"
        " r int4range, i inet, c char(4), s smallint, w numeric, g interval, j json,"
        " f real, o text generated always as ('x') stored, y int generated always as identity"
    )
    row = {
        "id": "00000000-0000-4000-8000-00000000000a",
        "m": "glad",
        "p": '{"a":1,"b":"x"}',
        "d": "abcd",
        "n": "[1,null,3]",
        "t": ["a", None],
        "v": ["abc"],
        "r": "[1,5)",
        "i": "10.0.0.1/32",
        "c": "ab",
        "s": 7,
        "g": "P1DT2H",
        "j": '{"a":[1,2]}',
        "f": 0.5,
    }
    end = postgres.end(table)
    shape = end.shape()
    assert shape is not None
    assert [c.name for c in shape.columns if c.json] == ["p", "n", "j"]
    assert [c.name for c in shape.columns if not c.writable] == ["o", "y"]
    assert column_of(shape, "d").max_chars == 4
    assert not column_of(shape, "d").nullable
    assert column_of(shape, "m").words == ("sad", "glad")
    assert column_of(shape, "s").bits == 16
    assert column_of(shape, "w").type == pa.decimal128(38, 20)
    receipt = end.write(writes(end, [row]))
    assert (receipt.failures, len(receipt.moved), receipt.stored.to_pylist()) == ((), 0, [])
    assert scanned(end, list(row)).to_pylist() == [row]
    changed = {**row, "n": "[]", "p": '{"a":2,"b":null}', "m": "sad", "r": "empty", "g": "PT1S"}
    receipt = end.write(writes(end, [changed], [row]))
    assert (receipt.failures, len(receipt.moved), receipt.stored.to_pylist()) == ((), 0, [])
    assert scanned(end, list(row)).to_pylist() == [changed]
    receipt = end.write(writes(end, [{"id": row["id"], "i": "10.0.0.2"}], [{"i": "10.0.0.1/32"}]))
    assert receipt.stored.to_pylist() == [{"id": row["id"], "i": "10.0.0.2/32"}]


def test_what_an_enumeration_does_not_take_is_foreseen(postgres: PostgresWorld) -> None:
    mood, glum = f"mood_{uuid4().hex[:8]}", f"glum_{uuid4().hex[:8]}"
    postgres.run(
        f"create type {mood} as enum ('sad', 'glad')", f"create domain {glum} as {mood} not null"
    )
    table = postgres.new_table(f"id int primary key, m {mood}, d {glum}, many {mood}[]")
    end = postgres.end(table)
    there = end.shape()
    assert there is not None
    assert [c.words for c in there.columns] == [(), ("sad", "glad"), ("sad", "glad"), ()]
    source = pa.schema([("id", pa.int64()), ("m", pa.string()), ("d", pa.string())])
    shape = Shape(columns=tuple(Column(name=f.name, type=f.type) for f in source), key=("id",))
    rows: list[dict[str, Any]] = [
        {"id": 1, "m": "sad", "d": "glad"},
        {"id": 2, "m": "Sad", "d": "glad"},
        {"id": 3, "m": "sad ", "d": "sad"},
        {"id": 4, "m": None, "d": "sad"},
    ]
    made = compile_map((), shape, there)
    mapped = made.forward(pa.Table.from_pylist(rows, schema=source))
    assert [(cell.row, cell.field) for cell in mapped.bad_cells] == [(1, "m"), (2, "m")]
    receipt = end.write(writes(end, rows))
    assert [failure.key for failure in receipt.failures] == ["a2", "a3"]
    assert postgres.rows(f"select id from {table} order by id") == [(1,), (4,)]


def test_a_type_that_is_younger_than_another_connection_is_written_and_read(
    postgres: PostgresWorld,
) -> None:
    before = postgres.end(postgres.new_table("id int primary key"))
    before.shape()
    mood = f"mood_{uuid4().hex[:8]}"
    postgres.run(f"create type {mood} as enum ('sad', 'glad')")
    table = postgres.new_table(f"id int primary key, m {mood}, many {mood}[]")
    end, row = postgres.end(table), {"id": 1, "m": "glad", "many": '["sad",null]'}
    assert end.write(writes(end, [row])).failures == ()
    assert scanned(end, list(row)).to_pylist() == [row]
    before.close()
    changed = {**row, "m": "sad"}
    assert end.write(writes(end, [changed], [row])).failures == ()
    assert scanned(end, list(row)).to_pylist() == [changed]


def test_a_login_that_is_taken_away_is_refused_to_the_next_connection(
    postgres: PostgresWorld, locked_out: str
) -> None:
    url = locked_out.replace(":s3cr3t@", ":right@")
    user = conninfo_to_dict(url)["user"]
    table = postgres.new_table("id int primary key")
    postgres.run(f"grant select on {table} to {user}")
    with closing(postgres.end(table, url=url)) as end:
        assert end.shape() is not None
    postgres.run(f"alter role {user} nologin", f"revoke select on {table} from {user}")
    with pytest.raises(Reauthorise, match="refuses the login"):
        postgres.end(table, url=url).shape()


def test_a_key_that_the_table_makes_is_kept_when_a_row_comes_from_elsewhere(
    postgres: PostgresWorld,
) -> None:
    columns = "id int generated always as identity primary key, name text"
    end = postgres.end(postgres.new_table(columns))
    shape = end.shape()
    assert shape is not None
    assert all(column.writable for column in shape.columns)
    assert end.prepare(shape) == []
    receipt = end.write(writes(end, [{"id": 7, "name": "fresh"}]))
    assert (receipt.failures, len(receipt.moved)) == ((), 0)
    changed, added = {"id": 7, "name": "changed"}, {"id": 9, "name": "added"}
    receipt = end.write(writes(end, [changed, added], [{"id": 7, "name": "fresh"}, None]))
    assert (receipt.failures, len(receipt.moved)) == ((), 0)
    receipt = end.write(writes(end, [changed, added | {"id": 8}], [changed, None]))
    assert (receipt.failures, len(receipt.moved)) == ((), 0)
    assert scanned(end).to_pylist() == [changed, added | {"id": 8}, added]


def test_types_with_a_length_take_what_fits_and_refuse_what_does_not(
    postgres: PostgresWorld,
) -> None:
    table = postgres.new_table(
        "id int primary key, b bit(4), v bit varying(4), c char(2)[], w varchar(2)[],"
        " a bit(4)[], n numeric(4,2)[], k char(2)"
    )
    row = {
        "id": 1,
        "b": "0001",
        "v": "101",
        "c": '["ab","cd"]',
        "w": ["ab"],
        "a": '["0001","1000"]',
        "n": "[1.25]",
        "k": "ab",
    }
    end = postgres.end(table)
    receipt = end.write(writes(end, [row]))
    assert (receipt.failures, receipt.stored.to_pylist()) == ((), [])
    assert scanned(end, list(row)).to_pylist() == [row]
    for wrong in (
        {"b": "00010"},
        {"b": "1"},
        {"v": "10101"},
        {"c": '["abc"]'},
        {"w": ["abc"]},
        {"a": '["00010"]'},
    ):
        receipt = end.write(writes(end, [row | wrong], [row]))
        assert [failure.key for failure in receipt.failures] == ["a1"], wrong
    assert scanned(end, list(row)).to_pylist() == [row]


def test_a_time_that_the_table_rounds_is_told(postgres: PostgresWorld) -> None:
    end = postgres.end(postgres.new_table("id int primary key, n timestamp(0), w varchar(2)[]"))
    exact = datetime(2024, 1, 1, 12, 0, 0, 600_000)
    receipt = end.write(writes(end, [{"id": 1, "n": exact, "w": ["ab "]}]))
    rounded = datetime(2024, 1, 1, 12, 0, 1)
    assert receipt.stored.to_pylist() == [{"id": 1, "n": rounded, "w": ["ab"]}]


def test_arrays_of_arrays_go_there_and_back(postgres: PostgresWorld) -> None:
    end = postgres.end(postgres.new_table("id int primary key, n int[][], j jsonb[], m numeric[]"))
    first = {"id": 1, "n": "[[9,null],[2,3]]", "j": '["a",{"b":[1]},[2],null]', "m": "[]"}
    ragged = {"id": 2, "n": "[[9],[2,3]]", "j": None, "m": None}
    receipt = end.write(writes(end, [first, ragged]))
    assert [failure.key for failure in receipt.failures] == ["a2"]
    assert receipt.stored.to_pylist() == []
    empty = {"id": 1, "n": "[]", "j": "[]", "m": "[1.5]"}
    assert scanned(end).to_pylist() == [first]
    receipt = end.write(writes(end, [empty], [first]))
    assert (receipt.failures, receipt.stored.to_pylist()) == ((), [])
    assert scanned(end).to_pylist() == [empty]


@pytest.mark.parametrize("deferrable", [True, False])
def test_rows_that_trade_a_unique_value_need_a_deferrable_constraint(
    postgres: PostgresWorld, deferrable: bool
) -> None:
    unique = "unique deferrable" if deferrable else "unique"
    end = postgres.end(postgres.new_table(f"id int primary key, mail text {unique}"))
    before = [{"id": 1, "mail": "a@x"}, {"id": 2, "mail": "b@x"}]
    after = [{"id": 1, "mail": "b@x"}, {"id": 2, "mail": "a@x"}]
    end.write(writes(end, before))
    receipt = end.write(writes(end, after, before))
    assert scanned(end).to_pylist() == (after if deferrable else before)
    reasons = [failure.reason for failure in receipt.failures]
    assert len(reasons) == (0 if deferrable else 2)
    assert all("(mail)=(" in why and "make the constraint deferrable" in why for why in reasons)
    assert all("exists. Should two rows" in why for why in reasons)


def test_values_that_no_type_of_ours_holds_cost_their_row_only(postgres: PostgresWorld) -> None:
    table = postgres.new_table(
        "id int primary key, d date, n timestamp, u timestamptz, m numeric(5,2), w numeric,"
        " t text[], j json, h time"
    )
    for column, value in (
        ("d", "infinity"),
        ("d", "0044-03-15 BC"),
        ("n", "-infinity"),
        ("u", "20000-01-01"),
        ("m", "NaN"),
        ("w", "Infinity"),
        ("w", "1e30"),
        ("w", "0.123456789012345678901"),
        ("t", "{{a,b},{c,d}}"),
        ("j", "12345678901234567890123"),
        ("j", "0.1234567890123456789"),
        ("h", "24:00"),
        ("d", "2024-01-01"),
        ("w", "0.10000000000000000000000"),
    ):
        postgres.run(
            f"insert into {table} (id, {column}) select count(*) + 1, '{value}' from {table}"
        )
    (page,) = postgres.end(table).scan(["id", "d", "n", "u", "m", "w", "t", "j", "h"], None)
    assert page.rows["id"].to_pylist() == [13, 14]
    assert [failure.code for failure in page.failures] == ["unreadable"] * 12
    assert page.failures[4].reason == "m is not a number"
    end = postgres.end(table)
    keys = page.rows.select(["id"]).slice(0, 0)
    asked = pa.concat_tables([keys, pa.table({"id": pa.array([1, 13], pa.int64())}, keys.schema)])
    read = end.read(["d"], asked)
    assert (read.rows["id"].to_pylist(), [f.key for f in read.failures]) == ([13], ["a1"])


def test_what_is_larger_than_allowed_is_not_brought_into_memory(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, t text, b bytea")
    postgres.run(f"insert into {table} values (1, repeat('x', 1001), null), (2, 'x', 'y')")
    end = postgres.end(table, max_bytes=1_000)
    (page,) = end.scan(["id", "t", "b"], None)
    assert page.rows["id"].to_pylist() == [2]
    assert [(f.key, f.reason) for f in page.failures] == [("a1", "t has more than 1000 bytes")]


def test_numbers_are_told_as_they_are_stored(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, m numeric(6,2), f real, c char(4)")
    end = postgres.end(table)
    kinds = pa.schema([("id", pa.int64()), ("m", pa.decimal128(10, 4)), ("f", pa.float64())])
    asked = writes(end, [{"id": 1, "m": None, "f": 0.1}])
    rows = pa.Table.from_pylist([{"id": 1, "f": 0.1}], kinds)
    cents = pa.array(["1.2345"]).cast(pa.decimal128(10, 4))
    sent = replace(asked, upserts=rows.set_column(1, "m", cents))
    (stored,) = end.write(sent).stored.to_pylist()
    assert (float(stored["m"]), stored["f"]) == (1.23, 0.10000000149011612)


def test_a_table_of_another_schema_is_found_by_it(postgres: PostgresWorld) -> None:
    schema = f"s_{uuid4().hex[:8]}"
    postgres.run(f"create schema {schema}", f"create table {schema}.t (id int primary key)")
    end = postgres.end("t", schema=schema)
    assert end.shape() is not None
    assert postgres.end("t", schema="public").shape() is None
    with pytest.raises(BadInput) as unnamed:
        postgres.end(None).shape()
    assert f"{schema}.t" in unnamed.value.hint
    whole = postgres.end(f"{schema}.t")
    assert whole.shape() == end.shape()
    wanted = Shape(columns=(Column(name="id", type=pa.int64()),), key=("id",))
    made = postgres.end(f"{schema}.made")
    made.prepare(wanted)
    assert made.shape() is not None
    assert postgres.end("made", schema=schema).shape() == made.shape()
    postgres.run(f"drop schema {schema} cascade")
    with pytest.raises(BadInput, match=f'schema "{schema}" does not exist'):
        postgres.end(f"{schema}.made").prepare(wanted)


def test_a_name_with_a_dot_is_a_table_where_its_schema_is_said(postgres: PostgresWorld) -> None:
    schema = f"s_{uuid4().hex[:8]}"
    postgres.run(f"create schema {schema}", f'create table {schema}."a.b" (id int primary key)')
    assert postgres.end("a.b", schema=schema).shape() is not None
    assert postgres.end("a.b").shape() is None
    postgres.run(f"drop schema {schema} cascade")


def test_a_view_is_read_by_a_key_that_is_named(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, name text")
    postgres.run(
        f"insert into {table} values (2, 'b'), (1, 'a')",
        f"create view {table}_v as select id, upper(name) as name from {table}",
    )
    with pytest.raises(BadInput, match="has no primary key"):
        postgres.end(f"{table}_v").shape()
    rows = scanned(postgres.end(f"{table}_v", key=["id"]))
    postgres.run(f"drop view {table}_v")
    assert rows.to_pylist() == [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}]


def test_a_key_without_an_index_is_not_written_to(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int, name text")
    end = postgres.end(table, key=["id"])
    with pytest.raises(BadInput, match="has no unique index over id"):
        end.write(writes(end, [{"id": 1, "name": "x"}]))


def test_rows_that_a_trigger_leaves_out_are_told(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, name text")
    postgres.run(
        f"create function {table}_f() returns trigger language plpgsql as $$ begin"
        " if new.name = 'no' then return null; end if;"
        " if new.name = 'never' then raise exception 'we never take this'; end if;"
        " return new; end $$",
        f"create trigger t before insert or update on {table} for each row"
        f" execute function {table}_f()",
    )
    end = postgres.end(table)
    rows = [{"id": n, "name": name} for n, name in enumerate(["yes", "no", "never", "also"])]
    receipt = end.write(writes(end, rows))
    assert [(f.key, f.code) for f in receipt.failures] == [("a1", "refused"), ("a2", "refused")]
    assert receipt.failures[1].reason == "we never take this"
    assert [row[0] for row in postgres.rows(f"select id from {table} order by id")] == [0, 3]


def test_rows_that_only_fail_at_the_end_of_the_transaction_are_told_too(
    postgres: PostgresWorld,
) -> None:
    parent = postgres.new_table("id int primary key")
    table = postgres.new_table(
        f"id int primary key, p int references {parent} deferrable initially deferred"
    )
    postgres.run(f"insert into {parent} values (1)")
    end = postgres.end(table)
    receipt = end.write(writes(end, [{"id": 1, "p": 1}, {"id": 2, "p": 2}]))
    assert [(f.key, f.code) for f in receipt.failures] == [("a2", "foreign_key")]
    assert postgres.rows(f"select id from {table}") == [(1,)]


def test_a_row_that_is_changed_while_we_wait_for_it_has_moved(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, name text")
    postgres.run(f"insert into {table} values (1, 'a')")
    end = postgres.end(table, timeout_s=60.0)
    asked = writes(end, [{"id": 1, "name": "mine"}], [{"name": "a"}])
    told: list[RowReceipt] = []
    writer = Thread(target=lambda: told.append(end.write(asked)))
    with closing(postgres.connect()) as other, other.transaction():
        other.execute(f"update {table} set name = 'theirs'".encode())
        writer.start()
        with closing(postgres.connect()) as looking:
            while not looking.execute(
                "select 1 from pg_locks where not granted and pid in"
                " (select pid from pg_stat_activity where datname = current_database())"
            ).fetchall():
                pass
    writer.join()
    assert told[0].moved["id"].to_pylist() == [1]
    assert postgres.rows(f"select name from {table}") == [("theirs",)]


def test_a_row_that_somebody_holds_for_too_long_is_left_for_later(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, name text")
    postgres.run(f"insert into {table} values (1, 'a')")
    end = postgres.end(table, timeout_s=0.1)
    asked = writes(end, [{"id": 1, "name": "mine"}], [{"name": "a"}])
    with closing(postgres.connect()) as other, other.transaction():
        other.execute(f"update {table} set name = 'theirs'".encode())
        with pytest.raises(Unavailable, match="LockNotAvailable"):
            end.write(asked)
    assert end.write(asked).moved["id"].to_pylist() == [1]


def test_a_connection_that_is_lost_may_have_written_and_the_next_one_works(
    postgres: PostgresWorld,
) -> None:
    table = postgres.new_table("id int primary key, name text")
    end = postgres.end(table)
    asked = writes(end, [{"id": 1, "name": "x"}])
    postgres.run(
        f"create function {table}_f() returns trigger language plpgsql as $$ begin"
        " perform pg_terminate_backend(pg_backend_pid()); return new; end $$",
        f"create constraint trigger t after insert on {table} deferrable initially deferred"
        f" for each row execute function {table}_f()",
    )
    with pytest.raises(Unavailable) as told:
        end.write(asked)
    assert told.value.hint == "What was under way may or may not have happened."
    postgres.run(f"drop trigger t on {table}")
    assert len(end.write(asked).moved) == 0
    assert postgres.rows(f"select id from {table}") == [(1,)]


def test_a_database_that_takes_no_writes_can_be_read(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id text primary key, name text")
    odd = ["a", 'q"uote', "back\\slash", "com,ma", "{}", "null", "", "it's"]
    with closing(postgres.connect()) as connection, connection.cursor() as cursor:
        cursor.executemany(f"insert into {table} values (%s)".encode(), [(k,) for k in odd])
    only_read = "options=-c%20default_transaction_read_only%3Don"
    end = postgres.end(table, url=f"{postgres.url}&{only_read}")
    assert scanned(end, ["id"])["id"].to_pylist() == sorted(odd)
    read = end.read(["id"], pa.table({"id": [*odd, "none"]}))
    assert sorted(read.rows["id"].to_pylist()) == sorted(odd)
    with pytest.raises(BadInput, match="takes no writes"):
        end.write(writes(end, [{"id": "x", "name": "x"}]))


def test_a_user_without_rights_is_told_what_to_ask_for(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, name text")
    user = f"guest_{uuid4().hex[:8]}"
    postgres.run(f"create role {user} login", f"grant select on {table} to {user}")
    url = postgres.url.replace("//postgres@", f"//{user}@")
    end = postgres.end(table, url=url)
    assert len(scanned(end)) == 0
    with pytest.raises(Reauthorise, match="does not let this user") as told:
        end.write(writes(end, [{"id": 1, "name": "x"}]))
    assert "insert, update and delete to write" in told.value.hint
    end.close()
    postgres.run(f"revoke all on {table} from {user}", f"drop role {user}")


@pytest.fixture
def locked_out(postgres: PostgresWorld) -> Iterator[str]:
    """The url of a user with a password, in which the password is wrong."""
    user = f"locked_{uuid4().hex[:8]}"
    with closing(postgres.connect()) as connection:
        connection.execute("select pg_advisory_lock(7)")  # two workers must not alter it at once
        (file, lines), *_ = connection.execute(
            "select current_setting('hba_file'), pg_read_file(current_setting('hba_file'))"
        ).fetchall()
        rule = f"local all {user} scram-sha-256"
        connection.execute(f"create role {user} login password 'right'".encode())
        connection.execute(
            f"copy (select unnest(string_to_array($hba${rule}\n{lines}$hba$, chr(10))))"
            f" to '{file}'".encode()
        )
        connection.execute("select pg_reload_conf()")
        connection.execute("select pg_advisory_unlock(7)")
    yield postgres.url.replace("//postgres@", f"//{user}:s3cr3t@")
    postgres.run(f"drop role {user}")


def test_a_wrong_password_is_told_and_never_shown(postgres: PostgresWorld, locked_out: str) -> None:
    end = postgres.end("anything", url=locked_out)
    with pytest.raises(Reauthorise, match="refuses the login") as told:
        end.shape()
    said = f"{told.value!r} {told.value.as_dict()} {end.connection!r} {vars(end)}"
    assert "s3cr3t" not in said


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("postgresql://me:s3cr3t@127.0.0.1:1/x", Unavailable, "nobody listens there"),
        ("postgresql://me:s3cr3t@no.such.host.invalid/x", Unavailable, "host name is unknown"),
        ("postgresql://me:s3c%zzr3t@127.0.0.1/x", BadInput, "is none that Postgres knows"),
    ],
)
def test_a_server_that_is_not_there_is_told_in_one_sentence(
    postgres: PostgresWorld, url: str, kind: type[LiveSyncError], said: str
) -> None:
    with pytest.raises(kind, match=said) as told:
        postgres.end("anything", url=url).shape()
    assert "r3t" not in f"{told.value} {told.value.hint} {told.value.where}"


def test_a_server_that_does_not_answer_holds_up_nobody_who_asks_another(
    postgres: PostgresWorld,
) -> None:
    with create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as other:
        url = f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/x"
        asked = other.submit(postgres.end("anything", url=url, timeout_s=60).shape)
        connection, _ = server.accept()
        with connection:
            assert postgres.end(postgres.new_table("id int primary key")).shape() is not None
            assert not asked.done()
        with pytest.raises(Unavailable):
            asked.result()


def test_a_database_that_is_not_there_is_bad_input(postgres: PostgresWorld) -> None:
    url = postgres.url.replace("/things_", "/no_such_")
    with pytest.raises(BadInput, match="the server has no such database"):
        postgres.end("anything", url=url).shape()


def test_a_scan_sees_one_moment_while_others_write(postgres: PostgresWorld) -> None:
    table = postgres.new_table("id int primary key, n int")
    postgres.run(f"insert into {table} select i, 0 from generate_series(1, 30000) i")
    end = postgres.end(table)
    pages = end.scan(["id", "n"], None)
    first = next(pages)
    postgres.run(f"update {table} set n = 1", f"delete from {table} where id > 20000")
    rows = pa.concat_tables([first.rows, *(page.rows for page in pages)])
    assert len(rows) == 30_000
    assert set(rows["n"].to_pylist()) == {0}


def followed(end: SqlTable, cursor: str) -> tuple[set[Any], str]:
    pages = list(end.changed(cursor))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    keys = [tuple(row.values()) for page in pages for row in page.keys.to_pylist()]
    assert len(keys) == len(set(keys))
    return set(keys), pages[-1].cursor


@pytest.fixture
def fed(postgres: PostgresWorld) -> tuple[str, SqlTable]:
    table = postgres.new_table("id int primary key, name text")
    postgres.run(f"insert into {table} values (1, 'a'), (2, 'b')")
    return table, postgres.end(table, feed="trigger")


def cursor_of(end: SqlTable) -> str:
    cursor = end.cursor()
    assert cursor is not None
    return cursor


def test_a_feed_tells_the_keys_of_what_was_written_since(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    start = cursor_of(end)
    assert followed(end, start)[0] == set()
    postgres.run(
        f"insert into {table} select i, 'x' from generate_series(10, 12) i",
        f"update {table} set name = 'y' where id = 1",
        f"update {table} set id = 20 where id = 2",
        f"delete from {table} where id = 11",
    )
    keys, cursor = followed(end, start)
    assert keys == {(10,), (11,), (12,), (1,), (2,), (20,)}
    assert followed(end, cursor)[0] == set()
    assert followed(end, start)[0] == keys
    assert cursor_of(end).split()[0] == start.split()[0]


def test_our_own_writes_are_in_the_feed_too(fed: tuple[str, SqlTable]) -> None:
    _, end = fed
    start = cursor_of(end)
    end.write(writes(end, [{"id": 5, "name": "x"}]))
    end.write(writes(end, [{"id": 5, "name": "y"}], [{"name": "x"}]))
    assert followed(end, start)[0] == {(5,)}


def test_transactions_that_end_in_another_order_than_they_began_are_not_missed(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    cursor = cursor_of(end)
    with closing(postgres.connect()) as early, closing(postgres.connect()) as late:
        with early.transaction():
            early.execute(f"insert into {table} values (100, 'early')".encode())
            with late.transaction():
                late.execute(f"insert into {table} values (200, 'late')".encode())
            keys, cursor = followed(end, cursor)
            assert keys == {(200,)}
            keys, cursor = followed(end, cursor)
            assert keys == set()
            early.execute(f"insert into {table} values (101, 'early')".encode())
        keys, cursor = followed(end, cursor)
        assert keys == {(100,), (101,)}
    assert followed(end, cursor)[0] == set()


def test_what_was_rolled_back_is_not_in_the_feed(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    cursor = cursor_of(end)
    with closing(postgres.connect()) as other, other.transaction() as undone:
        other.execute(f"insert into {table} values (100, 'x')".encode())
        raise psycopg.Rollback(undone)
    assert followed(end, cursor)[0] == set()


def test_many_changes_come_in_pages_and_only_the_last_moves_the_place(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    start = cursor_of(end)
    last = 9 + 2 * PAGE_ROWS + 5
    postgres.run(f"insert into {table} select i, 'x' from generate_series(10, {last}) i")
    pages = list(end.changed(start))
    assert [len(page.keys) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 5]
    assert [page.cursor == start for page in pages] == [True, True, False]


@pytest.mark.parametrize(
    "what",
    [
        "truncate {table}",
        "drop function {log}() cascade",
        "alter table {table} disable trigger all",
        "alter table {table} rename column id to number; insert into {table} values (7, 'x')",
        "drop table {log}; insert into {table} values (7, 'x')",
        "update {log} set at = now() - interval '8 days'",
    ],
)
def test_a_feed_that_cannot_tell_any_more_says_so(
    postgres: PostgresWorld, fed: tuple[str, SqlTable], what: str
) -> None:
    table, end = fed
    cursor = cursor_of(end)
    ((log,),) = postgres.rows(
        f"select tgfoid::regproc::text from pg_trigger where tgrelid = '{table}'::regclass limit 1"
    )
    postgres.run(f"insert into {table} values (3, 'c')")
    for statement in what.format(table=table, log=log).split("; "):
        postgres.run(statement)
    with pytest.raises(CursorExpired):
        list(end.changed(cursor))


def test_a_feed_that_was_taken_away_is_put_back_and_begins_anew(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    old = cursor_of(end)
    ((log,),) = postgres.rows(
        f"select tgfoid::regproc::text from pg_trigger where tgrelid = '{table}'::regclass limit 1"
    )
    postgres.run(f"drop function {log}() cascade")
    new = cursor_of(end)
    with pytest.raises(CursorExpired):
        list(end.changed(old))
    postgres.run(f"insert into {table} values (3, 'c')")
    assert followed(end, new)[0] == {(3,)}


@pytest.mark.parametrize(
    "cursor", ["", "x", "1-2 nonsense", "{epoch} 99999999:99999999:", "{epoch} x"]
)
def test_a_place_that_is_none_costs_a_scan(fed: tuple[str, SqlTable], cursor: str) -> None:
    _, end = fed
    epoch = cursor_of(end).partition(" ")[0]
    with pytest.raises(CursorExpired):
        list(end.changed(cursor.format(epoch=epoch)))


def oldest_open(cursor: str) -> int:
    """The first transaction that had not ended at a place in a feed."""
    return int(cursor.split()[1].partition(":")[0])


def test_old_changes_are_taken_out_of_the_log(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    cursor_of(end)
    ((log,),) = postgres.rows(
        f"select tgfoid::regproc::text from pg_trigger where tgrelid = '{table}'::regclass limit 1"
    )
    postgres.run(
        f"insert into {table} values (3, 'c')",
        f"update {log} set at = now() - interval '8 days'",
    )
    ((last,),) = postgres.rows(f"select max(xact)::text::bigint from {log}")
    while oldest_open(now := cursor_of(end)) <= last:
        sleep(0.05)  # transactions of other databases count too, and one of them was there before
    assert followed(end, now)[0] == set()
    assert postgres.rows(f"select what from {log}") == [("pruned",)]


def test_one_waits_until_something_has_changed(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    table, end = fed
    cursor_of(end)
    assert end.wait(60.0)  # nobody has listened until now
    assert not end.wait(0.0)
    postgres.run(f"insert into {table} values (3, 'c')")
    assert end.wait(60.0)
    assert not end.wait(0.0)


def test_the_tables_of_a_feed_are_not_shown_as_tables(
    postgres: PostgresWorld, fed: tuple[str, SqlTable]
) -> None:
    cursor_of(fed[1])
    with pytest.raises(BadInput) as told:
        postgres.end(None).shape()
    assert "livesync_log" not in told.value.hint


def test_a_view_and_a_table_with_partitions_can_have_no_feed(postgres: PostgresWorld) -> None:
    table = postgres.new_table()
    postgres.run(f"create table {table} (id int primary key) partition by range (id)")
    with pytest.raises(BadInput, match="can have no feed"):
        postgres.end(table, feed="trigger").cursor()


def test_a_nan_in_a_float_and_a_time_without_a_zone_are_as_in_pandas(
    postgres: PostgresWorld,
) -> None:
    table = postgres.new_table("id int primary key, f float8, n timestamp, u timestamptz")
    postgres.run(
        f"insert into {table} values (1, 'NaN', '2024-03-31 02:30', '2024-03-31 02:30+02'),"
        " (2, 'Infinity', '1900-01-01 00:00:00.000001', '9999-12-31 23:59:59+00')"
    )
    rows = scanned(postgres.end(table)).to_pylist()
    frame = postgres.frame(f"select * from {table} order by id")
    assert math.isnan(rows[0]["f"])
    assert math.isnan(frame["f"][0])
    for row, theirs in zip(rows, frame.to_dict("records"), strict=True):
        assert row["n"] == theirs["n"]
        assert row["u"] == theirs["u"]
        assert isinstance(row["u"], datetime)
    assert rows[1]["f"] == math.inf
