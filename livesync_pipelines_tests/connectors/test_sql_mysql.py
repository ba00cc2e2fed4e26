"""What is MySQL's and MariaDB's own: collations, unsigned numbers, their errors."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from livesync_pipelines.core.row_map import compile_map
from livesync_pipelines.model.errors import BadInput, LiveSyncError, Reauthorise, Unavailable
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines_tests.connectors.sql_worlds import MariaDb, MariaDbWorld, scanned, writes


def test_types_of_its_own_become_texts_and_numbers(maria: MariaDbWorld) -> None:
    table = maria.new_table(
        "id bigint unsigned primary key, u int unsigned, t tinyint, e enum('a', 'b'),"
        " s set('x', 'y'), y year, b bit(5), f float, m datetime, i inet6, d decimal(40, 5)"
    )
    row = {
        "id": 0,
        "u": 2**32 - 1,
        "t": -128,
        "e": "b",
        "s": "x,y",
        "y": 2024,
        "b": 21,
        "f": 16_777_216.0,
        "m": datetime(2024, 1, 1, 10),
        "i": "::1",
        "d": None,
    }
    end = maria.end(table)
    shape = end.shape()
    assert shape is not None
    assert {c.name: c.bits for c in shape.columns if c.bits < 64} == {"u": 33, "t": 8}
    receipt = end.write(writes(end, [row]))
    assert (receipt.failures, len(receipt.moved), receipt.stored.to_pylist()) == ((), 0, [])
    assert scanned(end).to_pylist() == [row]
    receipt = end.write(writes(end, [{**row, "e": "c"}], [row]))
    assert [(f.key, f.code) for f in receipt.failures] == [("a0", "bad_value")]


def test_what_enumerations_sets_and_unsigned_numbers_do_not_take_is_foreseen(
    maria: MariaDbWorld,
) -> None:
    table = maria.new_table(
        "id int unsigned primary key, n bigint unsigned, e enum('Red', 'it''s', 'a,b'),"
        " s set('x', 'Y'), odd enum('a\\\\b')"
    )
    there = maria.end(table).shape()
    assert there is not None
    told = {c.name: (c.unsigned, c.words, c.several) for c in there.columns}
    assert told == {
        "id": (True, (), False),
        "n": (True, (), False),
        "e": (False, ("Red", "it's", "a,b"), False),
        "s": (False, ("x", "Y"), True),
        "odd": (False, (), False),
    }
    kinds = {"id": pa.int64(), "n": pa.int64(), "e": pa.string(), "s": pa.string()}
    source = Shape(columns=tuple(Column(name=n, type=t) for n, t in kinds.items()), key=("id",))
    good = {"id": 1, "n": 2**40, "e": "red", "s": "y,x"}
    bad = {"id": 2, "n": -1, "e": "blue", "s": "x,z"}
    made = compile_map((), source, there)
    mapped = made.forward(pa.Table.from_pylist([good, bad], schema=source.schema))
    assert {(cell.row, cell.field) for cell in mapped.bad_cells} == {(1, "n"), (1, "e"), (1, "s")}

    end = maria.end(table)
    names = list(kinds)
    taken, stored = end.write(writes(end, [good])), "x,Y"
    assert (taken.failures, len(taken.moved)) == ((), 0)
    assert scanned(end, names).to_pylist() == [{**good, "e": "Red", "s": stored}]


def test_values_that_no_type_of_ours_holds_cost_their_row_only(maria: MariaDbWorld) -> None:
    table = maria.new_table(
        "id bigint unsigned primary key, d date, h time, m datetime, t tinyint(1)"
    )
    maria.run(
        "set sql_mode = ''",
        f"insert into {table} values (1, '0000-00-00', null, null, null),"
        " (2, null, '-01:00:00', null, null), (3, null, '100:00:00', null, null),"
        " (4, '2024-00-00', null, null, null), (5, null, null, null, 7),"
        " (6, '2024-01-01', '10:00', '2024-01-01', 1), (18446744073709551615, null, null, null, 0)",
    )
    pages = list(maria.end(table).scan(["id", "d", "h", "m", "t"], None))
    assert [row["id"] for page in pages for row in page.rows.to_pylist()] == [6]
    assert pages[0].rows["d"].to_pylist() == [date(2024, 1, 1)]
    told = [failure for page in pages for failure in page.failures]
    assert [failure.key for failure in told[:5]] == ["a1", "a2", "a3", "a4", "a5"]
    assert len(told) == 6


def test_keys_that_only_look_the_same_to_a_collation_are_other_keys(maria: MariaDbWorld) -> None:
    table = maria.new_table("id varchar(20) character set latin1 primary key, t varchar(9)")
    maria.run(f"insert into {table} values ('b', 'x'), ('C', 'y'), ('a ', 'z'), ('\u20ac', 'w')")
    end = maria.end(table)
    assert scanned(end, ["id"])["id"].to_pylist() == ["C", "a ", "b", "\u20ac"]
    receipt = end.write(writes(end, [{"id": "B", "t": "new"}, {"id": "d", "t": "new"}]))
    assert [(f.key, f.code) for f in receipt.failures] == [("B", "duplicate")]
    receipt = end.write(writes(end, [{"id": "a", "t": "new"}], [{"t": "z"}]))
    assert receipt.moved["id"].to_pylist() == ["a"]
    assert maria.rows(f"select t from {table} where id = 'a '") == [("z",)]


def test_a_widened_column_keeps_what_else_is_said_of_it(maria: MariaDbWorld) -> None:
    table = maria.new_table(
        "id int unsigned not null auto_increment primary key,"
        " n varchar(5) not null default 'x' comment '100 % ours, really'"
    )
    wanted = Shape(
        columns=(
            Column(name="id", type=pa.int64()),
            Column(name="n", type=pa.string(), max_chars=20),
        ),
        key=("id",),
    )
    assert len(maria.end(table).prepare(wanted)) == 2
    ((made,),) = maria.rows(
        "select group_concat(concat_ws(' ', column_type, is_nullable, column_default, extra,"
        f" column_comment) order by 1 separator '; ') from information_schema.columns"
        f" where table_name = '{table}'"
    )
    assert "bigint(20) NO auto_increment" in made
    assert "varchar(20) NO 'x'  100 % ours, really" in made


def test_a_time_in_utc_is_told_from_one_without_a_zone(maria: MariaDbWorld) -> None:
    table = maria.new_table("id int primary key, a timestamp(6) null, b datetime(6) null")
    maria.run(
        "set time_zone = '+05:00'",
        f"insert into {table} values (1, '2024-01-01 10:00', '2024-01-01 10:00')",
    )
    (row,) = scanned(maria.end(table)).to_pylist()
    assert row["a"] == datetime(2024, 1, 1, 5, tzinfo=UTC)
    assert row["b"] == datetime(2024, 1, 1, 10)


def test_a_wrong_password_is_told_and_never_shown(maria: MariaDbWorld) -> None:
    end = maria.end("t", url=maria.url.replace("p%40ss", "s3cr3t"))
    with pytest.raises(Reauthorise, match="refuses the login") as told:
        end.shape()
    assert "s3cr3t" not in f"{told.value!r} {told.value.as_dict()} {end.connection!r}"


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (("/things", "/nothing"), Reauthorise, "does not let this user do so"),
        (("127.0.0.1", "no.such.host.invalid"), Unavailable, "cannot be reached"),
        (("mariadb://", "mysql://x:"), Reauthorise, "refuses the login"),
    ],
)
def test_what_is_wrong_with_the_place_is_told_in_one_sentence(
    maria: MariaDbWorld, change: tuple[str, str], kind: type[LiveSyncError], said: str
) -> None:
    with pytest.raises(kind, match=said) as told:
        maria.end("t", url=maria.url.replace(*change)).shape()
    assert "p@ss" not in f"{told.value!r} {told.value.as_dict()}"


def test_a_privilege_that_is_missing_is_named_with_its_table_or_column(
    maria: MariaDbWorld, mariadb: MariaDb
) -> None:
    table = maria.new_table("id int primary key, name varchar(9), secret varchar(9)")
    maria.run(f"insert into {table} values (1, 'a', 'x')")
    MariaDbWorld(mariadb.url.replace("tester", "owner")).run(
        "create or replace user reader@'127.0.0.1' identified by 'p@ss'",
        f"grant select (id, name), update (id) on things.{table} to reader@'127.0.0.1'",
    )
    end = maria.end(table, url=maria.url.replace("tester", "reader"))
    row, after = {"id": 1, "name": "a"}, {"id": 1, "name": "b"}
    assert scanned(end, ["id", "name"]).to_pylist() == [row]
    for rows, was, privilege, what in (
        ([{"id": 2, "name": "b"}], [], "INSERT", table),
        ([after], [row], "UPDATE", "'name'"),
        ([], [row], "DELETE", table),
    ):
        with pytest.raises(Reauthorise, match="does not let this user do so") as told:
            end.write(writes(end, rows, was) if rows else writes(end, deletes=was))
        assert privilege in told.value.message
        assert what in told.value.message
        assert "p@ss" not in f"{told.value!r} {told.value.as_dict()}"


def test_a_column_that_does_not_take_a_value_is_named(maria: MariaDbWorld) -> None:
    table = maria.new_table(
        "id int primary key, short varchar(3), n tinyint, e enum('a'), must int not null,"
        " pos int check (pos > 0)"
    )
    end, good = maria.end(table), {"id": 1, "short": "a", "n": 1, "e": "a", "must": 1, "pos": 1}
    for name, value in (("short", "long"), ("n", 1000), ("e", "z"), ("must", None), ("pos", -1)):
        (failure,) = end.write(writes(end, [{**good, name: value}])).failures
        assert name in failure.reason, f"{failure.code}: {failure.reason}"


def test_a_row_that_somebody_holds_for_too_long_is_left_for_later(maria: MariaDbWorld) -> None:
    table = maria.new_table("id int primary key, name varchar(9)")
    maria.run(f"insert into {table} values (1, 'a')")
    end = maria.end(table, timeout_s=1.0)
    asked = writes(end, [{"id": 1, "name": "mine"}], [{"name": "a"}])
    other = maria.connect()
    other.begin()
    other.cursor().execute(f"update {table} set name = 'theirs'")
    with pytest.raises(Unavailable, match="could not do it now"):
        end.write(asked)
    other.commit()
    other.close()
    assert end.write(asked).moved["id"].to_pylist() == [1]


def test_a_scan_sees_one_moment_while_others_write(maria: MariaDbWorld) -> None:
    table = maria.new_table("id int primary key, n int")
    maria.run(f"insert into {table} select seq, 0 from seq_1_to_30000")
    pages = maria.end(table).scan(["id", "n"], None)
    first = next(pages)
    maria.run(f"update {table} set n = 1", f"delete from {table} where id > 20000")
    rows = pa.concat_tables([first.rows, *(page.rows for page in pages)])
    assert len(rows) == 30_000
    assert set(rows["n"].to_pylist()) == {0}


def test_an_unknown_scheme_is_refused_with_those_that_are_known(mariadb: MariaDb) -> None:
    with pytest.raises(ValueError, match="postgresql://, sqlite://, mysql://, mariadb://"):
        MariaDbWorld(mariadb.url).end("t", url="oracle://x/y")


def test_a_server_that_was_never_told_of_is_bad_input(maria: MariaDbWorld) -> None:
    with pytest.raises(BadInput, match="cannot be read") as told:
        maria.end("t", url="mysql://me:s3cr3t@host:port/x").shape()
    assert "s3cr3t" not in f"{told.value} {told.value.hint} {told.value.where}"
