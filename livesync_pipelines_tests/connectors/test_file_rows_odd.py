"""Files as people and programs really leave them, read and written as rows."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from livesync_pipelines.connectors import ROW_ENDS
from livesync_pipelines.connectors._file_rows import RowsSelection
from livesync_pipelines.connectors.folder import FolderConnection
from livesync_pipelines.connectors.folder_rows import FolderRows
from livesync_pipelines.connectors.rows import RowEnd, WritesRows
from livesync_pipelines.model.errors import BadInput, Broken, Unavailable
from livesync_pipelines.model.records import Entry

from .row_files import (
    LIMITS,
    BucketPlace,
    FolderPlace,
    encoded,
    failures,
    pages,
    rows,
    shape,
    writes,
)
from .s3_world import client


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    return FolderPlace(tmp_path)


def types_of(end: RowEnd) -> dict[str, str]:
    told = end.shape()
    assert told is not None
    return {c.name: ("json" if c.json else str(c.type)) for c in told.columns}


def test_every_platform_with_row_files_is_found_by_name_and_can_be_written() -> None:
    for platform in ("folder", "s3"):
        assert issubclass(ROW_ENDS[platform], RowEnd)
        assert issubclass(ROW_ENDS[platform], WritesRows)
        assert ROW_ENDS[platform].spec.name == platform


def test_a_line_is_named_as_an_editor_counts_it(place: FolderPlace) -> None:
    place.put(
        "t.csv",
        b'"id\n(key)",x\n1,"two\nlines"\n\n2,"three\n\nlines"\n'
        b'3,a,b\n4\n5,ok\n6,"a ""quote\n""",7\n',
    )
    end = place.end("t.csv", key=["id\n(key)"])
    assert [row["x"] for row in rows(end)] == ["two\nlines", "three\n\nlines", "ok"]
    assert [f"{failure.key}: {failure.reason}" for failure in failures(end)] == [
        "line 9: it has 3 cells where 2 are expected",
        "line 10: it has 1 cells where 2 are expected",
        "line 12: it has 3 cells where 2 are expected",
    ]


def test_lines_are_counted_over_the_blocks_that_a_file_is_read_in(place: FolderPlace) -> None:
    wide = "x" * 2_000
    lines = [f'{i},"{wide}\n"' if i % 500 else f"{i},one,too many" for i in range(1, 6_001)]
    place.put("t.csv", "\n".join(["id,x", *lines]).encode())
    end = place.end("t.csv")
    expected, line = [], 2
    for i in range(1, 6_001):
        if not i % 500:
            expected.append(f"line {line}")
        line += 1 if not i % 500 else 2
    assert [failure.key for failure in failures(end)] == expected
    assert len(rows(end, "id")) == 6_000 - len(expected)


@pytest.mark.parametrize(
    ("tail", "line"),
    [(b'3,"open,c\n4,d\n', 4), (b'3,c\n4,"d', 5), (b'3,"x"\n4,d,"e\n5,f\n', 5)],
)
def test_a_quote_that_is_never_closed_hides_rows_so_that_none_is_absent(
    place: FolderPlace, tail: bytes, line: int
) -> None:
    place.put("t.csv", b"id,x\n1,a\n2,b\n" + tail)
    end = place.end("t.csv")
    (failure,) = failures(end)
    assert (failure.key, failure.reason) == (
        f"line {line}",
        "it opens a quote that is never closed",
    )
    assert not any(page.last for page in pages(end, ["id"]))


def test_nothing_and_an_empty_text_are_two_things_in_a_csv(place: FolderPlace) -> None:
    place.put("t.csv", b'id,x,n\n1,,1\n2,"",\n3,"NULL",3\n')
    assert rows(place.end("t.csv")) == [
        {"id": 1, "x": None, "n": 1},
        {"id": 2, "x": "", "n": None},
        {"id": 3, "x": "NULL", "n": 3},
    ]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "0"], "int64"),
        (["007", "1"], "string"),
        (["12345678901234567890"], "string"),
        (["1.5", "2", "-3e-2"], "double"),
        (["0.30000000000000004"], "double"),
        (["0.3000000000000000444"], "string"),
        (["1,5"], "string"),
        (["true", "FALSE"], "bool"),
        (["yes", "no"], "string"),
        (["2026-01-31"], "date32[day]"),
        (["2026-02-30"], "string"),
        (["31.01.2026"], "string"),
        (["2026-01-31 10:00", "2026-01-31"], "timestamp[us]"),
        (["2026-01-31T10:00:00Z", "2026-01-31T10:00:00.5+02:00"], "timestamp[us, tz=UTC]"),
        (["10:00", "23:59:59.999"], "time64[us]"),
        (["nan"], "string"),
        ([" 1"], "string"),
        (["+1"], "string"),
        (["", ""], "string"),
    ],
)
def test_a_column_has_the_first_type_in_which_none_of_its_cells_loses_anything(
    place: FolderPlace, cells: list[str], kind: str
) -> None:
    lines = [f'{i},"{cell}"' if cell else f"{i}," for i, cell in enumerate(cells)]
    place.put("t.csv", "\n".join(["id,x", *lines]).encode())
    assert types_of(place.end("t.csv"))["x"] == kind


