"""Keys as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import row_keys

KINDS: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.string(): st.text(st.characters(exclude_characters="\x00\x01", exclude_categories=["Cs"])),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("us", tz="UTC"): st.datetimes(timezones=st.just(UTC)),
}
COLUMNS = st.sampled_from(list(KINDS)).flatmap(lambda k: st.tuples(st.just(k), KINDS[k]))


def encoded(values: list[tuple[pa.DataType, object]]) -> tuple[str, list[str], list[pa.DataType]]:
    names = [f"c{place}" for place, _ in enumerate(values)]
    table = pa.table([pa.array([value], kind) for kind, value in values], names=names)
    return row_keys.encode(table, names)[0].as_py(), names, [kind for kind, _ in values]


@given(st.lists(COLUMNS, min_size=1, max_size=3))
def test_what_is_spoken_is_understood(values: list[tuple[pa.DataType, object]]) -> None:
    key, names, types = encoded(values)
    said = row_keys.spoken(key, names, types)
    if not any(isinstance(value, str) and "=" in value for _, value in values):
        assert row_keys.heard(said, names, types) == key


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([(pa.int64(), -42)], "-42"),
        ([(pa.string(), "Ada")], "Ada"),
        ([(pa.string(), "eu"), (pa.int64(), 5)], "c0=eu, c1=5"),
        ([(pa.date32(), date(2026, 1, 2)), (pa.time64("us"), time(3, 4))], "c0=2026-01-02, c1=03:"),
        ([(pa.timestamp("us", tz="UTC"), datetime(2026, 1, 2, tzinfo=UTC))], "2026-01-02T00:00:00"),
    ],
)
def test_keys_are_spoken_as_people_write_them(
    values: list[tuple[pa.DataType, object]], said: str
) -> None:
    assert row_keys.spoken(*encoded(values)).startswith(said)


def test_what_is_no_key_is_left_as_it_is_and_understood_as_none() -> None:
    names, types = ["region", "id"], [pa.string(), pa.int64()]
    assert row_keys.spoken("line 7", names, types) == "line 7"
    assert row_keys.spoken("eu\x01seven", names, types) == "eu, seven"
    for said in ("eu", "region=eu", "region=eu, id=", "region=eu, id=five", "id=5, region=eu"):
        assert row_keys.heard(said, names, types) is None
    assert row_keys.heard("9" * 30, ["id"], [pa.int64()]) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "b", "line 7", "s9999999999999999999", "s" + "9" * 40])
def test_what_is_no_key_of_one_column_is_left_as_it_is(kind: pa.DataType, text: str) -> None:
    assert row_keys.spoken(text, ["id"], [kind]) == text
    assert row_keys.spoken(text + "\x01", ["id"], [kind]) == text + ", "
    assert row_keys.is_one(text, [kind]) is (kind == pa.string())


@given(st.data())
def test_keys_are_read_as_they_were_spelled(data: st.DataObject) -> None:
    types = data.draw(st.lists(st.sampled_from(list(KINDS)), min_size=1, max_size=3))
    names = [f"c{place}" for place, _ in enumerate(types)]
    columns = [
        pa.array(data.draw(st.lists(st.none() | KINDS[kind], min_size=3, max_size=3)), kind)
        for kind in types
    ]
    keys = row_keys.encode(pa.table(columns, names=names), names)
    known = pa.table(columns, names=names).filter(keys.is_valid())
    assert pa.table(row_keys.decode(keys.drop_null(), types), names=names).equals(known)
    assert row_keys.decode(keys, types)[0].is_null().equals(keys.is_null())
