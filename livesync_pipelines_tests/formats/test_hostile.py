"""Files that mean harm, or were harmed: each costs one failure and nothing else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import openpyxl
import pytest

from livesync_pipelines.formats.extract import ExtractLimits, Extractor
from livesync_pipelines.model.errors import ItemFailure
from livesync_pipelines.model.records import Body, Extracted

from .conftest import Fail, body
from .files import CONTAINER, PACKAGE, book_file, pdf_file, sheet_file, word_file, zipped

LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "lollollol">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + "]><w>&h;</w>"
)


def sparse_sheet() -> bytes:
    """Two cells, so far apart that the square between them has 17 billion."""
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = 1, 2
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def encrypted_office() -> bytes:
    return (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le")
    )


def encrypted_zip() -> bytes:
    """The flag that says so is set in both headers of the first member."""
    content = bytearray(zipped({"word/document.xml": "<a/>"}))
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def zip_bomb() -> bytes:
    return zipped({"word/document.xml": bytes(201_000_000), **{f"{i}": b"" for i in range(9)}})


def lying_zip() -> bytes:
    """Its directory declares two gigabytes for a few bytes."""
    content = bytearray(zipped({"word/document.xml": "<a/>"}))
    at = content.find(b"PK\x01\x02") + 24
    content[at : at + 4] = (2_000_000_000).to_bytes(4, "little")
    return bytes(content)


HOSTILE: list[tuple[str, str, Callable[[], bytes | str]]] = [
    ("encrypted", "a.pdf", lambda: pdf_file([[(12, "x")]], password="x")),
    ("encrypted", "a.docx", encrypted_office),
    ("encrypted", "b.docx", encrypted_zip),
    ("too_large", "bomb.docx", zip_bomb),
    ("too_large", "lying.docx", lying_zip),
    ("out_of_memory", "sparse.xlsx", sparse_sheet),
    ("malformed", "half.docx", lambda: word_file()[:2_000]),
    ("malformed", "laughs.docx", lambda: zipped({"word/document.xml": LAUGHS})),
    ("malformed", "empty.docx", lambda: zipped({"word/document.xml": ""})),
    ("malformed", "half.epub", lambda: book_file()[:500]),
    (
        "malformed",
        "gone.epub",
        lambda: zipped({"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": PACKAGE}),
    ),
    ("malformed", "half.pdf", lambda: pdf_file([[(12, "x")]])[:200]),
    ("malformed", "deep.json", lambda: "[" * 1_000_000),
    ("malformed", "deep2.json", lambda: "[" * 100_000 + "]" * 100_000),
    ("malformed", "half.json", lambda: '{"a": [1, 2'),
    ("unsupported", "a.zip", lambda: zipped({"a.txt": "hi"})),
]


@pytest.mark.parametrize(("code", "name", "make"), HOSTILE, ids=[name for _, name, _ in HOSTILE])
def test_a_hostile_file_is_one_failure_with_one_sentence(
    fail: Fail, code: str, name: str, make: Callable[[], bytes | str]
) -> None:
    failure = fail(make(), name)
    assert (failure.code, failure.key) == (code, name)
    assert failure.reason.endswith(".")
    assert "\n" not in failure.reason


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 10_000 + "deep" + "</div>" * 10_000,
        "<b><p>" * 20_000 + "deep",
        "<table><tr><td>" * 5_000 + "deep",
        "<ul><li>" * 5_000 + "deep",
        "<blockquote>" * 5_000 + "deep",
    ],
    ids=["div", "misnested", "table", "list", "quote"],
)
def test_html_nested_beyond_reason_still_says_its_words(extractor: Extractor, page: str) -> None:
    ((_, outcome),) = extractor.extract([body(page, "a.html")])
    assert isinstance(outcome, Extracted), outcome
    assert "deep" in outcome.text


def test_more_bytes_than_allowed_are_not_even_looked_at() -> None:
    with Extractor(ExtractLimits(max_bytes=10)) as small:
        ((_, outcome),) = small.extract([body("x" * 11, "a.md")])
    assert outcome == ItemFailure("a.md", "too_large", "It has 11 bytes; 10 are allowed.")


@pytest.mark.parametrize("name", ["a.md", "a.html", "a.json"])
def test_more_characters_than_allowed_are_too_large(name: str) -> None:
    with Extractor(ExtractLimits(max_chars=50), workers=1) as small:
        ((_, outcome),) = small.extract([body(json.dumps(["word"] * 40), name, "text/x-any")])
    assert isinstance(outcome, ItemFailure)
    assert outcome.code == "too_large"


@pytest.mark.parametrize("name", ["a.xlsx", "a.csv", "a.json", "a.html", "a.docx"])
def test_more_cells_than_allowed_are_too_large(name: str) -> None:
    """Whatever the table is written in, and however many tables there are."""
    rows: list[list[object]] = [["a", "b"], [1, 2], [3, 4]]
    html = "<table><tr><td>1<td>2<tr><td>3<td>4</table>" * 2
    made: dict[str, bytes | str] = {
        "a.xlsx": sheet_file({"S": rows, "T": rows}),
        "a.csv": "a,b\n1,2\n3,4\n",
        "a.json": '[{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 5, "b": 6}]',
        "a.html": html,
        "a.docx": word_file(),
    }
    with Extractor(ExtractLimits(max_cells=3), workers=1) as small:
        ((_, outcome),) = small.extract([body(made[name], name)])
    assert isinstance(outcome, ItemFailure)
    assert (outcome.code, outcome.reason) == ("too_large", "It has more than 3 table cells.")


def test_the_neighbours_of_hostile_files_are_read(extractor: Extractor) -> None:
    """In the order given, with a good file before and after every bad one."""
    bodies: list[Body] = []
    for _, name, make in HOSTILE:
        if name != "bomb.docx":
            bodies += [body("a,b\n1,2\n", f"before {name}.csv"), body(make(), name)]
    bodies.append(body("# End", "end.md"))
    outcomes = list(extractor.extract(bodies))
    assert [got for got, _ in outcomes] == bodies
    for got, outcome in outcomes:
        is_good = got.name.endswith((".csv", ".md"))
        assert isinstance(outcome, Extracted if is_good else ItemFailure), (got.name, outcome)


def test_a_file_that_takes_too_long_is_given_up() -> None:
    """HTML's own rules make its parser look through all open elements at each new one."""
    page = "<div>" * 200_000
    with Extractor(ExtractLimits(timeout_s=3), workers=1) as hurried:
        outcomes = [o for _, o in hurried.extract([body(page, "a.html"), body("a\n1", "b.csv")])]
    assert outcomes[0] == ItemFailure("a.html", "timed_out", "It could not be read in 3 s.")
    assert isinstance(outcomes[1], Extracted)


def test_a_file_that_does_not_fit_in_memory_is_given_up() -> None:
    page = "<p>word <b>bold</b></p>" * 1_000_000
    with Extractor(ExtractLimits(memory_bytes=450_000_000), workers=1) as narrow:
        outcomes = [o for _, o in narrow.extract([body(page, "a.html"), body("a\n1", "b.csv")])]
    assert isinstance(outcomes[0], ItemFailure)
    assert outcomes[0].code == "out_of_memory"
    assert isinstance(outcomes[1], Extracted)


def test_nothing_that_a_file_says_can_break_what_stores_it(extractor: Extractor) -> None:
    """Postgres takes no NUL, and UTF-8 no half of a surrogate pair."""
    content = '[{"a": "x\\u0000y", "b": "\\ud800"}]'
    ((_, outcome),) = extractor.extract([body(content, "a.json")])
    assert isinstance(outcome, Extracted)
    assert "\0" not in outcome.text
    assert "| xy | ? |" in outcome.text