def test_one_odd_cell_far_down_makes_its_column_text(place: FolderPlace) -> None:
    lines = [f"{i},{i}" for i in range(30_000)]
    lines[29_000] = "29000,n/a"
    place.put("t.csv", "\n".join(["id,x", *lines]).encode())
    end = place.end("t.csv")
    assert types_of(end)["x"] == "string"
    assert len(rows(end, "x")) == 30_000


def test_declared_types_read_what_no_guess_would(place: FolderPlace) -> None:
    place.put(
        "t.csv",
        b'id,n,m,d,b,l,j,t\n01,007,1.50,2026-01-01,aGk=,"[""a"",""b""]","{""b"":1,""a"":2}",10:00\n',
    )
    declared = {
        "n": "integer",
        "m": "decimal(10,2)",
        "b": "binary",
        "l": "list",
        "j": "json",
        "d": "timestamptz",
    }
    (failure,) = failures(place.end("t.csv", types=declared))
    assert failure.reason == "line 2: column d must hold timestamptz, and does not"
    (row,) = rows(place.end("t.csv", types={**declared, "d": "text"}))
    assert {name: str(value) for name, value in row.items()} == {
        "id": "01",
        "n": "7",
        "m": "1.50",
        "d": "2026-01-01",
        "b": "b'hi'",
        "l": "['a', 'b']",
        "j": '{"a":2,"b":1}',
        "t": "10:00:00",
    }


@pytest.mark.parametrize("encoding", [None, "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_excel_and_others_save_is_read(
    place: FolderPlace, encoding: str | None, delimiter: str
) -> None:
    text = "id|Größe|où\r\n1|süß|déjà\r\n2|weiß|là\r\n".replace("|", delimiter)
    place.put("t.csv", text.encode(encoding or "utf-16"))
    assert rows(place.end("t.csv", encoding=encoding)) == [
        {"id": 1, "Größe": "süß", "où": "déjà"},
        {"id": 2, "Größe": "weiß", "où": "là"},
    ]


def test_bytes_that_are_not_utf8_are_refused_with_their_line_however_far_down(
    place: FolderPlace,
) -> None:
    lines = [f"{i},plain" for i in range(200_000)] + ["200000,Größe und Straße über alles"]
    place.put("t.csv", "\n".join(["id,x", *lines]).encode("cp1252"))
    with pytest.raises(
        BadInput, match=r"t\.csv: line 200002 is not utf-8: it has the byte 0xf6"
    ) as e:
        place.end("t.csv").shape()
    assert "`encoding: cp1252`" in str(e.value.hint)
    found = rows(place.end("t.csv", encoding="cp1252"), "x")
    assert found[-1] == {"x": "Größe und Straße über alles"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.csv", b"id,name\n1,M\xfcller\n", "line 2 is not utf-8: it has the byte 0xfc"),
        ("t.csv", "id,x\n1,a\n".encode("utf-16-le"), "line 1 is not utf-8: it has a NUL"),
        ("t.jsonl", b'{"id": 1}\n{"id": 2, "x": "\xfc"}\n', "line 2 is not utf-8"),
    ],
)
def test_no_encoding_is_guessed(place: FolderPlace, name: str, content: bytes, said: str) -> None:
    place.put(name, content)
    with pytest.raises(BadInput, match=said):
        place.end(name).shape()


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", None])
def test_a_csv_is_written_again_in_its_encoding(place: FolderPlace, encoding: str | None) -> None:
    before, after = "id,name\r\n1,Müller\r\n", "id,name\r\n1,Müller\r\n2,Größe\r\n"
    wanted = shape(id=pa.int64(), name=pa.string())
    place.put("t.csv", before.encode(encoding or "utf-16"))
    end = place.end("t.csv", encoding=encoding)
    end.prepare(wanted)
    end.write(writes(wanted, upserts=[({"id": 2, "name": "Größe"}, None)]))
    assert place.get("t.csv") == after.encode(encoding or "utf-16")


