"""Files as rows: one suite for every format, in folders and buckets. What is read and written is
held against pandas."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from livesync_pipelines.connectors.rows import PAGE_ROWS
from livesync_pipelines.core import row_keys
from livesync_pipelines.model.errors import BadInput, Broken, NotFound
from livesync_pipelines.model.rows import Unfit

from .row_files import (
    FORMATS,
    WRITABLE,
    BucketPlace,
    FolderPlace,
    decoded,
    encoded,
    failures,
    pages,
    rows,
    shape,
    writes,
)
from .row_files import (
    RowPlace as Place,
)

PEOPLE = pd.DataFrame(
    {
        "id": [10, 2, 33, 1],
        "name": ["Ada", 'Bo "B" Berg, jr.', "Zoë\nZ", "李"],
        "score": [1.5, 2.0, -3.25, 1e6],
        "active": [True, False, True, True],
    }
)
WANTED = shape(id=pa.int64(), name=pa.string(), score=pa.float64())


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return FolderPlace(tmp_path) if request.param == "folder" else BucketPlace()


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=WRITABLE)
def written(request: pytest.FixtureRequest) -> str:
    """A format that can be written."""
    return str(request.param)


def test_a_table_is_read_in_the_order_of_its_keys_with_the_types_of_its_cells(
    place: Place, form: str
) -> None:
    place.put(f"people.{form}", encoded(PEOPLE, form))
    end = place.end(f"people.{form}")
    told = end.shape()
    assert told is not None
    assert [c.type for c in told.columns] == [pa.int64(), pa.string(), pa.float64(), pa.bool_()]
    assert told.key == ("id",)
    assert rows(end) == PEOPLE.sort_values("id").to_dict("records")
    assert [page.last for page in pages(end, ["id"])] == [True]


def test_a_text_key_is_ordered_by_code_points_and_a_composite_one_column_by_column(
    place: Place, form: str
) -> None:
    frame = pd.DataFrame(
        {
            "team": ["b", "B", "é", "b", "😀", "\uffee"],
            "no": [10, 1, 1, 9, 1, 1],
            "x": range(6),
        }
    )
    place.put(f"t.{form}", encoded(frame, form))
    end = place.end(f"t.{form}", key=["team", "no"])
    found = pa.concat_tables(page.rows for page in pages(end, ["team", "no", "x"]))
    keys = row_keys.encode(found, ["team", "no"]).to_pylist()
    assert keys == sorted(keys)
    assert found["x"].to_pylist() == [1, 3, 0, 2, 5, 4]


def test_a_long_table_comes_in_pages_and_goes_on_after_any_key(place: Place, form: str) -> None:
    count = PAGE_ROWS * 2 + 7
    frame = pd.DataFrame({"id": [i * 7919 % count for i in range(count)]})
    frame["twice"] = frame["id"] * 2
    place.put(f"long.{form}", encoded(frame, form))
    end = place.end(f"long.{form}")
    found = pages(end, ["id", "twice"])
    assert [len(page.rows) for page in found] == [PAGE_ROWS, PAGE_ROWS, 7]
    assert [page.last for page in found] == [False, False, True]
    ids = [i for page in found for i in page.rows["id"].to_pylist()]
    assert ids == list(range(count))
    rest = [page.rows["id"].to_pylist() for page in pages(end, ["id"], after=[count - 3])]
    assert rest == [[count - 2, count - 1]]


def test_rows_are_read_by_their_keys_and_those_that_are_not_there_are_left_out(
    place: Place, form: str
) -> None:
    place.put(f"people.{form}", encoded(PEOPLE, form))
    found = place.end(f"people.{form}").read(["name", "id"], pa.table({"id": [33, 4, 1]})).rows
    assert sorted(found.to_pylist(), key=lambda row: row["id"]) == [
        {"name": "李", "id": 1},
        {"name": "Zoë\nZ", "id": 33},
    ]


def test_several_files_are_one_table(place: Place, form: str) -> None:
    place.put(f"parts/a.{form}", encoded(PEOPLE[:2], form))
    place.put(f"parts/b.{form}", encoded(PEOPLE[2:], form))
    place.put(f"other.{form}", encoded(PEOPLE, form))
    assert rows(place.end(f"parts/*.{form}")) == PEOPLE.sort_values("id").to_dict("records")


def test_a_key_on_two_lines_is_a_failure_that_names_both_and_neither_is_chosen(
    place: Place, form: str
) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3, 2], "x": ["a", "b", "c", "d"]})
    place.put(f"t.{form}", encoded(frame, form))
    end = place.end(f"t.{form}")
    assert rows(end, "x") == [{"x": "a"}, {"x": "c"}]
    (failure,) = failures(end)
    unit, places = {"csv": ("lines", "3, 5"), "xlsx": ("rows", "3, 5")}.get(
        form, ("lines" if form == "jsonl" else "rows", "2, 4")
    )
    assert (failure.key, failure.code) == ("a2", "duplicate_key")
    assert failure.reason.startswith(f"{unit} {places} ")
    assert pages(end, ["id"])[-1].last, "every key is known, so what is not there is absent"
    asked = end.read(["id"], pa.table({"id": [1, 2, 9]}))
    assert (asked.rows.to_pylist(), asked.failures) == ([{"id": 1}], (failure,))


def test_a_row_without_a_key_is_a_failure_and_then_nothing_is_absent(
    place: Place, form: str
) -> None:
    frame = pd.DataFrame({"id": ["a", None, "c"], "x": [1, 2, 3]})
    place.put(f"t.{form}", encoded(frame, form))
    end = place.end(f"t.{form}")
    assert rows(end, "id") == [{"id": "a"}, {"id": "c"}]
    (failure,) = failures(end)
    assert failure.code == "no_key"
    assert failure.key in ("line 3", "row 3", "line 2", "row 2")
    assert "the key column id is empty" in failure.reason
    assert not any(page.last for page in pages(end, ["id"]))


def test_a_cell_that_does_not_fit_its_declared_type_fails_its_row_and_the_rest_goes_on(
    place: Place, form: str
) -> None:
    frame = pd.DataFrame({"id": [1, 2, 3], "age": ["7", "seven", "9"]})
    place.put(f"t.{form}", encoded(frame, form))
    end = place.end(f"t.{form}", types={"age": "integer"})
    assert rows(end) == [{"id": 1, "age": 7}, {"id": 3, "age": 9}]
    (failure,) = failures(end)
    assert (failure.key, failure.code) == ("a2", "bad_value")
    assert "column age must hold integer" in failure.reason
    assert "seven" not in failure.reason


def test_of_a_row_with_such_a_cell_the_rest_is_told_and_what_the_cell_says(
    place: Place, form: str
) -> None:
    frame = pd.DataFrame(
        {"id": [1, 2, 3], "name": ["Ada", "Bob", "Cyd"], "age": ["7", "seven", "9"]}
    )
    place.put(f"t.{form}", encoded(frame, form))
    end = place.end(f"t.{form}", types={"age": "integer"})
    columns = ["age", "id", "name"]
    found = [page.partial for page in pages(end, columns) if page.partial is not None]
    asked = end.read(columns, pa.table({"id": [1, 2]}))
    for partial in (*found, asked.partial):
        assert partial is not None
        assert partial.rows.to_pylist() == [{"age": None, "id": 2, "name": "Bob"}]
        assert partial.unfit == ((Unfit("age", "seven", "is no integer"),),)
    assert len(found) == 1


def test_a_file_that_is_not_there_has_no_shape_and_cannot_be_scanned(
    place: Place, form: str
) -> None:
    place.put("other.csv", b"id\n1\n")
    end = place.end(f"gone.{form}")
    assert end.shape() is None
    with pytest.raises(NotFound, match=f"no file gone.{form}"):
        pages(end, ["id"])
    with pytest.raises(NotFound, match="no file"):
        end.read(["id"], pa.table({"id": [1]}))


def test_a_column_that_the_selection_names_and_the_file_lacks_is_told_with_those_it_has(
    place: Place, form: str
) -> None:
    place.put(f"people.{form}", encoded(PEOPLE, form))
    end = place.end(f"people.{form}", modified="changed")
    with pytest.raises(BadInput, match="no column changed; it has id, name, score, active"):
        end.shape()


def test_a_key_that_cannot_tell_rows_apart_says_how_to_declare_it(place: Place) -> None:
    place.put("t.jsonl", b'{"id": 1.5}\n{"id": 2}\n')
    with pytest.raises(BadInput, match="is float") as told:
        place.end("t.jsonl").shape()
    assert "types: {id: text}" in told.value.hint
    assert rows(place.end("t.jsonl", types={"id": "text"})) == [{"id": "1.5"}, {"id": "2"}]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"PAR1 no, it is not"])
@pytest.mark.parametrize("form", ["parquet", "xlsx"], indirect=True)
def test_a_broken_file_is_an_error_that_names_it(place: Place, form: str, content: bytes) -> None:
    place.put(f"t.{form}", content)
    with pytest.raises((Broken, BadInput), match=f"t.{form}: "):
        place.end(f"t.{form}").shape()


def test_rows_are_changed_added_and_removed_and_the_rest_stays(place: Place, written: str) -> None:
    place.put(f"people.{written}", encoded(PEOPLE, written))
    end = place.end(f"people.{written}")
    assert end.prepare(WANTED) == []
    receipt = end.write(
        writes(
            WANTED,
            upserts=[
                (
                    {"id": 2, "name": "Bo", "score": 2.5},
                    {"id": 2, "name": 'Bo "B" Berg, jr.', "score": 2.0},
                ),
                ({"id": 5, "name": "new, «5»", "score": None}, None),
            ],
            deletes=[{"id": 33, "name": "Zoë\nZ", "score": -3.25}],
        )
    )
    assert (receipt.failures, len(receipt.moved), len(receipt.stored)) == ((), 0, 0)
    found = decoded(place.get(f"people.{written}"), written)
    assert found["id"].tolist() == [10, 2, 1, 5], "what was there keeps its order"
    assert found["name"].tolist() == ["Ada", "Bo", "李", "new, «5»"]
    assert found["score"].tolist()[:3] == [1.5, 2.5, 1e6]
    assert found["active"].tolist()[:3] == [True, False, True], "no column but those given changes"
    assert pd.isna(found["score"].tolist()[3])
    assert pd.isna(found["active"].tolist()[3])
    assert rows(end, "id", "name") == [
        {"id": 1, "name": "李"},
        {"id": 2, "name": "Bo"},
        {"id": 5, "name": "new, «5»"},
        {"id": 10, "name": "Ada"},
    ]


def test_a_row_that_is_not_as_expected_is_left_alone_and_told(place: Place, written: str) -> None:
    place.put(f"people.{written}", encoded(PEOPLE, written))
    end = place.end(f"people.{written}")
    end.prepare(WANTED)
    before = place.get(f"people.{written}")
    ada = {"id": 10, "name": "Ada", "score": 1.5}
    receipt = end.write(
        writes(
            WANTED,
            upserts=[
                ({**ada, "name": "A."}, {**ada, "name": "Ada L."}),
                ({**ada, "id": 2}, None),
                ({**ada, "id": 99, "name": "x"}, {**ada, "id": 99}),
            ],
            deletes=[{"id": 1, "name": "not so", "score": 1e6}],
        )
    )
    assert sorted(receipt.moved["id"].to_pylist()) == [1, 2, 10, 99]
    assert place.get(f"people.{written}") == before


def test_what_is_written_twice_leaves_one_row_and_the_same_file(place: Place, written: str) -> None:
    end = place.end(f"new.{written}")
    end.prepare(WANTED)
    sent = writes(
        WANTED,
        upserts=[({"id": 7, "name": "x", "score": 0.1}, None)],
        deletes=[{"id": 8, "name": None, "score": None}],
    )
    end.write(sent)
    before = place.get(f"new.{written}")
    receipt = end.write(sent)
    assert (receipt.failures, len(receipt.moved)) == ((), 0)
    assert place.get(f"new.{written}") == before
    assert rows(end) == [{"id": 7, "name": "x", "score": 0.1}]


NOON = datetime(2026, 1, 2, 12, 4, 5, 6, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
VALUES: dict[str, tuple[pa.DataType, list[Any]]] = {
    "yes": (pa.bool_(), [True, False, None]),
    "int": (pa.int64(), [2**63 - 1, -(2**63), 0]),
    "real": (pa.float64(), [0.1 + 0.2, -1e300, 5e-324]),
    "words": (pa.string(), ["", "a\r\nb\tc\"d'e,;", " 😀 "]),
    "bytes": (pa.binary(), [b"\x00\xff", b"", None]),
    "day": (pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
    "at": (pa.timestamp("us"), [NOON.replace(tzinfo=None), FIRST.replace(tzinfo=None), None]),
    "utc": (
        pa.timestamp("us", tz="UTC"),
        [NOON, datetime(1950, 1, 1, tzinfo=UTC), None],
    ),
    "tags": (pa.list_(pa.string()), [["a", 'b"c'], [], None]),
    "money": (
        pa.decimal128(20, 4),
        [Decimal("1234567890123456.7890"), Decimal("-0.0001"), None],
    ),
}


def test_values_of_every_type_come_back_as_they_were(place: Place, written: str) -> None:
    wanted = shape(id=pa.string(), **{name: kind for name, (kind, _) in VALUES.items()})
    sent = [
        {"id": f"00{i}", **{name: column[i] for name, (_, column) in VALUES.items()}}
        for i in range(3)
    ]
    end = place.end(f"new.{written}")
    end.prepare(wanted)
    receipt = end.write(writes(wanted, upserts=[(row, None) for row in sent]))
    assert (receipt.failures, len(receipt.stored)) == ((), 0)
    assert rows(end) == sent
    again = place.end(f"new.{written}")
    again.prepare(wanted)
    assert rows(again) == sent, "and so they do in a later run"


def test_a_table_that_is_not_there_is_made_in_its_folders(place: Place, written: str) -> None:
    end = place.end(f"a/b/new.{written}")
    assert [line.partition(" in ")[0] for line in end.prepare(WANTED)] == [
        f"made a/b/new.{written}"
    ]
    assert end.prepare(WANTED) == []
    assert rows(end) == []
    assert place.names() == [f"a/b/new.{written}"]


def test_columns_that_are_wanted_are_added_and_no_row_is_lost(place: Place, written: str) -> None:
    place.put(f"people.{written}", encoded(PEOPLE, written))
    end = place.end(f"people.{written}")
    more = shape(id=pa.int64(), born=pa.date32())
    end.prepare(more)
    end.write(
        writes(
            more,
            upserts=[({"id": 1, "born": date(2001, 2, 3)}, {"id": 1, "born": None})],
        )
    )
    found = rows(end, "id", "name", "born")
    assert found[0] == {"id": 1, "name": "李", "born": date(2001, 2, 3)}
    assert [row["born"] for row in found[1:]] == [None, None, None]


def test_a_column_that_holds_something_else_than_is_wanted_is_refused(
    place: Place, written: str
) -> None:
    place.put(f"people.{written}", encoded(PEOPLE, written))
    end = place.end(f"people.{written}")
    with pytest.raises(BadInput, match=r"the column name of .* is to hold integer"):
        end.prepare(shape(id=pa.int64(), name=pa.int64()))


def test_somebody_elses_edit_between_two_writes_is_not_lost(place: Place, written: str) -> None:
    place.put(f"people.{written}", encoded(PEOPLE, written))
    end = place.end(f"people.{written}")
    end.prepare(WANTED)
    rows(end)
    edited = PEOPLE.assign(active=[False] * 4)
    place.put(f"people.{written}", encoded(edited, written))
    ada = {"id": 10, "name": "Ada", "score": 1.5}
    end.write(writes(WANTED, upserts=[({**ada, "name": "A."}, ada)]))
    found = decoded(place.get(f"people.{written}"), written)
    assert found["active"].tolist() == [False] * 4
    assert found["name"].tolist()[0] == "A."


def test_a_workbook_and_several_files_are_read_only(place: Place) -> None:
    for name in ("t.xlsx", "*.csv"):
        with pytest.raises(BadInput, match="only one CSV, JSONL or Parquet file can"):
            place.end(name).prepare(WANTED)


def test_rows_without_a_usable_key_are_refused_one_by_one(place: Place, written: str) -> None:
    wanted = shape(id=pa.string(), x=pa.int64())
    end = place.end(f"t.{written}")
    end.prepare(wanted)
    receipt = end.write(
        writes(
            wanted,
            upserts=[({"id": i, "x": 1}, None) for i in ("", None, "a\x01b", "ok")],
        )
    )
    assert len(receipt.failures) == 3
    assert rows(end) == [{"id": "ok", "x": 1}]
