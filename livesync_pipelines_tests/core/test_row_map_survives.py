"""M11 and M12: what goes both ways comes back as it was, and nothing but what is mapped goes.

The strategies give every type its awkward values; `one_by_one` maps the plain way, a row at a time
with Python and pandas, and was written from what the casts promise, not from how they are done.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st

from livesync_pipelines.core.row_map import RowMap, compile_map
from livesync_pipelines.core.row_map_types import can_cast
from livesync_pipelines.model.errors import BadInput
from livesync_pipelines.model.row_map import FieldMap, OnError, Unit
from livesync_pipelines.model.rows import Column, Shape
from livesync_pipelines_tests.core.row_map_house import ID, column, field, one_field, shape, table

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),
    datetime(2026, 10, 25, 1, tzinfo=UTC),
    datetime(2026, 11, 1, 6, tzinfo=UTC),
    datetime(2026, 4, 4, 15, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]

near_changes = st.builds(
    lambda moment, minutes: moment + timedelta(minutes=minutes),
    st.sampled_from(CHANGES),
    st.integers(-180, 180),
)
moments = near_changes | st.datetimes(
    datetime(2, 1, 1),
    datetime(9998, 1, 1),
    timezones=st.just(UTC),
)
days = st.dates(date(2, 1, 1), date(9998, 1, 1))
texts = st.text(max_size=6) | st.sampled_from(
    [
        "",
        " ",
        "007",
        "1.50",
        "nan",
        "2026-03-29 02:30",
        "2026-02-30",
        "true",
        "a,b",
        "ä\U0001f600",
        '{"a":1}',
    ]
)


def decimals(precision: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**precision - 1
    return st.integers(-most, most).map(lambda n: Decimal(f"{n}e-{scale}"))


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "integer": st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "float": st.floats()
    | st.sampled_from([-0.0, 1.5, 2.0**53 + 2, float("nan")])
    | st.integers(-9, 9).map(float),
    "boolean": st.booleans(),
    "date": days,
    "time": st.times(),
    "timestamp": moments.map(lambda moment: moment.replace(tzinfo=None)),
    "timestamp_tz": moments,
    "list": st.lists(texts | st.none(), max_size=3),
    "binary": st.binary(max_size=4) | texts.map(str.encode),
    "decimal(12,2)": decimals(12, 2),
    "decimal(38,10)": decimals(38, 10),
    "decimal(15,4)": decimals(15, 4),
}
KINDS = st.sampled_from(sorted(VALUES))


@st.composite
def columns(draw: st.DrawFn, name: str) -> Column:
    kind = draw(KINDS)
    if kind == "integer":
        bits, unsigned = draw(st.sampled_from([16, 32, 64])), draw(st.booleans())
        return column(name, kind, bits=bits, unsigned=unsigned)
    if kind == "text" and draw(st.booleans()):
        words = draw(st.sampled_from([("a",), ("a", "B"), ("B", "a", "é'")]))
        return column(name, kind, words=words, several=draw(st.booleans()))
    if kind == "text":
        return column(name, kind, max_chars=draw(st.sampled_from([None, 2, 8])))
    return column(name, kind)


def kind_of(one: Column) -> str:
    return next(kind for kind in VALUES if column("", kind).type == one.type)


def values_of(one: Column) -> st.SearchStrategy[list[Any]]:
    found = VALUES[kind_of(one)]
    if one.type == pa.int64():
        least = 0 if one.unsigned else -(2 ** (one.bits - 1))
        found = st.integers(least, 2 ** (one.bits - 1) - 1) | st.sampled_from([0, 1])
    if one.words and one.several:
        found = st.lists(st.sampled_from(one.words), unique=True).map(",".join)
    elif one.words:
        found = st.sampled_from(one.words)
    if one.max_chars is not None:
        most = one.max_chars
        found = found.filter(lambda text: len(text) <= most)
    return st.lists(found | st.none(), min_size=1, max_size=8)


def equal(one: Any, other: Any) -> bool:
    """In the declared class: NaN is NaN, and zero has no sign."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)