def test_a_row_with_a_letter_that_the_encoding_lacks_is_refused_alone(place: FolderPlace) -> None:
    wanted = shape(id=pa.int64(), name=pa.string())
    sent = [({"id": 1, "name": "Łódź"}, None), ({"id": 2, "name": "Köln"}, None)]
    end = place.end("new.csv", encoding="latin-1")
    end.prepare(wanted)
    done = end.write(writes(wanted, upserts=sent))
    assert [(f.key, f.reason) for f in done.failures] == [
        ("a1", "column name holds 'Ł', which iso8859-1 does not have")
    ]
    assert place.get("new.csv") == "id,name\n2,Köln\n".encode("latin-1")


@pytest.mark.parametrize(("name", "encoding"), [("t.csv", "hex"), ("t.jsonl", "cp1252")])
def test_an_encoding_that_is_none_or_of_no_csv_is_refused(
    place: FolderPlace, name: str, encoding: str
) -> None:
    with pytest.raises(ValueError, match="encoding"):
        place.end(name, encoding=encoding)


def test_a_file_without_a_header_has_numbered_columns(place: FolderPlace) -> None:
    place.put("t.tsv", b"1\tx\n2\ty\n")
    end = place.end("t.tsv", key=["column1"], header=False)
    assert rows(end) == [{"column1": 1, "column2": "x"}, {"column1": 2, "column2": "y"}]
    wanted = shape(key=["column1"], column1=pa.int64(), column2=pa.string())
    end.prepare(wanted)
    end.write(writes(wanted, upserts=[({"column1": 3, "column2": "z"}, None)]))
    assert place.get("t.tsv") == b"1\tx\n2\ty\n3\tz\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"id,,x\n", "column 2 of the header has no name"),
        (b"id,x,x\n", "the header names x more than once"),
        (b"id,x\r1,a\r2,b\r", "the header cannot be read: new-line character"),
    ],
)
def test_a_header_that_cannot_be_used_is_told(
    place: FolderPlace, content: bytes, said: str
) -> None:
    place.put("t.csv", content)
    with pytest.raises(BadInput, match=said):
        place.end("t.csv").shape()


def test_a_rewritten_csv_keeps_its_words_its_line_ends_its_mark_and_its_odd_lines(
    place: FolderPlace,
) -> None:
    before = (
        b'\xef\xbb\xbfid;zip;note\r\n2;007;1.50\r\n3;only\r\n1;010;"a;b"\r\n5;1;""\r\n4;1;x\r\n'
    )
    place.put("t.csv", before)
    os.chmod(place.root / "t.csv", 0o640)
    end = place.end("t.csv")
    wanted = shape(id=pa.int64(), zip=pa.string())
    end.prepare(wanted)
    end.write(
        writes(
            wanted,
            upserts=[({"id": 1, "zip": "0;1"}, {"id": 1, "zip": "010"})],
            deletes=[{"id": 4, "zip": "1"}],
        )
    )
    assert place.get("t.csv") == (
        b'\xef\xbb\xbfid;zip;note\r\n2;007;1.50\r\n3;only\r\n1;"0;1";"a;b"\r\n5;1;""\r\n'
    )
    assert (place.root / "t.csv").stat().st_mode & 0o777 == 0o640
    assert place.names() == ["t.csv"], "nothing is left beside it"


def test_a_cell_that_stays_what_it_was_keeps_its_spelling_though_its_row_is_edited(
    place: FolderPlace,
) -> None:
    place.put("t.csv", b"id,version,at,seen\n1,1.10,12:00,2024-01-01 10:00\n")
    end = place.end("t.csv")
    found = end.shape()
    assert found is not None
    ((row,),) = [page.rows.to_pylist() for page in end.scan(found.schema.names, None)]
    end.prepare(found)
    end.write(writes(found, upserts=[({**row, "at": time(13, 30)}, row)]))
    assert place.get("t.csv") == b"id,version,at,seen\n1,1.10,13:30:00,2024-01-01 10:00\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'id,x\n1,a\n2,"b\n', "line 3: it opens a quote"),
    ],
)
def test_a_csv_that_would_not_be_the_same_is_not_rewritten(
    place: FolderPlace, content: bytes, said: str
) -> None:
    place.put("t.csv", content)
    end = place.end("t.csv")
    wanted = shape(id=pa.int64(), x=pa.string())
    end.prepare(wanted)
    with pytest.raises(BadInput, match=said):
        end.write(writes(wanted, upserts=[({"id": 9, "x": "n"}, None)]))
    assert place.get("t.csv") == content


