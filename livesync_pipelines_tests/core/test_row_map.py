"""From the rows of one end to those of the other: what each line of a mapping does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from livesync_pipelines.core.row_map import compile_map, version
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import BadCell, FieldMap, OnError, Unit, Unlike
from livesync_pipelines_tests.core.row_map_house import (
    ID,
    back,
    column,
    field,
    forward,
    one_field,
    shape,
    table,
)


def at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # numbers, no zone


def utc(*parts: int) -> datetime:
    return at(*parts).replace(tzinfo=UTC)


def test_without_a_mapping_every_column_goes_over_under_its_own_name() -> None:
    here = shape(name="text", born="date")
    rows = table(here, {"name": ["Ada", None], "born": [date(1815, 12, 10), None]})
    mapping = compile_map((), here)
    assert mapping.forward(rows).rows.equals(rows)
    assert mapping.back(rows).rows.equals(rows)
    assert mapping.target_shape.key == ("id",)
    assert mapping.check_two_way() == []


def test_a_column_gets_another_name_and_its_own_one_on_the_way_back() -> None:
    mapping = one_field(field("name", "full_name"), full_name="text")
    there = mapping.forward(table(mapping.source, {"full_name": ["Ada", None]}))
    assert there.rows.to_pydict() == {"id": [0, 1], "name": ["Ada", None]}
    assert back(mapping, name=["Ada", None]) == {"full_name": ["Ada", None]}


def test_only_what_is_mapped_goes_over_and_only_that_is_read() -> None:
    here = shape(a="text", secret="text", b="integer")
    mapping = compile_map([ID, field("x", "a")], here)
    rows = table(here, {"a": ["1"], "secret": ["s"], "b": [2]})
    assert mapping.source_columns == ("id", "a")
    assert mapping.forward(rows).rows.column_names == ["id", "x"]
    assert mapping.back(mapping.forward(rows).rows).rows.column_names == ["id", "a"]


def test_a_table_without_rows_becomes_one_without_rows() -> None:
    mapping = one_field(field("b", "a", cast="date"), a="text")
    done = mapping.forward(table(mapping.source, {"a": []}))
    assert done.rows.num_rows == 0
    assert done.rows.schema == pa.schema([("id", pa.int64()), ("b", pa.date32())])


FIRST = datetime.fromisoformat("0001-01-01T00:00:00")
LAST = datetime.fromisoformat("9999-12-31T23:59:59.999999")
CASTS = [
    ("text", "integer", ["7", " +007 ", "-0", "9223372036854775807"], [7, 7, 0, 2**63 - 1]),
    ("text", "float", ["1.5", "1e3", "-inf", ".5"], [1.5, 1000.0, float("-inf"), 0.5]),
    ("text", "decimal(6,2)", ["1.5", "-2", "1e3"], [Decimal("1.50"), Decimal(-2), Decimal(1000)]),
    ("text", "boolean", ["true", "No", "1", "off", "t"], [True, False, True, False, True]),
    ("text", "date", ["2026-02-28", " 2024-02-29"], [date(2026, 2, 28), date(2024, 2, 29)]),
    ("text", "time", ["23:59", "01:02:03.5"], [time(23, 59), time(1, 2, 3, 500_000)]),
    (
        "text",
        "timestamp",
        ["2026-01-02", "2026-01-02T03:04", "2026-01-02 03:04:05.6", "2026-01-02T03:04:05+01:00"],
        [
            at(2026, 1, 2),
            at(2026, 1, 2, 3, 4),
            at(2026, 1, 2, 3, 4, 5, 600_000),
            at(2026, 1, 2, 2, 4, 5),
        ],
    ),
    (
        "text",
        "timestamp_tz",
        ["2026-01-02T03:04:05Z", "2026-01-02 03:04:05-0130", "2026-01-02"],
        [utc(2026, 1, 2, 3, 4, 5), utc(2026, 1, 2, 4, 34, 5), utc(2026, 1, 2)],
    ),
    ("text", "json", ['{"b": 1, "a": [1.0]}', "null"], ['{"a":[1.0],"b":1}', "null"]),
    ("text", "binary", ["ä", ""], [b"\xc3\xa4", b""]),
    ("integer", "text", [0, -5], ["0", "-5"]),
    ("integer", "decimal(5,2)", [999, -1], [Decimal("999.00"), Decimal("-1.00")]),
    ("integer", "float", [2**53, -3], [float(2**53), -3.0]),
    ("integer", "boolean", [0, 1], [False, True]),
    ("integer", "json", [5], ["5"]),
    ("date", "text", [date.min, date.max], ["0001-01-01", "9999-12-31"]),
    ("timestamp", "date", [FIRST, LAST], [date.min, date.max]),
    ("decimal(6,2)", "text", [Decimal("1.50"), Decimal("0.00")], ["1.50", "0.00"]),
    ("decimal(9,8)", "text", [Decimal("0.00000001")], ["0.00000001"]),
    ("decimal(6,2)", "integer", [Decimal("12.00")], [12]),
    ("decimal(6,2)", "float", [Decimal("0.10")], [0.1]),
    ("decimal(6,2)", "decimal(3,1)", [Decimal("12.50")], [Decimal("12.5")]),
    ("float", "text", [1.0, 0.1, -0.0, float("nan")], ["1", "0.1", "-0", "nan"]),
    ("float", "integer", [3.0, -(2.0**63)], [3, -(2**63)]),
    ("float", "decimal(6,2)", [0.1, 12.5], [Decimal("0.10"), Decimal("12.50")]),
    ("boolean", "text", [True, False], ["true", "false"]),
    ("boolean", "integer", [True, False], [1, 0]),
    ("boolean", "json", [True, False], ["true", "false"]),
    ("date", "text", [date(999, 1, 2)], ["0999-01-02"]),
    ("date", "timestamp", [date(2026, 1, 2)], [at(2026, 1, 2)]),
    ("date", "json", [date(2026, 1, 2)], ['"2026-01-02"']),
    ("time", "text", [time(1, 2, 3)], ["01:02:03.000000"]),
    ("timestamp", "text", [at(2026, 1, 2, 3)], ["2026-01-02 03:00:00.000000"]),
    ("timestamp", "date", [at(1969, 12, 31, 23, 59, 59, 999_999)], [date(1969, 12, 31)]),
    ("timestamp", "time", [at(1969, 12, 31, 23, 59, 59, 999_999)], [time(23, 59, 59, 999_999)]),
    ("timestamp_tz", "text", [utc(2026, 1, 2, 3)], ["2026-01-02 03:00:00.000000Z"]),
    ("json", "list", ['["a", 1, null]', "[]"], [["a", "1", None], []]),
    ("list", "json", [["a", None], []], ['["a",null]', "[]"]),
    ("binary", "text", [b"\xc3\xa4"], ["ä"]),
]


@pytest.mark.parametrize(("kind", "cast", "values", "expected"), CASTS)
def test_a_cast_keeps_the_value(
    kind: str, cast: str, values: list[object], expected: list[object]
) -> None:
    found, bad = forward(field("b", "a", cast=cast), [*values, None], kind)
    assert repr(found) == repr([*expected, None]) or found == [*expected, None]
    assert bad == []


UNFIT = [
    ("text", "integer", "1.0", "is not a whole number"),
    ("text", "integer", "9223372036854775808", "is too large for a whole number of 64 bits"),
    ("text", "integer", "", "is not a whole number"),
    ("text", "integer", "١", "is not a whole number"),
    ("text", "float", "1e999", "is too large for a float"),
    ("text", "float", "1_000", "is not a number"),
    ("text", "decimal(4,2)", "1.005", "has more than 2 decimals; lossy: true would round"),
    ("text", "decimal(4,2)", "100", "is too large for decimal(4,2)"),
    ("text", "boolean", "perhaps", "is neither true nor false"),
    ("text", "date", "2023-02-29", "is not a date that exists"),
    ("text", "date", "01.02.2023", "is not a date such as 2026-12-31"),
    ("text", "time", "25:00", "is not a time such as 23:59:59"),
    ("text", "timestamp", "2026-01-01T24:01", "is not a date and a time that exist"),
    ("text", "timestamp", "2026-01-01T00:00:00.0000001", "is finer than a microsecond"),
    ("text", "json", "{", "is not JSON"),
    ("integer", "decimal(4,2)", 100, "is too large for decimal(4,2)"),
    ("integer", "float", 2**53 + 1, "is a whole number that a float does not hold"),
    ("integer", "boolean", 2, "is neither true nor false"),
    (
        "decimal(4,2)",
        "integer",
        Decimal("1.50"),
        "has decimals, and this is for whole numbers; lossy: true would round",
    ),
    ("float", "integer", float("nan"), "is not a whole number"),
    ("float", "integer", 2.0**63, "is too large for a whole number of 64 bits"),
    ("float", "decimal(4,2)", float("inf"), "is not a number that a decimal can hold"),
    ("float", "json", float("nan"), "is a number that JSON cannot hold"),
    ("json", "list", '{"a":1}', "is not a list"),
    ("binary", "text", b"\xff", "is not text in UTF-8"),
]


@pytest.mark.parametrize(("kind", "cast", "value", "reason"), UNFIT)
def test_a_value_that_does_not_fit_is_told_and_its_cell_is_empty(
    kind: str, cast: str, value: object, reason: str
) -> None:
    found, bad = forward(field("b", "a", cast=cast), [None, value, None], kind)
    assert found == [None, None, None]
    assert [(row, said) for row, said, _ in bad] == [(1, reason)]


def test_the_other_cells_and_rows_go_on() -> None:
    mapping = compile_map(
        [ID, field("n", "a", cast="integer"), field("b", "b")], shape(a="text", b="text")
    )
    done = mapping.forward(table(mapping.source, {"a": ["1", "x", "3"], "b": ["p", "q", "r"]}))
    assert done.rows.to_pydict() == {"id": [0, 1, 2], "n": [1, None, 3], "b": ["p", "q", "r"]}
    assert done.bad_cells == (BadCell(1, "n", "is not a whole number", "x"),)


def test_what_the_target_is_too_narrow_for_is_told() -> None:
    short = column("b", "text", max_chars=2)
    assert forward(field("b", "a"), ["äö", "abc"], "text", short) == (
        ["äö", None],
        [(1, "has 3 characters, and the target holds 2", "abc")],
    )
    small = column("b", "integer", bits=16)
    assert forward(field("b", "a"), [-(2**15), 2**15], "integer", small) == (
        [-(2**15), None],
        [(1, "is too large for a whole number of 16 bits", "32768")],
    )


def test_a_word_that_an_enumeration_lacks_and_a_number_below_zero_are_told() -> None:
    colours = column("b", "text", words=("red", "it's"))
    assert forward(field("b", "a"), ["red", "RED ", "it's", "blue", ""], "text", colours) == (
        ["red", "RED ", "it's", None, None],
        [
            (3, "is none of red, it's, and the target holds nothing else", "blue"),
            (4, "is none of red, it's, and the target holds nothing else", ""),
        ],
    )
    exact = column("b", "text", words=("red", "it's"), cased=True)
    values, bad = forward(field("b", "a"), ["red", "RED", "red "], "text", exact)
    assert (values, [one[0] for one in bad]) == (["red", None, None], [1, 2])
    some = column("b", "text", words=("x", "y"), several=True)
    values, bad = forward(field("b", "a"), ["y,x", "", "x,z"], "text", some)
    assert (values, [one[0] for one in bad]) == (["y,x", "", None], [2])
    count = column("b", "integer", bits=33, unsigned=True)
    assert forward(field("b", "a"), [2**32 - 1, 0, -1], "integer", count) == (
        [2**32 - 1, 0, None],
        [(2, "is below zero, and the target holds no such number", "-1")],
    )


def test_what_a_column_of_words_or_without_a_minus_does_not_take_has_to_be_said() -> None:
    colours = column("b", "text", words=("red", "blue"))
    count = column("b", "integer", bits=33, unsigned=True)
    for kind, there, why in (
        ("text", colours, "the target holds red, blue and nothing else"),
        (column("a", "integer", bits=32), count, "the target holds no number below zero"),
        ("decimal(5,0)", count, "the target holds no number below zero"),
    ):
        (said,) = one_field(field("b", "a"), there, a=kind).check_two_way()
        assert why in said
        assert "on_error: keep" in said
    fewer = column("a", "text", words=("red",))
    assert one_field(field("b", "a"), colours, a=fewer).check_two_way() == []


def test_a_column_becomes_what_the_target_has_without_a_cast() -> None:
    assert forward(field("b", "a"), ["5"], "text", "integer") == ([5], [])


def test_what_must_not_be_empty_is_told_when_it_is() -> None:
    needed = column("b", "text", nullable=False)
    mapping = one_field(field("b", "a"), needed, a="text")
    done = mapping.forward(table(mapping.source, {"a": ["x", None]}))
    assert done.bad_cells == (BadCell(1, "b", "is empty, and must not be", ""),)
    assert mapping.on_error("b") is OnError.DEAD_LETTER


def test_lossy_rounds_half_to_even() -> None:
    rounded = field("b", "a", cast="decimal(6,1)", lossy=True)
    assert forward(rounded, ["1.25", "1.35", "1.250001"], "text")[0] == [
        Decimal("1.2"),
        Decimal("1.4"),
        Decimal("1.3"),
    ]
    whole = field("b", "a", cast="integer", lossy=True)
    assert forward(whole, [0.5, 1.5, -0.5, 2.4], "float") == ([0, 2, 0, 2], [])


def test_a_zone_says_where_a_time_without_one_was_told() -> None:
    berlin = field("b", "a", cast="timestamp_tz", zone="Europe/Berlin")
    times = [
        at(2026, 1, 1, 12),
        at(2026, 7, 1, 12),
        at(2026, 3, 29, 2, 30),
        at(2026, 10, 25, 2, 30),
    ]
    assert forward(berlin, times, "timestamp") == (
        [utc(2026, 1, 1, 11), utc(2026, 7, 1, 10), None, utc(2026, 10, 25, 0, 30)],
        [(2, "is a time that the clocks of Europe/Berlin skip", "2026-03-29 02:30:00.000000")],
    )
    texts = [value.isoformat() for value in times]
    assert forward(berlin, texts, "text")[0] == forward(berlin, times, "timestamp")[0]


def test_a_moment_is_told_without_its_zone_as_the_clocks_there_show_it() -> None:
    berlin = field("b", "a", cast="timestamp", zone="Europe/Berlin")
    moments = [utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30), utc(2026, 7, 1)]
    expected = [at(2026, 10, 25, 2, 30), at(2026, 10, 25, 2, 30), at(2026, 7, 1, 2)]
    assert forward(berlin, moments, "timestamp_tz") == (expected, [])
    day = field("b", "a", cast="date", zone="Europe/Berlin")
    assert forward(day, [utc(2026, 6, 30, 23)], "timestamp_tz") == ([date(2026, 7, 1)], [])


def test_a_year_that_python_does_not_have_passes_as_it_is_and_is_told_where_it_is_cast() -> None:
    far = pa.array([2**62, 0]).cast(pa.timestamp("us"))
    for one, bad_rows in ((field("b", "a"), []), (field("b", "a", cast="text"), [0])):
        mapping = one_field(one, a="timestamp")
        done = mapping.forward(pa.table({"id": [0, 1], "a": far}))
        assert [bad.row for bad in done.bad_cells] == bad_rows
        assert len(done.rows) == 2


def test_a_constant_is_the_same_in_every_row_and_is_read_as_what_the_target_has() -> None:
    assert forward(field("c", value="DE"), ["x", None], "text") == (["DE", "DE"], [])
    assert forward(field("c", value="2026-01-02"), ["x"], "text", "date") == (
        [date(2026, 1, 2)],
        [],
    )
    assert forward(field("c", value=1.5), ["x"], "text") == ([1.5], [])


def test_a_default_is_for_where_the_source_says_nothing_and_not_for_what_does_not_fit() -> None:
    one = field("b", "a", cast="integer", default=9)
    assert forward(one, ["1", None, "x"], "text") == (
        [1, 9, None],
        [(2, "is not a whole number", "x")],
    )


def test_a_default_comes_back_as_nothing() -> None:
    mapping = one_field(field("b", "a", default="unknown", lossy=True), a="text")
    assert back(mapping, b=["unknown", "1", None]) == {"a": [None, "1", None]}


def test_a_template_is_filled_from_columns_and_nothing_stands_for_null() -> None:
    here = shape(first="text", age="integer")
    mapping = compile_map([ID, field("label", template="{{{first}}} is {age}!")], here)
    done = mapping.forward(table(here, {"first": ["Ada", None, None], "age": [36, 1, None]}))
    assert done.rows["label"].to_pylist() == ["{Ada} is 36!", "{} is 1!", None]


def test_a_lookup_names_what_it_does_not_have() -> None:
    pairs = (("open", 1), ("closed", 2))
    one = field("state", "a", lookup=pairs)
    told = [(2, "is not in the lookup", "lost")]
    assert forward(one, ["open", "closed", "lost", None], "text") == ([1, 2, None, None], told)
    otherwise = field("state", "a", lookup=pairs, otherwise=(0,))
    assert forward(otherwise, ["open", "lost", None], "text") == ([1, 0, None], [])
    nothing = field("state", "a", lookup=pairs, otherwise=(None,))
    assert forward(nothing, ["open", "lost", None], "text") == ([1, None, None], [])


def test_a_lookup_goes_back_where_no_two_values_became_one() -> None:
    one = one_field(field("state", "a", lookup=(("open", 1), ("closed", 2))), a="text")
    assert back(one, state=[2, 1, None]) == {"a": ["closed", "open", None]}
    two = one_field(field("state", "a", lookup=(("open", 1), ("new", 1))), a="text")
    assert two.two_way == ("id",)
    assert two.back(table(two.target_shape, {"state": [1]})).rows.column_names == ["id"]


def test_a_path_leads_into_json_and_no_digit_is_lost_there() -> None:
    texts = [
        '{"a":{"b":[{"c":"x"}]}}',
        '{"a":{"b":[{"c":12345678901234567890.10}]}}',
        '{"a":1}',
        "[",
        None,
    ]
    one = field("b", "a", path="a.b[0].c")
    assert forward(one, texts, "json") == (
        ["x", "12345678901234567890.10", None, None, None],
        [(3, "is not JSON", "[")],
    )
    assert forward(field("b", "a", path="[1].n", cast="integer"), ['[0,{"n":7}]'], "json") == (
        [7],
        [],
    )
    assert forward(field("b", "a", path="a"), ['{"a":{"z":1,"b":true}}'], "json")[0] == [
        '{"b":true,"z":1}'
    ]
    assert forward(field("b", "a", path="a", cast="list"), ['{"a":["x",2]}'], "json")[0] == [
        ["x", "2"]
    ]
    assert forward(field("b", "a", path="a", cast="json"), ['{"a":"x"}'], "json")[0] == ['"x"']


def test_a_text_is_split_and_joined_again() -> None:
    one = one_field(field("b", "a", split=","), a="text")
    there = one.forward(table(one.source, {"a": ["x,y", "", None, "z", ","]}))
    assert there.rows["b"].to_pylist() == [["x", "y"], [], None, ["z"], ["", ""]]
    assert back(one, b=[["x", "y"], [], None]) == {"a": ["x,y", "", None]}


@pytest.mark.parametrize("members", [["x,y"], ["x", None], [""], [None]])
def test_a_list_that_no_text_is_split_into_does_not_come_back(members: list[str | None]) -> None:
    one = one_field(field("b", "a", split=","), a="text")
    found = one.back(pa.table({"b": pa.array([["x", "y"], members], pa.list_(pa.string()))}))
    assert found.rows["a"].to_pylist() == ["x,y", None]
    (bad,) = found.bad_cells
    assert (bad.row, bad.field) == (1, "b")
    assert bad.reason == "is no list that a text split at ',' can be"


def test_a_list_is_joined_without_its_nulls() -> None:
    one = field("b", "a", join="; ")
    assert forward(one, [["x", "y"], ["x", None], [], None], "list") == (
        ["x; y", "x", "", None],
        [],
    )


def test_several_columns_are_joined_without_those_that_say_nothing() -> None:
    here = shape(first="text", n="integer", last="text")
    mapping = compile_map([ID, field("name", "first", "n", "last", join=" ")], here)
    rows: dict[str, list[object]] = {
        "first": ["Ada", None, None],
        "n": [1, 2, None],
        "last": ["L", None, None],
    }
    assert mapping.forward(table(here, rows)).rows["name"].to_pylist() == ["Ada 1 L", "2", None]


def test_units_are_exact_between_decimals_and_come_back() -> None:
    one = one_field(field("m", "a", unit=Unit("cm", "m")), a="integer")
    there = one.forward(table(one.source, {"a": [181, None, -(2**63)]}))
    assert there.rows["m"].to_pylist() == [Decimal("1.81"), None, Decimal("-92233720368547758.08")]
    assert back(one, m=[Decimal("1.81")]) == {"a": [181]}
    inches = field("cm", "a", unit=Unit("inch", "cm"), cast="decimal(8,1)")
    assert forward(inches, [Decimal("1.0"), Decimal("5.0")], "decimal(6,1)") == (
        [None, Decimal("12.7")],
        [(0, "in the other unit has more than 1 decimals; lossy: true would round", "1.0")],
    )
    warm = field("f", "a", unit=Unit("degC", "degF"), cast="decimal(5,1)")
    assert forward(warm, [Decimal("36.5"), Decimal("-40.0")], "decimal(4,1)")[0] == [
        Decimal("97.7"),
        Decimal("-40.0"),
    ]
    assert forward(field("m", "a", unit=Unit("cm", "m")), [181.0], "float")[0] == [
        pytest.approx(1.81)
    ]


def test_an_expression_is_computed_from_the_columns_of_its_row() -> None:
    here = shape(net="decimal(8,2)", vat="decimal(4,2)")
    total = field("total", expression="net * (1 + vat)", cast="decimal(12,4)")
    mapping = compile_map([ID, total], here)
    rows: dict[str, list[object]] = {
        "net": [Decimal("10.10"), None],
        "vat": [Decimal("0.19"), Decimal("0.07")],
    }
    done = mapping.forward(table(here, rows))
    assert done.rows["total"].to_pylist() == [Decimal("12.0190"), None]
    assert mapping.source_columns == ("id", "net", "vat")


def test_an_error_in_one_row_is_one_bad_cell() -> None:
    one = field("b", expression="6 / a", cast="integer")
    assert forward(one, [0, 3, 4], "integer") == (
        [None, 2, None],
        [
            (0, "divides by zero, or a number is too large", "a=0"),
            (2, "has decimals, and this is for whole numbers; lossy: true would round", "a=4"),
        ],
    )


def test_a_row_is_bad_once_where_parts_of_its_text_do_not_fit() -> None:
    here = shape(a="timestamp", b="timestamp")
    for one in (field("t", template="{a} {b}"), field("t", "a", "b", join=" ")):
        mapping = compile_map([ID, one], here)
        far = pa.array([0, 2**62]).cast(pa.timestamp("us"))
        done = mapping.forward(pa.table({"id": [0, 1], "a": far, "b": far}))
        assert [bad.row for bad in done.bad_cells] == [1]
        assert done.rows["t"][1].as_py() is None


def test_json_that_is_nested_without_end_is_told() -> None:
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    _, told = forward(field("b", "a", path="a"), [deep], "json")
    assert [row for row, _, _ in told] == [0]
    for depth in (300, 600, 900):
        forward(field("b", "a", path="a"), ['{"a":' + "[" * depth + "]" * depth + "}"], "json")


def test_half_a_character_in_json_is_told() -> None:
    one = field("b", "a", path="a")
    assert forward(one, ['{"a":"\\ud800"}', '{"a":"\\u00e4"}'], "json") == (
        [None, "ä"],
        [(0, "holds a character that no text can have", '{"a":"\\ud800"}')],
    )


def test_a_key_that_the_source_gives_itself_comes_back_and_another_such_column_does_not() -> None:
    here = replace(
        shape(),
        columns=(
            column("id", "integer", writable=False),
            column("total", "float", writable=False),
        ),
    )
    mapping = compile_map([ID, field("total", "total")], here)
    assert mapping.two_way == ("id",)
    assert mapping.check_two_way() == [
        "'total' cannot come back: the source computes 'total' itself, or has it in a form that can"
        " only be read. Say lossy: true."
    ]


def test_each_reason_against_both_ways_names_its_field_and_what_to_say() -> None:
    here = shape(a="timestamp", n="integer", f="float")
    fields = [
        ID,
        field("day", "a", cast="date"),
        field("n", "n", cast="decimal(5,0)"),
        field("also_n", "n", on_error=OnError.KEEP),
        field("shown", template="{n}"),
        field("fixed", value=1),
        field("f", "f", lossy=True, unit=Unit("cm", "m")),
    ]
    mapping = compile_map(fields, here)
    assert mapping.check_two_way() == [
        "'day' does not come back as it went: the time of day is left out. Say lossy: true.",
        "'n' may come back empty: not every integer fits decimal(5,0). "
        "Say on_error: keep or dead_letter, or lossy: true, as in "
        "{from: n, to: n, on_error: keep}.",
        "'also_n' and 'n' both come back to 'n'. Say lossy: true for one of them.",
        "'shown' does not come back as it went: a template does not go back. Say lossy: true.",
    ]
    assert mapping.two_way == ("id", "day", "n", "f")


def test_a_probe_of_real_rows_names_the_cells_that_would_come_back_otherwise() -> None:
    mapping = one_field(field("day", "a", cast="date", lossy=True), a="timestamp")
    rows = table(mapping.source, {"a": [at(2026, 1, 1), at(2026, 1, 1, 12), None]})
    there, unlike = mapping.round_trip(rows)
    assert there.bad_cells == ()
    assert unlike == (Unlike(1, "day", "2026-01-01 12:00:00", "2026-01-01 00:00:00"),)


def test_everything_that_is_wrong_is_told_at_once_and_says_which_field() -> None:
    wrong = [
        field("a", "full_nam"),
        field("b", "id", cast="list"),
        field("c", "tags", cast="text"),
        field("d", expression="tags.x", cast="text"),
        field("e", "full_name", "lst", join=" "),
        field("f", "id", unit=Unit("cm", "kg")),
        field("g", "id", unit=Unit("cm", "smoot_hour_x")),
        field("h", "full_name", path="a..b"),
        field("i", template="{full_name!r}"),
        field("j", "full_name", cast="decimal(40,2)"),
        field("k", "full_name", zone="Europe/Berlin"),
        field("l", "born", cast="timestamp_tz", zone="Europe/Atlantis"),
        field("m", "full_name", lookup=((True, 1),)),
        field("n", expression="1"),
        field("b", "id"),
    ]
    here = shape(full_name="text", tags="list", born="timestamp")
    with pytest.raises(BadInput) as raised:
        compile_map(wrong, here)
    said = raised.value.message.splitlines()
    assert [line[:11] for line in said[1:]] == [
        f"- field '{name}'" for name in "abcdefghijklmn" + "b"
    ]
    assert "there is no column 'full_nam'; did you mean full_name?" in said[1]
    assert "integer cannot become list" in said[2]
    assert "say by what to join it" in said[3]
    assert "cm and kg do not measure the same" in said[6]
    assert "put it in quotes" in said[13]
    assert "more than one line writes it" in said[15]


def test_the_target_has_its_say() -> None:
    there = shape(name="text", total=column("total", "float", writable=False), day="date")
    here = shape(name="text", n="integer")
    with pytest.raises(BadInput) as raised:
        compile_map([ID, field("nam", "name"), field("total", "n"), field("day", "n")], here, there)
    said = raised.value.message.splitlines()[1:]
    assert said == [
        "- field 'nam': at the target there is no column 'nam'; did you mean name?",
        "- field 'total': the target computes it itself and takes no value for it",
        "- field 'day': integer cannot become date",
    ]
    assert compile_map([ID, field("nam", "name")], here, there, may_add=True).target_shape.column(
        "nam"
    )


def test_rows_must_be_told_apart_at_both_ends() -> None:
    here = shape(a="text")
    for wrong in (
        [field("a", "a")],
        [field("a", "a"), field("id", expression="id", cast="integer")],
    ):
        with pytest.raises(BadInput, match="it is part of the source's key"):
            compile_map(wrong, here)
    with pytest.raises(BadInput, match="told apart by id here and by a at the target"):
        compile_map([ID, field("a", "a")], here, shape(key=("a",), a="text"))
    renamed = compile_map([field("nr", "id", cast="text")], here)
    assert renamed.target_shape.key == ("nr",)
    assert renamed.on_error("nr") is OnError.DEAD_LETTER


def test_the_version_is_that_of_this_very_mapping() -> None:
    assert version(()) == "identity"
    assert version([ID]) == version([field("id", "id")])
    assert version([ID]) != version([field("id", "id", lossy=True)])
    one, true = (FieldMap(target="a", value=value) for value in (1, True))
    assert version([one]) != version([true])
