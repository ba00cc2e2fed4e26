"""Markdown, plain text and source code."""

from __future__ import annotations

import time

import pytest

from livesync_pipelines.formats.extract import Extractor
from livesync_pipelines.model.records import Body

from .conftest import Read, body


def test_markdown_is_kept_letter_for_letter(read: Read) -> None:
    """So that what was read can be written back: even line endings and trailing spaces."""
    text = "---\ntags: [a]\n---\r\n# Title  \n\n* item\n\ttab  \n"
    assert read(text, "a.md").text == text


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: 'Front matter'\n---\n# Heading\n", "Front matter"),
        ("---\ntags: [x]\n---\n\n# Heading #\n", "Heading"),
        ("intro\n\n# Later\n", "Later"),
        ("```sh\n# a comment\n```\n\n# Real\n", "Real"),
        ("Underlined\n==========\n", "Underlined"),
        ("## Only a second level\n", None),
        ("#hashtag\n", None),
        ("", None),
    ],
)
def test_the_title_is_what_the_document_calls_itself(
    read: Read, text: str, title: str | None
) -> None:
    """Frontmatter first, then the first heading of level one outside of code."""
    assert read(text, "a.md").title == title


def test_source_code_becomes_one_block_with_its_language(read: Read) -> None:
    result = read("def f():\n    return 1", "pkg/mod.py")
    assert result.text == "```python\ndef f():\n    return 1\n```"
    assert result.media_type == "text/x-python"


def test_a_fence_inside_of_code_does_not_end_its_block(read: Read) -> None:
    assert read("echo '````'\n", "a.sh").text.startswith("`````bash\n")


@pytest.mark.parametrize(
    ("name", "language"), [("Dockerfile", "dockerfile"), ("Makefile", "makefile"), ("a.tsx", "tsx")]
)
def test_files_are_known_by_their_whole_name_too(read: Read, name: str, language: str) -> None:
    assert read("x", name).text.startswith(f"```{language}\n")


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.py", "a.csv", "a.html", "a.json", "noname"])
def test_an_empty_text_file_is_an_empty_document(read: Read, name: str) -> None:
    """Somebody emptied it; that is no failure, and its chunks must go."""
    assert read(b"", name).text == ""


def test_a_byte_order_mark_is_no_part_of_the_text(read: Read) -> None:
    result = read(b"\xef\xbb\xbf# Title\n", "a.md")
    assert (result.text, result.title) == ("# Title\n", "Title")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Der Fluß ist schön, größer und älter als früher; naïve Gäste prüfen es.", "cp1252"),
        ("Le café était fermé à cause de l'été; où êtes-vous, mon élève préféré?", "latin-1"),
        ("Zażółć gęślą jaźń, proszę państwa, dziękuję bardzo za pomoc i książki.", "cp1250"),
        ("Привет, как дела? Сегодня хорошая погода, и мы идём гулять в парк.", "cp1251"),
        ("これは日本語の文章です。文字コードの判定を確認するためのテストを行います。", "shift_jis"),
        ("With a mark: ü", "utf-16"),
        ("Without a mark, Western text in two bytes a letter", "utf-16-le"),
        ("Without a mark, the other way round, in two bytes", "utf-16-be"),
    ],
)
def test_other_encodings_are_recognised(read: Read, text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").text == text


def test_a_declared_charset_is_believed_when_the_bytes_are_not_utf_8(read: Read) -> None:
    text = "коротко"
    assert read(text.encode("koi8-r"), "a.txt", "text/plain; charset=koi8-r").text == text
    assert read(text.encode(), "a.txt", "text/plain; charset=koi8-r").text == text


def test_one_broken_byte_does_not_cost_the_whole_text(read: Read) -> None:
    """A log cut in the middle of a letter is still UTF-8."""
    content = "größer, schöner, älter, übermütig".encode() + b"\xc3"
    assert read(content, "a.log").text == "größer, schöner, älter, übermütig\ufffd"


def test_four_kilobytes_of_markdown_cost_microseconds(extractor: Extractor) -> None:
    """The hot path: 20,000 documents a second mean 50 µs of this thread's own time for each."""
    text = "# Title\n\n" + "Some words about a thing that is written here.\n\n" * 85
    bodies = [body(text, "a.md")] * 2_000
    best_s = min(_timed(extractor, bodies) for _ in range(5))
    assert best_s / len(bodies) < 50e-6


def _timed(extractor: Extractor, bodies: list[Body]) -> float:
    start = time.thread_time()
    for _ in extractor.extract(bodies):
        pass
    return time.thread_time() - start