def test_a_nul_is_refused_by_a_csv_and_held_by_jsonl(place: FolderPlace) -> None:
    wanted = shape(id=pa.int64(), x=pa.string())
    sent = writes(wanted, upserts=[({"id": 1, "x": "a\0b"}, None), ({"id": 2, "x": "c"}, None)])
    for name, refused in (("t.csv", ["a1"]), ("t.jsonl", [])):
        end = place.end(name)
        end.prepare(wanted)
        assert [failure.key for failure in end.write(sent).failures] == refused
    assert rows(place.end("t.csv")) == [{"id": 2, "x": "c"}]
    assert rows(place.end("t.jsonl"))[0] == {"id": 1, "x": "a\0b"}


def test_jsonl_has_nested_values_as_json_and_says_what_is_no_row(place: FolderPlace) -> None:
    place.put(
        "t.jsonl",
        b'{"id":"a","o":{"y":1,"x":[2]},"tags":["p","q"],"mix":1,"at":"2026-01-01T00:00:00Z"}\n'
        b'[1]\n\n{"id":"b","mix":"one","n":1}\n{"id": "c"',
    )
    end = place.end("t.jsonl")
    assert types_of(end) == {
        "id": "string",
        "o": "json",
        "tags": "list<item: string>",
        "mix": "json",
        "at": "timestamp[us, tz=UTC]",
        "n": "int64",
    }
    assert rows(end, "id", "o", "tags", "mix", "n") == [
        {"id": "a", "o": '{"x":[2],"y":1}', "tags": ["p", "q"], "mix": "1", "n": None},
        {"id": "b", "o": None, "tags": None, "mix": '"one"', "n": 1},
    ]
    assert [f"{failure.key}: {failure.reason}" for failure in failures(end)] == [
        "line 2: it is JSON, but no object",
        "line 5: it is not JSON that can be read: unexpected end of data",
    ]


@pytest.mark.parametrize(
    "number",
    [
        *("0.1", "0.10000000000000001", "0.30000000000000004", "1e22", "-1.5e300", "123456.789e-3"),
        *("0.10000000000000000555", "5e-324", "4.9406564584124654e-324", "2.5000000000000000000"),
        "0.1000000000000000055511151231257827021181583404541015625",
        *("18446744073709551615", "-9223372036854775808", "100000000000000000000000"),
    ],
)
def test_a_number_of_jsonl_that_is_a_double_or_has_64_bits_is_read(
    place: FolderPlace, number: str
) -> None:
    place.put("t.jsonl", f'{{"id": 1, "n": {number}}}\n{{"id": 2, "n": 1.5}}\n'.encode())
    (found, _) = rows(place.end("t.jsonl"), "id", "n")
    assert float(found["n"]) == float(number)


@pytest.mark.parametrize(
    "number",
    [
        *("0.1234567890123456789", "123456789012345678901234567890", "[0.1234567890123456789]"),
        *("1e400", "1e-400", "1e-999999999"),
    ],
)
def test_a_line_of_jsonl_with_a_number_that_would_be_rounded_fails_alone(
    place: FolderPlace, number: str
) -> None:
    place.put("t.jsonl", f'{{"id": 1, "n": {number}}}\n{{"id": 2, "n": 1.5}}\n'.encode())
    end = place.end("t.jsonl")
    assert rows(end, "id", "n") == [{"id": 2, "n": 1.5}]
    (failure,) = failures(end)
    assert failure.key == "line 1"
    place.put("t.jsonl", f'{{"id": 1, "n": "{number}"}}\n'.encode())
    assert rows(place.end("t.jsonl"), "id", "n") == [{"id": 1, "n": number}]


DEEP = "[" * 300 + "]" * 300