@st.composite
def ways(draw: st.DrawFn) -> tuple[Column, FieldMap, Column | None]:
    """A column, what is done to it, and what the target has for it."""
    here = draw(columns("a"))
    there = draw(st.none() | columns("b"))
    more = draw(st.fixed_dictionaries({"on_error": st.sampled_from(OnError)}))
    extras: list[dict[str, Any]] = [
        {},
        {"zone": draw(st.sampled_from(ZONES))},
        {"cast": draw(KINDS)},
        {"split": draw(st.sampled_from([",", "a", " "]))},
        {"join": ","},
        {
            "unit": draw(
                st.sampled_from([Unit("cm", "m"), Unit("degC", "degF"), Unit("inch", "cm")])
            )
        },
        {"default": draw(st.sampled_from([0, "x", "2026-01-01"]))},
        {"lookup": draw(lookups)},
    ]
    return here, field("b", "a", **more, **draw(st.sampled_from(extras))), there


lookups = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 4)),
    min_size=1,
    max_size=4,
    unique_by=lambda p: p[0],
).map(tuple)


def compiled(here: Column, one: FieldMap, there: Column | None) -> RowMap:
    """What cannot be compiled is of no interest here."""
    try:
        return one_field(one, there, a=here)
    except BadInput:
        assume(False)
        raise


@given(st.data(), ways())
def test_what_is_declared_two_way_comes_back_equal_or_is_told_and_not_written(
    data: st.DataObject, way: tuple[Column, FieldMap, Column | None]
) -> None:
    mapping = compiled(*way)
    values = data.draw(values_of(way[0]))
    assume(mapping.check_two_way() == [])
    rows = table(mapping.source, {"a": values})
    there = mapping.forward(rows)
    told = {bad.row for bad in there.bad_cells}
    assert not told or mapping.on_error("b") is not OnError.NULL
    again = mapping.back(there.rows)
    for row, value in enumerate(values):
        if row not in told:
            assert equal(again.rows["a"][row].as_py(), value)
    assert {bad.row for bad in again.bad_cells} == set()
    assert mapping.round_trip(rows)[1] == ()


@given(st.data(), ways())
def test_what_does_not_come_back_equal_is_refused_both_ways_without_lossy(
    data: st.DataObject, way: tuple[Column, FieldMap, Column | None]
) -> None:
    mapping = compiled(*way)
    rows = table(mapping.source, {"a": data.draw(values_of(way[0]))})
    if mapping.round_trip(rows)[1]:
        assert mapping.check_two_way() != []


@given(st.data(), ways())
def test_every_row_goes_over_and_every_empty_cell_was_empty_or_is_told(
    data: st.DataObject, way: tuple[Column, FieldMap, Column | None]
) -> None:
    mapping = compiled(*way)
    values = data.draw(values_of(way[0]))
    done = mapping.forward(table(mapping.source, {"a": values}))
    assert done.rows.column_names == ["id", "b"]
    assert done.rows["id"].to_pylist() == list(range(len(values)))
    told = {bad.row: bad for bad in done.bad_cells}
    for row, (value, found) in enumerate(zip(values, done.rows["b"].to_pylist(), strict=True)):
        if found is None:
            assert value is None or row in told
        else:
            assert row not in told
    assert all(bad.field == "b" and bad.reason for bad in done.bad_cells)


@given(st.data(), columns("a"), columns("b"), st.sampled_from(ZONES))
def test_a_column_is_cast_as_its_values_are_one_by_one(
    data: st.DataObject, here: Column, there: Column, zone: str
) -> None:
    assume(can_cast(here, there))
    values = data.draw(values_of(here))
    timely = "time" in kind_of(there) or kind_of(there) == "date"
    timely = timely and kind_of(here) in ("text", "date", "timestamp", "timestamp_tz", "time")
    mapping = one_field(field("b", "a", zone=zone if timely else None), there, a=here)
    together = mapping.forward(table(mapping.source, {"a": values}))
    for row, value in enumerate(values):
        alone = mapping.forward(table(mapping.source, {"a": [value]}))
        one, other = alone.rows["b"][0].as_py(), together.rows["b"][row].as_py()
        assert equal(one, other)
        reasons = [bad.reason for bad in together.bad_cells if bad.row == row]
        assert reasons == [bad.reason for bad in alone.bad_cells]
        plain = one_by_one(value, kind_of(here), there, zone if timely else "UTC")
        assert equal(plain, other), (plain, other)


