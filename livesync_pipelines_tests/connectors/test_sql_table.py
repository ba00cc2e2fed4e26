"""What a table is as an end of a row sync, the same for each database."""

from __future__ import annotations

import math
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from threading import Thread
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors.rows import PAGE_ROWS, FollowsRows, RowEnd, WritesRows
from livesync_pipelines.connectors.sql_table import SqlTable, SqlTableConnection
from livesync_pipelines.core.row_keys import encode
from livesync_pipelines.model.errors import BadInput, CursorExpired
from livesync_pipelines.model.rows import Column, RowPage, Shape
from livesync_pipelines_tests.connectors.sql_worlds import World, column_of, scanned, writes

CONTACTS = "id {int} primary key, name {text}, age {small}, score {float}"
TEXTS = [
    "",
    " ",
    "A",
    "Z",
    "a",
    "a ",
    "a\t",
    "aa",
    "z",
    "~",
    "ä",
    "É",
    "ß",
    "€",
    "中",
    "\ufeff",
    "😀",
]
INTS = [-(2**63), -100, -10, -9, -1, 0, 1, 9, 10, 99, 100, 2**63 - 1]


def fill(world: World, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    mark = "?" if world.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(rows[0]))
    with closing(world.connect()) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("begin")
        cursor.executemany(f"insert into {table} ({columns}) values ({marks})", rows)
        cursor.execute("commit")


def people(world: World, count: int = 3) -> tuple[str, SqlTable]:
    table = world.new_table(CONTACTS)
    fill(
        world,
        table,
        "id, name, age, score",
        [(n, f"name {n}", n % 100, n / 4) for n in range(1, count + 1)],
    )
    return table, world.end(table)


def keys(shape: Shape, *rows: Any) -> pa.Table:
    schema = pa.schema([(name, column_of(shape, name).type) for name in shape.key])
    return pa.Table.from_pylist([dict(zip(shape.key, row, strict=True)) for row in rows], schema)


def test_it_is_found_by_its_name_and_can_do_what_its_class_shows() -> None:
    assert ROW_ENDS["sql_table"] is SqlTable
    assert issubclass(SqlTable, RowEnd)
    assert issubclass(SqlTable, WritesRows)
    assert issubclass(SqlTable, FollowsRows)


def test_it_says_which_names_it_takes_and_takes_them(world: World) -> None:
    longest = {"postgres": "é" * 31 + "e", "sqlite": "é" * 200, "mariadb": "é" * 64}[world.name]
    two = {"postgres": "NUM", "sqlite": "É", "mariadb": "x"}[world.name]
    names = list(dict.fromkeys(["id", longest, two.lower(), two]))
    end = world.end(world.new_table())
    assert end.misnamed(names) == []
    columns = tuple(Column(name=name, type=pa.int64()) for name in names)
    end.prepare(Shape(columns=columns, key=("id",)))
    shape = end.shape()
    assert shape is not None
    assert shape.schema.names == names
    longer = [] if world.name == "sqlite" else [f"{longest}e"]
    assert len(end.misnamed([*names, *longer])) == len(longer)
    assert len(end.misnamed(["id", "ID"])) == (world.name != "postgres")


def test_a_driver_that_the_url_names_does_not_count(world: World) -> None:
    table, end = people(world)
    scheme, _, address = world.url.partition("://")
    for driver in ("psycopg", "pymysql", "anything"):
        named = world.end(table, url=f"{scheme}+{driver}://{address}")
        assert scanned(named).equals(scanned(end))


@pytest.mark.parametrize("url", ["mssql+pyodbc://h/db", "+psycopg://h/db", "postgresql+psycopg://"])
def test_the_url_of_another_database_is_refused_with_those_that_are_known(url: str) -> None:
    with pytest.raises(ValidationError, match="it begins with postgresql://, sqlite://, mysql://"):
        SqlTableConnection.model_validate({"url": url})