def test_a_line_of_jsonl_that_is_nested_too_deeply_fails_alone(place: FolderPlace) -> None:
    place.put("t.jsonl", f'{{"id": 1, "a": {DEEP}}}\n{{"id": 2, "a": 1}}\n'.encode())
    end = place.end("t.jsonl")
    assert rows(end) == [{"id": 2, "a": 1}]
    assert [failure.reason for failure in failures(end)] == ["it is nested too deeply to be kept"]


def test_json_in_a_csv_that_is_nested_deeply_stays_as_it_is(place: FolderPlace) -> None:
    place.put("t.csv", f"id,a\n1,{DEEP}\n2,[1]\n".encode())
    end = place.end("t.csv", types={"a": "json"})
    assert rows(end) == [{"id": 1, "a": DEEP}, {"id": 2, "a": "[1]"}]


def test_a_jsonl_line_that_is_not_changed_keeps_its_bytes_and_a_changed_one_its_other_fields(
    place: FolderPlace,
) -> None:
    place.put(
        "t.jsonl", b'{"id":1, "big": 123456789012345678901, "x":"a"}\nnot json\n{"x":"b","id":2}'
    )
    end = place.end("t.jsonl")
    wanted = shape(id=pa.int64(), x=pa.string())
    end.prepare(wanted)
    end.write(
        writes(
            wanted,
            upserts=[({"id": 2, "x": "ü"}, {"id": 2, "x": "b"}), ({"id": 3, "x": None}, None)],
        )
    )
    assert place.get("t.jsonl").decode().splitlines() == [
        '{"id":1, "big": 123456789012345678901, "x":"a"}',
        "not json",
        '{"x":"ü","id":2}',
        '{"id": 3, "x": null}',
    ]


def test_a_list_with_a_null_is_refused_by_jsonl(place: FolderPlace) -> None:
    place.put("t.jsonl", b'{"id": 1, "l": ["a"]}\n')
    end = place.end("t.jsonl")
    wanted = shape(id=pa.int64(), l=pa.list_(pa.string()))
    end.prepare(wanted)
    old = {"id": 1, "l": ["a"]}
    receipt = end.write(writes(wanted, upserts=[({**old, "l": [None, "x"]}, old)]))
    (failure,) = receipt.failures
    assert "a list with a null in it" in failure.reason
    assert place.get("t.jsonl") == b'{"id": 1, "l": ["a"]}\n'


def test_a_member_that_a_jsonl_line_lacks_is_not_made_by_an_edit_of_another(
    place: FolderPlace,
) -> None:
    place.put("t.jsonl", b'{"id": 1, "x": "a", "y": 1}\n{"id": 2, "x": "b"}\n')
    end = place.end("t.jsonl")
    wanted = shape(id=pa.int64(), x=pa.string(), y=pa.int64())
    end.prepare(wanted)
    old = {"id": 2, "x": "b", "y": None}
    end.write(writes(wanted, upserts=[({**old, "x": "c"}, old)]))
    assert place.get("t.jsonl") == b'{"id": 1, "x": "a", "y": 1}\n{"id": 2, "x": "c"}\n'


def test_numbers_that_json_lacks_are_refused(place: FolderPlace) -> None:
    wanted = shape(id=pa.int64(), x=pa.float64())
    end = place.end("t.jsonl")
    end.prepare(wanted)
    receipt = end.write(writes(wanted, upserts=[({"id": 1, "x": float("nan")}, None)]))
    assert [failure.reason for failure in receipt.failures] == [
        "column x holds a number that JSON does not have"
    ]


def parquet(table: pa.Table) -> bytes:
    into = io.BytesIO()
    pq.write_table(table, into, compression="zstd")
    return into.getvalue()


NARROW = pa.schema(
    [
        pa.field("id", pa.int32(), nullable=False),
        pa.field("small", pa.int8()),
        pa.field("real", pa.float32()),
        pa.field("word", pa.dictionary(pa.int32(), pa.string())),
        pa.field("at", pa.timestamp("ms")),
        pa.field("nested", pa.struct([("b", pa.int64()), ("a", pa.list_(pa.int64()))])),
        pa.field("map", pa.map_(pa.string(), pa.int64())),
    ],
    metadata={"owner": "somebody"},
)


