"""What is SQLite's own: any value in any column, one writer at a time, files that are none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.model.errors import BadInput, Unavailable
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines_tests.connectors.sql_worlds import SqliteWorld, scanned, writes


def test_a_value_that_does_not_fit_its_column_costs_its_row_only(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table(
        "id integer primary key, b boolean, n integer, f real, t text, d date, h time,"
        " m datetime, u timestamptz, p decimal(6,2), j json, x blob, l text_list"
    )
    bad = {
        "b": "2",
        "n": "'many'",
        "f": "'much'",
        "t": "x'ff'",
        "d": "'2024-02-30'",
        "h": "'25:00'",
        "m": "'2024-01-01 10:00+02:00'",
        "u": "'soon'",
        "p": "1.005",
        "j": "'{'",
        "x": "'text'",
        "l": "'[1]'",
    }
    for number, (column, value) in enumerate(bad.items(), start=1):
        sqlite.run(f"insert into {table} (id, {column}) values ({number}, {value})")
    sqlite.run(
        f"insert into {table} values (99, 1, 5, 2, 'x', '2024-02-29', '10:00',"
        """ '2024-02-29T10:00:00', '2024-02-29 10:00:00+02:00', 1.5, '{"b": 1, "a": 2}',"""
        """ x'00ff', '["x", null]')"""
    )
    names = ["id", *bad]
    (page,) = sqlite.end(table).scan(names, None)
    assert [f.key for f in page.failures] == [f"{'a' if n < 10 else 'b'}{n}" for n in range(1, 13)]
    assert [f.reason.partition(" ")[0] for f in page.failures] == list(bad)
    assert page.rows.to_pylist() == [
        {
            "id": 99,
            "b": True,
            "n": 5,
            "f": 2.0,
            "t": "x",
            "d": datetime(2024, 2, 29, tzinfo=UTC).date(),
            "h": datetime(1, 1, 1, 10, tzinfo=UTC).time(),
            "m": datetime(2024, 2, 29, 10),
            "u": datetime(2024, 2, 29, 8, tzinfo=UTC),
            "p": Decimal("1.50"),
            "j": '{"a":2,"b":1}',
            "x": b"\x00\xff",
            "l": ["x", None],
        }
    ]


def test_a_text_that_is_no_utf_8_costs_its_row_only(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("id integer primary key, t text")
    sqlite.run(f"insert into {table} values (1, cast(x'ff41' as text)), (2, 'A')")
    (page,) = sqlite.end(table).scan(["id", "t"], None)
    assert (page.rows["id"].to_pylist(), [f.key for f in page.failures]) == ([2], ["a1"])


def test_keys_of_every_kind_of_value_are_walked_over(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("id int, t text")
    sqlite.run(
        f"insert into {table} (id) values (null), (1), (2.5), ('x'), (x'00'), (3), (9), (null)"
    )
    pages = list(sqlite.end(table, key=["id"]).scan(["id"], None))
    assert pa.concat_tables(p.rows for p in pages)["id"].to_pylist() == [1, 3, 9]
    assert len([failure for page in pages for failure in page.failures]) == 5


def test_a_day_in_a_key_must_be_spelled_as_we_spell_it(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("at datetime primary key, t text")
    sqlite.run(f"insert into {table} (at) values ('2024-01-01 10:00:00'), ('2024-01-01T11:00')")
    (page,) = sqlite.end(table).scan(["at"], None)
    assert len(page.rows) == 1
    assert [f.reason for f in page.failures] == [
        "at is not spelled as 2024-01-01 11:00:00, so it cannot be a key"
    ]
    end = sqlite.end(table)
    receipt = end.write(writes(end, [{"at": datetime(2024, 1, 1, 10), "t": "x"}], [{"t": None}]))
    assert (len(receipt.moved), receipt.failures) == (0, ())


def test_a_decimal_that_would_lose_digits_is_refused_unless_its_column_keeps_text(
    sqlite: SqliteWorld,
) -> None:
    table = sqlite.new_table("id integer primary key, a decimal(30,10), b decimal_text(30,10)")
    end = sqlite.end(table)
    long = Decimal("12345678901234567890.0123456789")
    receipt = end.write(
        writes(end, [{"id": 1, "a": long, "b": None}, {"id": 2, "a": None, "b": long}])
    )
    assert [(f.key, f.code) for f in receipt.failures] == [("a1", "bad_value")]
    assert scanned(end).to_pylist() == [{"id": 2, "a": None, "b": long}]


def test_a_column_cannot_be_widened_where_its_table_would_have_to_be_built_anew(
    sqlite: SqliteWorld,
) -> None:
    table = sqlite.new_table("id integer primary key, a decimal(5,2)")
    wanted = Shape(
        columns=(
            Column(name="id", type=pa.int64()),
            Column(name="a", type=pa.decimal128(9, 2)),
        ),
        key=("id",),
    )
    with pytest.raises(BadInput, match="cannot widen it"):
        sqlite.end(table).prepare(wanted)


def test_a_file_that_another_program_holds_is_left_for_later(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("id integer primary key, t text")
    end = sqlite.end(table, timeout_s=0.1)
    asked = writes(end, [{"id": 1, "t": "x"}])
    with closing(sqlite.connect()) as other:
        other.execute("begin immediate")
        with pytest.raises(Unavailable, match="another program holds its lock"):
            end.write(asked)
        other.execute("rollback")
    assert end.write(asked).failures == ()


def test_a_writer_need_not_wait_for_a_scan(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("id integer primary key, t text")
    with closing(sqlite.connect()) as connection:
        connection.execute("begin")
        rows = [(n,) for n in range(5 * PAGE_ROWS)]
        connection.executemany(f"insert into {table} (id) values (?)", rows)
        connection.execute("commit")
    end = sqlite.end(table, timeout_s=0.1)
    pages = end.scan(["id"], None)
    next(pages)
    end.write(writes(end, [{"id": 999_999, "t": "x"}]))
    assert [page.rows["id"][-1].as_py() for page in pages][-1] == 999_999


def test_a_file_that_is_missing_is_not_made(tmp_path: Path, sqlite: SqliteWorld) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(BadInput, match="there is no file"):
        sqlite.end("t", url=f"sqlite:///{missing}").shape()
    assert not missing.exists()


def test_a_file_that_is_no_database_is_told(tmp_path: Path, sqlite: SqliteWorld) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear all, this is a letter and no database at all. " * 50)
    with pytest.raises(BadInput, match="is no SQLite file"):
        sqlite.end("t", url=f"sqlite:///{other}").shape()


def test_a_database_that_sorts_its_texts_in_another_order_is_told(
    tmp_path: Path, sqlite: SqliteWorld
) -> None:
    wide = tmp_path / "wide.db"
    with closing(sqlite3.connect(wide)) as connection:
        connection.execute("pragma encoding = 'UTF-16'")
        connection.execute("create table t (id text primary key)")
    with pytest.raises(BadInput, match="stores its texts in UTF-16"):
        sqlite.end("t", url=f"sqlite:///{wide}").shape()


def test_a_key_whose_column_knows_no_case_is_taken_letter_by_letter(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table("id text collate nocase primary key, t text")
    sqlite.run(f"insert into {table} values ('b', 'x'), ('C', 'y'), ('a', 'z')")
    end = sqlite.end(table)
    assert scanned(end, ["id"])["id"].to_pylist() == ["C", "a", "b"]
    receipt = end.write(writes(end, [{"id": "B", "t": "new"}, {"id": "d", "t": "new"}]))
    assert [(f.key, f.code) for f in receipt.failures] == [("B", "duplicate")]
    receipt = end.write(writes(end, [{"id": "A", "t": "new"}], [{"t": "z"}]))
    assert receipt.moved["id"].to_pylist() == ["A"]
    assert sqlite.rows(f"select t from {table} where id = 'a'") == [("z",)]


def test_a_cell_that_is_not_edited_keeps_its_spelling(sqlite: SqliteWorld) -> None:
    table = sqlite.new_table(
        "id integer primary key, n text, j json, m datetime, p decimal_text(9,2)"
    )
    written = "'{\"a\":  1.50}', '2024-01-01T10:00', '2.5'"
    sqlite.run(
        f"insert into {table} values (1, 'a', {written})",
        f"insert into {table} values (2, 'a', {written})",
    )
    end = sqlite.end(table)
    one, two = scanned(end).to_pylist()
    edited = [{**one, "n": "b"}, {**two, "p": Decimal("3.00")}]
    receipt = end.write(writes(end, edited, [one, two]))
    assert (receipt.failures, len(receipt.moved), len(receipt.stored)) == ((), 0, 0)
    spelled = '{"a":  1.50}', "2024-01-01T10:00"
    assert sqlite.rows(f"select * from {table} order by id") == [
        (1, "b", *spelled, "2.5"),
        (2, "a", *spelled, "3.00"),
    ]