def one_by_one(value: Any, kind: str, there: Column, zone: str) -> Any:
    """What a cast makes of one value, the plain way; None where it does not fit."""
    if value is None:
        return None
    try:
        found = PLAIN[kind_of(there).partition("(")[0]](value, there, zone)
    except (ValueError, ArithmeticError, AttributeError, TypeError):
        return None
    if there.max_chars is not None and len(found) > there.max_chars:
        return None
    if there.words:
        parts = [p for p in found.split(",") if found] if there.several else [found]
        if not {p.rstrip(" ").casefold() for p in parts} <= {w.casefold() for w in there.words}:
            return None
    return found


def plain_text(value: Any, there: Column, zone: str) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, datetime):
        bare = value.replace(tzinfo=None).isoformat(" ", "microseconds")
        return bare + ("Z" if value.tzinfo else "")
    if isinstance(value, time):
        return value.isoformat("microseconds")
    if isinstance(value, Decimal):
        return f"{value:f}"
    spelled = pa.scalar(value).cast(pa.string()) if isinstance(value, float) else value
    return str(spelled).lower() if isinstance(value, bool) else str(spelled)


def plain_whole(value: Any, there: Column, zone: str) -> int:
    if isinstance(value, str):
        value.strip(" ").encode("ascii")
        assert_number(value, "0123456789+-")
        found = int(value.strip(" "))
    else:
        found = int(value)
        if found != value:
            raise ValueError(value)
    least = 0 if there.unsigned else -(2 ** (there.bits - 1))
    if not least <= found < 2 ** (there.bits - 1):
        raise ValueError(value)
    return found


def assert_number(text: str, letters: str) -> None:
    if not set(text.strip(" ")) <= set(letters):
        raise ValueError(text)


def plain_decimal(value: Any, there: Column, zone: str) -> Decimal:
    if isinstance(value, str):
        assert_number(value, "0123456789+-.eE")
        value = Decimal(value.strip(" "))
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    scaled = exact.scaleb(there.type.scale, Context(prec=400)) if exact.is_finite() else exact
    if scaled != int(scaled) or abs(int(scaled)) >= 10**there.type.precision:
        raise ValueError(value)
    return Decimal(f"{int(scaled)}e-{there.type.scale}")


def plain_float(value: Any, there: Column, zone: str) -> float:
    if isinstance(value, str) and value.strip(" +-").lower() not in ("nan", "inf", "infinity"):
        assert_number(value, "0123456789+-.eE")
    found = float(value)
    if math.isinf(found) and "inf" not in str(value).lower():
        raise ValueError(value)
    if isinstance(value, int) and int(found) != value:
        raise ValueError(value)
    return found


def plain_truth(value: Any, there: Column, zone: str) -> bool:
    words = {"1": True, "true": True, "t": True, "yes": True, "y": True, "on": True}
    words |= {"0": False, "false": False, "f": False, "no": False, "n": False, "off": False}
    found = words.get(str(value).strip(" ").lower())
    if found is None:
        raise ValueError(value)
    return found


def plain_moment(value: Any, zone: str) -> pd.Timestamp:
    if isinstance(value, str):
        date.fromisoformat(value.strip(" ")[:10])
        assert_number(value[:4].strip(" "), "0123456789")
        value = datetime.fromisoformat(value.strip(" "))
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    found = pd.Timestamp(value).as_unit("us")
    if found.tzinfo is not None:
        return found
    return found.tz_localize(zone, ambiguous=True, nonexistent="raise")