def test_nanoseconds_of_a_parquet_file_outlive_an_edit_of_another_cell(place: FolderPlace) -> None:
    schema = pa.schema([("id", pa.int64()), ("at", pa.timestamp("ns")), ("word", pa.string())])
    table = pa.table([[1, 2], [1_123_456_789, 2_987_654_321], ["a", "b"]], schema=schema)
    place.put("t.parquet", parquet(table))
    end = place.end("t.parquet")
    found = end.shape()
    assert found is not None
    (page,) = end.scan(found.schema.names, None)
    old = page.rows.to_pylist()[0]
    end.prepare(found)
    end.write(writes(found, upserts=[({**old, "word": "new"}, old)]))
    after = pq.read_table(io.BytesIO(place.get("t.parquet")))
    assert after["at"].equals(table["at"])
    assert after["word"].to_pylist() == ["new", "b"]


def test_a_column_of_a_parquet_file_in_which_nothing_ever_was_takes_what_is_written(
    place: FolderPlace,
) -> None:
    table = pa.table({"id": [1, 2, 3], "note": pa.nulls(3), "left": pa.nulls(3)})
    place.put("t.parquet", parquet(table))
    end = place.end("t.parquet")
    found = end.shape()
    assert found is not None
    wanted = shape(id=pa.int64(), note=pa.string())
    end.prepare(wanted)
    old = {"id": 2, "note": None}
    edited, new = {"id": 2, "note": "new"}, {"id": 4, "note": "more"}
    receipt = end.write(writes(wanted, upserts=[(edited, old), (new, None)]))
    assert receipt.failures == ()
    after = pq.read_table(io.BytesIO(place.get("t.parquet")))
    assert after["note"].to_pylist() == [None, "new", None, "more"]
    assert after.schema.field("left").type == pa.null()


def test_a_parquet_file_keeps_its_types_its_nested_values_and_its_notes(
    place: FolderPlace,
) -> None:
    at = datetime(2026, 1, 1)
    held = [
        {"id": 1, "small": 1, "real": 0.5, "word": "w", "at": at, "nested": {"b": 1, "a": [2]}},
        {"id": 2, "small": 2, "real": 0.25, "word": "v", "at": at, "map": [("k", 1)]},
    ]
    place.put("t.parquet", parquet(pa.Table.from_pylist(held, schema=NARROW)))
    end = place.end("t.parquet")
    assert types_of(end) == {
        "id": "int64",
        "small": "int64",
        "real": "double",
        "word": "string",
        "at": "timestamp[us]",
        "nested": "json",
        "map": "json",
    }
    told = end.shape()
    assert told is not None
    assert [c.name for c in told.columns if not c.writable] == ["nested", "map"]
    assert rows(end, "nested")[0] == {"nested": '{"a":[2],"b":1}'}
    wanted = shape(id=pa.int64(), small=pa.int64(), real=pa.float64(), word=pa.string())
    end.prepare(wanted)
    old = {"id": 1, "small": 1, "real": 0.5, "word": "w"}
    receipt = end.write(
        writes(
            wanted,
            upserts=[
                ({**old, "real": 0.1, "word": "new"}, old),
                ({**old, "id": 2, "small": 300}, {"id": 2, "small": 2, "real": 0.25, "word": "v"}),
                ({**old, "id": 2**40}, None),
                ({"id": 3}, None),
            ],
        )
    )
    assert [(f.key, f.code) for f in receipt.failures] == [
        ("a2", "refused"),
        ("m1099511627776", "refused"),
    ]
    assert receipt.stored.to_pylist() == [
        {"id": 1, "small": 1, "real": pytest.approx(0.1, rel=1e-6), "word": "new"}
    ]
    after = pq.read_table(io.BytesIO(place.get("t.parquet")))
    assert after.schema.equals(NARROW)
    assert after.schema.metadata[b"owner"] == b"somebody"
    assert after["nested"].to_pylist() == [{"b": 1, "a": [2]}, None, None]
    assert after["map"].to_pylist() == [None, [("k", 1)], None]
    assert after["word"].to_pylist() == ["new", "v", None]


def workbook() -> bytes:
    book = openpyxl.Workbook()
    cover = book.active
    assert cover is not None
    cover.title = "Cover"
    cover["A1"] = "nothing to see"
    sheet = book.create_sheet("People")
    sheet["B3"], sheet["C3"], sheet["D3"], sheet["E3"], sheet["F3"] = "id", "no", "day", "at", "t"
    sheet["B4"], sheet["C4"], sheet["D4"] = 2, "A12", date(2026, 1, 2)
    sheet["E4"], sheet["F4"] = datetime(2026, 1, 2, 3, 4), time(10, 30)
    sheet["B6"], sheet["C6"] = 1, 17
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "hidden"
    hidden["A1"], hidden["A2"] = "id", 5
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()


