"""CSV, TSV, JSON, JSON lines and workbooks."""

from __future__ import annotations

import datetime
import json

import pytest

from .conftest import Fail, Read
from .files import sheet_file


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("name,age\nAda,36\n", "a.csv"),
        ("name;age\r\nAda;36\r\n", "a.csv"),
        ("name\tage\nAda\t36", "a.tsv"),
        ('"name","age"\n"Ada",36', "a.csv"),
        ('{"name": "Ada", "age": 36}\n', "a.jsonl"),
        ('[{"name": "Ada", "age": 36}]', "a.json"),
    ],
)
def test_rows_become_a_pipe_table_with_a_header(read: Read, content: str, name: str) -> None:
    assert read(content, name).text == "| name | age |\n| --- | --- |\n| Ada | 36 |"


def test_pipes_and_line_breaks_cannot_break_a_table(read: Read) -> None:
    text = read('a,b\n"x|y","one\ntwo"\n', "a.csv").text
    assert text.splitlines()[2] == "| x\\|y | one<br>two |"


def test_numbers_keep_their_spelling(read: Read) -> None:
    """1.10 is a version to some and a price to others; it is never 1.1."""
    text = read('{"v": 1.10, "n": 12345678901234567890, "b": true, "z": null}\n', "a.jsonl").text
    assert text.splitlines()[2].replace(" ", "") == "|1.10|12345678901234567890|true||"


def test_nested_json_is_kept_as_code(read: Read) -> None:
    text = '{\n  "a": [1, {"b": 2.50}]\n}'
    assert read(text, "a.json").text == f"```json\n{text}\n```"


def test_json_on_one_long_line_is_spread(read: Read) -> None:
    value = {f"key{i}": [i, {"x": "ü"}] for i in range(10)}
    text = read(json.dumps(value, ensure_ascii=False), "a.json").text
    assert '\n  "key3": [\n' in text
    assert "ü" in text


def test_settings_with_comments_are_no_failure(read: Read) -> None:
    assert "// why" in read('{\n  // why\n  "a": 1\n}', "tsconfig.json").text


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_cut_off_in_the_middle_is_malformed(fail: Fail, name: str) -> None:
    assert fail('{"a": 1, "b": {"c": "text', name).code == "malformed"


def test_a_notebook_reads_like_its_page(read: Read) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Study\n", "Words."]},
        {
            "cell_type": "code",
            "source": "print(1)",
            "outputs": [{"text": ["1\n"]}, {"data": {"image/png": "iVBORw0KGgo="}}],
        },
    ]
    result = read(json.dumps({"cells": cells, "metadata": {}}), "a.ipynb")
    assert result.title == "Study"
    assert result.text == "# Study\nWords.\n\n```python\nprint(1)\n```\n\n```\n1\n```"


def test_each_sheet_has_a_heading_and_a_table(read: Read) -> None:
    content = sheet_file(
        {
            "People": [["name", "born"], ["Ada", datetime.date(1915, 12, 10)], ["x|y", 3.0]],
            "Empty": [],
            "Sums": [["a", None, "c"], [1.5, None, True]],
        }
    )
    assert read(content, "a.xlsx").text == (
        "## People\n\n| name | born |\n| --- | --- |\n| Ada | 1915-12-10 |\n| x\\|y | 3 |\n\n"
        "## Empty\n\n"
        "## Sums\n\n| a | c |\n| --- | --- |\n| 1.5 | true |"
    )


def test_a_table_of_a_million_cells_is_too_large(fail: Fail) -> None:
    failure = fail("a,b\n" + "1,2\n" * 600_000, "a.csv")
    assert (failure.code, failure.reason) == ("too_large", "It has more than 500000 table cells.")
