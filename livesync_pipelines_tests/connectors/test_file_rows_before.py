"""What columns of files were before is what they are, while every cell fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from livesync_pipelines.connectors.rows import InfersTypes

from .row_files import FolderPlace

CASES = {
    "a date in a column of texts": ('"no date"', '"2001-02-03"', "string", False),
    "a number in a column of any JSON": ('{"a": 1}', "5", "string", True),
    "a truth in a column of any JSON": ('{"a": 1}', "true", "string", True),
    "a list in a column of any JSON": ('{"a": 1}', '["x"]', "string", True),
    "a whole number in a column of floats": ("1.5", "2", "double", False),
    "a midnight in a column of times": (
        '"2001-02-03T04:05:06"',
        '"2001-02-03"',
        "timestamp[us]",
        False,
    ),
    "nothing in a column of numbers": ("5", "null", "int64", False),
    "a number in a column of texts": ('"x"', "5", "int64", False),
    "a text in a column of numbers": ("5", '"x"', "string", False),
    "a fraction in a column of integers": ("5", "1.5", "double", False),
}


@pytest.mark.parametrize(
    ("before", "now", "kind", "is_json"), [pytest.param(*c, id=n) for n, c in CASES.items()]
)
def test_a_column_of_jsonl_keeps_its_type_while_every_cell_fits_it(
    tmp_path: Path, before: str, now: str, kind: str, is_json: bool
) -> None:
    place = FolderPlace(tmp_path)
    place.put("a.jsonl", f'{{"id": 1, "v": {before}}}\n'.encode())
    was = place.end("a.jsonl").shape()
    place.put("a.jsonl", f'{{"id": 1, "v": {now}}}\n'.encode())
    end = place.end("a.jsonl")
    assert was is not None
    assert isinstance(end, InfersTypes)
    end.remember(was)
    told = end.shape()
    assert told is not None
    column = told.column("v")
    assert column is not None
    assert (str(column.type), column.json) == (kind, is_json)


def test_what_is_declared_goes_before_what_was(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.put("a.csv", b"id,v\n1,x\n")
    was = place.end("a.csv").shape()
    place.put("a.csv", b"id,v\n1,5\n")
    end = place.end("a.csv", types={"v": "integer"})
    assert was is not None
    end.remember(was)
    told = end.shape()
    assert told is not None
    assert [str(c.type) for c in told.columns] == ["int64", "int64"]


def test_a_column_whose_first_values_come_late_has_their_type(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    place.put("a.csv", b"id,v\n" + b"".join(b"%d,\n" % n for n in range(5_000)) + b"5000,7\n")
    told = place.end("a.csv").shape()
    assert told is not None
    assert [str(column.type) for column in told.columns] == ["int64", "int64"]