def test_a_sheet_is_a_table_that_begins_at_its_first_row_with_anything_in_it(
    place: FolderPlace,
) -> None:
    place.put("t.xlsx", workbook())
    found = rows(place.end("t.xlsx", sheet="People"))
    assert found[0] == {"id": 1, "no": "17", "day": None, "at": None, "t": None}
    assert found[1]["no"] == "A12", "numbers and texts in one column are texts"
    assert found[1]["day"] == date(2026, 1, 2)
    assert found[1]["at"].isoformat() == "2026-01-02T03:04:00"
    assert rows(place.end("t.xlsx", sheet="Hidden")) == [{"id": 5}]
    with pytest.raises(BadInput, match="there is no sheet Nobody") as told:
        place.end("t.xlsx", sheet="Nobody").shape()
    assert "Cover, People" in told.value.hint


def test_a_workbook_that_is_too_large_for_memory_is_refused(place: FolderPlace) -> None:
    place.put("t.xlsx", b"x" * (LIMITS.max_bytes + 1))
    with pytest.raises(BadInput, match=r"t.xlsx: the workbook has more than"):
        place.end("t.xlsx").shape()


def test_files_whose_columns_disagree_are_no_table(place: FolderPlace) -> None:
    place.put("a.parquet", parquet(pa.table({"id": [1], "x": ["a"]})))
    place.put("b.parquet", parquet(pa.table({"id": [2], "x": [1]})))
    with pytest.raises(BadInput, match="x is text in one file and integer in another"):
        place.end("*.parquet").shape()


def test_files_may_lack_columns_and_failures_name_their_file(place: FolderPlace) -> None:
    place.put("d/a.csv", b"id,x\n1,a\n")
    place.put("d/b.csv", b"y,id\nb,2\nonly\n")
    end = place.end("d/*.csv")
    assert rows(end) == [{"id": 1, "x": "a", "y": None}, {"id": 2, "x": None, "y": "b"}]
    assert [f.key for f in failures(end)] == ["line 3 of d/b.csv"]


class Restless(FolderRows):
    """A folder in which somebody writes while a file is read."""

    def _check(self, entry: Entry, file: IO[bytes]) -> None:
        if file.tell():
            with Path(self._folder.path, entry.key).open("ab") as more:
                more.write(b"9,late\n")
        super()._check(entry, file)


def test_a_file_that_changes_while_it_is_read_is_read_again_later(place: FolderPlace) -> None:
    place.put("t.csv", b"id,x\n1,a\n")
    selection = RowsSelection(rows="t.csv", key=["id"])
    end = Restless(FolderConnection(path=str(place.root)), selection, LIMITS)
    with pytest.raises(Unavailable, match="changed while it was read"):
        end.shape()
    assert rows(place.end("t.csv"), "id") == [{"id": 1}, {"id": 9}]


def test_a_scan_under_way_shows_one_version_of_the_file(place: FolderPlace) -> None:
    frame = pd.DataFrame({"id": range(25_000), "x": "old"})
    place.put("t.csv", encoded(frame, "csv"))
    end = place.end("t.csv")
    scan = end.scan(["x"], None)
    first = next(scan)
    place.put("t.csv", encoded(frame.assign(x="new!"), "csv"))
    assert rows(end, "x")[0] == {"x": "new!"}
    found = {x for page in (first, *scan) for x in page.rows["x"].to_pylist()}
    assert found == {"old"}


def test_columns_that_change_during_a_run_are_no_rows_of_the_shape_that_was_told(
    place: FolderPlace,
) -> None:
    place.put("t.csv", b"id,x\n1,2\n")
    end = place.end("t.csv")
    end.shape()
    place.put("t.csv", b"id,x\n1,two\n")
    with pytest.raises(Unavailable, match="have changed during the run"):
        pages(end, ["x"])