def plain_stamp_tz(value: Any, there: Column, zone: str) -> datetime:
    return plain_moment(value, zone).tz_convert("UTC").to_pydatetime()


def plain_stamp(value: Any, there: Column, zone: str) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value.strip(" "))
    if isinstance(value, datetime) and value.tzinfo is None:
        return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    return plain_moment(value, zone).tz_convert(zone).tz_localize(None).to_pydatetime()


def plain_date(value: Any, there: Column, zone: str) -> date:
    if isinstance(value, datetime):
        return plain_stamp(value, there, zone).date()
    return value if isinstance(value, date) else date.fromisoformat(value.strip(" "))


def plain_time(value: Any, there: Column, zone: str) -> time:
    if isinstance(value, datetime):
        return plain_stamp(value, there, zone).time()
    return value if isinstance(value, time) else time.fromisoformat(value.strip(" "))


PLAIN: dict[str, Any] = {
    "text": plain_text,
    "integer": plain_whole,
    "decimal": plain_decimal,
    "float": plain_float,
    "boolean": plain_truth,
    "date": plain_date,
    "time": plain_time,
    "timestamp": plain_stamp,
    "timestamp_tz": plain_stamp_tz,
    "list": lambda value, there, zone: value,
    "binary": lambda value, there, zone: value.encode() if isinstance(value, str) else value,
}


@given(st.lists(st.sampled_from(["id", "a", "b", "c", "d"]), unique=True))
def test_only_mapped_columns_are_ever_read_and_written(names: list[str]) -> None:
    here = shape(a="text", b="integer", c="date", d="list")
    fields = [ID, *(field(f"to_{name}", name) for name in names)]
    mapping = compile_map(fields, here)
    rows = table(here, {"a": ["x"], "b": [1], "c": [date(2026, 1, 1)], "d": [["y"]]})
    there = mapping.forward(rows)
    assert there.rows.column_names == ["id", *(f"to_{name}" for name in names)]
    assert set(mapping.source_columns) == {"id", *names}
    assert set(mapping.back(there.rows).rows.column_names) == {"id", *names}
    part = mapping.back(there.rows.select(["id"]))
    assert part.rows.column_names == ["id"]


def test_pandas_finds_the_same_in_many_rows() -> None:
    count = 20_000
    frame = pd.DataFrame(
        {
            "id": range(count),
            "n": [str(n) if n % 7 else f"x{n}" for n in range(count)],
            "at": pd.date_range("2026-03-28", periods=count, freq="min").astype("datetime64[us]"),
            "first": ["Ada" if n % 3 else None for n in range(count)],
            "state": [("open", "closed", "lost")[n % 3] for n in range(count)],
        }
    )
    here = Shape(
        columns=(
            column("id", "integer"),
            column("n", "text"),
            column("at", "timestamp"),
            column("first", "text"),
            column("state", "text"),
        ),
        key=("id",),
    )
    mapping = compile_map(
        [
            ID,
            field("n", "n", cast="integer"),
            field("at", "at", cast="timestamp_tz", zone="Europe/Berlin"),
            field("first", "first", default="?"),
            field("state", "state", lookup=(("open", 1), ("closed", 2))),
        ],
        here,
    )
    done = mapping.forward(pa.Table.from_pandas(frame, preserve_index=False))
    found = done.rows.to_pandas()
    expected_n = pd.to_numeric(frame["n"], errors="coerce")
    assert found["n"].equals(expected_n)
    local = frame["at"].dt.tz_localize("Europe/Berlin", ambiguous=True, nonexistent="NaT")
    assert (found["at"].isna() == local.isna()).all()
    assert (found["at"].dropna() == local.dropna()).all()
    assert (found["first"] == frame["first"].fillna("?")).all()
    assert found["state"].equals(frame["state"].map({"open": 1.0, "closed": 2.0}))
    wrong = {
        "n": expected_n.isna().sum(),
        "at": local.isna().sum(),
        "state": found["state"].isna().sum(),
    }
    assert {name: sum(bad.field == name for bad in done.bad_cells) for name in wrong} == wrong