def test_a_table_tells_its_columns_their_types_and_its_key(world: World) -> None:
    table = world.new_table(
        "id {int} primary key, b {bool}, s {small}, f {float}, t {text}, d {date}, h {time},"
        " n {naive}, u {utc}, m {decimal}, j {json}, x {bytes}, v {short} not null"
    )
    shape = world.end(table).shape()
    assert shape is not None
    assert shape.key == ("id",)
    assert {c.name: c.type for c in shape.columns} == {
        "id": pa.int64(),
        "b": pa.bool_(),
        "s": pa.int64(),
        "f": pa.float64(),
        "t": pa.string(),
        "d": pa.date32(),
        "h": pa.time64("us"),
        "n": pa.timestamp("us"),
        "u": pa.timestamp("us", tz="UTC"),
        "m": pa.decimal128(12, 2),
        "j": pa.string(),
        "x": pa.binary(),
        "v": pa.string(),
    }
    assert [c.name for c in shape.columns if c.json] == ["j"]
    assert [c.name for c in shape.columns if not c.nullable] == ["id", "v"]
    if world.name != "sqlite":
        assert shape.column("s") == Column(name="s", type=pa.int64(), bits=16)
        assert shape.column("v") == Column(name="v", type=pa.string(), nullable=False, max_chars=5)


def test_only_the_chosen_columns_belong_to_the_shape(world: World) -> None:
    table, _ = people(world)
    shape = world.end(table, columns=["name"], modified="score", actor="age").shape()
    assert shape is not None
    assert [c.name for c in shape.columns] == ["id", "name", "age", "score"]
    assert (shape.modified, shape.actor) == ("score", "age")
    shape = world.end(table, columns=["name"]).shape()
    assert shape is not None
    assert [c.name for c in shape.columns] == ["id", "name"]


def test_a_table_that_is_not_there_has_no_shape(world: World) -> None:
    table = world.new_table()
    assert world.end(table).shape() is None


def test_whoever_scans_a_table_that_is_not_there_is_told_which_ones_are(world: World) -> None:
    table, _ = people(world)
    with pytest.raises(BadInput, match="is not there") as told:
        list(world.end(table[:-1]).scan(["id"], None))
    assert f"Did you mean {table}?" in told.value.hint


def test_without_a_table_the_tables_are_listed(world: World) -> None:
    table, _ = people(world)
    with pytest.raises(BadInput, match="no table is named") as told:
        world.end(None).shape()
    assert table in told.value.hint


def test_a_column_that_is_not_there_is_told_with_the_nearest(world: World) -> None:
    table, end = people(world)
    with pytest.raises(BadInput, match="no column 'nam'") as told:
        world.end(table, columns=["nam"]).shape()
    assert "Did you mean name?" in told.value.hint
    with pytest.raises(BadInput, match="no column 'nam'"):
        list(end.scan(["nam"], None))


def test_a_table_without_a_key_asks_for_one_and_names_its_columns(world: World) -> None:
    table = world.new_table("id {int}, name {text}")
    with pytest.raises(BadInput, match="no primary key") as told:
        world.end(table).shape()
    assert "id, name" in told.value.hint
    assert world.end(table, key=["id"]).shape() is not None


def test_a_float_can_be_no_key(world: World) -> None:
    table = world.new_table("id {int}, score {float}")
    with pytest.raises(BadInput, match=r"'score' .* cannot be part of a key"):
        world.end(table, key=["score"]).shape()


def test_rows_come_in_the_order_of_their_numbers(world: World) -> None:
    table = world.new_table(CONTACTS)
    fill(world, table, "id", [(n,) for n in reversed(INTS)])
    rows = scanned(world.end(table))
    assert rows["id"].to_pylist() == INTS
    assert encode(rows, ["id"]).to_pylist() == sorted(encode(rows, ["id"]).to_pylist())


