"""Media type, name and bytes: who is believed."""

from __future__ import annotations

import pytest

from .conftest import Fail, Read
from .files import pdf_file, sheet_file, slides_file, word_file

PAGE = "<!DOCTYPE html><html><body><main><h1>Hi</h1><p>Words</p></main></body></html>"


@pytest.mark.parametrize(
    ("content", "name", "media_type", "found"),
    [
        ("# a", "a", "text/markdown; charset=utf-8", "text/markdown"),
        ("# a", "a.md", "text/plain", "text/markdown"),
        ("# a", "a.md", "application/octet-stream", "text/markdown"),
        ("# a", "README.md", "text/html", "text/markdown"),
        ("a,b\n1,2", "a.csv", "application/vnd.ms-excel", "text/csv"),
        (PAGE, "index.php", "text/html", "text/html"),
        (PAGE, "page", None, "text/html"),
        (PAGE, "data.json", "application/json", "text/html"),
        (PAGE, "report.pdf", "application/pdf", "text/html"),
        ('{"a": 1}', "settings", None, "application/json"),
        ("From: a@b.c\nSubject: x\n\nhi", "note", None, "message/rfc822"),
        ("From: the beginning it was plain", "note", None, "text/plain"),
        ("Just words", "note", None, "text/plain"),
        ("Just words", "old.doc", "application/msword", "text/plain"),
        ("<?xml version='1.0'?><a/>", "a.xml", None, "application/xml"),
    ],
)
def test_text_is_what_its_source_says_unless_its_bytes_say_otherwise(
    read: Read, content: str, name: str, media_type: str | None, found: str
) -> None:
    assert read(content, name, media_type).media_type == found


def test_binary_formats_are_known_by_their_bytes(read: Read) -> None:
    """A name that lies, or none at all, changes nothing."""
    office = "application/vnd.openxmlformats-officedocument"
    assert read(pdf_file([[(12, "x")]]), "a.txt", "text/plain").media_type == "application/pdf"
    assert read(word_file(), "a.xlsx").media_type == f"{office}.wordprocessingml.document"
    assert read(slides_file(), "download").media_type == f"{office}.presentationml.presentation"
    sheet = sheet_file({"S": [["a"], [1]]})
    assert read(sheet, "a.docx", "application/msword").media_type == f"{office}.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "a.png"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00\x00", "program"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "a.md"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><text>x</text></svg>", "a.svg"),
        (b"PK\x05\x06" + b"\0" * 18, "empty.zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old.doc"),
    ],
)
def test_what_holds_no_text_is_unsupported(fail: Fail, content: bytes, name: str) -> None:
    assert fail(content, name).code == "unsupported"


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.xlsx", "a.epub", "a.xls"])
def test_a_binary_format_without_a_byte_is_empty(fail: Fail, name: str) -> None:
    assert fail(b"", name).code == "empty"
