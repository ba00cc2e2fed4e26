"""Fingerprints of rows, and what changed between two snapshots of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livesync_pipelines.core import row_keys
from livesync_pipelines.core.row_delta import compare, differs, fingerprints, row_delta
from livesync_pipelines.core.row_values import plain, typed

DECIMAL = pa.decimal128(12, 2)
VALUES: Mapping[pa.DataType, st.SearchStrategy[Any]] = {
    pa.bool_(): st.booleans(),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(),
    pa.string(): st.text(max_size=20) | st.sampled_from(["a" * 256, "a" * 257, "\0", "a\0"]),
    pa.binary(): st.binary(max_size=20),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.timestamp("us"): st.datetimes(),
    pa.timestamp("us", tz="UTC"): st.datetimes(timezones=st.just(UTC)),
    pa.list_(pa.string()): st.lists(st.none() | st.text(max_size=3), max_size=3),
    DECIMAL: st.decimals("-1e9", "1e9", places=2),
}
KINDS = sorted(VALUES, key=str)


@st.composite
def columns(draw: st.DrawFn, how_many: int = 2) -> tuple[pa.DataType, list[pa.Array]]:
    """Columns of one type and length, correlated: each value comes from a small pool."""
    kind = draw(st.sampled_from(KINDS))
    pool = [None, *draw(st.lists(VALUES[kind], min_size=1, max_size=3))]
    size = draw(st.integers(0, 8))
    lists = st.lists(st.sampled_from(pool), min_size=size, max_size=size)
    return kind, [pa.array(draw(lists), kind) for _ in range(how_many)]


def same(a: Any, b: Any) -> bool:
    """Plain equality of two values of one type, but NaN is NaN."""
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return bool(a == b)


def prints(rows: pa.Table, names: Sequence[str] | None = None) -> list[bytes]:
    found: list[bytes] = fingerprints(rows, names or rows.column_names).to_pylist()
    return found


@given(columns())
def test_two_values_differ_as_they_do_in_python(drawn: tuple[pa.DataType, list[pa.Array]]) -> None:
    _, (a, b) = drawn
    pairs = zip(a.to_pylist(), b.to_pylist(), strict=True)
    assert differs(a, b).to_pylist() == [not same(*pair) for pair in pairs]


@given(columns())
def test_fingerprints_are_equal_exactly_where_the_values_are(
    drawn: tuple[pa.DataType, list[pa.Array]],
) -> None:
    _, (a, b) = drawn
    one, other = (prints(pa.table({"x": column})) for column in (a, b))
    unlike = [x != y for x, y in zip(one, other, strict=True)]
    assert unlike == differs(a, b).to_pylist()


@given(columns(how_many=3), st.integers(0, 4), st.data())
def test_how_a_table_is_laid_out_does_not_matter(
    drawn: tuple[pa.DataType, list[pa.Array]], skipped: int, data: st.DataObject
) -> None:
    """Chunks, offsets, the order of columns, dictionaries."""
    kind, (a, b, c) = drawn
    rows = pa.table({"a": a, "b": b, "c": c})
    cut = data.draw(st.integers(0, len(a)))
    chunked = pa.table(
        {
            "c": pa.chunked_array([c[:cut], c[cut:]], kind),
            "b": b if pa.types.is_list(kind) else b.dictionary_encode(),
            "a": pa.concat_arrays([a, a])[len(a) :],
        }
    )
    assert prints(chunked) == prints(rows)
    assert prints(rows.slice(skipped)) == prints(rows)[skipped:]


def test_of_no_rows_and_of_no_columns_there_are_fingerprints_too() -> None:
    assert prints(pa.table({"a": pa.array([], pa.string())})) == []
    assert len(set(prints(pa.table({"a": [1, 2]}), ["a"]))) == 2


def test_what_looks_alike_is_told_apart() -> None:
    """A missing column, NULL, nothing, zero; the same text as another kind or in another column;
    members that are joined otherwise."""
    kinds: list[tuple[Any, pa.DataType]] = [
        (None, pa.string()),
        ("", pa.string()),
        (b"", pa.binary()),
        ("\0", pa.string()),
        ("0", pa.string()),
        (0, pa.int64()),
        (0.0, pa.float64()),
        (Decimal("0.00"), DECIMAL),
        (False, pa.bool_()),
        (date(1970, 1, 1), pa.date32()),
        (time(0), pa.time64("us")),
        (datetime(1970, 1, 1), pa.timestamp("us")),
        (datetime(1970, 1, 1, tzinfo=UTC), pa.timestamp("us", tz="UTC")),
        ([], pa.list_(pa.string())),
        ([""], pa.list_(pa.string())),
        ([None], pa.list_(pa.string())),
        (["", ""], pa.list_(pa.string())),
        (["ab"], pa.list_(pa.string())),
        (["a", "b"], pa.list_(pa.string())),
        (["b", "a"], pa.list_(pa.string())),
    ]
    found = [prints(pa.table({"a": pa.array([v], kind)}))[0] for v, kind in kinds]
    found += prints(pa.table({"b": [0]}))
    found += prints(pa.table({"a": pa.array([0]), "b": pa.nulls(1, pa.int64())}))
    assert len(set(found)) == len(kinds) + 2


def test_values_that_change_places_are_told_apart() -> None:
    rows = pa.table({"a": ["x", "y", "x"], "b": ["y", "x", "x"]})
    assert len(set(prints(rows))) == 3


def test_the_scale_of_a_decimal_does_not_count() -> None:
    values = [Decimal("1.50"), Decimal("-3.00"), None]
    narrow, wide = (pa.table({"a": pa.array(values, pa.decimal128(30, s))}) for s in (2, 9))
    assert prints(narrow) == prints(wide)


def test_near_values_have_fingerprints_that_differ_in_either_half() -> None:
    numbers = pa.array(range(200_000), pa.int64())
    rows = pa.table({"n": numbers, "t": numbers.cast(pa.string())})
    for names in (["n"], ["t"], ["n", "t"]):
        found = prints(rows, names)
        assert len({print_[:8] for print_ in found}) == len({p[8:] for p in found}) == len(found)


def test_fingerprints_are_what_they_have_always_been() -> None:
    """They are stored: another value here is a migration of everybody's state."""
    rows = pa.table(
        {
            "number": pa.array([42, None], pa.int64()),
            "ratio": pa.array([-0.0, math.nan]),
            "name": pa.array(["Ada Lovelace", "z" * 300]),
            "price": pa.array([Decimal("9.90"), Decimal("-0.01")], DECIMAL),
            "seen": pa.array([datetime(2026, 3, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "tags": pa.array([["a", "b"], []], pa.list_(pa.string())),
        }
    )
    assert [print_.hex() for print_ in prints(rows)] == [
        "1eeb3f03a0aa645e0f1f1de1109dd750",
        "e14f984fa8a2e70a34161fb5d7418f28",
    ]


def test_a_type_that_no_row_has_is_refused() -> None:
    with pytest.raises(TypeError, match="struct<a: int64> have no fingerprint"):
        fingerprints(pa.table({"x": pa.array([{"a": 1}])}), ["x"])
    with pytest.raises(TypeError, match="int64 and string"):
        differs(pa.array([1]), pa.array(["1"]))


@given(columns(how_many=1))
def test_a_value_that_is_told_plainly_can_be_read_again(
    drawn: tuple[pa.DataType, list[pa.Array]],
) -> None:
    kind, (column,) = drawn
    assert not any(differs(typed(plain(column), kind), column).to_pylist())


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("x", pa.int64()),
        (9.7, pa.int64()),
        (math.inf, pa.int64()),
        ("x", DECIMAL),
        ("x", pa.binary()),
        ("soon", pa.date32()),
        (1, pa.string()),
    ],
)
def test_a_plain_value_of_another_type_is_refused(value: object, kind: pa.DataType) -> None:
    with pytest.raises(ValueError, match="not of type"):
        typed([value], kind)


Snapshot = dict[Any, tuple[str | None, float | None]]
cells = st.tuples(st.sampled_from([None, "", "a", "b"]), st.sampled_from([None, 0.0, math.nan]))


def snapshots(keys: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Snapshot, Snapshot]]:
    held = st.dictionaries(keys, cells, max_size=12)
    return st.tuples(held, held)