def test_rows_come_in_the_order_of_the_code_points_of_their_texts(world: World) -> None:
    table = world.new_table("id {key_text}, n {int}")
    fill(world, table, "id", [(text,) for text in reversed(TEXTS)])
    rows = scanned(world.end(table, key=["id"]))
    assert rows["id"].to_pylist() == sorted(TEXTS)


def test_keys_of_several_columns_are_ordered_one_after_the_other(world: World) -> None:
    table = world.new_table("a {key_text}, b {int}, c {date}, n {int}, primary key (a, b, c)")
    days = ["1999-12-31", "2024-02-29"]
    wanted = [(a, b, c) for a in ("A", "a", "ab") for b in (-5, 3) for c in days]
    if world.name == "mariadb":
        wanted = [key for key in wanted if key[0] != "A"]  # its usual collation knows no case
    fill(world, table, "a, b, c", list(reversed(wanted)))
    rows = scanned(world.end(table))
    told = list(zip(*(rows[name].to_pylist() for name in "abc"), strict=True))
    assert told == [(a, b, date.fromisoformat(c)) for a, b, c in wanted]
    assert encode(rows, list("abc")).to_pylist() == sorted(encode(rows, list("abc")).to_pylist())


@pytest.mark.parametrize("count", [0, 1, PAGE_ROWS, PAGE_ROWS + 1, 2 * PAGE_ROWS + 3])
def test_every_row_is_in_one_page_and_the_last_page_says_so(world: World, count: int) -> None:
    _, end = people(world, count) if count else (None, world.end(world.new_table(CONTACTS)))
    pages = list(end.scan(["id", "name"], None))
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert all(len(page.rows) <= PAGE_ROWS for page in pages)
    rows = pa.concat_tables(page.rows for page in pages)
    assert rows.column_names == ["id", "name"]
    assert rows["id"].to_pylist() == list(range(1, count + 1))


def test_a_scan_goes_on_after_a_key(world: World) -> None:
    _, end = people(world, 10)
    assert scanned(end, ["id"], [7])["id"].to_pylist() == [8, 9, 10]
    table = world.new_table("a {key_text}, b {int}, n {int}, primary key (a, b)")
    fill(world, table, "a, b", [("x", 1), ("x", 2), ("y", 1), ("y", 2)])
    rows = scanned(world.end(table), ["b", "a"], ["x", 2])
    assert rows.to_pylist() == [{"b": 1, "a": "y"}, {"b": 2, "a": "y"}]


def test_the_key_comes_along_unasked(world: World) -> None:
    _, end = people(world, 1)
    assert scanned(end, ["name"]).to_pylist() == [{"id": 1, "name": "name 1"}]


def test_rows_without_a_key_and_rows_that_share_one_are_told_and_the_rest_goes_on(
    world: World,
) -> None:
    table = world.new_table("id {int}, name {text}")
    fill(world, table, "id, name", [(1, "a"), (2, "b"), (2, "c"), (3, "d"), (None, "e")])
    pages = list(world.end(table, key=["id"]).scan(["id", "name"], None))
    assert pa.concat_tables(page.rows for page in pages)["id"].to_pylist() == [1, 3]
    told = [failure for page in pages for failure in page.failures]
    assert sorted((failure.key, failure.code) for failure in told) == [
        ("a2", "same_key"),
        ("a2", "same_key"),
        ("id=None", "no_key"),
    ]


def test_rows_that_share_a_key_are_told_across_pages(world: World) -> None:
    table = world.new_table("id {int}, name {text}")
    last = PAGE_ROWS
    ids = [*range(1, last + 1), last, last, last + 1]
    fill(world, table, "id", [(n,) for n in ids])
    pages = list(world.end(table, key=["id"]).scan(["id"], None))
    assert pa.concat_tables(p.rows for p in pages)["id"].to_pylist() == [*range(1, last), last + 1]
    assert [f.code for p in pages for f in p.failures] == ["same_key"] * 3