def test_a_link_is_no_file_of_the_folder(place: FolderPlace, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere.csv"
    secret.write_bytes(b"id\n1\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "t.csv").symlink_to(secret)
    assert FolderPlace(tmp_path / "in").end("t.csv").shape() is None


def test_a_folder_that_is_not_there_is_an_error_and_no_empty_table(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no folder"):
        FolderPlace(tmp_path / "gone").end("t.csv").shape()


def test_packed_objects_are_unpacked() -> None:
    place = BucketPlace()
    client().put_object(
        Bucket=place.bucket,
        Key="p/t.csv",
        Body=gzip.compress(b"id,x\n1,a\n"),
        ContentEncoding="gzip",
    )
    assert rows(place.end("t.csv")) == [{"id": 1, "x": "a"}]


@pytest.mark.parametrize(
    "said",
    [
        {"rows": "t.txt", "key": ["id"]},
        {"rows": "../t.csv", "key": ["id"]},
        {"rows": "t.csv", "key": []},
        {"rows": "t.csv"},
        {"rows": "t.csv", "key": ["id"], "types": {"id": "int"}},
        {"rows": "t.csv", "key": ["id"], "types": {"id": "decimal(39,2)"}},
        {"rows": "t.csv", "key": ["id"], "delimiter": "::"},
        {"rows": "t.csv", "key": ["id"], "sheets": "x"},
    ],
)
def test_a_selection_that_means_nothing_is_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RowsSelection.model_validate(said)


def test_a_row_that_is_longer_than_any_row_is_told_as_what_it_is(place: FolderPlace) -> None:
    place.put("t.csv", b'id,x\n1,"' + b"x" * 9_000_000 + b"\n2,b\n")
    with pytest.raises(Broken, match="a quote is never closed"):
        place.end("t.csv").shape()


MEASURE = """
import json, resource, sys
from livesync_pipelines.connectors import _row_database
from livesync_pipelines.connectors._file_rows import RowsSelection
from livesync_pipelines.connectors.base import FetchLimits
from livesync_pipelines.connectors.folder import FolderConnection
from livesync_pipelines.connectors.folder_rows import FolderRows

_row_database.MEMORY = "64MB"

def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

def scan(name):
    selection = RowsSelection(rows=name, key=["id"])
    end = FolderRows(FolderConnection(path=sys.argv[1]), selection, FetchLimits())
    count = 0
    for page in end.scan(["id", "text"], None):
        ids = page.rows["id"].to_pylist()
        assert ids == list(range(count, count + len(ids)))
        count += len(ids)
    end.close()
    return count

scan("third.csv")
before = peak_mb()
print(json.dumps({"count": scan("whole.csv"), "grown_mb": peak_mb() - before}))
"""


def test_many_rows_are_paged_in_order_in_the_memory_that_a_third_of_them_takes(
    place: FolderPlace,
) -> None:
    count = 240_000
    for name, rows_of in (("third.csv", count // 3), ("whole.csv", count)):
        with (place.root / name).open("w") as file:
            file.write("id,text\n")
            for i in range(rows_of):
                number = i * 7_919 % rows_of
                file.write(f"{number},{str(number) * 240:.1200}\n")
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, str(place.root)], capture_output=True, check=True, text=True
    )
    found = json.loads(told.stdout)
    more_mb = sum((place.root / name).stat().st_size * sign for name, sign in SIZES) / 2**20
    assert found["count"] == count
    assert found["grown_mb"] < more_mb * 0.75, f"{more_mb} MB more were to be read"


SIZES = (("whole.csv", 1), ("third.csv", -1))


def test_of_a_changed_jsonl_line_only_the_edited_members_are_written_anew(
    place: FolderPlace,
) -> None:
    place.put(
        "t.jsonl",
        b'{ "id":1,"p":2.50 , "x":"a","n": {"k":  [1e2, "}\\u0022"]} }\r\n'
        b'{"p": 1.10, "id": 2, "x": "b", "x": "\\u00e4"}\n'
        b'{"id": 3, "p": 7.00}',
    )
    end = place.end("t.jsonl")
    wanted = shape(id=pa.int64(), x=pa.string())
    edits: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"id": 1, "x": 'A"'}, {"id": 1, "x": "a"}),
        ({"id": 2, "x": "o"}, {"id": 2, "x": "\xe4"}),
        ({"id": 3, "x": "new"}, {"id": 3, "x": None}),
    ]
    receipt = end.write(writes(wanted, edits))
    assert (receipt.failures, len(receipt.moved)) == ((), 0)
    assert place.get("t.jsonl") == (
        b'{ "id":1,"p":2.50 , "x":"A\\"","n": {"k":  [1e2, "}\\u0022"]} }\r\n'
        b'{"p": 1.10, "id": 2, "x": "b", "x": "o"}\n'
        b'{"id": 3, "p": 7.00, "x": "new"}\n'
    )