def table(rows: Snapshot, kind: pa.DataType) -> pa.Table:
    return pa.table(
        {
            "id": pa.array(list(rows), kind),
            "name": pa.array([name for name, _ in rows.values()], pa.string()),
            "size": pa.array([size for _, size in rows.values()], pa.float64()),
        }
    )


def naive(before: Snapshot, after: Snapshot) -> dict[Any, tuple[str, list[str]]]:
    """The delta, key by key."""
    found: dict[Any, tuple[str, list[str]]] = {}
    for key in before.keys() | after.keys():
        if key not in before:
            found[key] = ("added", [])
        elif key not in after:
            found[key] = ("removed", [])
        else:
            pairs = zip(("name", "size"), before[key], after[key], strict=True)
            fields = [name for name, old, new in pairs if not same(old, new)]
            if fields:
                found[key] = ("updated", fields)
    return found


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("kind", [pa.int64(), pa.string(), pa.date32()])
@given(data=st.data())
def test_a_delta_names_what_became_of_every_row_and_in_which_fields(
    data: st.DataObject, kind: pa.DataType, hashed: bool
) -> None:
    keys = {
        pa.int64(): st.integers(-5, 12),
        pa.string(): st.text("ab", max_size=3),
        pa.date32(): st.dates(date(1969, 12, 25), date(1970, 1, 9)),
    }
    before, after = data.draw(snapshots(keys[kind]))
    old, new = table(before, kind), table(after, kind)
    held = fingerprints(old, old.column_names) if hashed else None
    found = row_delta(old, new, ["id"], held=held)
    changes = found.changes.to_pylist()
    expected = naive(before, after)
    spelled = dict(zip(row_keys.encode(old, ["id"]).to_pylist(), before, strict=True))
    spelled |= dict(zip(row_keys.encode(new, ["id"]).to_pylist(), after, strict=True))
    assert {spelled[c["key"]]: (c["op"], c["changed_fields"]) for c in changes} == expected
    assert len(changes) == found.added + found.updated + found.removed == len(expected)
    for change in changes:
        key = spelled[change["key"]]
        assert change["before"] == (list(before).index(key) if key in before else None)
        assert change["after"] == (list(after).index(key) if key in after else None)