def test_rows_are_read_by_their_keys(world: World) -> None:
    _, end = people(world, 1_200)
    shape = end.shape()
    assert shape is not None
    page = end.read(["name"], keys(shape, (3,), (1_200,), (99_999,), (-1,)))
    assert isinstance(page, RowPage)
    assert sorted(page.rows["name"].to_pylist()) == ["name 1200", "name 3"]
    many = end.read(["id"], keys(shape, *((n,) for n in range(1, 1_201))))
    assert sorted(many.rows["id"].to_pylist()) == list(range(1, 1_201))
    assert len(end.read(["id"], keys(shape)).rows) == 0


def test_rows_are_read_by_keys_of_several_columns_letter_by_letter(world: World) -> None:
    table = world.new_table("a {key_text}, b {int}, n {int}, primary key (a, b)")
    fill(world, table, "a, b, n", [("x", 1, 1), ("x", 2, 2), ("y", 1, 3)])
    end = world.end(table)
    shape = end.shape()
    assert shape is not None
    page = end.read(["n"], keys(shape, ("x", 2), ("X", 1), ("y", 2), ("y ", 1)))
    assert page.rows["n"].to_pylist() == [2]


def test_rows_are_added_changed_and_taken_out(world: World) -> None:
    table, end = people(world)
    receipt = end.write(
        writes(
            end,
            upserts=[{"id": 7, "name": "seven"}, {"id": 1, "name": "one"}],
            expected=[None, {"name": "name 1"}],
            deletes=[{"id": 2, "name": "name 2"}],
        )
    )
    assert (len(receipt.stored), len(receipt.moved), receipt.failures) == (0, 0, ())
    rows = world.rows(f"select id, name, age from {table} order by id")
    assert rows == [(1, "one", 1), (3, "name 3", 3), (7, "seven", None)]


def test_columns_that_are_not_sent_stay_as_they_are(world: World) -> None:
    table, end = people(world)
    end.write(writes(end, [{"id": 3, "age": 33}], [{"age": 3}]))
    assert world.rows(f"select name, age, score from {table} where id = 3") == [
        ("name 3", 33, 0.75)
    ]


def test_a_row_that_was_changed_meanwhile_has_moved_and_stays(world: World) -> None:
    table, end = people(world, 4)
    asked = writes(
        end,
        upserts=[
            {"id": 1, "name": "mine"},
            {"id": 2, "name": "mine"},
            {"id": 3, "name": "mine"},
            {"id": 9, "name": "mine"},
        ],
        expected=[{"name": "name 1"}, {"name": "name 2"}, None, {"name": "name 9"}],
        deletes=[{"id": 4, "name": "name 4"}],
    )
    world.run(f"update {table} set name = 'theirs' where id in (1, 4)")
    receipt = end.write(asked)
    assert sorted(receipt.moved["id"].to_pylist()) == [1, 3, 4, 9]
    assert receipt.failures == ()
    rows = world.rows(f"select id, name from {table} order by id")
    assert rows == [(1, "theirs"), (2, "mine"), (3, "name 3"), (4, "theirs")]