@given(snapshots(st.text("ab", max_size=3)))
def test_a_page_sorts_its_rows_into_new_changed_and_same_and_knows_what_is_absent(
    drawn: tuple[Snapshot, Snapshot],
) -> None:
    before, after = drawn
    held, page = (
        pa.table({"key": rows["id"], "fingerprint": fingerprints(rows, ["name", "size"])})
        for rows in (table(before, pa.string()), table(after, pa.string()))
    )
    found = compare(held, page)
    expected = naive(before, after)

    def named(op: str) -> set[str]:
        return {key for key, (became, _) in expected.items() if became == op}

    assert set(page["key"].take(found.new).to_pylist()) == named("added")
    assert set(page["key"].take(found.changed).to_pylist()) == named("updated")
    assert set(page["key"].take(found.same).to_pylist()) == after.keys() - expected.keys()
    assert set(held["key"].take(found.absent).to_pylist()) == named("removed")


def test_a_key_of_two_columns_tells_rows_apart() -> None:
    before = pa.table({"a": ["x", "x"], "b": [1, 2], "v": ["1", "2"]})
    after = pa.table({"a": ["x", "y"], "b": [2, 1], "v": ["3", "1"]})
    changes = row_delta(before, after, ["a", "b"]).changes.to_pylist()
    assert [(change["op"], change["changed_fields"]) for change in changes] == [
        ("updated", ["v"]),
        ("added", []),
        ("removed", []),
    ]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([1, 1], "the key 1 stands there more than once"),
        ([2, 1, 2], "the key 2 stands there more than once"),
        ([None, 1], "row 0 has no key"),
        (["a", "a"], "the key 'a' stands there more than once"),
        (["a", None], "row 1 has no usable key"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_key_that_cannot_be_one_is_refused(keys: list[Any], said: str, turned: bool) -> None:
    bad = pa.table({"id": keys})
    good = bad.slice(0, 0)
    with pytest.raises(ValueError, match=said):
        row_delta(*((bad, good) if turned else (good, bad)), ["id"])


def test_snapshots_of_other_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="not the same columns"):
        row_delta(pa.table({"id": [1]}), pa.table({"id": ["1"]}), ["id"])