def test_what_is_sent_twice_is_there_once(world: World) -> None:
    table, end = people(world, 1)
    asked = writes(
        end,
        upserts=[{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        expected=[{"name": "name 1"}, None],
    )
    for _ in range(2):
        receipt = end.write(asked)
        assert (len(receipt.stored), len(receipt.moved), receipt.failures) == (0, 0, ())
    gone = writes(end, deletes=[{"id": 1, "name": "one"}])
    for _ in range(2):
        assert len(end.write(gone).moved) == 0
    assert world.rows(f"select id, name from {table}") == [(2, "two")]


def test_a_first_load_that_meets_some_of_its_rows_writes_the_others(world: World) -> None:
    table, end = people(world, 2)
    receipt = end.write(writes(end, [{"id": n, "name": f"new {n}"} for n in range(1, 6)]))
    assert receipt.moved["id"].to_pylist() == [1, 2]
    assert world.rows(f"select id, name from {table} order by id") == [
        (1, "name 1"),
        (2, "name 2"),
        (3, "new 3"),
        (4, "new 4"),
        (5, "new 5"),
    ]


def test_rows_that_are_refused_are_told_and_the_rest_is_written(world: World) -> None:
    parent = world.new_table("id {int} primary key")
    world.run(f"insert into {parent} (id) values (1)")
    table = world.new_table(
        "id {int} primary key, mail {key_text} unique, age {small} check (age >= 0),"
        f" short {{short}} check (length(short) <= 5), parent {{int}}, must {{text}} not null,"
        f" foreign key (parent) references {parent} (id)"
    )
    end = world.end(table)
    good = {"mail": None, "age": 1, "short": "ok", "parent": 1, "must": "x"}
    receipt = end.write(
        writes(
            end,
            [
                {"id": 1, **good, "mail": "a@b"},
                {"id": 2, **good, "mail": "a@b"},
                {"id": 3, **good, "age": -1},
                {"id": 4, **good, "short": "too long"},
                {"id": 5, **good, "parent": 99},
                {"id": 6, **good, "must": None},
                {"id": 7, **good},
                {"id": 7, **good},
                {"id": None, **good},
                {"id": 8, **good},
            ],
        )
    )
    told = {(failure.key, failure.code) for failure in receipt.failures}
    assert told >= {("a2", "duplicate"), ("a3", "check"), ("a5", "foreign_key"), ("a6", "null")}
    assert told >= {("a7", "same_key"), ("id=None", "no_key")}
    assert {key for key, _ in told} == {"a2", "a3", "a4", "a5", "a6", "a7", "id=None"}
    assert all(failure.reason for failure in receipt.failures)
    assert not any("a@b" in f.reason for f in receipt.failures if f.key != "a2")
    assert [row[0] for row in world.rows(f"select id from {table} order by id")] == [1, 8]
    assert len(receipt.moved) == 0


def test_a_row_that_waits_for_another_one_of_the_same_page_is_written(world: World) -> None:
    table = world.new_table("id {int} primary key, parent {int}, age {small} check (age >= 0)")
    own = f"foreign key (parent) references {table} (id)"
    if world.name == "sqlite":
        world.run(
            f"drop table {table}",
            f"create table {table} (id bigint primary key, parent bigint,"
            f" age int check (age >= 0), {own})",
        )
    else:
        world.run(f"alter table {table} add {own}")
    end = world.end(table)
    rows: list[dict[str, Any]] = [
        {"id": 1, "parent": 9, "age": 1},
        {"id": 2, "parent": None, "age": -1},
        {"id": 9, "parent": None, "age": 1},
    ]
    receipt = end.write(writes(end, rows))
    assert [failure.key for failure in receipt.failures] == ["a2"]
    assert [row[0] for row in world.rows(f"select id from {table} order by id")] == [1, 9]


def test_what_the_table_stores_otherwise_is_told(world: World) -> None:
    table = world.new_table("id {int} primary key, name {text}, n {int}")
    if world.name == "postgres":
        world.run(
            f"create function {table}_f() returns trigger language plpgsql as"
            " $$ begin new.name := upper(new.name); return new; end $$",
            f"create trigger up before insert or update on {table}"
            f" for each row execute function {table}_f()",
        )
    elif world.name == "sqlite":
        for event in ("insert", "update of name"):
            world.run(
                f"create trigger {table}_{event[0]} after {event} on {table}"
                " when new.name <> upper(new.name)"
                f" begin update {table} set name = upper(new.name) where id = new.id; end"
            )
    else:
        for event in ("insert", "update"):
            world.run(
                f"create trigger {table}_{event[0]} before {event} on {table} for each row"
                " set new.name = upper(new.name)"
            )
    end = world.end(table)
    receipt = end.write(
        writes(end, [{"id": 1, "name": "a", "n": 1}, {"id": 2, "name": "B", "n": 2}])
    )
    assert receipt.stored.to_pylist() == [{"id": 1, "name": "A", "n": 1}]
    receipt = end.write(writes(end, [{"id": 2, "name": "c"}], [{"name": "B"}]))
    assert receipt.stored.to_pylist() == [{"id": 2, "name": "C"}]
    assert (len(receipt.moved), receipt.failures) == (0, ())


def test_a_column_that_the_table_computes_is_not_written(world: World) -> None:
    expression = "generated always as (n * 2) stored"
    table = world.new_table(f"id {{int}} primary key, n {{int}}, twice {{int}} {expression}")
    end = world.end(table)
    shape = end.shape()
    assert shape is not None
    assert [c.name for c in shape.columns if not c.writable] == ["twice"]
    end.write(writes(end, [{"id": 1, "n": 4}]))
    assert scanned(end).to_pylist() == [{"id": 1, "n": 4, "twice": 8}]
    with pytest.raises(BadInput, match="computes 'twice' itself"):
        end.write(writes(end, [{"id": 2, "twice": 5}]))


def test_a_key_that_the_table_computes_costs_only_the_rows_that_would_be_new(world: World) -> None:
    computed = "k {int} generated always as (n * 2) stored"
    table = world.new_table("n {int} not null, " + computed + ", name varchar(20)")
    world.run(
        f"create unique index {table}_k on {table} (k)",
        f"insert into {table} (n, name) values (1, 'a'), (2, 'b')",
    )
    end = world.end(table, key=["k"])
    upserts = [{"k": 2, "name": "A"}, {"k": 8, "name": "new"}]
    receipt = end.write(
        writes(end, upserts, [{"name": "a"}, None], deletes=[{"k": 4, "name": "b"}])
    )
    assert [(f.code, f.reason) for f in receipt.failures] == [
        ("computed_key", "the table makes the key k itself; insert the row there")
    ]
    assert scanned(end, ["k", "name"]).to_pylist() == [{"k": 2, "name": "A"}]


WIDE = Shape(
    columns=(
        Column(name="id", type=pa.int64()),
        Column(name="place", type=pa.string()),
        Column(name="b", type=pa.bool_()),
        Column(name="f", type=pa.float64()),
        Column(name="t", type=pa.string()),
        Column(name="x", type=pa.binary()),
        Column(name="d", type=pa.date32()),
        Column(name="h", type=pa.time64("us")),
        Column(name="n", type=pa.timestamp("us")),
        Column(name="u", type=pa.timestamp("us", tz="UTC")),
        Column(name="m", type=pa.decimal128(12, 2)),
        Column(name="big", type=pa.decimal128(38, 10)),
        Column(name="j", type=pa.string(), json=True),
        Column(name="l", type=pa.list_(pa.string())),
    ),
    key=("place", "id"),
)
ROWS: list[dict[str, Any]] = [
    {
        "id": -1,
        "place": "ä 😀",
        "b": True,
        "f": 0.1,
        "t": "quo\"te, 'comma', tab\t, line\nline, \\N \\x41 %s",
        "x": bytes(range(256)),
        "d": date(1, 1, 1),
        "h": time(23, 59, 59, 999_999),
        "n": datetime(9999, 12, 31, 23, 59, 59, 999_999),
        "u": datetime(2024, 3, 31, 1, 30, 0, 1, tzinfo=UTC),
        "m": Decimal("-1234567890.12"),
        "big": Decimal("1234567890123456789012345678.0123456789"),
        "j": '{"a":[1,2.5,null,"ü"],"b":{}}',
        "l": ["", "x", None, 'q"uote', "a,b", "{c}"],
    },
    {"id": 2**63 - 1, "place": "", **dict.fromkeys("bftxdhnumjl"), "big": None},
    {
        "id": 0,
        "place": "z",
        "b": False,
        "f": -1e300,
        "t": "",
        "x": b"",
        "d": date(9999, 12, 31),
        "h": time(0),
        "n": datetime(1, 1, 1),
        "u": datetime(1969, 12, 31, tzinfo=UTC),
        "m": Decimal("0.00"),
        "big": Decimal("-0.0000000001"),
        "j": "[]",
        "l": [],
    },
]


def as_rows(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, WIDE.schema)


def test_a_table_is_made_and_every_type_comes_back_as_it_was(world: World) -> None:
    end = world.end(world.new_table())
    assert len(end.prepare(WIDE)) == 1
    assert end.prepare(WIDE) == []
    shape = end.shape()
    assert shape is not None
    assert {c.name: (c.type, c.json) for c in shape.columns} == {
        c.name: (c.type, c.json) for c in WIDE.columns
    }
    assert shape.key == WIDE.key
    receipt = end.write(writes(end, ROWS))
    assert (receipt.stored.to_pylist(), len(receipt.moved), receipt.failures) == ([], 0, ())
    told = scanned(end)
    assert told.to_pylist() == sorted(ROWS, key=lambda row: (row["place"], row["id"]))
    # the long way says the same: nothing to do, nothing has moved
    again = end.write(writes(end, ROWS, expected=ROWS))
    assert (again.stored.to_pylist(), len(again.moved), again.failures) == ([], 0, ())


def test_every_type_is_changed_and_taken_out_again(world: World) -> None:
    end = world.end(world.new_table())
    end.prepare(WIDE)
    end.write(writes(end, ROWS))
    one, nothing, other = ROWS
    key = [{"id": row["id"], "place": row["place"]} for row in ROWS]
    turned = [{**other, **key[0]}, {**one, **key[1]}, {**nothing, **key[2]}]
    receipt = end.write(writes(end, turned, expected=ROWS))
    assert (receipt.stored.to_pylist(), len(receipt.moved), receipt.failures) == ([], 0, ())
    assert scanned(end).to_pylist() == sorted(turned, key=lambda row: (row["place"], row["id"]))
    receipt = end.write(writes(end, deletes=turned))
    assert len(receipt.moved) == 0
    assert len(scanned(end)) == 0


def test_pandas_reads_what_we_have_written(world: World) -> None:
    table = world.new_table()
    end = world.end(table)
    end.prepare(WIDE)
    end.write(writes(end, ROWS))
    frame = world.frame(f"select id, place, f, t, m, d, u from {table} order by id")
    wanted = as_rows(sorted(ROWS, key=lambda row: row["id"])).to_pandas()
    assert frame["id"].tolist() == wanted["id"].tolist()
    assert frame["place"].tolist() == wanted["place"].tolist()
    for name in ("f", "m"):
        ours, theirs = pd.to_numeric(wanted[name]), pd.to_numeric(frame[name])
        assert ours.astype(float).equals(theirs.astype(float))
    assert frame["t"].fillna("none").tolist() == wanted["t"].fillna("none").tolist()
    assert frame["d"].map(str).tolist() == wanted["d"].map(str).tolist()


def test_a_nan_is_kept_where_the_database_can_and_told_where_it_cannot(world: World) -> None:
    _, end = people(world, 1)
    receipt = end.write(writes(end, [{"id": 5, "score": math.nan}, {"id": 6, "score": 1.5}]))
    rows = {row["id"]: row["score"] for row in scanned(end, ["id", "score"]).to_pylist()}
    assert rows[6] == 1.5
    if world.name == "postgres":
        assert math.isnan(rows[5])
        same = end.write(writes(end, [{"id": 5, "score": 2.0}], [{"score": math.nan}]))
        assert len(same.moved) == 0
    else:
        assert 5 not in rows
        assert [(f.key, f.code) for f in receipt.failures] == [("a5", "bad_value")]


def test_a_table_is_widened_and_never_narrowed(world: World) -> None:
    table = world.new_table("id {small} primary key, name {short}, price {decimal}, note {text}")
    end = world.end(table)
    world.run(f"insert into {table} (id, name, price) values (1, 'a', 1.25)")
    more = Shape(
        columns=(
            Column(name="id", type=pa.int64()),
            Column(name="name", type=pa.string(), max_chars=3),
            Column(name="note", type=pa.string(), max_chars=3),
            Column(name="price", type=pa.decimal128(5, 1)),
            Column(name="extra", type=pa.date32()),
        ),
        key=("id",),
    )
    done = end.prepare(more)
    shape = end.shape()
    assert shape is not None
    assert [c.name for c in shape.columns] == ["id", "name", "price", "note", "extra"]
    assert column_of(shape, "id").bits == 64
    assert column_of(shape, "name").max_chars in {5, None}
    assert column_of(shape, "note").max_chars is None
    assert column_of(shape, "price").type == pa.decimal128(12, 2)
    assert any("added column extra" in line for line in done)
    assert end.prepare(more) == []
    if world.name != "sqlite":
        wide = Shape(
            columns=(
                Column(name="id", type=pa.int64()),
                Column(name="name", type=pa.string(), max_chars=50),
                Column(name="price", type=pa.decimal128(12, 4)),
            ),
            key=("id",),
        )
        assert len(end.prepare(wide)) == 2
        shape = end.shape()
        assert shape is not None
        assert column_of(shape, "name").max_chars == 50
        assert column_of(shape, "price").type == pa.decimal128(14, 4)
    assert world.rows(f"select id, name, price from {table}")[0][:2] == (1, "a")


def test_a_column_that_cannot_hold_what_is_wanted_is_named(world: World) -> None:
    _, end = people(world)
    wanted = Shape(
        columns=(Column(name="id", type=pa.int64()), Column(name="score", type=pa.string())),
        key=("id",),
    )
    with pytest.raises(BadInput, match="'score' as double, which has no room for string"):
        end.prepare(wanted)


def test_a_key_without_an_index_gets_one_and_rows_that_share_it_are_told(world: World) -> None:
    table = world.new_table("id {int}, name {text}")
    wanted = Shape(columns=(Column(name="id", type=pa.int64()),), key=("id",))
    end = world.end(table, key=["id"])
    assert end.prepare(wanted) == ["made a unique index over id"]
    assert end.prepare(wanted) == []
    world.run(f"insert into {table} (id) values (1)")
    receipt = end.write(writes(end, [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]))
    assert receipt.moved["id"].to_pylist() == [1]
    shared = world.new_table("id {int}, name {text}")
    fill(world, shared, "id", [(1,), (1,)])
    with pytest.raises(BadInput, match="rows that share the same id"):
        world.end(shared, key=["id"]).prepare(wanted)


def test_two_that_prepare_the_same_table_at_once_make_one(world: World) -> None:
    table = world.new_table()
    told: list[Any] = []
    ends = [world.end(table, timeout_s=20.0) for _ in range(4)]
    threads = [Thread(target=lambda end=end: told.append(end.prepare(WIDE))) for end in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(len, told)) == [0, 0, 0, 1]


def test_odd_names_are_names(world: World) -> None:
    q = world.quote
    odd = f"{q}50% of {{}} :x; --{q}"
    table = world.new_table()
    world.run(
        f"create table {table} (id {world.types['int']} primary key, {odd} {world.types['text']})"
    )
    end = world.end(table)
    name = "50% of {} :x; --"
    end.write(writes(end, [{"id": 1, name: "a"}]))
    end.write(writes(end, [{"id": 1, name: "b"}], [{name: "a"}]))
    assert scanned(end).to_pylist() == [{"id": 1, name: "b"}]
    more = Shape(
        columns=(Column(name="id", type=pa.int64()), Column(name="%d{}", type=pa.string())),
        key=("id",),
    )
    assert len(end.prepare(more)) == 1
    shape = end.shape()
    assert shape is not None
    assert shape.column("%d{}") is not None


def test_a_table_without_a_feed_has_no_place_in_it(world: World) -> None:
    _, end = people(world)
    assert end.cursor() is None
    with pytest.raises(CursorExpired):
        list(end.changed("anything"))
